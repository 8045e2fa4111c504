"""Publishes the log to Kafka, every event once and in order: events and marker in one transaction, from the marker on.

Nothing is mended in place. Whatever goes wrong, the producer is thrown away, and the next one begins where Kafka
says that the last transaction ended.
"""

import math
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final, Protocol

from services.eventlog import topics
from services.eventlog.connect import Limits
from services.eventlog.marker import Marker, find
from services.eventlog.ports import Unavailable, WrongTopics
from services.eventlog.publisher import Fenced, Publisher
from services.eventlog.records import Record, Records
from services.eventlog.store import Row
from services.eventlog.topology import verify

BATCH: Final = 1_000
TICK_SECONDS: Final = 1.0
"""A partition that says nothing for so long, while the log goes on, is told how far the log is."""
STUCK_SECONDS: Final = 60.0


class Rows(Protocol):
    """The log as it is stored."""

    def rows(self, after: int, limit: int) -> list[Row]: ...

    def head(self) -> int: ...


@dataclass
class Progress:
    """What a relay can tell of itself; any thread may look."""

    position: int = 0
    """How far the log is published."""
    head: int = 0
    """How far the log was when it was last read."""
    committed: datetime | None = None
    """When Kafka last confirmed a transaction of this relay."""
    restarts: Counter[str] = field(default_factory=Counter)
    """Producers that were thrown away, or could not be had, by what was the matter."""
    fenced: int = 0


class Relay:
    """The relay of one network. ``step`` is for ``follow``, in one thread.

    ``begin_after`` is the position to go on after where Kafka does not know of any: what is on the log up to there is
    never published.
    """

    def __init__(
        self,
        log: Rows,
        bootstrap: str,
        network: str,
        secret: bytes,
        replication: int,
        now: Callable[[], datetime],
        begin_after: int | None = None,
        limits: Limits = Limits(),
    ) -> None:
        self.progress = Progress()
        self._log = log
        self._bootstrap = bootstrap
        self._network = network
        self._records = Records(network, secret)
        self._replication = replication
        self._now = now
        self._begin_after = begin_after
        self._limits = limits
        self._events, self._markers = topics.events(network).name, topics.marker(network).name
        self._publisher: Publisher | None = None
        self._marker = Marker.at(0)
        self._spoken: dict[int, float] = {}
        self._waiting: float | None = None
        """Since when something is being done that has not come to its end."""

    def start(self) -> None:
        """Takes the place of whoever was this network's relay, and finds out where to go on.

        Raises Unavailable, Fenced, NoChecksums, and WrongTopics where Kafka does not fit the log; its message says
        what to do.
        """
        before, self._waiting = self._waiting, self._waiting or time.monotonic()
        try:
            verify(self._bootstrap, self._network, self._replication, self._limits)
            with self._giving_up():
                # In this order: only then nobody else's transaction can still move the marker.
                self._publisher = Publisher(self._bootstrap, f"resonance-relay-{self._network}", self._limits)
                self._marker = self._found()
        finally:
            self._waiting = before
        self._spoken = {}
        self.progress.position = self._marker.position

    def step(self) -> bool:
        """Publishes what the log holds more; whether there was so much that there may be more still.

        Raises what ``start`` does. After Unavailable the next step starts over.
        """
        if self._publisher is None:
            self.start()
        rows = self._log.rows(self._marker.position, BATCH)
        self.progress.head = self._log.head() if rows else self._marker.position
        self._waiting = (self._waiting or time.monotonic()) if rows else None
        self._publish(rows)
        return len(rows) == BATCH

    def stuck(self, now: float) -> bool:
        """Whether something has been waiting to be published for more than a minute, at the instant ``now`` of
        ``time.monotonic``: then this process should end, and another begin in its place. Any thread may ask."""
        waiting = self._waiting
        return waiting is not None and now - waiting > STUCK_SECONDS

    def stand_by(self) -> None:
        """Another one leads: there is nothing to publish here, and nothing to tell of it."""
        self.close()
        self._waiting = None
        self.progress.position = self.progress.head = 0

    def close(self) -> None:
        if self._publisher:
            self._publisher.close()
        self._publisher = None

    def _found(self) -> Marker:
        try:
            found = find(self._bootstrap, self._network, self._limits)
        except WrongTopics:
            if self._begin_after is None:
                raise
            found = None
        if found is None:
            return Marker.at(self._begin_after or 0)
        if found.key and not any(row.key.hex() == found.key for row in self._log.rows(found.position - 1, 1)):
            raise WrongTopics(
                f"{self._markers} says that the log is published up to position {found.position}, where the log does"
                " not have that event: it was restored from a backup, or is not the log of these topics. Delete both"
                " topics, run `resonance migrate`, and name the position to go on after"
            )
        return found

    def _publish(self, rows: Sequence[Row]) -> None:
        chain = dict(self._marker.chain)
        records = list(self._of_events(rows, chain))
        position = rows[-1].position if rows else self._marker.position
        records += self._ticks(position, chain)
        if not records or self._publisher is None:
            return
        marker = Marker(position, chain, rows[-1].key.hex() if rows else self._marker.key)
        with self._giving_up():
            self._publisher.publish(
                [*((self._events, record) for record in records), (self._markers, marker.record(self._network))]
            )
        self._marker = marker
        self._waiting = None
        self.progress.position = position
        self.progress.committed = self._now()

    def _of_events(self, rows: Sequence[Row], chain: dict[int, int]) -> Iterator[Record]:
        now = time.monotonic()
        for row in rows:
            partition = topics.partition_of(row.stream)
            yield self._records.of_event(row, chain[partition])
            chain[partition] = row.position
            self._spoken[partition] = now

    def _ticks(self, position: int, chain: dict[int, int]) -> Iterator[Record]:
        now = time.monotonic()
        for partition, last in chain.items():
            if last < position and now - self._spoken.get(partition, -math.inf) >= TICK_SECONDS:
                yield self._records.of_tick(partition, position, last, self._now())
                chain[partition] = position
                self._spoken[partition] = now

    @contextmanager
    def _giving_up(self) -> Iterator[None]:
        try:
            yield
        except BaseException as error:
            self.close()
            if isinstance(error, Fenced):
                self.progress.fenced += 1
            elif isinstance(error, Unavailable):
                self.progress.restarts[str(error)] += 1
            raise
