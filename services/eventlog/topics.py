"""The topics of a network in Kafka: their names, how they are kept, and which partition an event belongs to.

Kafka carries what the log holds; the log stays the truth. All of this is frozen: other names, another number of
partitions or another way to choose one are a new version of the topics.
"""

from collections.abc import Mapping
from functools import lru_cache
from typing import Final, NamedTuple

PARTITIONS: Final = 12
"""Of the events' topic, for ever: with another number a case would go on in another partition, out of order."""
_DAY_MS: Final = 24 * 60 * 60 * 1000


class Topic(NamedTuple):
    name: str
    partitions: int
    settings: Mapping[str, str]
    """Kafka's topic settings, as https://kafka.apache.org/documentation/#topicconfigs names them."""


def events(network: str) -> Topic:
    """Every event of the log, sealed. Not compacted, as each event counts; not kept for long, as the log has them."""
    settings = {"cleanup.policy": "delete", "retention.ms": str(14 * _DAY_MS)}
    return Topic(f"resonance.{network}.events.v1", PARTITIONS, settings)


def marker(network: str) -> Topic:
    """How far the log is published. Small segments, as only the last record counts and compaction drops the others."""
    settings = {"cleanup.policy": "compact", "segment.bytes": str(16 * 1024 * 1024)}
    return Topic(f"resonance.{network}.relay-position.v1", 1, settings)


def in_sync(replication: int) -> int:
    """How many of ``replication`` copies must have a record before it counts as written (min.insync.replicas)."""
    return min(2, replication)


def source(partition: int) -> str:
    """How readers name a partition of the events."""
    return f"events/{partition}"


@lru_cache(maxsize=100_000)  # a case comes again and again
def partition_of(stream: str) -> int:
    """The partition of the events of ``stream``, as Kafka's Java client would choose it for this key."""
    return (murmur2(stream.encode()) & 0x7FFFFFFF) % PARTITIONS


def murmur2(key: bytes) -> int:
    """MurmurHash 2 with Kafka's seed, as an unsigned number.

    Source: org.apache.kafka.common.utils.Utils.murmur2, https://github.com/apache/kafka/blob/4.1/clients/src/main/java/org/apache/kafka/common/utils/Utils.java
    """
    multiplier, mask = 0x5BD1E995, 0xFFFFFFFF
    mixed = 0x9747B28C ^ len(key)
    whole = len(key) & ~3
    for start in range(0, whole, 4):
        word = int.from_bytes(key[start : start + 4], "little") * multiplier & mask
        word = (word ^ word >> 24) * multiplier & mask
        mixed = mixed * multiplier & mask ^ word
    if rest := key[whole:]:
        mixed = (mixed ^ int.from_bytes(rest, "little")) * multiplier & mask
    mixed = (mixed ^ mixed >> 13) * multiplier & mask
    return mixed ^ mixed >> 15
