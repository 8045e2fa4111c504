"""The alliance within one client: falls from the client's own level, repaired or not."""

from contracts.instruments import catalogue
from contracts.policies import policy
from services.projections.alliance import concerns, lowest_item, ruptures
from services.projections.course import Series
from services.projections.fold import course_of
from services.projections.record import record_of
from tests.story import Story

RULES = policy().alliance


def alliance(*ratings: float | dict[str, float]) -> Series:
    story = Story().opened()
    for rating in ratings:
        story.session(items=rating) if isinstance(rating, dict) else story.session(srs=rating)
    series = course_of(record_of(story.events), catalogue()).alliance
    assert series is not None
    return series


def items(relationship: float, goals: float, approach: float, overall: float) -> dict[str, float]:
    return {"relationship": relationship, "goals": goals, "approach": approach, "overall": overall}


def test_a_steady_alliance_has_no_rupture() -> None:
    assert ruptures(alliance(37, 38, 37, 38, 36.5), RULES) == ()


def test_a_fall_that_comes_back_is_a_repaired_rupture() -> None:
    (found,) = ruptures(alliance(38, 38, 33, 37, 38), RULES)
    assert (found.start, found.repaired, found.scores) == (2, 3, 1)
    assert found.level == 38


def test_a_fall_that_stays_is_unrepaired_and_counts_its_scores() -> None:
    (found,) = ruptures(alliance(38, 38, 33, 33, 34), RULES)
    assert (found.start, found.repaired, found.scores) == (2, None, 3)


def test_the_level_stands_still_during_a_rupture() -> None:
    (found,) = ruptures(alliance(38, 33, 33, 33, 33, 33, 34.9), RULES)
    assert found.repaired is None


def test_below_the_floor_is_a_rupture_whatever_the_level() -> None:
    (found,) = ruptures(alliance(33, 31), RULES)
    assert found.start == 1


def test_a_client_whose_ratings_scatter_needs_a_deeper_fall() -> None:
    scattered, steady = (39, 37, 39, 37, 39, 34.5), (38, 38, 38, 38, 38, 34.5)
    rules = RULES.model_copy(update={"drop_standard_deviations": 4.0})
    assert ruptures(alliance(*scattered), rules) == ()
    assert len(ruptures(alliance(*steady), rules)) == 1


def test_what_a_session_invites_to_talk_about_is_named() -> None:
    series = alliance(items(9.5, 9.5, 9.5, 9.5), items(9.0, 9.0, 8.9, 9.0))
    assert concerns(series.points[1], series.points[0], series) == (
        "below_cutoff",
        "lower_than_last_time",
        "item_approach",
    )
    assert concerns(series.points[0], None, series) == ()


def test_the_lowest_item_names_the_conversation_if_one_stands_out() -> None:
    assert lowest_item(alliance(items(9, 9, 7, 9), items(9, 9, 7.5, 9))) == "approach"
    assert lowest_item(alliance(items(9, 9, 8.8, 9))) is None
    assert lowest_item(alliance(36)) is None
