"""A real Kafka for tests: the one that RESONANCE_KAFKA names, or one started from this system."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from filelock import FileLock

from tools import broker

STARTED: list[subprocess.Popen[str]] = []
"""Held as long as this process lives, which may end before the broker does."""


@pytest.fixture(scope="session")
def kafka_bootstrap(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> Iterator[str]:
    """The address of a Kafka that tests share and none of them stops; each has topics and groups of its own.

    Under pytest-xdist the first worker that asks starts it, the others share it, and it stops when the run has ended.
    """
    if given := os.environ.get("RESONANCE_KAFKA"):
        yield given
        return
    _or_skip()
    if worker_id == "master":
        with broker.cluster() as kafka:
            yield kafka.bootstrap
    else:
        yield _shared(tmp_path_factory.getbasetemp().parent)


@pytest.fixture
def needs_kafka() -> None:
    """Skips the test where Kafka cannot be started."""
    _or_skip()


@pytest.fixture
def own_broker(needs_kafka: None) -> Iterator[broker.Cluster]:
    """One node for one test, which may stop, kill and pause it."""
    with broker.cluster() as kafka:
        yield kafka


@pytest.fixture
def three_brokers(needs_kafka: None) -> Iterator[broker.Cluster]:
    """Three nodes for one test, which may stop, kill and pause them; every topic is on all of them."""
    with broker.cluster(nodes=3) as kafka:
        yield kafka


def _or_skip() -> None:
    if lacking := broker.missing():
        pytest.skip(f"Kafka needs {' and '.join(lacking)}, not found on PATH")


def _shared(folder: Path) -> str:
    """The address that the workers of this run tell each other in ``folder``."""
    address = folder / "kafka"
    with FileLock(folder / "kafka.lock"):
        if not address.exists():
            address.write_text(_start_for(os.getppid(), folder / "kafka.err"))
    return address.read_text()


def _start_for(run: int, complaints: Path) -> str:
    """Starts a broker that lives as long as the process ``run``, and returns its address."""
    command = [sys.executable, broker.__file__, "--while-process", str(run)]
    with complaints.open("w") as stderr:
        started = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=stderr, text=True, start_new_session=True)
    STARTED.append(started)
    assert started.stdout is not None
    address = started.stdout.readline().strip()
    if not address:
        pytest.fail(complaints.read_text())
    return address
