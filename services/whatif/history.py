"""What happened in a network, as its log has it: what a replay goes through."""

from collections.abc import Iterable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from services import storage
from services.eventlog.ports import Log, Recorded, Unread
from services.projections.norms import NormSet
from services.settings import Settings

AT_ONCE: Final = 5_000
"""Events read from the log in one go."""


@dataclass(frozen=True, slots=True)
class History:
    """Events in the order of the log, up to ``end``, which is not part of it."""

    recorded: Sequence[Recorded | Unread]
    end: datetime
    addresses: frozenset[str] | None = None
    """The therapists who can be mailed; everybody where it is ``None``."""
    norms: Mapping[str, NormSet] | None = None
    """By case, the norm set that it keeps; ``None``: those that were adopted, as the log has them."""
    truth: Mapping[str, bool] | None = None
    """Which cases are truly stalled or worse, where a simulation knows."""


def from_log(settings: Settings, network: str, secret: bytes, now: datetime) -> History:
    """All that a network's log received before ``now``. Raises WrongSchema, Unavailable, Unreadable."""
    with closing(storage.open_people(settings, network)) as people:
        addresses = frozenset(therapist.ref for therapist in people.everyone())
    with closing(storage.open_log(settings, network, secret)) as log:
        return History([one for one in _all(log) if one.received < now], now, addresses)


def _all(log: Log) -> Iterable[Recorded | Unread]:
    position = 0
    while batch := log.follow(after=position, limit=AT_ONCE):
        yield from batch
        position = batch[-1].position
