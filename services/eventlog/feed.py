"""The log itself as a feed: one source, read by position."""

from collections.abc import Callable
from typing import Final

from services.eventlog.ports import Log, Marks, Slice

SOURCE: Final = "log"
BATCH: Final = 1_000


class LogFeed:
    """``wait`` is given a position and a number of seconds, and returns once the log may have come that far."""

    def __init__(self, log: Log, wait: Callable[[int, float], object]) -> None:
        self._log = log
        self._wait = wait

    def read(self, marks: Marks, wait: float) -> list[Slice]:
        position = marks([SOURCE])[SOURCE].position
        batch = self._log.follow(after=position, limit=BATCH)
        if not batch and wait:
            self._wait(position + 1, wait)
            batch = self._log.follow(after=position, limit=BATCH)
        return [Slice(SOURCE, 0, position, batch, batch[-1].position)] if batch else []

    def rewind(self) -> None:
        """Every read starts from the marks."""

    def close(self) -> None:
        """The log is its owner's."""
