"""The alliance within one client: falls from the client's own level, repaired or not."""

from itertools import pairwise
from math import sqrt
from statistics import stdev

import pytest

from contracts.instruments import catalogue
from contracts.policies import policy
from services.projections.alliance import ruptures, unrated, unrepaired
from services.projections.course import Course, Series
from services.projections.fold import course_of
from services.projections.record import record_of
from tests.story import Story

RULES = policy().alliance


def course(story: Story) -> Course:
    return course_of(record_of(story.events), catalogue())


def alliance(*ratings: float, instrument: str = "srs", version: str = "adult") -> Series:
    story = Story().opened()
    for rating in ratings:
        story.session()
        story.measure(instrument, {"total": rating}, story.session_ref(), version)
    series = course(story).alliance
    assert series is not None
    return series


def falls(*ratings: float, instrument: str = "srs", version: str = "adult") -> list[int]:
    """At which scores a rupture begins."""
    return [one.start for one in ruptures(alliance(*ratings, instrument=instrument, version=version), RULES)]


def test_a_steady_alliance_has_no_rupture() -> None:
    assert falls(37, 38, 37, 38, 36.5) == []


def test_a_fall_that_comes_back_is_a_repaired_rupture() -> None:
    (found,) = ruptures(alliance(38, 38, 33, 37, 38), RULES)
    assert (found.start, found.repaired, found.scores) == (2, 3, 1)
    assert (found.session, found.repaired_session) == (3, 4)
    assert (found.level, found.depth) == (38, 5)


def test_a_fall_that_stays_is_unrepaired_and_counts_its_scores() -> None:
    (found,) = ruptures(alliance(38, 38, 34, 33, 34), RULES)
    assert (found.start, found.repaired, found.scores, found.depth) == (2, None, 3, 5)


def test_every_v_is_an_episode_of_its_own() -> None:
    found = ruptures(alliance(38, 38, 33, 38, 38, 32, 31, 38), RULES)
    assert [(one.start, one.repaired, one.scores) for one in found] == [(2, 3, 1), (5, 7, 2)]
    assert [one.depth for one in found] == [5, 7]


def test_the_level_stands_still_during_a_rupture() -> None:
    (found,) = ruptures(alliance(38, 33, 33, 33, 33, 33, 34.9), RULES)
    assert found.repaired is None


def test_below_the_floor_is_a_rupture_whatever_the_level() -> None:
    (found,) = ruptures(alliance(33, 31), RULES)
    assert (found.start, found.depth) == (1, 2)
    assert falls(33, 32) == []


def test_an_alliance_that_is_low_from_the_start_and_stays_low_did_not_fall() -> None:
    (found,) = ruptures(alliance(30, 30, 30), RULES)
    assert (found.start, found.depth, found.scores, found.low_from_start) == (1, 0, 2, True)
    (fell,) = ruptures(alliance(33, 31, 30), RULES)
    assert (fell.depth, fell.low_from_start) == (3, False)


def test_where_no_cutoff_is_known_there_is_no_floor() -> None:
    assert falls(31, 30, 31, 30, version="child") == []
    assert falls(31, 28, 31, version="child") == []
    assert falls(31, 27.9, 31, version="child") == [1]


def test_a_rating_just_at_the_limit_is_no_rupture_and_ends_one() -> None:
    assert falls(33.2, 30.2, version="child") == []
    assert falls(33.2, 30.1, version="child") == [1]
    (found,) = ruptures(alliance(38, 34, 35), RULES)
    assert found.repaired == 2


def test_a_level_just_at_the_floor_is_not_low() -> None:
    (found,) = ruptures(alliance(32, 31), RULES)
    assert not found.low_from_start


def test_a_fall_is_measured_by_the_width_of_the_scale() -> None:
    # 3 points of 40 are 3.6 of the 48 points between 12 and 60.
    assert falls(55, 55, 51.5, instrument="wai_sr", version="client") == []
    assert falls(55, 55, 51, instrument="wai_sr", version="client") == [2]


def limit(calm: list[float], deviations: float) -> float:
    """By the weights written out: the centre, its variance in variances of a score, and the limit of the next score."""
    weight, n = RULES.average_weight, len(calm)
    weights = [(1 - weight) ** (n - 1), *(weight * (1 - weight) ** (n - place) for place in range(2, n + 1))]
    assert sum(weights) == pytest.approx(1)
    centre = sum(share * value for share, value in zip(weights, calm, strict=True))
    unsure = sum(share**2 for share in weights)
    return centre - max(3, deviations * stdev(calm) * sqrt(1 + unsure))


@pytest.mark.parametrize("calm", [[37, 38.5, 36], [37, 38.5, 36, 37, 38, 36.5, 37, 38, 36], [36, 39] * 10])
@pytest.mark.parametrize("deviations", [1.0, 2.0, 3.0])
def test_the_limit_is_that_of_a_control_chart(calm: list[float], deviations: float) -> None:
    rules = RULES.model_copy(update={"drop_standard_deviations": deviations, "floor_below_cutoff_of_range": 1.0})
    edge = limit(calm, deviations)
    assert ruptures(alliance(*calm), rules) == ()
    assert ruptures(alliance(*calm, round(edge + 0.05, 2)), rules) == ()
    assert [one.start for one in ruptures(alliance(*calm, round(edge - 0.05, 2)), rules)] == [len(calm)]


def test_a_client_whose_ratings_scatter_needs_a_deeper_fall() -> None:
    scattered, steady = (39, 37, 39, 37, 39, 34.5), (38, 38, 38, 38, 38, 34.5)
    rules = RULES.model_copy(update={"drop_standard_deviations": 4.0})
    assert ruptures(alliance(*scattered), rules) == ()
    assert len(ruptures(alliance(*steady), rules)) == 1


def test_two_low_scores_or_two_sessions_without_a_rating_make_a_rupture_unrepaired() -> None:
    story = Story().opened()
    for rating in (38, 38, 33):
        story.session(srs=rating)
    for missing, expected in enumerate((False, False, True)):
        found = course(story)
        assert found.alliance is not None
        assert unrated(found.alliance, found.sessions) == missing
        assert (unrepaired(found.alliance, found.sessions, RULES) is not None) == expected
        story.session()
    assert unrepaired(alliance(38, 38, 33), (), RULES) is None
    assert unrepaired(alliance(38, 38, 33, 34), (), RULES) is not None
    assert unrepaired(alliance(38, 38, 33, 34, 38), (), RULES) is None


def test_the_same_low_score_again_and_again_stays_a_rupture() -> None:
    series = alliance(38, 38, 33, 33, 33, 33)
    assert len({*series.values[-4:]}) == 1
    assert unrepaired(series, (), RULES) is not None


def test_a_slow_decline_within_the_limits_moves_the_level_along() -> None:
    slow = [38 - 0.5 * step for step in range(10)]
    assert all(before - after == 0.5 for before, after in pairwise(slow))
    assert falls(*slow) == []
