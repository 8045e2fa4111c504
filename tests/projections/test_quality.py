"""Doubts about the data are named before anyone judges it."""

import pytest

from contracts.instruments import catalogue
from services.projections.fold import course_of
from services.projections.quality import turns
from services.projections.record import record_of
from tests.story import Story


def flags(*scores: float | None, srs: float | None = None) -> tuple[str, ...]:
    story = Story().opened()
    for score in scores:
        story.session(ors=score, srs=srs)
    return course_of(record_of(story.events), catalogue()).flags


@pytest.mark.parametrize(
    "scores, flag",
    [
        ((15, 25, 14, 24, 13, 25), "sawtooth"),
        ((15, 20, 25, 19.5, 14, 20, 25, 19, 13, 19, 25), "sawtooth"),  # the same swings, in two steps each
        ((33, 34), "first_score_high"),
        ((15, 18, 18, 18, 18), "same_outcome_scores"),
        ((15, None, 16, 17), "measures_skipped"),
        ((15, None, 16, 17, 16, 18, 17, 19, 18, 20), "measures_skipped"),
    ],
)
def test_a_doubt_is_flagged(scores: tuple[float | None, ...], flag: str) -> None:
    assert flags(*scores) == (flag,)


@pytest.mark.parametrize(
    "scores",
    [
        (15, 25, 14, 24, 13),
        (32, 34),
        (15, 18, 18, 18),
        (15, None, 16),
        (15, 20, 15, 20, 15, 20),
        (15, None, 16, 17, 16, 18, 17, 19, 18, 20, 19),
    ],
)
def test_just_short_of_a_doubt_nothing_is_flagged(scores: tuple[float | None, ...]) -> None:
    assert flags(*scores) == ()


@pytest.mark.parametrize(
    "scores, expected",
    [
        ([10], 0),
        ([10, 16, 22, 28], 0),
        ([10, 16, 10], 1),
        ([16, 10, 16], 1),
        ([10, 16, 10.1], 0),
        ([2.2, 8.2, 2.2], 1),  # six points, though 8.2 - 2.2 < 6 in binary fractions
        ([10, 13, 16, 13, 10, 13, 16], 2),
        ([10, 16, 15, 16, 15, 16], 0),
    ],
)
def test_a_turn_counts_where_it_goes_back_far_enough(scores: list[float], expected: int) -> None:
    assert turns(scores, 6) == expected
    assert turns([-score for score in scores], 6) == expected


def test_an_alliance_that_is_low_and_does_not_move_is_a_message() -> None:
    assert "alliance_uninformative" not in flags(15, 16, 17, 18, srs=30)
    assert "alliance_uninformative" in flags(15, 16, 17, 18, srs=38)


def test_an_alliance_that_is_always_at_the_top_says_nothing() -> None:
    assert "alliance_uninformative" in flags(15, 16, 17, 18, srs=40)
    assert "alliance_uninformative" not in flags(15, 16, 17, srs=40)


def test_two_scores_in_one_session_are_flagged() -> None:
    story = Story().opened().session(ors=15)
    story.measure("ors", {"total": 17.0}, session=story.session_ref())
    assert "two_scores_in_a_session" in course_of(record_of(story.events), catalogue()).flags
