"""The courses nobody sees: many of them together meet the figures that the parameters were chosen for."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from itertools import pairwise
from random import Random
from statistics import fmean, linear_regression, stdev
from typing import NamedTuple

import pytest

from services.simulation.latent import Client, Course, Effects, draw_caseload, draw_client, draw_course, draw_effects


class Lived(NamedTuple):
    therapist: int
    client: Client
    course: Course


@pytest.fixture(scope="module")
def lived() -> list[Lived]:
    """Some 20,000 courses of 400 therapists."""
    rng, whims = Random(7), Random(8)
    found = []
    for therapist in range(400):
        effects = draw_effects(rng)
        for _ in range(draw_caseload(rng)):
            client = draw_client(rng, effects)
            found.append(Lived(therapist, client, draw_course(rng, client, effects, whims, habit=0.15, shift=0.0)))
    return found


def share(holds: Iterable[bool]) -> float:
    return fmean(holds)


def test_cases_are_as_short_as_cases_are(lived: list[Lived]) -> None:
    lengths = [len(one.course.sessions) for one in lived]
    assert 5.9 < fmean(lengths) < 6.9
    assert 4.2 < stdev(lengths) < 5.2
    assert 0.08 < share(length == 1 for length in lengths) < 0.12
    assert share(length >= 20 for length in lengths) < 0.05


def test_clients_start_where_clients_start(lived: list[Lived]) -> None:
    intakes = [one.course.sessions[0].ors for one in lived]
    assert 18.2 < fmean(intakes) < 19.2
    assert 7.3 < stdev(intakes) < 8.1
    assert 0.18 < share(intake >= 25 for intake in intakes) < 0.25


def test_most_gain_and_a_few_get_worse(lived: list[Lived]) -> None:
    changes = [
        (one.course.sessions[0].ors, one.course.sessions[-1].ors - one.course.sessions[0].ors)
        for one in lived
        if len(one.course.sessions) > 1
    ]
    clinical = [change for intake, change in changes if intake < 25]
    assert 0.62 < fmean(change for _, change in changes) / 7.75 < 0.76
    assert 0.82 < fmean(clinical) / 7.75 < 0.96
    assert 0.49 < share(change >= 6 for change in clinical) < 0.59
    assert 0.045 < share(change <= -6 for change in clinical) < 0.08
    assert 0.05 < share(change <= -6 for _, change in changes) < 0.1


def test_about_a_quarter_stop_coming(lived: list[Lived]) -> None:
    assert 0.22 < share(not one.course.planned for one in lived) < 0.3


def test_session_ratings_are_high_and_pile_up_at_the_top(lived: list[Lived]) -> None:
    ratings = [session.srs for one in lived for session in one.course.sessions]
    assert 36.2 < fmean(ratings) < 37.2
    assert 2.8 < stdev(ratings) < 3.6
    assert 0.3 < share(rating < 36 for rating in ratings) < 0.4
    assert 0.15 < share(rating == 40 for rating in ratings) < 0.25
    steps = [before.srs - after.srs for one in lived for before, after in pairwise(one.course.sessions)]
    assert 0.22 < share(step >= 1 for step in steps) < 0.3


def test_therapists_differ_as_little_as_therapists_do(lived: list[Lived]) -> None:
    seen = [one for one in lived if len(one.course.sessions) > 1]
    slope, intercept = linear_regression(
        [one.course.sessions[0].ors for one in seen], [one.course.sessions[-1].ors for one in seen]
    )
    outcomes: dict[int, list[float]] = defaultdict(list)
    alliances: dict[int, list[float]] = defaultdict(list)
    for one in seen:
        first, last = one.course.sessions[0].ors, one.course.sessions[-1].ors
        outcomes[one.therapist].append(last - intercept - slope * first)
        alliances[one.therapist].append(fmean(session.srs for session in one.course.sessions))
    assert 0.035 < intraclass_correlation(list(outcomes.values())) < 0.1
    assert 0.07 < intraclass_correlation(list(alliances.values())) < 0.14


def intraclass_correlation(groups: Sequence[Sequence[float]]) -> float:
    """ICC(1) from a one-way analysis of variance with groups of unequal size (Shrout & Fleiss 1979; Donner 1986)."""
    count = sum(len(group) for group in groups)
    grand = sum(sum(group) for group in groups) / count
    between = sum(len(group) * (fmean(group) - grand) ** 2 for group in groups) / (len(groups) - 1)
    within = sum(sum((x - fmean(group)) ** 2 for x in group) for group in groups) / (count - len(groups))
    size = (count - sum(len(group) ** 2 for group in groups) / count) / (len(groups) - 1)
    return (between - within) / (between + (size - 1) * within)


def test_a_third_of_the_longer_clinical_cases_is_stalled_or_worse_by_class(lived: list[Lived]) -> None:
    longer = [one for one in lived if len(one.course.sessions) >= 4 and one.course.sessions[0].ors < 25]
    assert 0.28 < share(one.client.latent in ("flat", "worsening") for one in longer) < 0.38


def test_a_renegotiation_changes_nothing_unless_it_is_told_to() -> None:
    client, nobody = Client("flat", intake=15.0, gain=0.0, pace=0.4, bond=0.0), Effects(0.0, 0.0)
    courses = {
        (habit, shift): [
            draw_course(Random(seed), client, nobody, Random(seed), habit=habit, shift=shift) for seed in range(300)
        ]
        for habit, shift in ((0.0, 0.0), (0.5, 0.0), (0.5, 5.0))
    }

    def scores(habit: float, shift: float) -> list[list[float]]:
        return [[session.ors for session in course.sessions] for course in courses[habit, shift]]

    assert sum(session.renegotiated for course in courses[0.5, 0.0] for session in course.sessions) > 100
    assert scores(0.5, 0.0) == scores(0.0, 0.0)
    assert scores(0.5, 5.0) != scores(0.0, 0.0)


def test_the_task_is_renegotiated_from_the_third_session_on_and_not_twice_in_three(lived: list[Lived]) -> None:
    talks = [[number for number, session in enumerate(one.course.sessions, 1) if session.renegotiated] for one in lived]
    assert min(number for numbers in talks for number in numbers) == 3
    assert min(after - before for numbers in talks for before, after in pairwise(numbers)) == 3
