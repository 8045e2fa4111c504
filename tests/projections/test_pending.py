"""What a case waits for is listed until it has come, whatever the order, and in views that are made anew as well."""

from collections.abc import Iterator, Sequence
from contextlib import closing
from itertools import permutations

import pytest

from contracts.events import AnyCaseEvent, MeasureRecorded
from services.projections.pending import Missing
from services.projections.views import Views
from tests.homes import Home
from tests.parts import sliced
from tests.projections.test_views import recorded
from tests.story import SOURCE, Story

OTHER = "urn:resonance:source:other"


@pytest.fixture
def views(home: Home) -> Iterator[Views]:
    found = home.views()
    yield found
    found.close()


def told(views: Views, events: Sequence[AnyCaseEvent], start: int = 1) -> list[Missing]:
    """What waits once these events have come."""
    views.apply(sliced(recorded(events, start)))
    return [one for waits in views.pending("", 100) for one in waits.missing]


def test_a_score_before_its_case_waits_for_it(views: Views) -> None:
    story = Story().opened().session(ors=15)
    opened, *rest = story.events
    assert told(views, rest) == [Missing("case", SOURCE)]
    [waits] = views.pending("", 100)
    assert (waits.case_ref, waits.clinic) == ("ca_case01", "cl_north")
    assert told(views, [opened], 10) == []


def test_each_source_of_a_case_that_nobody_opened_is_named(views: Views) -> None:
    story = Story().session(ors=15)
    held, measure = story.events
    assert told(views, [held, measure.model_copy(update={"source": OTHER})]) == [
        Missing("case", OTHER),
        Missing("case", SOURCE),
    ]


def test_corrections_and_retractions_wait_for_what_they_name(views: Views) -> None:
    story = Story().opened().session(ors=15)
    measure = story.last
    story.corrected(measure, "ors", {"total": 16}).retracted(measure)
    opened, held, _, correction, retraction = story.events
    target = (measure.source, measure.id)
    assert told(views, [opened, held, correction, retraction]) == [
        Missing("amended_event", SOURCE, correction.id, target),
        Missing("amended_event", SOURCE, retraction.id, target),
    ]
    assert told(views, [measure], 10) == []


def test_a_correction_that_was_retracted_waits_for_nothing(views: Views) -> None:
    story = Story().opened().session(ors=15)
    measure = story.last
    correction = story.corrected(measure, "ors", {"total": 16}).last
    retraction = story.retracted(correction).last
    assert told(views, [*story.events[:2], correction, retraction]) == []


def test_a_task_and_an_alert_that_are_not_known_are_named_with_the_event_that_names_them(views: Views) -> None:
    story = Story().opened().tell("task.ended", {"task_ref": "ta_lost01", "reason": "goal_met"})
    ended = story.last
    acknowledged = story.tell(
        "alert.acknowledged", {"alert_ref": "al_lost01", "action": "will_discuss", "by": "th_ada01"}
    ).last
    assert told(views, story.events) == [
        Missing("alert", SOURCE, acknowledged.id),
        Missing("task", SOURCE, ended.id),
    ]


def test_whatever_the_order_in_which_events_come_the_same_waits(home: Home) -> None:
    story = Story().session(ors=15)
    measure = story.last
    story.corrected(measure, "ors", {"total": 16}).tell("task.ended", {"task_ref": "ta_lost01", "reason": "goal_met"})
    events = [event for event in story.events if not isinstance(event, MeasureRecorded)]
    found = set()
    for order in permutations(events):
        with closing(home.another().views()) as views:
            found.add(tuple(told(views, order)))
    [waiting] = found
    assert [one.what for one in waiting] == ["amended_event", "case", "task"]


def test_it_is_listed_by_case_page_by_page(views: Views) -> None:
    for number in range(5):
        told(views, Story(f"ca_case{number:02d}").session(ors=15).events, 1 + 10 * number)
    first = views.pending("", 2)
    assert [waits.case_ref for waits in first] == ["ca_case00", "ca_case01"]
    assert [waits.case_ref for waits in views.pending("ca_case01", 10)] == ["ca_case02", "ca_case03", "ca_case04"]


def test_views_that_are_made_anew_list_the_same(views: Views, home: Home) -> None:
    events = recorded([*Story().session(ors=15).events, *Story("ca_case02").opened().session(ors=12).events])
    for one in events:
        views.apply(sliced([one]))
    grown = home.rows()
    views.rebuild([events])
    assert home.rows() == grown
    assert [waits.case_ref for waits in views.pending("", 10)] == ["ca_case01"]
