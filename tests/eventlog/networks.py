"""A network whose log is relayed to Kafka, and readers that apply what a feed gives as a view does."""

import time
from collections import defaultdict
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from typing import Any

from kafka import KafkaConsumer, TopicPartition

from services.eventlog import topics, topology
from services.eventlog.connect import Limits
from services.eventlog.kafkafeed import KafkaFeed
from services.eventlog.ports import Feed, Mark, Recorded, Slice, Unread
from services.eventlog.records import place
from services.eventlog.relay import Relay
from services.eventlog.store import StoredLog
from services.eventlog.topics import Topic
from tests.eventlog.places import RECEIVED, SECRET, agreed


@dataclass
class Network:
    """Its topics are its own, as its name is."""

    name: str
    bootstrap: str
    log: StoredLog
    limits: Limits = field(default_factory=Limits)

    def migrate(self) -> None:
        topology.migrate(self.bootstrap, self.name, replication=1)

    def relay(self, begin_after: int | None = None) -> Relay:
        return Relay(
            self.log,
            self.bootstrap,
            self.name,
            SECRET,
            replication=1,
            now=lambda: RECEIVED,
            begin_after=begin_after,
            limits=self.limits,
        )

    def feed(self, group: str = "views") -> KafkaFeed:
        return KafkaFeed(self.bootstrap, self.name, f"{self.name}.{group}", SECRET, self.limits)

    def append(self, numbers: Sequence[int], cases: int = 40) -> int:
        """One event for each number, spread over the cases; the position of the last."""
        events = [agreed(n, case=f"ca_{n % cases:02}") for n in numbers]
        return self.log.append(events, RECEIVED)[-1].position

    def published(self, topic: Topic | None = None) -> list[Any]:
        """Kafka's records of the events' topic, of all partitions, as far as they count."""
        topic = topic or topics.events(self.name)
        partitions = [TopicPartition(topic.name, number) for number in range(topic.partitions)]
        with closing(KafkaConsumer(bootstrap_servers=self.bootstrap)) as consumer:
            ends = consumer.end_offsets(partitions)  # also of what a commit was confirmed for a moment ago
        with closing(
            KafkaConsumer(
                bootstrap_servers=self.bootstrap, isolation_level="read_committed", auto_offset_reset="earliest"
            )
        ) as consumer:
            consumer.assign(partitions)
            found = []
            while any(consumer.position(partition) < end for partition, end in ends.items()):
                for records in consumer.poll(timeout_ms=100).values():
                    found += records
        return found

    def positions(self) -> list[int]:
        """Of the published events, in the order of each partition, whose chain is looked at on the way."""
        last: dict[int, int] = defaultdict(int)
        found = []
        for record in self.published():
            at = place(dict(record.headers))
            assert at.previous == last[record.partition] < at.position
            last[record.partition] = at.position
            if not at.is_tick:
                found.append(at.position)
        return sorted(found)

    def logged(self) -> list[int]:
        return [row.position for row in self.log.rows(0, 100_000)]


@dataclass
class Reader:
    """As a view: marks and what was seen change together, what is not new is passed over, nothing may be missing."""

    marks: dict[str, Mark] = field(default_factory=dict)
    seen: dict[str, list[Recorded | Unread]] = field(default_factory=lambda: defaultdict(list))

    def __call__(self, sources: Collection[str]) -> Mapping[str, Mark]:
        return {source: self.marks.get(source, Mark(0)) for source in sources}

    def apply(self, slices: Sequence[Slice]) -> None:
        for part in slices:
            mark = self.marks.get(part.source, Mark(0))
            assert part.previous <= mark.position
            for recorded in part.events:
                if recorded.position > mark.position:
                    self.seen[part.source].append(recorded)
                    mark = Mark(recorded.position, part.offset)
            self.marks[part.source] = Mark(max(mark.position, part.last), part.offset)

    def follow(self, feed: Feed, until: Callable[[], bool], seconds: float = 15) -> None:
        latest = time.monotonic() + seconds
        while not until():
            assert time.monotonic() < latest, self.marks
            self.apply(feed.read(self, 0.1))

    def read(self, feed: Feed, count: int) -> None:
        """Until so many events are seen, altogether."""
        self.follow(feed, lambda: len(self.all) >= count)

    @property
    def all(self) -> list[Recorded | Unread]:
        return sorted((recorded for seen in self.seen.values() for recorded in seen), key=lambda one: one.position)
