"""Following the log into the views: one step reads what comes next, applies it and announces the position."""

from collections.abc import Iterator
from typing import Final

from services.eventlog.follow import Signal
from services.eventlog.ports import Feed, Log, Recorded, Unread
from services.projections.views import Views

BATCH: Final = 1_000


def step(feed: Feed, views: Views, applied: Signal, wait: float = 0) -> bool:
    """Applies what comes next within ``wait`` seconds, if anything does, and raises ``applied`` to the position that
    then holds. Where that fails the next step reads the same again. Raises what feed and views raise.
    """
    slices = feed.read(views.marks, wait)
    try:
        for one in slices:
            views.apply(one)
    except BaseException:
        feed.rewind()
        raise
    if slices:
        applied.raise_to(views.position())
    return bool(slices)


def rebuild(log: Log, views: Views) -> int:
    """Makes the views anew from the log and returns their position.

    A service that follows the same log meanwhile goes on after it. No mail is sent: mail comes from the outbox and
    never from a fold.
    """
    return views.rebuild(_batches(log))


def _batches(log: Log) -> Iterator[list[Recorded | Unread]]:
    position = 0
    while batch := log.follow(after=position, limit=BATCH):
        yield batch
        position = batch[-1].position
