"""Processes that are kept going: started again, ever more slowly, and ended together."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest

from tests.running import wait_until

SUPERVISOR = """
import sys
from services.workers import Pace, supervise
sys.exit(supervise(["./work"], int(sys.argv[1]), 8000, Pace(0.2, 60, steady=1, stop=1)))
"""
WORK = """
echo "$RESONANCE_PORT $$" >> told
while true; do sleep 0.05; done
"""
Supervised = Callable[..., "subprocess.Popen[bytes]"]


@pytest.fixture
def supervised(tmp_path: Path) -> Iterator[Supervised]:
    """Starts a supervisor of processes that run ``script``, and waits until each of them has told that it began."""
    started: list[subprocess.Popen[bytes]] = []

    def supervise(script: str, count: int) -> "subprocess.Popen[bytes]":
        program = tmp_path / "work"
        program.write_text(f"#!/bin/sh\n{script}")
        program.chmod(0o700)
        command = [sys.executable, "-c", SUPERVISOR, str(count)]
        environment = os.environ | {"PYTHONPATH": str(Path.cwd())}
        started.append(subprocess.Popen(command, cwd=tmp_path, env=environment))
        wait_until(lambda: len(told(tmp_path)) == count)
        return started[-1]

    yield supervise
    for one in started:
        one.terminate()
        one.wait(20)


def told(folder: Path) -> Sequence[tuple[str, int]]:
    """The port and the process id of each that began, in their order."""
    file = folder / "told"
    lines = file.read_text().splitlines() if file.exists() else []
    return [(port, int(number)) for port, number in (line.split() for line in lines)]


def alive(number: int) -> bool:
    try:
        os.kill(number, 0)
    except ProcessLookupError:
        return False
    return True


def seconds_to_the_next(folder: Path) -> float:
    """Kills who came last, at once; and how long it takes from its start to that of the next."""
    began, before = time.monotonic(), told(folder)
    os.kill(before[-1][1], signal.SIGKILL)
    wait_until(lambda: len(told(folder)) > len(before))
    return time.monotonic() - began


def test_who_is_killed_is_started_again_after_a_pause_that_grows_until_it_has_worked_for_a_while(
    supervised: Supervised, tmp_path: Path
) -> None:
    supervised(WORK, 1)
    pauses = [seconds_to_the_next(tmp_path) for _ in range(3)]
    assert pauses[1] > 0.3
    assert pauses[2] > 0.6
    time.sleep(1.3)
    assert seconds_to_the_next(tmp_path) < 0.6
    assert seconds_to_the_next(tmp_path) < 1.2


def test_each_has_a_port_of_its_own_and_keeps_it_and_the_others_go_on(supervised: Supervised, tmp_path: Path) -> None:
    supervised(WORK, 3)
    first = dict(told(tmp_path))
    assert sorted(first) == ["8000", "8001", "8002"]
    os.kill(first["8001"], signal.SIGKILL)
    wait_until(lambda: len(told(tmp_path)) == 4)
    assert told(tmp_path)[3][0] == "8001"
    assert alive(first["8000"])
    assert alive(first["8002"])


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_asked_to_stop_it_asks_them_all_and_ends_with_zero(
    number: signal.Signals, supervised: Supervised, tmp_path: Path
) -> None:
    supervisor = supervised(f"trap 'sleep 0.2; touch $$.asked; exit 0' TERM {WORK}", 3)
    supervisor.send_signal(number)
    assert supervisor.wait(10) == 0
    for _, process in told(tmp_path):
        assert (tmp_path / f"{process}.asked").exists()


def test_who_does_not_end_when_asked_is_killed(supervised: Supervised, tmp_path: Path) -> None:
    supervisor = supervised(f"trap '' TERM {WORK}", 2)
    supervisor.terminate()
    assert supervisor.wait(10) == 0
    assert [process for _, process in told(tmp_path) if alive(process)] == []


def test_where_none_can_be_started_any_more_the_others_do_not_stay_behind(
    supervised: Supervised, tmp_path: Path
) -> None:
    supervisor = supervised(WORK, 2)
    (tmp_path / "work").unlink()
    os.kill(told(tmp_path)[0][1], signal.SIGKILL)
    assert supervisor.wait(10) == 1
    assert not alive(told(tmp_path)[1][1])
