"""Kafka as a feed: what is its own beside what every feed promises, above all that readers come and go."""

import threading
import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager

import pytest
from kafka import KafkaProducer, TopicPartition
from kafka.admin import KafkaAdminClient
from typing_extensions import override

from services.eventlog import topics
from services.eventlog.connect import Limits
from services.eventlog.follow import Follower
from services.eventlog.kafkafeed import KafkaFeed
from services.eventlog.ports import Hole, Mark, Slice, Unavailable, Unreadable
from services.eventlog.records import Record, Records
from services.eventlog.topics import PARTITIONS, source
from tests.eventlog.networks import Network, Reader
from tests.eventlog.places import RECEIVED, SECRET

SOURCES = [source(partition) for partition in range(PARTITIONS)]


def relayed(network: Network, numbers: range) -> int:
    head = network.append(numbers)
    with closing(network.relay()) as relay:
        while relay.step():
            pass
    return head


def written(network: Network, *records: Record) -> None:
    """Puts records into Kafka that no relay has made."""
    with closing(KafkaProducer(bootstrap_servers=network.bootstrap)) as producer:
        for record in records:
            producer.send(topics.events(network.name).name, record.value, record.key, record.headers, record.partition)


def tick(partition: int, position: int, previous: int) -> Record:
    return Records("", SECRET).of_tick(partition, position, previous, RECEIVED)


