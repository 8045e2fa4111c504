"""Several processes on one outbox: a shard is looked at by one at a time, and a letter is sent by one at a time."""

from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing

import pytest

from services.alerts.outbox import Outbox
from services.database.ports import Unavailable
from tests.alerts.test_outbox import LETTER, letters
from tests.alerts.test_send import attempted
from tests.alerts.workplace import FIVE, Workplace, several
from tests.homes import Schemas
from tests.parts import record
from tests.story import day, stalled


@pytest.fixture
def outboxes(schemas: Schemas) -> Iterator[tuple[Outbox, Outbox]]:
    """As two processes have them, for two shards."""
    with closing(schemas.outbox()) as one, closing(schemas.outbox()) as other:
        one.add_shards([1])
        yield one, other


def test_a_shard_that_one_looks_at_is_left_to_it_and_the_next_one_is_free(outboxes: tuple[Outbox, Outbox]) -> None:
    one, other = outboxes
    with one.turn(0) as mine, other.turn(0) as refused, other.turn(1) as free:
        assert mine is not None
        assert refused is None
        assert free is not None
        mine.record(7, {"ca_one": day(1)}, [LETTER])
        assert other.positions() == {0: 0, 1: 0}
    with other.turn(0) as turn:
        assert turn is not None
        assert turn.position == 7


@pytest.mark.parametrize("recorded", [True, False])
def test_a_turn_whose_session_ended_records_nothing_and_the_next_one_has_the_shard(
    outboxes: tuple[Outbox, Outbox], schemas: Schemas, recorded: bool
) -> None:
    one, other = outboxes
    with ExitStack() as ending:
        ending.enter_context(pytest.raises(Unavailable))
        turn = ending.enter_context(one.turn(0))
        assert turn is not None
        if recorded:
            turn.record(7, {"ca_one": day(1)}, [LETTER])
        schemas.end_sessions()
        if not recorded:
            turn.record(7, {"ca_one": day(1)}, [LETTER])
    with pytest.raises(Unavailable):
        other.positions()  # it lost its session, too
    record(other, 5, {}, [])
    assert (other.positions()[0], other.due(0, day(9), 10), other.backlog().pending) == (5, [], 0)


def test_a_letter_that_one_is_about_to_take_is_left_to_it(outboxes: tuple[Outbox, Outbox], schemas: Schemas) -> None:
    one, other = outboxes
    record(one, None, {}, letters(2))
    with schemas.place("outbox").connected() as somebody, somebody.transaction():
        somebody.execute("SELECT 1 FROM letter WHERE alert_ref = 'al_000' FOR UPDATE")
        leased = other.lease(day(1), 300)
        assert leased is not None
        assert leased.alert_ref == "al_001"
        assert one.lease(day(1), 300) is None


def test_processes_that_lease_at_once_get_different_letters(outboxes: tuple[Outbox, Outbox]) -> None:
    record(outboxes[0], None, {}, letters(40))
    with ThreadPoolExecutor(4) as threads:
        leased = list(threads.map(lambda number: outboxes[number % 2].lease(day(1), 300), range(40)))
    assert len({queued.alert_ref for queued in leased if queued}) == 40


@pytest.fixture
def offices(schemas: Schemas) -> Iterator[tuple[Workplace, Workplace]]:
    """Of one network, as two processes have them."""
    found = Workplace(schemas), Workplace(schemas)
    yield found
    for office in found:
        office.closes()


def test_offices_that_work_at_once_tell_everybody_once(offices: tuple[Workplace, Workplace]) -> None:
    one, other = offices
    therapists = [f"th_no{number:02d}" for number in range(8)]
    cases = [stalled(f"ca_no{number}", ref, scores=FIVE).events for number, ref in enumerate(therapists)]
    other.now = one.hires(*therapists).posts(several(cases)).now
    with ThreadPoolExecutor(2) as threads:
        list(threads.map(Workplace.works, offices))
    one.works()
    assert Counter(one.happened()) == {("raised", "stalled"): 8, ("notified", ""): 8}
    assert len(one.mails()) == 8
    assert sum(office.counted("stalled", "raised") or 0 for office in offices) == 8
    assert sum(attempted(office, "sent") or 0 for office in offices) == 8
