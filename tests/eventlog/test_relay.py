"""Every event gets into Kafka once and in order, whatever happens to the relay, to Kafka, or to both."""

import json
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Any, Self
from uuid import uuid4

import pytest
from kafka import KafkaProducer
from kafka.admin import KafkaAdminClient

from contracts.events import canonical
from services.eventlog import topics, topology
from services.eventlog.connect import Limits, NoChecksums
from services.eventlog.follow import Failed, follow
from services.eventlog.kafkafeed import KafkaFeed
from services.eventlog.marker import Marker
from services.eventlog.ports import Hole, Unavailable, WrongTopics
from services.eventlog.publisher import Fenced
from services.eventlog.records import Record, Records, place
from services.eventlog.topics import PARTITIONS, Topic, partition_of
from tests.eventlog.networks import Network, Reader
from tests.eventlog.places import RECEIVED, SECRET, SQLitePlace, agreed
from tools.broker import Cluster

IMPATIENT = Limits(connect=2, request=2, transaction=5)


def producer(network: Network) -> Any:
    """One that takes the relay's place."""
    made = KafkaProducer(bootstrap_servers=network.bootstrap, transactional_id=f"resonance-relay-{network.name}")
    made.init_transactions()
    return made


@contextmanager
def killed_before_it_committed(network: Network, records: list[tuple[str, Record]]) -> Iterator[None]:
    """What was sent is in Kafka, and its transaction open."""
    abandoned = producer(network)
    abandoned.begin_transaction()
    for topic, record in records:
        abandoned.send(topic, record.value, record.key, record.headers, record.partition)
    abandoned.flush()
    yield
    abandoned._sender.force_close()
    abandoned._sender.join()


def first_sent(network: Network, position: int) -> list[tuple[str, Record]]:
    """What a relay sends of the log up to there, as its first."""
    chain = Marker.at(0).chain
    records = []
    for row in network.log.rows(0, position):
        partition = partition_of(row.stream)
        records.append(
            (topics.events(network.name).name, Records(network.name, SECRET).of_event(row, chain[partition]))
        )
        chain[partition] = row.position
    return [*records, (topics.marker(network.name).name, Marker(position, chain).record(network.name))]


def remade(network: Network, *lost: Topic, **other: str) -> None:
    """Deletes topics, and makes them anew, with ``other`` settings or numbers than they should have."""
    with closing(KafkaAdminClient(bootstrap_servers=network.bootstrap)) as admin:
        admin.delete_topics([topic.name for topic in lost])
        deadline = time.monotonic() + 10
        while {topic.name for topic in lost} & set(admin.list_topics()):
            assert time.monotonic() < deadline
        for topic in lost:
            given = {
                "num_partitions": topic.partitions,
                "replication_factor": 1,
                "configs": {**topic.settings, **other},
            }
            admin.create_topics({topic.name: given}, wait_for_metadata=True)


# The log gets into Kafka


def test_every_event_is_published_once_and_chained_to_the_one_before_it(network: Network) -> None:
    network.append(range(2_500))

    with closing(network.relay()) as relay:
        assert [relay.step() for _ in range(4)] == [True, True, False, False]
        network.append(range(2_500, 2_600))
        assert relay.step() is False

    assert network.positions() == network.logged()


def test_what_is_published_is_what_is_on_the_log(network: Network) -> None:
    network.append(range(100))

    with closing(network.relay()) as relay:
        relay.step()

    heard = [(dict(record.headers), record.value) for record in network.published()]
    rows = [Records(network.name, SECRET).row(said, value) for said, value in heard if not place(said).is_tick]
    assert sorted(rows) == network.log.rows(0, 1000)


