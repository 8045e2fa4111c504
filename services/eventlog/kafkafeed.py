"""Kafka as a feed: each partition of a network's events is a source, and the readers of a group share them.

Where a reader stands, its own marks say. Kafka says only which partitions are whose at the moment: whenever that
changes, what was polled meanwhile is dropped, and every partition sought anew from its mark.
"""

import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from typing import Any, Final

from kafka import (
    ConsumerRebalanceListener,
    KafkaConsumer,
    OffsetAndMetadata,
    TopicPartition,
)
from kafka.coordinator.assignors.cooperative_sticky import (
    CooperativeStickyAssignor,
)
from typing_extensions import override

from services.eventlog import topics
from services.eventlog.connect import FAILURES, Limits, client
from services.eventlog.ports import Hole, Marks, Recorded, Slice, Unavailable, Unread, Unreadable
from services.eventlog.records import Records, place
from services.eventlog.store import Codec

BATCH: Final = 2_000
"""Records in one read, ticks and all."""
STALLED_SECONDS: Final = 60
"""Whoever does not read for so long is taken for stalled, and its partitions go to others. A change of the partitions
waits no longer for those who are busy."""
LOST_SECONDS: Final = 15
"""So long after a process was last heard of its partitions go to others."""
HEARTBEAT_SECONDS: Final = 1.0
"""How soon a reader hears that the partitions are to be shared anew; it takes two rounds, and all wait meanwhile."""
LEAST_SECONDS: Final = 0.05
"""No poll is shorter: one that ends before the group has agreed on a change can make it begin anew (3.0.12)."""
COMMIT_SECONDS: Final = 1.0
CLOSE_SECONDS: Final = 5.0


