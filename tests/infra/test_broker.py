"""The Kafka that tests run on is a real one, can be broken at will, and leaves nothing behind."""

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from kafka import KafkaConsumer, KafkaProducer, TopicPartition
from kafka.admin import KafkaAdminClient
from kafka.errors import KafkaError, KafkaTimeoutError

from tools import broker

PATIENCE_SECONDS = 30


@contextmanager
def admin(bootstrap: str) -> Iterator[Any]:
    with closing(KafkaAdminClient(bootstrap_servers=bootstrap)) as client:
        yield client


def new_topic(bootstrap: str) -> str:
    """A topic of one partition that no other test has, on as many nodes as there are."""
    topic = f"t-{uuid4().hex}"
    with admin(bootstrap) as client:
        client.create_topics({topic: {"num_partitions": 1}}, wait_for_metadata=True)
    return topic


@contextmanager
def producer(bootstrap: str, **settings: Any) -> Iterator[Any]:
    with closing(KafkaProducer(bootstrap_servers=bootstrap, acks="all", **settings)) as client:
        yield client


def read(bootstrap: str, topic: str, count: int) -> list[bytes]:
    """The values of the first ``count`` committed records, and of what comes with them."""
    consumer = KafkaConsumer(
        bootstrap_servers=bootstrap,
        auto_offset_reset="earliest",
        enable_auto_commit=False,
        isolation_level="read_committed",
    )
    with closing(consumer):
        partition = TopicPartition(topic, 0)
        consumer.assign([partition])
        values: list[bytes] = []
        deadline = time.monotonic() + PATIENCE_SECONDS
        while len(values) < count and time.monotonic() < deadline:
            values += [record.value for record in consumer.poll(200).get(partition, ())]
    return values


