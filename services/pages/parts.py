"""What the pages of one network are given by whoever starts them."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from urllib.parse import urlsplit

from contracts.events import AnyEvent
from contracts.policies import Policy
from services.access.people import People
from services.alerts.letter import Letterhead
from services.alerts.outbox import Link
from services.eventlog.follow import Signal
from services.eventlog.ports import Appended
from services.projections.views import Views


@dataclass(frozen=True, slots=True)
class Parts:
    """The parts of one network. ``views``, ``people``, ``link`` and ``mailbox`` take their time: pages ask them from a
    thread, never from the event loop."""

    network: str
    head: Letterhead
    """The public address of the pages, the network's secret, and what a case is called in letters and here."""
    views: Views
    people: People
    link: Callable[[str], Link | None]
    """What the link with this token is about, even where it has expired."""
    policy: Policy
    submit: Callable[[AnyEvent], Awaitable[Appended]]
    """Puts an event on the log. Raises services.access.problems.Refused or services.eventlog.ports.Unavailable
    where that is not possible at the moment."""
    applied: Signal
    """The position up to which ``views`` has come."""
    clock: Callable[[], datetime]
    demo: bool = False
    """Anyone may sign in as any therapist, and all mail may be read: for made-up data only."""
    mailbox: Path | None = None
    """The Maildir, where mail is kept on this machine."""

    @property
    def base(self) -> str:
        """What stands before every path: empty, or as ``/north``."""
        return urlsplit(self.head.base_url).path

    @property
    def https(self) -> bool:
        return urlsplit(self.head.base_url).scheme == "https"

    def secret_of(self, network: str) -> bytes | None:
        return self.head.secret if network == self.network else None
