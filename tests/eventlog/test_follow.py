"""The loop that follows the log, and the signal that wakes it."""

import asyncio
import logging
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from services.eventlog import sqlite
from services.eventlog.follow import Failed, Follower, Signal, follow
from services.eventlog.ports import Recorded, Unavailable, Unreadable
from tests.eventlog.places import RECEIVED, SECRET, agreed


class Steps:
    """What each step in turn answers or raises; after the last one the loop is to stop."""

    def __init__(self, *outcomes: bool | Exception) -> None:
        self.stop = threading.Event()
        self.rests: list[float] = []
        self._left = list(outcomes)

    def __call__(self) -> bool:
        outcome = self._left.pop(0)
        if not self._left:
            self.stop.set()
        if isinstance(outcome, Exception):
            raise outcome
        return outcome

    def run(self) -> None:
        follow(self, self.rests.append, self.stop, "views")


def test_it_steps_until_nothing_is_left_and_then_rests() -> None:
    steps = Steps(True, True, False, True, False, True)

    steps.run()

    assert steps.rests == [1.0, 1.0]


def test_it_stops_after_the_step_at_hand_and_does_not_rest_first() -> None:
    steps = Steps(False)

    steps.run()

    assert steps.rests == []


def test_while_the_store_is_away_it_waits_longer_each_time(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    steps = Steps(*[Unavailable() for _ in range(4)], True)

    began = time.monotonic()
    steps.run()

    assert 0.75 <= time.monotonic() - began < 2  # 0.05 + 0.1 + 0.2 + 0.4 seconds
    assert [record.message for record in caplog.records] == ["follower waits for the store", "follower goes on"]
    assert {vars(record)["follower"] for record in caplog.records} == {"views"}


def test_stopping_cuts_its_wait_for_the_store_short() -> None:
    steps = Steps(*[Unavailable() for _ in range(20)])
    with ThreadPoolExecutor(1) as thread:
        running = thread.submit(steps.run)
        time.sleep(0.5)
        steps.stop.set()
        began = time.monotonic()
        running.result(timeout=5)

    assert time.monotonic() - began < 0.2


@pytest.mark.parametrize(
    "error,told",
    [
        (ValueError("a client's words"), "views stopped: ValueError"),
        (Unreadable(17), "views stopped: Unreadable at position 17"),
    ],
)
def test_any_other_error_ends_it_and_says_what_but_not_what_about(
    error: Exception, told: str, caplog: pytest.LogCaptureFixture
) -> None:
    with pytest.raises(Failed) as failed:
        Steps(True, error, True).run()

    assert str(failed.value) == told
    assert failed.value.__cause__ is None
    assert failed.value.__suppress_context__
    [record] = caplog.records
    assert (record.levelname, vars(record)["error"]) == ("CRITICAL", type(error).__name__)
    assert vars(record)["position"] == getattr(error, "position", None)
    assert record.exc_info is None
    assert "words" not in caplog.text


def test_a_follower_that_failed_can_be_seen_to_have() -> None:
    stop = threading.Event()
    good = Follower(lambda: False, stop.wait, stop, "views")
    bad = Follower(lambda: bool(1 / 0), stop.wait, stop, "alerts")

    good.start()
    bad.start()
    bad.join(5)

    assert str(bad.failure) == "alerts stopped: ZeroDivisionError"
    assert good.is_alive()
    stop.set()
    good.join(5)
    assert not good.is_alive()
    assert good.failure is None


def test_a_follower_that_is_woken_by_the_signal_sees_every_event_of_a_log(tmp_path: Path) -> None:
    sqlite.migrate(tmp_path / "log.db")
    log = sqlite.open_log(tmp_path / "log.db", SECRET)
    appended, seen, stop = Signal(), Signal(), threading.Event()
    got: list[Recorded] = []

    def step() -> bool:
        page = log.read(seen.value, 3)
        got.extend(page)
        if page:
            seen.raise_to(page[-1].position)
        return bool(page)

    def idle(seconds: float) -> None:
        appended.wait(seen.value + 1, seconds)

    follower = Follower(step, idle, stop, "views")
    follower.start()
    began = time.monotonic()
    for n in range(20):
        [answer] = log.append([agreed(n)], RECEIVED)
        appended.raise_to(answer.position)
        assert seen.wait(answer.position, 5)
    assert time.monotonic() - began < 5  # where only the poll would wake it, it took twenty seconds

    stop.set()
    appended.close()
    follower.join(0.5)
    assert not follower.is_alive()
    assert [recorded.event for recorded in got] == [agreed(n) for n in range(20)]
    log.close()


def test_a_signal_only_rises() -> None:
    signal = Signal(3)

    signal.raise_to(5)
    signal.raise_to(4)

    assert signal.value == 5
    assert signal.wait(5, 0)
    assert not signal.wait(6, 0.01)


def soon(action: Callable[[], None]) -> None:
    threading.Timer(0.05, action).start()


def test_threads_wait_until_their_number_is_reached() -> None:
    signal = Signal()
    with ThreadPoolExecutor(2) as threads:
        two, nine = (threads.submit(signal.wait, number, 5) for number in (2, 9))
        signal.raise_to(2)
        assert two.result(1)
        assert not nine.done()
        signal.raise_to(9)
        assert nine.result(1)


def test_coroutines_wait_until_their_number_is_reached_by_another_thread() -> None:
    signal = Signal()

    async def ask() -> list[bool]:
        soon(lambda: signal.raise_to(2))
        return list(
            await asyncio.gather(
                signal.reached(0, 0), signal.reached(2, 5), signal.reached(1, 5), signal.reached(3, 0.2)
            )
        )

    assert asyncio.run(ask()) == [True, True, True, False]


def test_a_coroutine_that_gives_up_while_it_is_woken_does_not_disturb_its_loop() -> None:
    signal = Signal()
    mishaps: list[object] = []

    async def give_up() -> None:
        asyncio.get_running_loop().set_exception_handler(lambda _, context: mishaps.append(context))
        waiting = asyncio.create_task(signal.reached(1, 5))
        await asyncio.sleep(0)
        signal.raise_to(1)
        waiting.cancel()
        await asyncio.gather(waiting, return_exceptions=True)
        await asyncio.sleep(0)

    asyncio.run(give_up())

    assert mishaps == []


def test_a_coroutine_whose_loop_is_gone_does_not_disturb_the_signal() -> None:
    signal = Signal()
    loop = asyncio.new_event_loop()
    abandoned = loop.create_task(signal.reached(2, 5))
    loop.run_until_complete(asyncio.sleep(0))
    loop.close()

    signal.raise_to(2)

    assert signal.value == 2
    assert not abandoned.done()
    abandoned.get_coro().close()


def test_closing_a_signal_wakes_everybody() -> None:
    signal = Signal()

    async def ask() -> bool:
        return await signal.reached(1, 5)

    with ThreadPoolExecutor(1) as threads:
        waiting = threads.submit(signal.wait, 1, 5)
        soon(signal.close)
        began = time.monotonic()
        assert asyncio.run(ask()) is False
        assert waiting.result(1) is False
    assert time.monotonic() - began < 2
    assert signal.wait(1, 5) is False
