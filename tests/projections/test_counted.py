"""What the tables hold for figures: each case with its therapist and its series, unless the client objects."""

from collections.abc import Iterator
from datetime import timedelta

import pytest

from services.projections.tables import Counted
from services.projections.views import Views
from tests.homes import Home
from tests.parts import sliced
from tests.projections.test_views import recorded
from tests.story import Story, day


@pytest.fixture
def views(home: Home) -> Iterator[Views]:
    found = home.views()
    yield found
    found.close()


def counted(views: Views, *stories: Story) -> list[Counted]:
    views.apply(sliced(recorded([event for story in stories for event in story.events])))
    return views.counted()


def told(case_ref: str = "ca_case01") -> Story:
    return Story(case_ref).opened("th_ada01").session(ors=15, srs=36).session(srs=38).session(ors=20.5)


def test_a_case_is_held_with_its_series_as_the_course_has_them(views: Views) -> None:
    [found] = counted(views, told().closed("lost_contact"))
    assert (found.case_ref, found.therapist_ref, found.is_open) == ("ca_case01", "th_ada01", False)
    assert (found.ending, found.sessions) == ("lost_contact", 3)
    course = views.course("ca_case01")
    assert course is not None
    assert [one.instrument.key for one in found.series] == ["ors", "srs"]
    for held, one in zip(found.series, course.series, strict=True):
        assert (held.instrument, held.respondent, held.points, held.change) == (
            one.instrument,
            one.respondent,
            one.points,
            one.change,
        )


def test_it_counts_for_who_was_primarily_responsible_last(views: Views) -> None:
    for_ben = {"therapist_ref": "th_ben001", "role": "primary", "effective_from": day(10).isoformat()}
    supervised = {"therapist_ref": "th_sue001", "role": "supervisor", "effective_from": day(11).isoformat()}
    [found] = counted(views, told().tell("therapist.assigned", for_ben).tell("therapist.assigned", supervised))
    assert (found.therapist_ref, found.is_open, found.ending) == ("th_ben001", True, None)


def test_it_does_not_count_for_somebody_who_was_to_take_over_after_it_was_closed(views: Views) -> None:
    later = {"therapist_ref": "th_ben001", "role": "primary", "effective_from": day(90).isoformat()}
    [found] = counted(views, told().tell("therapist.assigned", later).closed())
    assert (found.therapist_ref, found.is_open) == ("th_ada01", False)


@pytest.mark.parametrize("purpose, cases", [("quality", 0), ("feedback", 0), ("supervision", 1), ("research", 1)])
def test_a_client_who_wants_no_quality_work_or_no_feedback_is_left_out(views: Views, purpose: str, cases: int) -> None:
    data = {"purpose": purpose, "state": "withdrawn", "effective_from": day(3).isoformat()}
    assert len(counted(views, told().tell("consent.changed", data))) == cases


def test_who_takes_the_refusal_back_is_counted_again(views: Views) -> None:
    data = {"purpose": "quality", "effective_from": day(3).isoformat()}
    later = {"purpose": "quality", "effective_from": (day(3) + timedelta(hours=1)).isoformat()}
    story = told().tell("consent.changed", data | {"state": "withdrawn"})
    assert len(counted(views, story.tell("consent.changed", later | {"state": "given"}))) == 1


def test_scores_by_others_than_the_client_are_not_held(views: Views) -> None:
    [found] = counted(views, Story().opened().session().measure("ors", {"total": 12}, respondent="therapist"))
    assert found.series == ()
