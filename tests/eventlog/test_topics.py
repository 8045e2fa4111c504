"""The topics and the partitions, which are frozen."""

import hashlib
from pathlib import Path

import pytest
from kafka.partitioner import murmur2 as theirs

from services.eventlog import topics
from services.eventlog.topics import murmur2, partition_of

VECTORS = [line.split() for line in Path(__file__).with_name("partitions.txt").read_text().splitlines()]


@pytest.mark.parametrize("stream,partition", VECTORS)
def test_a_stream_is_for_ever_in_the_partition_that_it_was_in(stream: str, partition: str) -> None:
    assert partition_of(stream) == int(partition)


def test_a_hundred_streams_are_kept_and_spread_over_all_partitions() -> None:
    assert len({stream for stream, _ in VECTORS}) == 100
    assert {int(partition) for _, partition in VECTORS} == set(range(12))


@pytest.mark.parametrize(
    "key,signed",
    [
        (b"21", -973932308),
        (b"foobar", -790332482),
        (b"a-little-bit-long-string", -985981536),
        (b"a-little-bit-longer-string", -1486304829),
        (b"lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8", -58897971),
        (b"abc", 479470107),
    ],
)
def test_the_hash_is_that_of_javas_client(key: bytes, signed: int) -> None:
    """Source: org.apache.kafka.common.utils.UtilsTest.testMurmur2."""
    assert murmur2(key) == signed & 0xFFFFFFFF


def test_the_hash_is_that_of_pythons_client() -> None:
    keys = [hashlib.shake_128(bytes([length])).digest(length) for length in range(80)]

    assert [murmur2(key) for key in keys] == [theirs(key) for key in keys]


def test_the_names_are_what_they_were_in_every_release() -> None:
    assert topics.events("north").name == "resonance.north.events.v1"
    assert topics.marker("north").name == "resonance.north.relay-position.v1"
    assert topics.source(7) == "events/7"
