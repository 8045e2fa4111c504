"""Settings become running parts: the only module that knows every adapter, and the clock.

In one process three threads follow: log -> views -> alerts -> mail. Each is woken by the one before it and looks by
itself once a second. With a database for many processes each of them is a role of its own (services/roles.py).
"""

import asyncio
import random
import secrets
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import Final

from filelock import FileLock, Timeout

from contracts.events import AnyEvent
from contracts.policies import Policy, policy
from services import storage
from services.access.people import People
from services.alerts import counts as alert_counts
from services.alerts.letter import Letterhead
from services.alerts.mail import Delivery, MailboxDelivery, SmtpDelivery
from services.alerts.outbox import Outbox
from services.alerts.run import Office, evaluate_step, send_step
from services.eventlog.feed import LogFeed
from services.eventlog.follow import SHARED, Follower, Signal
from services.eventlog.ports import Appended, Log
from services.ingest.commit import Committer
from services.pages.parts import Parts
from services.projections import run
from services.projections.views import Views
from services.settings import Settings
from services.storage import Stores

Clock = Callable[[], datetime]
LOOK_SECONDS: Final = 0.05
"""How often a process without followers looks how far those of the others have come."""


def utc_now() -> datetime:
    return datetime.now(UTC)


class InUse(RuntimeError):
    """Another process serves this data folder: two would each mail."""


@dataclass(frozen=True, slots=True)
class Network:
    """The running parts of one network."""

    name: str
    stores: Stores
    policy: Policy
    committer: Committer
    written: Signal
    """The position that was last written to the log by this process."""
    applied: Signal
    """The position up to which the views have come."""
    office: Office
    pages: Parts
    stop: threading.Event
    letters: threading.Event
    """Set when a letter may wait to be sent."""
    followers: tuple[Follower, ...]
    alone: bool
    """Whether no other process works on the network."""

    @property
    def log(self) -> Log:
        return self.stores.log

    @property
    def views(self) -> Views:
        return self.stores.views

    @property
    def outbox(self) -> Outbox:
        return self.stores.outbox

    @property
    def people(self) -> People:
        return self.stores.people

    @property
    def ready(self) -> bool:
        return all(follower.is_alive() for follower in self.followers)

    def caught_up(self) -> bool:
        """Whether nothing is left to be done at this moment."""
        return self.stores.at_rest(self.office.clock())

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Commits and follows until the block ends; then what was accepted is on disk and every file is closed."""
        if self.alone:
            self.outbox.release()  # what was being sent by who was killed goes out now, not when its lease is over
        self.committer.start()
        for follower in self.followers:
            follower.start()
        try:
            yield
        finally:
            await self.committer.close()
            self.stop.set()
            self.letters.set()
            for signal in (self.written, self.applied):
                signal.close()
            for follower in self.followers:
                await asyncio.to_thread(follower.join)
            self.stores.close()


def open_office(
    settings: Settings,
    name: str,
    secret: bytes,
    stores: Stores,
    counts: alert_counts.Counts,
    clock: Clock,
    announce: Callable[[int], object],
) -> Office:
    """What the alerts of a network work with. ``announce`` is told the position of what they put on the log."""
    folder = storage.folder_of(settings, name)
    mailbox = None if settings.smtp_url else folder / "mailbox"
    delivery: Delivery = MailboxDelivery(mailbox) if mailbox else SmtpDelivery(settings.smtp_url)
    base = settings.public_url if name == settings.network else f"{settings.public_url}/{name}"
    return Office(
        log=stores.log,
        views=stores.views,
        outbox=stores.outbox,
        people=stores.people,
        policy=policy(settings.policy),
        letterhead=Letterhead(settings.mail_from, base, secret),
        delivery=delivery,
        counts=counts,
        clock=clock,
        token=partial(secrets.token_urlsafe, 16),
        chance=random.random,
        announce=announce,
    )


def open_network(settings: Settings, name: str, secret: bytes, counts: alert_counts.Counts, clock: Clock) -> Network:
    """The parts of the network ``name``, not yet running. Raises WrongSchema, Unavailable."""
    stores = storage.open_stores(settings, name, secret)
    log, views, outbox, people = stores
    written, applied = Signal(log.head()), Signal(views.position())
    committer = Committer(log, clock, written.raise_to)
    office = open_office(settings, name, secret, stores, counts, clock, written.raise_to)
    parts = Parts(
        network=name,
        head=office.letterhead,
        views=views,
        people=people,
        link=outbox.link,
        policy=office.policy,
        submit=partial(_submit, committer),
        applied=applied,
        clock=clock,
        demo=settings.demo,
        mailbox=None if settings.smtp_url else storage.folder_of(settings, name) / "mailbox",
    )
    stop, letters = threading.Event(), threading.Event()
    followers: tuple[Follower, ...] = (
        Follower(
            partial(run.step, LogFeed(log, written.wait), views, applied),
            lambda seconds: written.wait(views.position() + 1, seconds),
            stop,
            f"{name}/projections",
            SHARED,
        ),
        Follower(
            partial(_evaluate, office, letters),
            lambda seconds: applied.wait(outbox.positions()[0] + 1, seconds),
            stop,
            f"{name}/alerts",
            SHARED,
        ),
        Follower(partial(send_step, office), partial(_rest, letters), stop, f"{name}/mail"),
    )
    if settings.database_url:  # other processes follow; this one looks how far they have come
        followers = (
            Follower(partial(_look, views, applied), lambda _: stop.wait(LOOK_SECONDS), stop, f"{name}/position"),
        )
    return Network(
        name,
        stores,
        office.policy,
        committer,
        written,
        applied,
        office,
        parts,
        stop,
        letters,
        followers,
        not settings.database_url,
    )


def _look(views: Views, applied: Signal) -> bool:
    applied.raise_to(views.position())
    return False


def _evaluate(office: Office, letters: threading.Event) -> bool:
    """One step of the alerts, after which the mail follower looks for letters."""
    busy = evaluate_step(office)
    letters.set()
    return busy


def _rest(letters: threading.Event, seconds: float) -> None:
    letters.wait(seconds)
    letters.clear()  # before the next look, so that no letter written meanwhile goes unseen


async def _submit(committer: Committer, event: AnyEvent) -> Appended:
    [outcome] = await committer.submit([event])
    if isinstance(outcome, Exception):
        raise outcome
    return outcome


def rebuild(settings: Settings, name: str) -> tuple[int, int]:
    """Makes the views of a network anew from its log; returns their position and how many cases there are."""
    log = storage.open_log(settings, name, storage.secret_of(settings, name))
    views = storage.open_views(settings, name)
    try:
        return run.rebuild(log, views), views.counts()["cases"]
    finally:
        views.close()
        log.close()


@contextmanager
def alone(settings: Settings) -> Iterator[None]:
    """Holds the data folder for this process alone. Raises InUse."""
    settings.data.mkdir(parents=True, exist_ok=True, mode=0o700)
    try:
        with FileLock(settings.data / "serving.lock", timeout=0):
            yield
    except Timeout:
        raise InUse("another process serves this data folder") from None