def test_nothing_in_kafka_tells_whom_an_event_is_about_or_what_it_says(network: Network) -> None:
    network.append(range(100))
    network.log.append([agreed(100).model_copy(update={"id": "ev-100"})], RECEIVED)
    with closing(network.relay()) as relay:
        relay.step()

    written = [
        *network.published(),
        *network.published(topics.marker(network.name)),
    ]
    told = b" ".join(
        part
        for record in written
        for part in (record.key, record.value or b"", *(value for _, value in record.headers))
    )
    # Each holds a character that no hexadecimal key has, and is in the events: it can neither come by chance nor lack.
    plain = b" ".join(canonical(recorded.event) for recorded in network.log.read(0, 1000))
    for word in (b"case/", b"ca_0", b"cl_07", b"ta_01", b"exposure", b"north-ehr", b'specversion"', b"ev-100"):
        assert word in plain
        assert word not in told


def test_it_says_how_far_it_is(network: Network) -> None:
    head = network.append(range(1_500))
    with closing(network.relay()) as relay:
        relay.step()
        assert (relay.progress.position, relay.progress.head) == (network.logged()[999], head)
        relay.step()

    assert (relay.progress.position, relay.progress.head) == (head, head)
    assert relay.progress.committed is not None


# Ticks


def test_a_partition_without_events_is_told_how_far_the_log_is(network: Network) -> None:
    head = network.append(range(10), cases=1)

    with closing(network.relay()) as relay:
        relay.step()

    last = {record.partition: place(dict(record.headers)) for record in network.published()}
    assert {at.position for at in last.values()} == {head}
    assert sorted(at.is_tick for at in last.values()) == [False] + [True] * (PARTITIONS - 1)


def test_ticks_come_once_a_second_at_most_and_not_where_the_log_rests(network: Network) -> None:
    network.append(range(10), cases=1)
    with closing(network.relay()) as relay:
        relay.step()
        network.append(range(10, 20), cases=1)
        relay.step()
        assert len(network.published()) == 20 + PARTITIONS - 1
        time.sleep(1.1)
        relay.step()
        assert len(network.published()) == 20 + 2 * (PARTITIONS - 1)
        time.sleep(1.1)
        relay.step()

    assert len(network.published()) == 20 + 2 * (PARTITIONS - 1)
    assert network.positions() == network.logged()


# One relay after the other


def test_a_relay_that_takes_over_goes_on_where_the_last_one_ended(network: Network) -> None:
    network.append(range(100))
    with closing(network.relay()) as first:
        first.step()
    network.append(range(100, 200))

    with closing(network.relay()) as second:
        second.step()

    assert network.positions() == network.logged()


def test_what_a_killed_relay_left_open_is_undone_and_published_anew(network: Network) -> None:
    network.append(range(300))

    with killed_before_it_committed(network, first_sent(network, 200)), closing(network.relay()) as relay:
        relay.step()

    assert network.positions() == network.logged()


def test_a_relay_that_wakes_beside_its_successor_is_fenced_and_publishes_nothing_more(network: Network) -> None:
    network.append(range(100))
    with closing(network.relay()) as old, closing(network.relay()) as new:
        old.step()
        new.start()
        network.append(range(100, 200))

        with pytest.raises(Fenced):
            old.step()

        assert network.positions() == network.logged()[:100]
        new.step()
        assert (old.progress.fenced, new.progress.fenced) == (1, 0)

    assert network.positions() == network.logged()


def test_relays_that_are_killed_at_any_moment_publish_every_event_once(
    network: Network, sqlite_place: SQLitePlace
) -> None:
    command = [sys.executable, "-m", "tests.eventlog.relaying", network.bootstrap, network.name, *sqlite_place.address]
    appending = threading.Thread(target=lambda: [network.append(range(n, n + 20)) for n in range(0, 4_000, 20)])
    appending.start()
    for life in (1.4, 1.6, 1.8):
        with subprocess.Popen(command, cwd=Path(__file__).parents[2]) as process:
            time.sleep(life)
            process.kill()
    appending.join()

    with closing(network.relay()) as relay:
        while relay.step():
            pass

    assert network.positions() == network.logged()
    assert len(network.logged()) == 4_000


# The marker


def test_the_marker_is_found_before_what_was_undone(network: Network) -> None:
    network.append(range(100))
    with closing(network.relay()) as relay:
        relay.step()
    undone = producer(network)
    for turn in range(25):
        undone.begin_transaction()
        undone.send(topics.marker(network.name).name, b"undone %d" % turn, network.name.encode(), partition=0)
        undone.flush()
        undone.abort_transaction()
    undone.close()

    network.append(range(100, 200))
    with closing(network.relay()) as relay:
        relay.step()

    assert network.positions() == network.logged()


