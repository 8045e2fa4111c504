"""What whoever follows a feed can count on, be it the log itself or Kafka."""

import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from itertools import pairwise
from threading import Event
from typing import Protocol

import pytest

from services.eventlog import topics
from services.eventlog.feed import LogFeed
from services.eventlog.follow import Follower
from services.eventlog.ports import Feed, Mark, Recorded, Slice, Unread, Unreadable
from tests.eventlog.networks import Network, Reader
from tests.eventlog.places import RECEIVED, Place
from tests.series import adoptions, norm_set
from tests.story import merge


class Fed(Protocol):
    """A network, and how its readers get at its events."""

    network: Network
    place: Place
    sources: frozenset[str]

    def feed(self) -> Feed: ...


@dataclass
class ByLog:
    network: Network
    place: Place
    sources = frozenset({"log"})

    def feed(self) -> Feed:
        return LogFeed(self.network.log, lambda position, seconds: time.sleep(min(seconds, 0.05)))


@dataclass
class ByKafka:
    network: Network
    place: Place
    sources = frozenset(topics.source(partition) for partition in range(topics.PARTITIONS))

    def feed(self) -> Feed:
        return self.network.feed()


@pytest.fixture
def relayed(network: Network) -> Iterator[Network]:
    """Its relay runs as it does in production."""
    relay, stop = network.relay(), Event()
    follower = Follower(relay.step, lambda _: stop.wait(0.05), stop, "relay")
    follower.start()
    yield network
    stop.set()
    follower.join()
    relay.close()
    assert follower.failure is None


@pytest.fixture(params=["sqlite", "postgres", "kafka"])
def fed(request: pytest.FixtureRequest) -> Iterator[ByLog | ByKafka]:
    if request.param == "kafka":
        yield ByKafka(request.getfixturevalue("relayed"), request.getfixturevalue("sqlite_place"))
        return
    place: Place = request.getfixturevalue(f"{request.param}_place")
    place.migrate()
    with closing(place.open()) as log:
        yield ByLog(Network("alone", "", log), place)


def until_some(feed: Feed, reader: Reader) -> list[Slice]:
    """What the feed gives next that has events."""
    latest = time.monotonic() + 15
    while True:
        slices = feed.read(reader, 0.1)
        if any(part.events for part in slices):
            return slices
        reader.apply(slices)
        assert time.monotonic() < latest


def test_every_event_comes_once_and_in_order_within_its_source(fed: Fed) -> None:
    fed.network.append(range(300))
    reader = Reader()

    with closing(fed.feed()) as feed:
        reader.read(feed, 300)
        fed.network.append(range(300, 500))
        reader.read(feed, 500)

    assert reader.all == fed.network.log.read(0, 1000)
    for seen in reader.seen.values():
        assert all(one.position < other.position for one, other in pairwise(seen))


def test_a_cases_events_are_all_in_one_source(fed: Fed) -> None:
    fed.network.append(range(300))
    reader = Reader()

    with closing(fed.feed()) as feed:
        reader.read(feed, 300)

    cases = [
        {recorded.event.subject for recorded in seen if isinstance(recorded, Recorded)} for seen in reader.seen.values()
    ]
    assert sum(map(len, cases)) == len(set().union(*cases)) == 40
    assert reader.seen.keys() == fed.sources


def test_what_concerns_no_case_comes_too(fed: Fed) -> None:
    events = [merge("c_anna01", "c_anna02"), *adoptions([norm_set()])]
    fed.network.log.append(events, RECEIVED)
    reader = Reader()

    with closing(fed.feed()) as feed:
        reader.read(feed, 2)

    assert reader.all == fed.network.log.read(0, 10)
    assert [one.event for one in reader.all if isinstance(one, Recorded)] == events


def test_every_source_has_a_shard_of_its_own(fed: Fed) -> None:
    fed.network.append(range(300))
    reader = Reader()
    shards = set()

    with closing(fed.feed()) as feed:
        while len(reader.all) < 300:
            slices = until_some(feed, reader)
            shards |= {(part.shard, part.source) for part in slices}
            reader.apply(slices)

    assert len(shards) == len(fed.sources)
    assert {shard for shard, _ in shards} == set(range(len(fed.sources)))


