"""What the alliance scores invite to talk about, on measures with any number of parts."""

from dataclasses import replace

import pytest

from contracts.instruments import Scale, catalogue
from contracts.policies import policy
from services.projections.conversation import AllianceReading, alliance_reading, approach_falls, concerns, theme
from services.projections.course import Course, Series
from services.projections.fold import course_of
from services.projections.record import record_of
from tests.story import Story

RULES = policy().alliance


def items(relationship: float, goals: float, approach: float, overall: float = 9) -> dict[str, float]:
    return {"relationship": relationship, "goals": goals, "approach": approach, "overall": overall}


def course(story: Story) -> Course:
    return course_of(record_of(story.events), catalogue())


def alliance(*ratings: float | dict[str, float]) -> Series:
    story = Story().opened()
    for rating in ratings:
        story.session(items=rating) if isinstance(rating, dict) else story.session(srs=rating)
    series = course(story).alliance
    assert series is not None
    return series


def wai(*ratings: tuple[int, int, int]) -> Series:
    """By task, goal and bond, each from 4 to 20."""
    story = Story().opened()
    for task, goal, bond in ratings:
        scores = {"total": task + goal + bond, "task": task, "goal": goal, "bond": bond}
        story.session().measure("wai_sr", scores, story.session_ref(), "client")
    series = course(story).alliance
    assert series is not None
    return series


def test_what_a_session_invites_to_talk_about_is_named() -> None:
    series = alliance(items(9.5, 9.5, 9.5, 9.5), items(9.0, 9.0, 8.9, 9.0))
    assert concerns(series.points[1], series.points[0], series) == (
        "below_cutoff",
        "lower_than_last_time",
        "item_approach",
    )
    assert concerns(series.points[0], None, series) == ()


@pytest.mark.parametrize("before, last, told", [(39.2, 38.2, True), (39.2, 38.3, False), (1.4, 0.4, True)])
def test_a_point_less_than_the_last_time_is_named(before: float, last: float, told: bool) -> None:
    series = alliance(before, last)
    assert ("lower_than_last_time" in concerns(series.points[1], series.points[0], series)) is told


def test_the_lowest_part_names_the_conversation_if_one_stands_out() -> None:
    assert theme(alliance(items(9, 9, 7), items(9, 9, 7.5)), RULES) == "approach"
    assert theme(alliance(items(9, 8.5, 9)), RULES) == "goals"
    assert theme(alliance(items(9, 9, 8.6)), RULES) is None
    assert theme(alliance(items(9, 9, 9, overall=5)), RULES) is None  # the whole is no theme
    assert theme(alliance(36), RULES) is None


def test_the_parts_of_another_measure_name_it_as_well() -> None:
    assert theme(wai((18, 18, 12), (18, 18, 13)), RULES) == "relationship"
    assert theme(wai((12, 18, 18)), RULES) == "approach"
    assert theme(wai((18, 12, 18)), RULES) == "goals"
    assert theme(wai((18, 18, 18)), RULES) is None


def test_no_number_of_parts_is_taken_for_granted() -> None:
    story = Story().opened().session()
    story.measure("srs", {"total": 30.0, "approach": 2.0, "goals": 4.0, "method": 1.0, "bond": 4.0})
    parts = [("approach", "approach"), ("method", "approach"), ("goals", "goals"), ("bond", "relationship")]
    form = replace(
        catalogue()["srs", "adult"],
        items=(),
        subscales=tuple(
            Scale.model_validate({"name": name, "minimum": 0, "maximum": 5, "about": about}) for name, about in parts
        ),
    )
    found = course_of(record_of(story.events), {("srs", "adult"): form}).alliance
    assert found is not None
    assert theme(found, RULES) == "approach"


def changed(before: list[float], after: list[float], later: list[float] | None = None) -> Course:
    """The approach as rated before and after the task changed in the session that ``after`` begins with."""
    story = Story().opened()
    for number, rating in enumerate(before):
        story.session(items=items(9, 9, rating))
        if number == 0:
            story.agreed("ta_old01")
    for number, rating in enumerate(after):
        story.session(items=items(9, 9, rating))
        if number == 0:
            story.renegotiated("ta_new01", previous="ta_old01", task_code="sleep_diary")
    for number, rating in enumerate(later or []):
        story.session(items=items(9, 9, rating))
        if number == 0:
            story.agreed("ta_more1", "walking")
    return course(story)


def test_an_approach_that_fell_after_the_task_changed_is_told_with_its_sizes() -> None:
    (found,) = approach_falls(changed([9, 9, 9], [8, 7.5]), RULES)
    assert (found.name, found.task_ref, found.scale) == ("approach_fell_after_task_changed", "ta_new01", "approach")
    assert (found.before, found.after) == (9, 7.75)


@pytest.mark.parametrize(
    "before, after, later",
    [
        ([9, 9, 9], [8.2, 8.2], []),  # less than a point of ten
        ([9], [7, 7], []),  # too few before
        ([9, 9], [7], []),  # too few after
        ([9, 9], [7], [7, 7]),  # the task changed again before a second score; the later moment has no fall
        ([9, 6, 9, 6, 9, 9], [7.9, 7.9], []),  # within what this client's scores vary by anyway
    ],
)
def test_otherwise_nothing_is_said_to_have_fallen(before: list[float], after: list[float], later: list[float]) -> None:
    assert [one for one in approach_falls(changed(before, after, later), RULES) if one.task_ref == "ta_new01"] == []


def test_of_two_scores_before_nothing_is_known_of_how_much_they_vary() -> None:
    (found,) = approach_falls(changed([9, 6], [6.5, 6]), RULES)
    assert (found.before, found.after) == (7.5, 6.25)


def test_a_task_that_began_later_counts_as_a_change_too() -> None:
    falls = approach_falls(changed([9, 9], [9, 9], [7, 7]), RULES)
    assert [(one.task_ref, one.before, one.after) for one in falls] == [("ta_more1", 9, 7)]


def test_the_task_scale_of_the_wai_is_the_approach() -> None:
    story = Story().opened()
    for number, task in enumerate((18, 18, 14, 14)):
        scores = {"total": task + 36, "task": task, "goal": 18, "bond": 18}
        if number == 2:
            story.after(1).agreed("ta_new01")
        story.session().measure("wai_sr", scores, story.session_ref(), "client")
    (found,) = approach_falls(course(story), RULES)
    assert (found.scale, found.before, found.after) == ("task", 18, 14)


def reading(*ratings: float) -> AllianceReading:
    story = Story().opened()
    for rating in ratings:
        story.session(srs=rating)
    found = alliance_reading(course(story), RULES)
    assert found is not None
    return found


def test_a_rating_that_is_always_the_same_and_good_is_no_information() -> None:
    assert not reading(40, 40, 40, 40).informative
    assert reading(40, 40, 40).informative
    assert reading(38, 38, 33, 33, 33, 33).informative
    assert reading(38, 38, 33, 33, 33, 33).unrepaired


def test_without_alliance_scores_there_is_no_reading() -> None:
    assert alliance_reading(course(Story().opened().session(ors=20)), RULES) is None