def test_a_first_run_that_was_killed_is_followed_by_another_first_run(network: Network) -> None:
    network.append(range(100))
    with killed_before_it_committed(network, first_sent(network, 100)[:-1]), closing(network.relay()) as relay:
        relay.start()
        assert relay.progress.position == 0


def test_a_lost_marker_stops_it_and_a_given_position_lets_it_go_on(network: Network) -> None:
    head = network.append(range(100))
    with closing(network.relay()) as relay:
        relay.step()
    remade(network, topics.marker(network.name))
    network.append(range(100, 120))

    with closing(network.relay()) as relay, pytest.raises(WrongTopics, match="name the position to go on after"):
        relay.start()
    with closing(network.relay(begin_after=head)) as relay:
        relay.step()

    with closing(network.feed()) as feed:
        reader = Reader()
        reader.read(feed, 100)
        with pytest.raises(Hole):  # what was left out could have been more than nothing
            reader.read(feed, 120)


def test_a_position_that_is_given_counts_only_where_kafka_knows_none(network: Network) -> None:
    network.append(range(100))
    with closing(network.relay(begin_after=40)) as relay:
        relay.step()
    before = network.published()
    assert {place(dict(record.headers)).position for record in before} == set(network.logged()[40:])

    with closing(network.relay(begin_after=0)) as relay:
        relay.start()
        assert relay.progress.position == 100


def test_a_log_that_ends_before_what_was_published_is_refused(network: Network, sqlite_place: SQLitePlace) -> None:
    network.append(range(100))
    with closing(network.relay()) as relay:
        relay.step()
    sqlite_place.execute("DELETE FROM stored_events WHERE rowid > 90")

    with (
        closing(network.relay()) as relay,
        pytest.raises(WrongTopics, match=r"up to position 100, where the log does not"),
    ):
        relay.start()


def test_a_log_that_went_on_otherwise_from_before_what_was_published_is_refused(
    network: Network, sqlite_place: SQLitePlace
) -> None:
    network.append(range(100))
    with closing(network.relay()) as relay:
        relay.step()
    sqlite_place.execute("DELETE FROM stored_events WHERE rowid > 90")
    sqlite_place.execute("UPDATE sqlite_sequence SET seq = 90")
    network.append(range(200, 220))
    assert network.logged()[-1] == 110

    with (
        closing(network.relay()) as relay,
        pytest.raises(WrongTopics, match=r"up to position 100, where the log does not"),
    ):
        relay.start()


def test_a_marker_of_other_partitions_is_refused(network: Network) -> None:
    said = json.dumps({"position": 0, "partitions": 13, "chain": {}}).encode()
    other = producer(network)
    other.begin_transaction()
    other.send(topics.marker(network.name).name, said, network.name.encode(), partition=0)
    other.commit_transaction()
    other.close()

    with (
        closing(network.relay()) as relay,
        pytest.raises(WrongTopics, match="in 13 partitions, this release writes 12"),
    ):
        relay.start()


# The topics


def test_making_the_topics_again_changes_nothing(network: Network) -> None:
    network.append(range(10))
    with closing(network.relay()) as relay:
        relay.step()
    before = len(network.published())

    network.migrate()

    assert len(network.published()) == before


def test_topics_that_are_not_there_are_told_with_the_remedy(network: Network) -> None:
    other = Network(f"n{uuid4().hex}", network.bootstrap, network.log)

    with closing(other.relay()) as relay, pytest.raises(WrongTopics, match="is not there: run `resonance migrate`"):
        relay.start()


