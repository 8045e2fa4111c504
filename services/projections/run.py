"""Following the log into the views: one step reads a batch, applies it and announces the position."""

from collections.abc import Iterator
from typing import Final

from services.eventlog.follow import Signal
from services.eventlog.ports import Log, Recorded
from services.projections.views import Views

BATCH: Final = 1_000


def step(log: Log, views: Views, applied: Signal) -> bool:
    """Applies the next events, if there are any, and raises ``applied`` to the position that then holds."""
    batch = log.read(after=views.position(), limit=BATCH)
    if not batch:
        return False
    applied.raise_to(views.apply(batch))
    return True


def rebuild(log: Log, views: Views) -> int:
    """Makes the views anew from the log and returns their position.

    A service that follows the same log meanwhile goes on after it. No mail is sent: mail comes from the outbox and
    never from a fold.
    """
    return views.rebuild(_batches(log))


def _batches(log: Log) -> Iterator[list[Recorded]]:
    position = 0
    while batch := log.read(after=position, limit=BATCH):
        yield batch
        position = batch[-1].position
