"""Task and wishes side by side: each observation at its edge, told as a story."""

from typing import Any

import pytest

from contracts.instruments import catalogue
from contracts.policies import policy
from contracts.preferences import inventory
from services.projections.agreement import Agreement, agreement
from services.projections.fold import course_of
from services.projections.record import record_of
from tests.story import Story


def found(story: Story) -> Agreement:
    return agreement(course_of(record_of(story.events), catalogue()), policy().agreement, inventory().scales)


def of_task(story: Story) -> tuple[str, ...]:
    [match] = found(story).matches
    return match.observed


def agreed(**more: Any) -> Story:
    return Story().opened().session().said("role").agreed(**more)


def test_nobody_asked_is_said_from_the_second_session_on() -> None:
    story = Story().opened().session()
    assert found(story).observed == ()
    assert found(story.session()).observed == ("nobody_asked",)
    assert found(story.said("cause", "theory_of_change")).observed == ()


def test_an_entry_that_was_retracted_was_not_asked_for() -> None:
    story = Story().opened().session().said("role").session()
    assert found(story).observed == ()
    assert found(story.retracted(story.events[2])).observed == ("nobody_asked",)


@pytest.mark.parametrize("fit, observed", [(4.9, ("task_fit_low",)), (5.0, ()), (None, ())])
def test_a_fit_below_five_is_low(fit: float | None, observed: tuple[str, ...]) -> None:
    story = agreed() if fit is None else agreed(fit=fit)
    assert of_task(story) == observed


def test_a_later_rating_of_the_fit_takes_the_place_of_the_earlier_one() -> None:
    story = agreed(fit=3.0).session().renegotiated("ta_old01", "ta_old01", change="focus", fit=8.0)
    assert of_task(story) == ()


@pytest.mark.parametrize(
    "talk, observed",
    [
        ({"agreed_by": "therapist", "agreement": 9.0}, ("task_not_agreed_by_client",)),
        ({"agreed_by": "both", "initiated_by": "therapist", "agreement": 1.0}, ()),
        ({"agreed_by": "client"}, ()),
        ({"initiated_by": "therapist", "agreement": 4.9}, ("task_not_agreed_by_client",)),
        ({"initiated_by": "supervisor", "agreement": 4.9}, ("task_not_agreed_by_client",)),
        ({"initiated_by": "therapist", "agreement": 5.0}, ()),
        ({"initiated_by": "therapist"}, ()),
        ({"initiated_by": "client", "agreement": 2.0}, ()),
    ],
)
def test_a_task_is_not_the_clients_where_the_last_talk_left_them_out(
    talk: dict[str, Any], observed: tuple[str, ...]
) -> None:
    story = Story().opened().session().said("role").session().renegotiated("ta_new01", change="add", **talk)
    assert of_task(story) == observed


def test_a_task_that_the_therapist_alone_agreed_on_is_not_the_clients_until_both_do() -> None:
    story = agreed(agreed_by="therapist")
    assert of_task(story) == ("task_not_agreed_by_client",)
    assert of_task(story.session().renegotiated("ta_old01", "ta_old01", change="focus", agreed_by="both")) == ()


def test_what_the_client_says_anew_on_a_later_day_makes_the_task_older_than_their_wishes() -> None:
    story = agreed()
    assert of_task(story.said("change", "theory_of_change", minutes=40)) == ()
    assert of_task(story.session().said("change", "theory_of_change", stance="practice")) == (
        "task_older_than_preferences",
    )
    [match] = found(story).matches
    assert match.newer == ("change",)
    assert of_task(story.session().renegotiated("ta_old01", "ta_old01", change="focus", agreed_by="both")) == ()


def test_what_was_said_anew_and_then_confirmed_is_still_newer_than_the_task() -> None:
    story = agreed().session().said("role", stance="coach").session().said("role", stance="coach")
    assert of_task(story) == ("task_older_than_preferences",)


@pytest.mark.parametrize(
    "domain, more",
    [
        ("hope", {"strength": 2.0}),
        ("role", {}),
        ("change", {"stance": "practice", "client_confirmed": False}),
    ],
)
def test_hope_a_wish_said_again_and_what_the_client_did_not_confirm_leave_the_task_as_it_is(
    domain: str, more: dict[str, Any]
) -> None:
    assert of_task(agreed().session().said(domain, **more)) == ()


def test_a_goal_that_is_rated_again_leaves_the_task_as_it_is_and_a_new_goal_does_not() -> None:
    story = Story().opened().session().said("goal", goal_ref="go_01", stance="rest", strength=1.0).agreed()
    assert of_task(story.session().said("goal", goal_ref="go_01", strength=7.0)) == ()
    assert of_task(story.said("goal", goal_ref="go_02", stance="work")) == ("task_older_than_preferences",)


def test_sessions_that_go_on_after_the_last_task_ended_are_named() -> None:
    story = agreed().session().tell("task.ended", {"task_ref": "ta_old01", "reason": "no_benefit"}, 40)
    assert found(story).observed == ()
    assert found(story.session()).observed == ("working_on_replaced_task",)
    assert found(story.agreed("ta_new01")).observed == ()


def test_a_case_without_any_task_works_on_none_that_was_replaced() -> None:
    assert found(Story().opened().session().said("role").session()).observed == ()


def test_what_was_on_record_before_the_task_is_told_apart_from_what_came_after() -> None:
    story = Story().opened().session().said("cause", "theory_of_change").agreed().said("role", minutes=40)
    [match] = found(story).matches
    assert (match.theory_before, match.wishes_before) == (True, False)


def test_the_strong_preferences_are_those_of_the_scores_in_force() -> None:
    story = Story().opened().session().said("activity", activity={"directiveness": 12, "warm_support": 2})
    assert [(one.scale, one.towards) for one in found(story).strong] == [("directiveness", "therapist_leads")]
    story.session().said("activity", activity={"directiveness": 0, "warm_support": -9}).said("role", stance="guide")
    assert [(one.scale, one.towards) for one in found(story).strong] == [("warm_support", "focused_challenge")]


def test_of_a_closed_case_nothing_is_observed() -> None:
    closed = found(Story().opened().session().session().closed())
    assert (closed.matches, closed.observed) == ((), ())