def test_after_a_rewind_the_same_comes_again(fed: Fed) -> None:
    fed.network.append(range(200))
    reader = Reader()

    with closing(fed.feed()) as feed:
        reader.read(feed, 200)
        fed.network.append(range(200, 300))
        assert until_some(feed, reader)
        feed.rewind()  # nothing of it was applied
        reader.read(feed, 300)

    assert reader.all == fed.network.log.read(0, 1000)


def test_rewinding_again_and_again_loses_nothing(fed: Fed) -> None:
    fed.network.append(range(200))
    reader = Reader()

    with closing(fed.feed()) as feed:
        for turn in range(10):
            slices = feed.read(reader, 0.1)
            if turn % 2:
                reader.apply(slices[: len(slices) // 2])  # and then the database failed
            feed.rewind()
        reader.read(feed, 200)

    assert reader.all == fed.network.log.read(0, 1000)


def test_the_marks_decide_what_is_new(fed: Fed) -> None:
    """As after a rebuild: all is applied up to a position, wherever that lies in the transport."""
    fed.network.append(range(200))
    half = fed.network.logged()[99]
    reader = Reader({source: Mark(half) for source in fed.sources})

    with closing(fed.feed()) as feed:
        reader.read(feed, 100)

    assert reader.all == fed.network.log.read(half, 1000)


def test_a_reader_that_begins_again_goes_on_at_its_marks(fed: Fed) -> None:
    fed.network.append(range(100))
    reader = Reader()
    with closing(fed.feed()) as feed:
        reader.read(feed, 100)
    last = fed.network.logged()[-1]
    fed.network.append(range(100, 200))

    with closing(fed.feed()) as feed:
        slices = until_some(feed, reader)
        assert min(recorded.position for part in slices for recorded in part.events) > last
        reader.apply(slices)
        reader.read(feed, 200)

    assert reader.all == fed.network.log.read(0, 1000)


def test_every_source_soon_says_that_it_is_as_far_as_the_log(fed: Fed) -> None:
    head = fed.network.append(range(20), cases=1)
    reader = Reader()

    with closing(fed.feed()) as feed:
        reader.follow(feed, lambda: {mark.position for mark in reader(fed.sources).values()} == {head}, 5)

    assert len(reader.all) == 20


def test_without_events_it_answers_after_the_wait(fed: Fed) -> None:
    with closing(fed.feed()) as feed:
        assert feed.read(Reader(), 2.0) == []
        began = time.monotonic()
        assert feed.read(Reader(), 0.3) == []

    assert time.monotonic() - began < 1


def test_of_an_event_that_this_release_does_not_know_the_case_is_told(fed: Fed) -> None:
    fed.network.append([1])
    fed.place.execute(stored(topic="'resonance.task.forgotten.v1'", state="state"))
    fed.network.append([41])
    reader = Reader()

    with closing(fed.feed()) as feed:
        reader.read(feed, 3)

    [first, unread, last] = reader.all
    assert isinstance(unread, Unread)
    assert (unread.position, unread.case_ref) == (fed.network.logged()[1], "ca_01")
    assert [first, last] == [*fed.network.log.read(0, 1), *fed.network.log.read(unread.position, 1)]


def test_what_is_no_event_at_all_is_refused_again_and_again_after_all_before_it_is_given(fed: Fed) -> None:
    fed.network.append([1, 41])
    fed.place.execute(stored(topic="topic", state="digest") + " LIMIT 1")
    fed.network.append([81])
    reader = Reader()

    with closing(fed.feed()) as feed:
        reader.read(feed, 2)
        for _ in range(2):
            with pytest.raises(Unreadable) as error:
                reader.read(feed, 3)
            assert error.value.position == fed.network.logged()[2]

    assert reader.all == fed.network.log.read(0, 2)


def stored(topic: str, state: str) -> str:
    """Puts one more row on the log of a case's events, other than any release has."""
    return (
        "INSERT INTO stored_events (originator_id, originator_version, topic, state, ingest_key, digest, received)"
        f" SELECT originator_id, originator_version + 1000, {topic}, {state}, digest, digest, received"
        " FROM stored_events ORDER BY originator_version"
    )
