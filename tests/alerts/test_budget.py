"""Which letters find room in a therapist's week."""

from collections.abc import Sequence

import pytest

from contracts.data import AlertReason
from contracts.instruments import catalogue
from contracts.policies import policy
from services.alerts.budget import beyond
from services.alerts.lifecycle import Letter, worth
from services.projections.fold import course_of
from services.projections.record import record_of
from tests.story import Story, stalled


def letter(ref: str, worth: float, reason: AlertReason = "stalled", therapist: str = "th_ada01") -> Letter:
    return Letter(ref, reason, therapist, worth)


LETTERS = [letter("al_low", 0.4), letter("al_high", 0.9), letter("al_middle", 0.6)]


@pytest.mark.parametrize(
    "room, left_out",
    [(3, set()), (2, {"al_low"}), (1, {"al_low", "al_middle"}), (0, {"al_low", "al_middle", "al_high"})],
)
def test_what_is_worth_most_goes_first(room: int, left_out: set[str]) -> None:
    assert beyond(LETTERS, lambda _: room) == left_out


def test_deterioration_always_finds_room_and_takes_it_from_the_others() -> None:
    urgent = letter("al_urgent", 0.1, "deteriorating")
    assert beyond([*LETTERS, urgent], lambda _: 2) == {"al_low", "al_middle"}
    assert beyond([urgent], lambda _: 0) == set()


def test_each_therapist_has_a_week_of_their_own() -> None:
    left = {"th_ada01": 0, "th_ben01": 1}
    found = beyond([letter("al_one", 0.5), letter("al_two", 0.5, therapist="th_ben01")], left.__getitem__)
    assert found == {"al_one"}


def raised(chance: float | None, told_before: Sequence[str] = ()) -> float:
    story = stalled()
    for ref in told_before:
        tell(story, ref, None)
        story.tell("alert.notified", {"alert_ref": ref, "channel": "email", "message_id": f"<{ref}@test.invalid>"})
    tell(story, "al_now", chance)
    course = course_of(record_of(story.events), catalogue())
    return worth(course, next(alert for alert in course.alerts if alert.ref == "al_now"), policy())


def tell(story: Story, ref: str, chance: float | None) -> None:
    evidence = [] if chance is None else [{"name": "chance_of_stall", "value": chance}]
    data = {"alert_ref": ref, "reason": "stalled", "policy": "default", "policy_version": 2, "evidence": evidence}
    story.tell("alert.raised", data, minutes=90)


def test_a_letter_is_worth_its_chance_and_less_with_each_one_before_it() -> None:
    assert raised(0.8) == pytest.approx(0.8)
    assert raised(0.8, ["al_first"]) == pytest.approx(0.8 * 0.7)
    assert raised(0.8, ["al_first", "al_second"]) == pytest.approx(0.8 * 0.49)


def test_an_alert_that_rests_on_no_chance_counts_as_the_policys_edge() -> None:
    assert raised(None) == pytest.approx(policy().outlook.chance)
