"""How far the log is published: written in the same transaction as the events, and found again after a crash."""

import json
import time
from collections.abc import Iterator
from contextlib import closing
from typing import Any, Final, NamedTuple

from kafka import KafkaConsumer, TopicPartition
from kafka.errors import KafkaTimeoutError

from services.eventlog import topics
from services.eventlog.connect import FAILURES, Limits, client
from services.eventlog.ports import Unavailable, WrongTopics
from services.eventlog.records import Record

FIRST_LOOK: Final = 20
"""So many offsets before the end are read first; twice as many each further time."""


class Marker(NamedTuple):
    position: int
    """Everything on the log up to here is published, or never will be."""
    chain: dict[int, int]
    """The position of the last record of each partition."""
    key: str = ""
    """The pseudonymous key of the event at ``position``, in hex: a log that has another one there is another log."""

    @classmethod
    def at(cls, position: int) -> "Marker":
        return cls(position, dict.fromkeys(range(topics.PARTITIONS), position))

    def record(self, network: str) -> Record:
        said = {"position": self.position, "partitions": topics.PARTITIONS, "chain": self.chain, "key": self.key}
        return Record(0, network.encode(), json.dumps(said).encode(), [("content-type", b"application/json")])


def find(bootstrap: str, network: str, limits: Limits) -> Marker | None:
    """The marker that holds; None where nothing was ever published.

    Only whoever has the relay's name may ask, as another's transaction could be about to end. Raises Unavailable, and
    WrongTopics where events are there and their marker is not.
    """
    consumer = client(
        KafkaConsumer,
        bootstrap,
        limits,
        isolation_level="read_committed",
        auto_offset_reset="earliest",
        enable_auto_commit=False,
        allow_auto_create_topics=False,
        fetch_max_wait_ms=100,
        metrics_enabled=False,
    )
    with closing(consumer):
        reader = _Reader(consumer, limits)
        try:
            if said := reader.last(TopicPartition(topics.marker(network).name, 0)):
                return _read(said, network)
            if any(reader.holds_anything(partition) for partition in _events(network)):
                raise WrongTopics(
                    f"{topics.events(network).name} holds events, but {topics.marker(network).name} does not say how"
                    " far the log is published: name the position to go on after"
                )
        except FAILURES as error:
            raise Unavailable(type(error).__name__) from None
        return None


def _events(network: str) -> Iterator[TopicPartition]:
    for partition in range(topics.PARTITIONS):
        yield TopicPartition(topics.events(network).name, partition)


def _read(said: bytes, network: str) -> Marker:
    marker = json.loads(said)
    if marker["partitions"] != topics.PARTITIONS:
        raise WrongTopics(
            f"{topics.events(network).name} was written in {marker['partitions']} partitions, this release writes"
            f" {topics.PARTITIONS}: run the release that it belongs to"
        )
    chain = {int(partition): last for partition, last in marker["chain"].items()}
    return Marker(marker["position"], chain, marker["key"])


class _Reader:
    """Reads partitions to their end, past all that was undone."""

    def __init__(self, consumer: Any, limits: Limits) -> None:
        self._consumer = consumer
        self._limits = limits

    def last(self, partition: TopicPartition) -> bytes | None:
        """The value of the last record that counts."""
        first, end = self._bounds(partition)
        look = FIRST_LOOK
        while True:
            start = max(first, end - look)
            values = [record.value for record in self._records(partition, start, end)]
            if values or start == first:
                return values[-1] if values else None
            look *= 2

    def holds_anything(self, partition: TopicPartition) -> bool:
        """Whether records that count are there, or were once."""
        first, end = self._bounds(partition)
        return first > 0 or any(True for _ in self._records(partition, first, end))

    def _bounds(self, partition: TopicPartition) -> tuple[int, int]:
        self._consumer.assign([partition])
        wait = int(self._limits.request * 1000)
        [first] = self._consumer.beginning_offsets([partition], timeout_ms=wait).values()
        [end] = self._consumer.end_offsets([partition], timeout_ms=wait).values()
        return first, end

    def _records(self, partition: TopicPartition, start: int, end: int) -> Iterator[Any]:
        self._consumer.seek(partition, start)
        latest = time.monotonic() + self._limits.request
        while self._consumer.position(partition) < end:
            if time.monotonic() > latest:
                raise KafkaTimeoutError
            yield from self._consumer.poll(timeout_ms=100).get(partition, ())