def wait_until(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not holds():
        assert time.monotonic() < deadline, "it did not come about"
        time.sleep(0.05)


def test_a_reader_of_committed_records_sees_what_a_transaction_committed_and_not_what_it_aborted(
    kafka_bootstrap: str,
) -> None:
    topic = new_topic(kafka_bootstrap)
    with producer(kafka_bootstrap, transactional_id=topic) as client:
        client.init_transactions()
        client.begin_transaction()
        client.send(topic, b"withdrawn", partition=0)
        client.flush()
        client.abort_transaction()
        client.begin_transaction()
        client.send(topic, b"one", partition=0)
        client.send(topic, b"two", partition=0)
        client.commit_transaction()
    assert read(kafka_bootstrap, topic, count=2) == [b"one", b"two"]


def test_a_killed_broker_comes_back_with_its_data(own_broker: broker.Cluster) -> None:
    topic = new_topic(own_broker.bootstrap)
    with producer(own_broker.bootstrap) as client:
        client.send(topic, b"kept", partition=0).get(10)
    own_broker.nodes[0].kill()
    # In a thread that ends, as a test would that breaks a broker while others go on.
    starting = threading.Thread(target=own_broker.nodes[0].start)
    starting.start()
    starting.join()
    assert read(own_broker.bootstrap, topic, count=1) == [b"kept"]


def test_a_paused_broker_says_nothing_until_it_goes_on(own_broker: broker.Cluster) -> None:
    topic = new_topic(own_broker.bootstrap)
    with producer(own_broker.bootstrap) as client:
        client.send(topic, b"before", partition=0).get(10)
        own_broker.nodes[0].pause()
        during = client.send(topic, b"during", partition=0)
        with pytest.raises(KafkaTimeoutError):
            during.get(1)
        own_broker.nodes[0].resume()
        during.get(20)
    assert read(own_broker.bootstrap, topic, count=2) == [b"before", b"during"]


def test_when_the_leader_of_a_partition_is_killed_another_node_leads_with_every_acknowledged_record(
    three_brokers: broker.Cluster,
) -> None:
    topic = new_topic(three_brokers.bootstrap)
    with producer(three_brokers.bootstrap) as client, admin(three_brokers.bootstrap) as looking:

        def partition() -> dict[str, Any]:
            found: dict[str, Any] = looking.describe_topics([topic])[0]["partitions"][0]
            return found

        first = partition()
        for number in range(100):
            client.send(topic, b"%d" % number, partition=0).get(10)
        assert sorted(first["isr_nodes"]) == [1, 2, 3]
        three_brokers.nodes[first["leader_id"] - 1].kill()

        def moved() -> bool:
            try:
                return partition()["leader_id"] not in (first["leader_id"], -1)
            except KafkaError:  # it had been asking the one that was killed
                return False

        wait_until(moved)
        client.send(topic, b"100", partition=0).get(20)
    assert read(three_brokers.bootstrap, topic, count=101) == [b"%d" % number for number in range(101)]


@contextmanager
def command(*arguments: str, **environment: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """`tools/broker.py` in a process of its own, and the address that it prints."""
    started = [sys.executable, broker.__file__, *arguments]
    with subprocess.Popen(started, env=os.environ | environment, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield process, process.stdout.readline().strip()
        finally:
            process.kill()


def answers(bootstrap: str) -> bool:
    host, _, port = bootstrap.partition(":")
    with socket.socket() as door:
        return door.connect_ex((host, int(port))) == 0


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_the_command_prints_an_address_and_stops_when_it_is_asked_to(needs_kafka: None, number: int) -> None:
    with command() as (process, bootstrap):
        assert answers(bootstrap)
        process.send_signal(number)
        assert process.wait(PATIENCE_SECONDS) == 0
    assert not answers(bootstrap)


def test_a_port_that_is_taken_is_named(needs_kafka: None) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with (
            pytest.raises(broker.BrokerFailed, match=f"Port {port}: Address already in use"),
            broker.cluster(port=port),
        ):
            pass


def test_a_broker_dies_with_the_python_that_started_it(needs_kafka: None, tmp_path: Path) -> None:
    with command(TMPDIR=str(tmp_path)) as (process, bootstrap):  # what is killed cannot clear away its data
        process.kill()
        process.wait()
        wait_until(lambda: not answers(bootstrap))


def test_a_broker_stops_with_the_process_that_it_was_started_for(needs_kafka: None) -> None:
    with subprocess.Popen(["sleep", "60"]) as other, command("--while-process", str(other.pid)) as (process, _):
        other.kill()
        assert process.wait(PATIENCE_SECONDS) == 0


def test_a_broker_that_ends_early_shows_the_end_of_its_log(own_broker: broker.Cluster) -> None:
    (node,) = own_broker.nodes
    node.stop()
    (node.log.parent / "server.properties").write_text("process.roles=juggler\n")
    with pytest.raises(broker.BrokerFailed, match=r"Node 1 ended with 1:\n(.*\n)*.*juggler"):
        node.start()


def test_what_java_refuses_is_told_in_its_own_words(needs_kafka: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JDK_JAVA_OPTIONS", "-XX:+NoSuchOption")
    with pytest.raises(broker.BrokerFailed, match="Unrecognized VM option 'NoSuchOption'"), broker.cluster():
        pass


def test_half_a_download_is_never_used_and_two_at_once_wait_for_one_another(
    needs_kafka: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    half = broker.cached() / "half.jar"
    half.parent.mkdir(parents=True)
    half.touch()
    with ThreadPoolExecutor() as threads:
        first, second = threads.map(lambda _: broker.fetched(), range(2))
    assert first == second == half.parent
    assert not half.exists()


def test_a_jar_that_is_not_the_pinned_one_is_refused_by_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pinned = tmp_path / "checksums.txt"
    monkeypatch.setattr(broker, "CHECKSUMS", pinned)
    (tmp_path / "good.jar").write_bytes(b"as it was")
    (tmp_path / "bad.jar").write_bytes(b"as it was")
    pinned.write_text("\n".join(broker.checksums(tmp_path)))
    broker.verify(tmp_path)
    (tmp_path / "bad.jar").write_bytes(b"as it should not be")
    with pytest.raises(broker.BrokerFailed) as refused:
        broker.verify(tmp_path)
    assert [line.split()[::2] for line in str(refused.value).splitlines()[1:3]] == [
        ["found", "bad.jar"],
        ["pinned", "bad.jar"],
    ]