def until(true: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 30
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def next_slice(feed: KafkaFeed, reader: Reader) -> Slice:
    deadline = time.monotonic() + 15
    while not (slices := feed.read(reader, 0.2)):
        assert time.monotonic() < deadline
    [found] = slices
    return found


# Readers of one group


class Shared(Reader):
    """One view for several readers. Its lock is that of the rows which hold the marks."""

    def __init__(self) -> None:
        super().__init__()
        self.read_by: dict[KafkaFeed, int] = {}
        self._lock = threading.Lock()

    @override
    def __call__(self, sources: Collection[str]) -> Mapping[str, Mark]:
        with self._lock:
            return super().__call__(sources)

    def apply_from(self, feed: KafkaFeed, slices: Sequence[Slice]) -> None:
        with self._lock:
            self.apply(slices)
            self.read_by[feed] = self.read_by.get(feed, 0) + len(slices)

    def step(self, feed: KafkaFeed) -> bool:
        self.apply_from(feed, feed.read(self, 0.2))
        return True


@contextmanager
def running(follower: Follower, stop: threading.Event) -> Iterator[None]:
    follower.start()
    yield
    stop.set()
    follower.join()
    assert follower.failure is None


@contextmanager
def reading(network: Network, view: Shared) -> Iterator[KafkaFeed]:
    """One more reader, which follows until the block ends, and then leaves."""
    stop = threading.Event()
    feed = network.feed()
    with closing(feed), running(Follower(lambda: view.step(feed), stop.wait, stop, "reader"), stop):
        yield feed


def test_readers_that_come_and_go_lose_nothing_and_apply_nothing_twice(network: Network) -> None:
    view, stop = Shared(), threading.Event()
    numbers = iter(range(0, 1_000_000, 10))

    def append_and_relay() -> bool:
        network.append(range(first := next(numbers), first + 10))
        relay.step()
        return False

    def until_read_by(*feeds: KafkaFeed) -> None:
        before = dict(view.read_by)
        until(lambda: all(view.read_by.get(feed, 0) > before.get(feed, 0) + 5 for feed in feeds))

    appending = Follower(append_and_relay, lambda _: stop.wait(0.01), stop, "relay")
    with closing(network.relay()) as relay, reading(network, view) as first:
        with running(appending, stop):
            until_read_by(first)
            with reading(network, view) as second:
                until_read_by(first, second)
                with reading(network, view) as third:
                    until_read_by(first, second, third)
                until_read_by(first, second)
            until_read_by(first)
        until(lambda: len(view.all) == len(network.logged()))

    assert view.all == network.log.read(0, 1_000_000)


def test_another_group_reads_everything_for_itself(network: Network) -> None:
    relayed(network, range(100))
    one, other = Reader(), Reader()

    with closing(network.feed("one")) as feed:
        one.read(feed, 100)
    with closing(network.feed("other")) as feed:
        other.read(feed, 100)

    assert one.all == other.all == network.log.read(0, 100)


def test_whoever_looks_at_the_group_in_kafka_sees_how_far_it_is(network: Network) -> None:
    relayed(network, range(100))
    reader = Reader()
    with closing(network.feed()) as feed:
        reader.read(feed, 100)
        reader.follow(feed, lambda: len(reader.marks) == PARTITIONS)
        feed.read(reader, 1.1)
        feed.read(reader, 1.1)

        with closing(KafkaAdminClient(bootstrap_servers=network.bootstrap)) as admin:
            [offsets] = admin.list_group_offsets({f"{network.name}.views": None}).values()

    topic = topics.events(network.name).name
    assert {TopicPartition(topic, n): reader.marks[source(n)].offset for n in range(PARTITIONS)} == {
        partition: told.offset for partition, told in offsets.items()
    }


# What is missing or out of place


def test_a_hole_is_refused_until_the_marks_are_beyond_it_and_what_is_before_it_is_given(network: Network) -> None:
    written(network, tick(3, 10, 0), tick(3, 20, 10), tick(3, 40, 30), tick(3, 50, 40))
    reader = Reader()

    with closing(network.feed()) as feed:
        before = next_slice(feed, reader)
        assert (before.previous, before.last) == (0, 20)
        reader.apply([before])
        for _ in range(2):
            with pytest.raises(Hole) as hole:
                next_slice(feed, reader)
            assert hole.value.position == 40
        reader.marks["events/3"] = Mark(35)
        feed.rewind()
        assert next_slice(feed, reader).last == 50


def test_what_was_applied_already_is_passed_over_wherever_it_comes_again(network: Network) -> None:
    """As where a relay had to begin at an earlier position, because its marker was lost."""
    written(network, tick(3, 10, 0), tick(3, 20, 10), tick(3, 10, 0), tick(3, 20, 10), tick(3, 30, 20))

    with closing(network.feed()) as feed:
        found = next_slice(feed, Reader({"events/3": Mark(10)}))

    assert (found.previous, found.last, found.offset) == (10, 30, 5)


def test_an_offset_that_kafka_does_not_have_is_no_harm(network: Network) -> None:
    """As after the topics were made anew, or what was not read yet has been deleted."""
    relayed(network, range(100))
    reader = Reader({name: Mark(0, 1_000_000) for name in SOURCES})

    with closing(network.feed()) as feed:
        reader.read(feed, 100)

    assert reader.all == network.log.read(0, 100)


@pytest.mark.parametrize("headers", [[], [("ce_position", b"1")], [("ce_position", b"\xff"), ("ce_type", b"x")]])
def test_what_is_none_of_our_records_is_refused(network: Network, headers: list[tuple[str, bytes]]) -> None:
    written(network, Record(3, b"key", b"whatever", headers))

    with closing(network.feed()) as feed, pytest.raises(Unreadable):
        next_slice(feed, Reader())


def test_with_the_secret_of_another_network_nothing_can_be_read(network: Network) -> None:
    relayed(network, range(100))

    feed = KafkaFeed(network.bootstrap, network.name, f"{network.name}.views", b"the secret of another network")
    with closing(feed), pytest.raises(Unreadable) as error:
        feed.read(Reader(), 10)

    assert error.value.__cause__ is None


# Who is away


def test_marks_that_cannot_be_had_lose_nothing(network: Network) -> None:
    relayed(network, range(100))
    reader = Reader()

    def away(sources: Collection[str]) -> Mapping[str, Mark]:
        raise Unavailable

    with closing(network.feed()) as feed:
        for _ in range(2):
            with pytest.raises(Unavailable):
                feed.read(away, 10)
        reader.read(feed, 50)
        feed.rewind()
        with pytest.raises(Unavailable):
            feed.read(away, 10)
        relayed(network, range(100, 200))
        reader.read(feed, 200)

    assert reader.all == network.log.read(0, 1000)


def test_where_kafka_is_not_there_it_says_so_soon_and_leaves_nothing_behind(network: Network) -> None:
    before = threading.active_count()

    with closing(KafkaFeed("127.0.0.1:1", network.name, "views", SECRET, Limits(connect=1))) as feed:
        for _ in range(2):
            with pytest.raises(Unavailable):
                feed.read(Reader(), 0.1)

    assert threading.active_count() == before


def test_a_network_without_topics_is_waited_for(network: Network) -> None:
    other = Network(f"{network.name}b", network.bootstrap, network.log, Limits(connect=1))
    reader = Reader()

    with closing(other.feed()) as feed:
        with pytest.raises(Unavailable):
            feed.read(reader, 0.1)
        other.migrate()
        relayed(other, range(50))
        reader.read(feed, 50)


def test_a_feed_that_is_closed_begins_anew_when_it_is_read(network: Network) -> None:
    relayed(network, range(100))
    reader = Reader()
    feed = network.feed()
    reader.read(feed, 100)
    feed.close()
    relayed(network, range(100, 200))

    with closing(feed):
        reader.read(feed, 200)

    assert reader.all == network.log.read(0, 1000)
