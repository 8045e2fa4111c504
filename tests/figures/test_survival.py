"""How long it takes until a stall is answered: published survival times, and an independent implementation."""

from datetime import timedelta
from math import inf
from random import Random

import numpy as np
import pytest
from statsmodels.duration.survfunc import SurvfuncRight

from contracts.instruments import catalogue
from services.figures.survival import Step, Wait, Waiting, waiting, waits
from services.projections.course import Course
from services.projections.fold import course_of
from services.projections.record import record_of
from tests.story import Story, day, stalled

TREATED = [Wait(days, True) for days in (6, 6, 6, 7, 10, 13, 16, 22, 23)]
TREATED += [Wait(days, False) for days in (6, 9, 10, 11, 17, 19, 20, 25, 32, 32, 34, 35)]
PLACEBO = [Wait(days, True) for days in (1, 1, 2, 2, 3, 4, 4, 5, 5, 8, 8, 8, 8, 11, 11, 12, 12, 15, 17, 22, 23)]
"""Weeks in remission of 42 patients (Freireich et al. 1963), the example of most textbooks."""


def course(story: Story) -> Course:
    return course_of(record_of(story.events), catalogue())


def raised(story: Story, reason: str = "stalled", ref: str = "al_one1") -> Story:
    data = {"alert_ref": ref, "reason": reason, "policy": "default", "policy_version": 2}
    return story.tell("alert.raised", data, minutes=60)


def test_a_published_curve_is_found_again() -> None:
    found = waiting(TREATED)
    assert (found.n, found.events, found.median) == (21, 9, 23)
    published = {6: 0.857, 7: 0.807, 10: 0.753, 13: 0.690, 16: 0.627, 22: 0.538, 23: 0.448}
    assert {step.days: round(step.waiting, 3) for step in found.steps} == published
    assert waiting(PLACEBO).median == 8


def test_the_median_and_its_interval_are_those_of_an_independent_implementation() -> None:
    rng = Random(4)
    # Somebody waits to the end: where nobody does, the other one closes the interval, and ours stays open.
    made = [
        [Wait(61, False), *(Wait(rng.randint(1, 60), rng.random() < share) for _ in range(40))]
        for share in (0.3, 0.6, 0.9) * 5
    ]
    for found in (TREATED, PLACEBO, *made):
        own = waiting(found)
        other = SurvfuncRight([wait.days for wait in found], [int(wait.ended) for wait in found])
        with np.errstate(divide="ignore", invalid="ignore"):  # its interval where nobody is left
            low, high = other.quantile_ci(0.5, method="cloglog")
        median = other.quantile(0.5)
        assert own.median == (None if np.isnan(median) else median)
        assert own.interval == tuple(None if end == inf else end for end in (low, high))
        assert [step.waiting for step in own.steps] == pytest.approx(list(other.surv_prob))


def test_where_less_than_half_have_ended_there_is_no_median() -> None:
    found = waiting([Wait(3, True), *(Wait(10, False) for _ in range(9))])
    assert (found.events, found.median, found.interval) == (1, None, (3, None))
    [step] = found.steps
    assert (step.days, round(step.waiting, 2)) == (3, 0.9)


def test_where_nothing_has_ended_or_nobody_waits_there_is_no_curve() -> None:
    assert waiting([Wait(3, False)]) == Waiting(1, 0, None, (None, None), ())
    assert waiting([]) == Waiting(0, 0, None, (None, None), ())


def test_when_nobody_is_left_the_last_step_has_no_interval() -> None:
    assert waiting([Wait(3, True), Wait(5, True)]).steps[-1] == Step(5, 0, None)


def test_a_wait_goes_from_the_first_stall_alert_to_the_first_renegotiation_after_it() -> None:
    # given a renegotiation before the alert, a second alert, and two renegotiations ten and 17 days on
    story = Story().opened().session(ors=15, srs=37).renegotiated("ta_early1")
    story = raised(story.session(ors=15, srs=37))
    story = raised(story.session(ors=15, srs=37), "stalled_not_renegotiated", "al_two2")
    story = story.after(3).renegotiated("ta_late1").after(7).renegotiated("ta_late2")

    [wait] = waits([course(story)], day(100))
    assert (round(wait.days, 2), wait.ended) == (9.98, True)  # half an hour less than ten days


def test_whoever_has_no_renegotiation_is_seen_until_now_or_until_the_case_was_closed() -> None:
    open_case = raised(stalled("ca_open1"))
    closed = raised(stalled("ca_closed1")).after(4).closed()
    started = day(35) + timedelta(hours=1)
    [still, ended] = waits([course(open_case), course(closed)], started + timedelta(days=30))
    assert still == Wait(30, False)
    assert (round(ended.days), ended.ended) == (5, False)  # the day of the closing counts whole


@pytest.mark.parametrize("purpose", ["quality", "feedback"])
def test_who_has_no_such_alert_or_withdrew_consent_does_not_count(purpose: str) -> None:
    silent = raised(stalled("ca_silent1"), "silent")
    withdrawn = raised(stalled("ca_gone1"))
    at = (withdrawn.now + timedelta(hours=1)).isoformat()
    withdrawn.tell("consent.changed", {"purpose": purpose, "state": "withdrawn", "effective_from": at}, minutes=90)
    stories = (silent, withdrawn, stalled("ca_none1"))
    assert waits(map(course, stories), day(100)) == []
