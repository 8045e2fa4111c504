"""Events that arrive together share a transaction, and none fails for its neighbour's sake."""

import asyncio
import threading
from collections.abc import Callable, Collection, Coroutine, Sequence
from datetime import datetime
from typing import Any

import pytest

from contracts.data import EventKey
from contracts.events import AnyEvent
from services.access.problems import Refused
from services.eventlog.ports import Appended, Recorded, Rejected, Unavailable, Unread
from services.ingest.commit import Committer, Outcome
from tests.ingest.conftest import NOW
from tests.story import Story


class SlowLog:
    """A log whose first append waits to be let go, that refuses poisonous events, and that can be out of reach."""

    def __init__(self) -> None:
        self.go = threading.Event()
        self.begun = threading.Event()
        self.appends: list[list[str]] = []
        self.threads: set[str] = set()
        self.poison: set[str] = set()
        self.failure: Exception | None = None

    def append(self, events: Sequence[AnyEvent], received: datetime, *, whole: bool = False) -> list[Appended]:
        assert received == NOW
        self.appends.append([event.id for event in events])
        self.threads.add(threading.current_thread().name)
        self.begun.set()
        self.go.wait(5)
        if self.failure:
            raise self.failure
        if self.poison & {event.id for event in events}:
            raise Rejected
        return [Appended(len(self.appends), duplicate=False, conflict=False) for _ in events]

    def read(self, after: int, limit: int) -> list[Recorded]:
        raise Unavailable

    def follow(self, after: int, limit: int) -> list[Recorded | Unread]:
        raise Unavailable

    def head(self) -> int:
        raise Unavailable

    def find(self, key: EventKey) -> Recorded | None:
        raise Unavailable

    def find_each(self, keys: Collection[EventKey]) -> dict[EventKey, Recorded]:
        raise Unavailable

    def close(self) -> None:
        raise Unavailable


EVENTS: Sequence[AnyEvent] = Story().opened().session(15).session(16).session(17).session(18).events
IDS = [event.id for event in EVENTS]


def run(log: SlowLog, work: Callable[[Committer], Coroutine[Any, Any, Any]], **sizes: int) -> list[int]:
    """Runs ``work`` with a committer, closes it, and returns the positions that were announced."""
    announced: list[int] = []

    async def story() -> None:
        committer = Committer(log, lambda: NOW, announced.append, **sizes)
        committer.start()
        await work(committer)
        log.go.set()
        await committer.close()

    asyncio.run(story())
    return announced


async def first_is_being_written(log: SlowLog, committer: Committer) -> "asyncio.Future[list[Outcome]]":
    outcome = committer.submit(EVENTS[:1])
    await asyncio.to_thread(log.begun.wait, 5)
    return outcome


def test_what_arrives_during_a_transaction_shares_the_next() -> None:
    log = SlowLog()

    async def work(committer: Committer) -> None:
        first = await first_is_being_written(log, committer)
        others = [committer.submit([event]) for event in EVENTS[1:5]]
        log.go.set()
        assert await first == [Appended(1, duplicate=False, conflict=False)]
        assert await asyncio.gather(*others) == [[Appended(2, duplicate=False, conflict=False)]] * 4

    assert run(log, work) == [1, 2]
    assert log.appends == [IDS[:1], IDS[1:5]]
    assert len(log.threads) == 1


def test_a_group_ends_at_its_size_and_a_larger_unit_goes_alone() -> None:
    log = SlowLog()

    async def work(committer: Committer) -> None:
        first = await first_is_being_written(log, committer)
        others = [committer.submit(EVENTS[start:end]) for start, end in ((1, 2), (2, 3), (3, 7), (7, 8))]
        log.go.set()
        assert [len(outcomes) for outcomes in await asyncio.gather(first, *others)] == [1, 1, 1, 4, 1]

    run(log, work, group=3)
    assert log.appends == [IDS[:1], IDS[1:3], IDS[3:7], IDS[7:8]]


def test_a_poisonous_event_fails_alone() -> None:
    log = SlowLog()
    log.poison = {IDS[2]}

    async def work(committer: Committer) -> None:
        first = await first_is_being_written(log, committer)
        pair, single = committer.submit(EVENTS[1:3]), committer.submit(EVENTS[3:4])
        log.go.set()
        assert isinstance((await first)[0], Appended)
        good, bad = await pair
        assert isinstance(good, Appended)
        assert isinstance(bad, Rejected)
        assert isinstance((await single)[0], Appended)

    assert run(log, work) == [1, 5]
    assert log.appends == [IDS[:1], IDS[1:4], IDS[1:2], IDS[2:3], IDS[3:4]]