class KafkaFeed:
    """The readers of one ``group`` share the network's partitions; each of them has a feed of its own."""

    def __init__(self, bootstrap: str, network: str, group: str, secret: bytes, limits: Limits = Limits()) -> None:
        self._bootstrap = bootstrap
        self._topic = topics.events(network).name
        self._group = group
        self._limits = limits
        self._records = Records(network, secret)
        self._codec = Codec(secret)
        self._consumer: Any = None
        self._moves = _Moves()
        self._known_moves = 0
        self._stale = True
        self._at: dict[int, int] = {}
        """How far each partition is read that was sought."""
        self._searched: set[int] = set()
        """Partitions in which a hole was met, and which are read from their beginning because of it."""
        self._read: dict[Any, Any] = {}
        self._applied: dict[Any, Any] = {}
        self._committed = 0.0

    def read(self, marks: Marks, wait: float) -> list[Slice]:
        until = time.monotonic() + wait
        with self._failing():
            if self._consumer is None:
                self._consumer = self._subscribed()
            self._commit()
            while True:
                slices = self._next(marks, max(LEAST_SECONDS, until - time.monotonic()))
                if slices or time.monotonic() >= until:
                    return slices

    def rewind(self) -> None:
        self._stale = True
        self._read = {}

    def close(self) -> None:
        """Leaves the group, so that others go on with its partitions at once."""
        if self._consumer:
            with suppress(*FAILURES):
                self._consumer.close(timeout_ms=int(CLOSE_SECONDS * 1000))
        self._consumer = None
        self._stale = True

    @contextmanager
    def _failing(self) -> Iterator[None]:
        try:
            yield
        except FAILURES as error:
            self.close()
            raise Unavailable(type(error).__name__) from None
        except (Hole, Unreadable):
            self._stale = True  # of the other partitions something was polled, too
            raise

    def _subscribed(self) -> Any:
        consumer = client(
            KafkaConsumer,
            self._bootstrap,
            self._limits,
            group_id=self._group,
            isolation_level="read_committed",
            enable_auto_commit=False,
            auto_offset_reset="earliest",  # where too much was deleted, the chain of positions shows it
            partition_assignment_strategy=[CooperativeStickyAssignor()],
            max_poll_records=BATCH,
            max_poll_interval_ms=STALLED_SECONDS * 1000,
            session_timeout_ms=LOST_SECONDS * 1000,
            heartbeat_interval_ms=int(HEARTBEAT_SECONDS * 1000),
            fetch_max_wait_ms=200,
            allow_auto_create_topics=False,
            metrics_enabled=False,
        )
        try:
            # Makes it know the topic. Otherwise it can join the group before it does, and then nobody is given any of
            # the partitions for minutes (kafka-python 3.0.12).
            consumer.end_offsets([TopicPartition(self._topic, 0)], timeout_ms=int(self._limits.connect * 1000))
            consumer.subscribe([self._topic], listener=self._moves)
        except BaseException:
            consumer.close()
            raise
        return consumer

    def _next(self, marks: Marks, wait: float) -> list[Slice]:
        if self._stale:
            self._seek(marks)
        polled = self._consumer.poll(timeout_ms=int(wait * 1000))
        sought = all(partition.partition in self._at for partition in polled)
        if not sought or self._moves.count != self._known_moves:
            self._seek(marks)
            return []
        slices = []
        for partition, records in polled.items():
            try:
                found = self._slice(partition.partition, records)
            except Hole:
                if partition.partition in self._searched:
                    raise
                # An offset can be that of a topic that is gone, and its like was made since: so all of it is looked at.
                self._searched.add(partition.partition)
                self._stale = True
                return []
            if found:
                slices.append(found)
                self._read[partition] = OffsetAndMetadata(found.offset, "", -1)
                self._searched.discard(partition.partition)
        return slices

    def _seek(self, marks: Marks) -> None:
        self._stale = True
        self._read, self._applied = {}, {}
        moves = self._moves.count  # before the partitions, so that no later change goes unseen
        partitions = self._consumer.assignment()
        if partitions:
            found = marks([topics.source(partition.partition) for partition in partitions])
            self._at = {}
            for partition in partitions:
                mark = found[topics.source(partition.partition)]
                try:
                    if mark.offset is None or partition.partition in self._searched:
                        self._consumer.seek_to_beginning(partition)
                    else:
                        self._consumer.seek(partition, mark.offset)
                except (ValueError, KeyError):  # gone to another reader a moment ago
                    return
                self._at[partition.partition] = mark.position
        self._known_moves, self._stale = moves, False

    def _slice(self, partition: int, records: Iterable[Any]) -> Slice | None:
        """What is new of what was polled. It ends before what is out of place or no event, unless that comes first."""
        source = topics.source(partition)
        last = self._at[partition]
        previous = None
        events: list[Recorded | Unread] = []
        offset = None
        for record in records:
            try:
                headers = dict(record.headers)
                at = place(headers)
                if at.position > last:
                    if at.previous > last:
                        raise Hole(source, at.position)
                    if not at.is_tick:
                        events.append(self._codec.followed(self._records.row(headers, record.value)))
                    previous = at.previous if previous is None else previous
                    last = at.position
            except (Hole, Unreadable):
                if previous is None:
                    raise
                self._stale = True
                break
            offset = record.offset + 1
        if previous is None:
            return None
        self._at[partition] = last
        return Slice(source, partition, previous, events, last, offset)

    def _commit(self) -> None:
        """Tells Kafka, for those who watch it there, how far this reader is. It is of no further use."""
        self._applied |= self._read
        self._read = {}
        now = time.monotonic()
        if self._applied and now - self._committed >= COMMIT_SECONDS:
            self._consumer.commit_async(self._applied)
            self._applied, self._committed = {}, now


class _Moves(ConsumerRebalanceListener):  # type: ignore[misc] # it has no types
    """Counts the changes of the partitions. It is called in Kafka's thread, where nothing else may be done."""

    count = 0

    @override
    def on_partitions_revoked(self, revoked: object) -> None:
        self.count += 1

    @override
    def on_partitions_assigned(self, assigned: object) -> None:
        self.count += 1