@pytest.mark.parametrize(
    "topic,other,told",
    [
        (topics.events("")._replace(partitions=6), {}, "has 6 partitions instead of 12"),
        (topics.marker("")._replace(partitions=2), {}, "has 2 partitions instead of 1"),
        (topics.events(""), {"cleanup.policy": "compact"}, "has cleanup.policy compact: set it to delete"),
        (topics.marker(""), {"cleanup.policy": "delete"}, "has cleanup.policy delete: set it to compact"),
    ],
)
def test_topics_that_are_not_as_they_have_to_be_are_refused(
    network: Network, topic: Topic, other: dict[str, str], told: str
) -> None:
    kind = topics.events if "events" in topic.name else topics.marker
    remade(network, topic._replace(name=kind(network.name).name), **other)

    with closing(network.relay()) as relay, pytest.raises(WrongTopics, match=told):
        relay.start()
    with pytest.raises(WrongTopics, match=told):
        network.migrate()


def test_fewer_copies_than_asked_for_are_refused(network: Network) -> None:
    with pytest.raises(WrongTopics, match="is kept 1 times instead of 3"):
        topology.verify(network.bootstrap, network.name, replication=3)
    with pytest.raises(WrongTopics, match="cannot be kept 3 times: Kafka has fewer brokers"):
        topology.migrate(network.bootstrap, f"{network.name}x", replication=3)


def test_fewer_acknowledgements_than_asked_for_are_refused(network: Network, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(topics, "in_sync", lambda replication: 2)  # a single node has no topic kept twice

    with pytest.raises(WrongTopics, match=r"has min.insync.replicas 1: set it to 2"):
        topology.verify(network.bootstrap, network.name, replication=1)


def test_without_crc32c_nothing_starts(network: Network, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "crc32c", None)

    with closing(network.relay()) as relay, pytest.raises(NoChecksums, match="crc32c is not installed"):
        relay.start()


# Kafka is away


def test_where_kafka_is_not_there_it_says_so_soon_and_leaves_nothing_behind(network: Network) -> None:
    nowhere = Network(network.name, "127.0.0.1:1", network.log, IMPATIENT)
    before = threading.active_count()

    with closing(nowhere.relay()) as relay:
        for _ in range(2):
            with pytest.raises(Unavailable):
                relay.step()

    assert threading.active_count() == before


class Kept:
    """A relay that is started again when it ends, as a service is."""

    def __init__(self, network: Network) -> None:
        self.relay = network.relay()
        self._network = network
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()
        self.relay.close()

    def _run(self) -> None:
        while not self._stop.is_set():
            with suppress(Failed):
                follow(self.relay.step, lambda _: self._stop.wait(0.05), self._stop, "relay")
                return
            self.relay = self._network.relay()


def read_on(network: Network, reader: Reader, feed: KafkaFeed, count: int) -> None:
    """As a follower that waits where Kafka is away."""
    deadline = time.monotonic() + 40
    while len(reader.all) < count:
        assert time.monotonic() < deadline, len(reader.all)
        with suppress(Unavailable):
            reader.apply(feed.read(reader, 0.2))


def test_through_a_stall_and_a_restart_of_kafka_every_event_is_published_and_read_once(
    own_broker: Cluster, sqlite_place: SQLitePlace
) -> None:
    """The stall is longer than all that anyone is ready to wait for."""
    [node] = own_broker.nodes
    sqlite_place.migrate()
    network = Network("north", own_broker.bootstrap, sqlite_place.open(), IMPATIENT)
    network.migrate()
    reader = Reader()
    with closing(network.log), closing(network.feed()) as feed, Kept(network) as kept:
        network.append(range(200))
        read_on(network, reader, feed, 200)

        node.pause()
        network.append(range(200, 400))
        began = time.monotonic()
        while (stalled := time.monotonic() - began) < 15:
            with suppress(Unavailable):
                assert feed.read(reader, 0.5) == []
            assert kept.relay.stuck(time.monotonic() + 61) or stalled < 1
            assert not kept.relay.stuck(time.monotonic())
        node.resume()
        read_on(network, reader, feed, 400)

        node.stop()
        network.append(range(400, 600))
        node.start()
        read_on(network, reader, feed, 600)

        assert network.positions() == network.logged()
        assert reader.all == network.log.read(0, 1000)
        assert not kept.relay.stuck(time.monotonic() + 61)