def test_what_is_to_be_stored_whole_goes_alone_and_fails_whole() -> None:
    log = SlowLog()
    log.poison = {IDS[2]}

    async def work(committer: Committer) -> None:
        first = await first_is_being_written(log, committer)
        before, whole = committer.submit(EVENTS[3:4]), committer.submit(EVENTS[1:3], whole=True)
        after, another = committer.submit(EVENTS[4:5]), committer.submit(EVENTS[5:7], whole=True)
        log.go.set()
        assert [type(outcome) for outcome in await whole] == [Rejected, Rejected]
        for stored in (first, before, after, another):
            assert all(isinstance(outcome, Appended) for outcome in await stored)

    run(log, work)
    assert log.appends == [IDS[:1], IDS[3:4], IDS[1:3], IDS[4:5], IDS[5:7]]


@pytest.mark.parametrize("failure", [Unavailable(), ZeroDivisionError()], ids=["outage", "defect"])
def test_an_outage_or_a_defect_is_told_to_every_waiter_after_one_attempt(failure: Exception) -> None:
    log = SlowLog()

    async def work(committer: Committer) -> None:
        first = await first_is_being_written(log, committer)
        others = [committer.submit([event]) for event in EVENTS[1:4]]
        log.failure = failure
        log.go.set()
        assert await asyncio.gather(first, *others) == [[failure]] * 4
        log.failure = None
        assert isinstance((await committer.submit(EVENTS[4:5]))[0], Appended)

    assert run(log, work) == [3]
    assert log.appends == [IDS[:1], IDS[1:4], IDS[4:5]]


def test_an_outage_among_single_attempts_ends_them() -> None:
    log = SlowLog()
    log.go.set()
    log.poison = {IDS[0]}
    calls = log.append

    def fails_from_the_third_call_on(
        events: Sequence[AnyEvent], received: datetime, *, whole: bool = False
    ) -> list[Appended]:
        log.failure = Unavailable() if len(log.appends) >= 2 else None
        return calls(events, received)

    log.append = fails_from_the_third_call_on  # type: ignore[method-assign] # the outage begins between two attempts

    async def work(committer: Committer) -> None:
        outcomes = await committer.submit(EVENTS[:5])
        assert isinstance(outcomes[0], Rejected)
        assert all(isinstance(outcome, Unavailable) for outcome in outcomes[1:])

    assert run(log, work) == []
    assert log.appends == [IDS[:5], IDS[:1], IDS[1:2]]


def test_events_beyond_the_room_are_refused_until_there_is_room_again() -> None:
    log = SlowLog()

    async def work(committer: Committer) -> None:
        first = await first_is_being_written(log, committer)
        second = committer.submit(EVENTS[1:3])
        with pytest.raises(Refused) as refused:
            await committer.submit(EVENTS[3:4])
        assert refused.value.problem.slug == "temporary-reduced-capacity"
        assert refused.value.problem.headers == {"Retry-After": "1"}
        log.go.set()
        await asyncio.gather(first, second)
        assert isinstance((await committer.submit(EVENTS[3:6]))[0], Appended)

    run(log, work, room=3)


def test_who_is_in_no_hurry_leaves_half_of_the_room_to_others() -> None:
    log = SlowLog()

    async def work(committer: Committer) -> None:
        waiting = [await first_is_being_written(log, committer), committer.submit(EVENTS[1:3], hurried=False)]
        with pytest.raises(Refused):
            await committer.submit(EVENTS[3:4], hurried=False)
        waiting.append(committer.submit(EVENTS[3:4]))
        log.go.set()
        await asyncio.gather(*waiting)
        assert isinstance((await committer.submit(EVENTS[4:6], hurried=False))[0], Appended)

    run(log, work, room=4)


def test_a_client_that_has_gone_harms_nobody() -> None:
    log = SlowLog()

    async def work(committer: Committer) -> None:
        gone = await first_is_being_written(log, committer)
        staying = committer.submit(EVENTS[1:2])
        gone.cancel()
        log.go.set()
        assert isinstance((await staying)[0], Appended)

    run(log, work)


def test_closing_waits_for_everything_and_lets_nothing_more_in() -> None:
    log = SlowLog()

    async def work(committer: Committer) -> None:
        first = await first_is_being_written(log, committer)
        waiting = [first, *(committer.submit([event]) for event in EVENTS[1:9])]
        closing = asyncio.ensure_future(committer.close())
        await asyncio.sleep(0)
        with pytest.raises(Refused):
            await committer.submit(EVENTS[:1])
        log.go.set()
        await closing
        assert all(outcome.done() for outcome in waiting)

    run(log, work, group=3)
    assert [event for group in log.appends for event in group] == IDS[:9]


def test_a_committer_that_was_never_started_can_be_closed() -> None:
    asyncio.run(Committer(SlowLog(), lambda: NOW, lambda _: None).close())
