"""What follows from an attempt: how long until the next one, when to give an item up, when to disable an endpoint."""

from datetime import UTC, datetime, timedelta
from itertools import accumulate

import pytest

from services.webhooks.schedule import (
    DISABLED_AFTER,
    JITTER,
    LONGEST_HOLD,
    LONGEST_THROTTLE,
    PAUSES,
    WAS_DOWN,
    Before,
    Outcome,
    asked_for,
    outcome_of,
    verdict,
)
from tests.story import day

FINE = Before(item_failures=0, endpoint_failures=0, failing_since=None)


def test_an_item_has_ten_attempts_within_about_three_days() -> None:
    assert len(PAUSES) + 1 == 10
    assert timedelta(days=3) < sum(PAUSES, timedelta()) < sum(PAUSES, timedelta()) * (1 + JITTER) < timedelta(days=4)
    assert list(PAUSES) == sorted(PAUSES)


def test_an_endpoint_that_is_down_is_disabled_before_any_of_its_items_is_given_up() -> None:
    assert list(accumulate(PAUSES))[-1] > DISABLED_AFTER


@pytest.mark.parametrize(
    "status, outcome",
    [
        (200, "delivered"),
        (204, "delivered"),
        (301, "refused"),
        (307, "refused"),
        (400, "refused"),
        (404, "refused"),
        (410, "gone"),
        (429, "throttled"),
        (500, "refused"),
        (502, "throttled"),
        (503, "throttled"),
        (504, "throttled"),
    ],
)
def test_a_status_says_how_an_attempt_ended(status: int, outcome: Outcome) -> None:
    assert outcome_of(status) == outcome


@pytest.mark.parametrize("chance, factor", [(0.0, 1.0), (0.5, 1.1)])
def test_an_item_that_is_refused_comes_back_later_each_time_and_holds_up_no_other(chance: float, factor: float) -> None:
    for failures, pause in enumerate(PAUSES):
        found = verdict(Before(failures, 0, None), "refused", None, day(0), chance)
        assert (found.state, found.item_failures) == ("waiting", failures + 1)
        assert found.not_before == day(0) + pause * factor
        assert found.hold_until is None
    last = verdict(Before(len(PAUSES), 0, None), "refused", None, day(0), chance)
    assert (last.state, last.disabled, last.failing_since) == ("failed", None, None)


@pytest.mark.parametrize("outcome", ["timed_out", "unreachable", "address_not_allowed", "throttled"])
def test_what_concerns_the_endpoint_holds_back_all_for_it_for_minutes_at_most(outcome: Outcome) -> None:
    first = verdict(FINE, outcome, None, day(0), 0.0)
    assert first.hold_until == day(0) + PAUSES[0]
    later = verdict(Before(0, 7, day(0)), outcome, None, day(1), 0.0)
    assert later.hold_until == day(1) + LONGEST_HOLD
    assert later.disabled is None


def test_who_asks_to_be_left_alone_is_for_that_long_and_the_item_loses_none_of_its_attempts() -> None:
    found = verdict(Before(2, 0, None), "throttled", timedelta(hours=3), day(0), 0.0)
    assert found.hold_until == found.not_before == day(0) + timedelta(hours=3)
    assert (found.state, found.item_failures) == ("waiting", 2)


def test_who_asks_to_be_called_again_at_once_is_given_the_first_pause_all_the_same() -> None:
    found = verdict(Before(2, 7, day(0)), "throttled", timedelta(0), day(0), 0.0)
    assert found.hold_until == found.not_before == day(0) + PAUSES[0]


@pytest.mark.parametrize("outcome", ["refused", "timed_out", "unreachable", "throttled", "address_not_allowed"])
def test_an_endpoint_that_took_nothing_for_three_days_is_disabled_and_the_item_waits(outcome: Outcome) -> None:
    since = day(0)
    before = verdict(Before(8, 9, since), outcome, None, since + DISABLED_AFTER - timedelta(seconds=1), 0.0)
    assert (before.disabled, before.failing_since) == (None, since)
    after = verdict(Before(8, 9, since), outcome, None, since + DISABLED_AFTER, 0.0)
    assert (after.disabled, after.state) == ("failing", "waiting")


def test_an_endpoint_that_is_gone_is_disabled_at_once_and_the_item_waits() -> None:
    found = verdict(FINE, "gone", None, day(0), 0.0)
    assert (found.disabled, found.state) == ("gone", "waiting")


def test_one_success_forgets_all_failures_and_after_many_calls_for_all_that_waits() -> None:
    for failures in range(WAS_DOWN + 1):
        found = verdict(Before(1, failures, day(0)), "delivered", None, day(1), 0.0)
        assert (found.state, found.endpoint_failures, found.failing_since) == ("delivered", 0, None)
        assert found.hurry == (failures >= WAS_DOWN)


@pytest.mark.parametrize(
    "text, asked",
    [
        (None, None),
        ("120", timedelta(seconds=120)),
        (" 7 ", timedelta(seconds=7)),
        ("Mon, 02 Mar 2026 09:05:00 GMT", timedelta(minutes=5)),
        ("Mon, 02 Mar 2026 08:00:00 GMT", timedelta(0)),
        ("999999999", LONGEST_THROTTLE),
        ("99999999999999999999", None),
        ("-5", None),
        ("soon", None),
        ("Mon, 02 Mar 2026 09:05:00", None),
        ("", None),
    ],
)
def test_what_is_said_of_when_to_come_back_is_heeded_within_reason(text: str | None, asked: timedelta | None) -> None:
    assert asked_for(text, datetime(2026, 3, 2, 9, tzinfo=UTC)) == asked
