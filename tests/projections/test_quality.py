"""Doubts about the data are named before anyone judges it."""

import pytest

from contracts.instruments import catalogue
from services.projections.fold import course_of
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
        ((33, 34), "first_score_high"),
        ((15, 18, 18, 18, 18), "same_outcome_scores"),
        ((15, None, 16, 17), "measures_skipped"),
    ],
)
def test_a_doubt_is_flagged(scores: tuple[float | None, ...], flag: str) -> None:
    assert flags(*scores) == (flag,)


@pytest.mark.parametrize(
    "scores", [(15, 25, 14, 24, 13), (32, 34), (15, 18, 18, 18), (15, None, 16), (15, 20, 15, 20, 15, 20)]
)
def test_just_short_of_a_doubt_nothing_is_flagged(scores: tuple[float | None, ...]) -> None:
    assert flags(*scores) == ()


def test_an_alliance_that_is_always_at_the_top_says_nothing() -> None:
    assert "alliance_uninformative" in flags(15, 16, 17, 18, srs=40)
    assert "alliance_uninformative" not in flags(15, 16, 17, srs=40)


def test_two_scores_in_one_session_are_flagged() -> None:
    story = Story().opened().session(ors=15)
    story.measure("ors", {"total": 17.0}, session=story.session_ref())
    assert "two_scores_in_a_session" in course_of(record_of(story.events), catalogue()).flags
