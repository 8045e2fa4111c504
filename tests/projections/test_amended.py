"""Any corrected, retracted, merged or late event leads to the same state as if it had been right from the start.

What differs, and has to: when events were received and their positions, the latest amendment (``amended_at``), whom an
event ever named, and the alerts that were raised meanwhile, which stay as history.
"""

from collections.abc import Iterable, Sequence
from contextlib import closing
from dataclasses import replace
from datetime import datetime, timedelta
from typing import NoReturn

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contracts.events import AnyCaseEvent, AnyEvent, MeasureRecorded
from contracts.instruments import catalogue
from contracts.policies import policy
from services.alerts.decide import Decision, decide
from services.alerts.lifecycle import respond
from services.projections.course import Course
from services.projections.fold import course_of
from services.projections.growth import Growth
from services.projections.norms import Band, NormSet, in_force
from services.projections.record import Record, evolve, record_of
from tests.homes import Files, Home, Rows
from tests.parts import sliced
from tests.projections.amended import CASE, Histories, correction, histories, retraction, with_score
from tests.projections.test_views import recorded
from tests.story import START, Story, day, merge, stalled

KIND = "ors/adult/client"
GROWTH = Growth(500, level=18.0, pace=3.5, level_variance=40.0, covariance=-3.0, pace_variance=6.0, error_variance=16.0)
BANDS = tuple(Band(-1.0, 41.0, session, 400, -6.0 + session / 4, session / 4, 4.0, 8.0) for session in range(2, 11))
NORM_SETS = (
    NormSet("early", START - timedelta(days=50), 10, {KIND: BANDS}),
    NormSet("late", START + timedelta(days=3), 10, {KIND: BANDS}, {KIND: GROWTH}),
)


def course(events: Sequence[AnyCaseEvent]) -> Course:
    return course_of(record_of(events), catalogue())


def state(found: Course) -> Course:
    return replace(found, alerts=(), amended_at=None)


def decisions(found: Course) -> list[Decision]:
    norms = in_force(NORM_SETS, found.first_at)
    return [decide(found, policy(), norms, day(number)) for number in (10, 40, 200)]


@settings(max_examples=200)
@given(histories())
def test_the_course_and_the_decision_are_those_of_a_case_that_was_charted_right_from_the_start(told: Histories) -> None:
    right, amended = course(told.right), course(told.amended)
    assert state(amended) == state(right)
    assert decisions(amended) == decisions(right)


def test_so_are_the_rows_of_the_views(home: Home) -> None:
    @settings(max_examples=50 if isinstance(home, Files) else 8)
    @given(histories(), st.lists(st.integers(1, 30), max_size=5))
    def holds(told: Histories, cuts: Sequence[int]) -> None:
        assert rows(home, told.amended, cuts) == rows(home, told.right)

    holds()


def rows(home: Home, events: Sequence[AnyEvent], cuts: Sequence[int] = ()) -> Rows:
    """What the views hold once ``events`` have come in batches, without what has to differ."""
    beside, log = home.another(), recorded(once(events))
    places = sorted({place for place in cuts if place < len(log)})
    with closing(beside.views()) as views:
        for start, end in zip([0, *places], [*places, len(log)], strict=True):
            views.apply(sliced(log[start:end]))
    found = beside.rows()
    found["case_view"] = [row[:-1] for row in found["case_view"]]  # the position of its last event
    found["merge"] = [row[:2] for row in found["merge"]]  # when it was received
    return {name: found[name] for name in ("case_view", "assignment", "series_view", "merge", "parked")}


def once(events: Sequence[AnyEvent]) -> list[AnyEvent]:
    """As the log keeps them: what is sent twice stands on it once."""
    return list({(event.source, event.id): event for event in events}.values())


@given(histories(), st.data())
def test_so_are_the_alerts_that_are_open_in_the_end(told: Histories, data: st.DataObject) -> None:
    """Whatever was raised, told and resolved on the way."""
    looks = data.draw(st.lists(st.integers(1, len(told.amended)), max_size=6))
    assert open_alerts(told.amended, looks) == open_alerts(told.right, range(len(told.right)))


def open_alerts(events: Sequence[AnyCaseEvent], looks: Iterable[int]) -> set[str]:
    """What is open by day 150, where the service looked at the case after so many events, and at the end."""
    record = record_of(events[:1])
    for number, event in enumerate(events, 1):
        evolve(record, event)
        if number in looks:
            look(record, max(day(100), event.time))
    look(record, day(150))
    return {alert.reason for alert in course_of(record, catalogue()).alerts if alert.open}


def look(record: Record, now: datetime) -> None:
    """The service responds until nothing more follows; old scores count, as it is about them."""
    rules = policy().model_copy(update={"freshness": policy().freshness.model_copy(update={"days": 400})})
    while True:
        found = course_of(record, catalogue())
        response = respond(
            found, decide(found, rules, in_force(NORM_SETS, found.first_at), now), rules, None, None, now
        )
        for event in response.events:
            evolve(record, event)
        if not response.events:
            return


# One by one


def ors(events: Sequence[AnyCaseEvent], number: int) -> MeasureRecorded:
    found = [one for one in events if isinstance(one, MeasureRecorded) and one.data.instrument.key == "ors"]
    return found[number]


def same(amended: Sequence[AnyCaseEvent], right: Sequence[AnyCaseEvent]) -> bool:
    one, other = course(amended), course(right)
    return state(one) == state(other) and decisions(one) == decisions(other)


def test_a_corrected_first_score_moves_the_whole_course() -> None:
    right = stalled(CASE, scores=(4, 16, 15, 16, 15, 16)).events
    first = ors(right, 0)
    wrong = [with_score(first, 15) if event is first else event for event in right]
    assert (course(wrong).outcome or fail()).change.gain == 1
    assert (course([*wrong, correction(first, first, "a", 40)]).outcome or fail()).change.gain == 12
    assert not same(wrong, right)
    assert same([*wrong, correction(first, first, "a", 40)], right)


def test_of_two_scores_of_one_instant_the_first_stays_first_when_it_is_corrected() -> None:
    story = Story(CASE).opened().session(ors=10)
    story.measure("ors", {"total": 30.0}, session=story.session_ref())
    right = story.events
    first = ors(right, 0)
    wrong = [with_score(first, 1) if event is first else event for event in right]
    found = course([*wrong, correction(first, first, "a", 1)]).outcome or fail()
    assert found.values == [10, 30]


def test_a_retracted_renegotiation_leaves_the_case_stalled_and_its_tasks_as_they_were() -> None:
    story = stalled(CASE)
    right = list(story.events)
    told = story.renegotiated(previous="ta_old01").last
    assert not same(story.events, right)
    assert same([*story.events, retraction(told)], right)


def test_a_case_that_was_closed_in_error_and_reopened_stands_as_if_it_had_not_been_closed() -> None:
    """Also where its reopening arrives first."""
    story = stalled(CASE)
    right = list(story.events)
    closing, reopening = story.closed().tell("case.reopened", {"reason": "other"}, minutes=80).events[-2:]
    assert same([*right, closing, reopening], right)
    assert same([reopening, *right, closing], right)
    assert not same([*right, closing], right)


def test_a_case_of_which_all_was_charted_in_error_before_it_began_begins_with_its_first_event() -> None:
    """Which norm set it keeps follows from that; an alert that was raised meanwhile is no beginning."""
    stray = Story(CASE, clinic="cl_south").after(-80).session(ors=9).events
    alert = Story(CASE, clinic="cl_south").after(-40).tell("alert.raised", RAISED).last.model_copy(update={"id": "al"})
    wrong = [event.model_copy(update={"id": f"stray-{event.id}"}) for event in stray]
    right = Story(CASE).session(ors=15).session(ors=16).events
    assert same([*wrong, alert, *map(retraction, wrong), *right], right)


def test_an_alert_that_rested_on_a_mistake_stays_as_history_with_the_numbers_it_rested_on() -> None:
    right = stalled(CASE, scores=(4, 16, 15, 16, 15, 16)).events
    first = ors(right, 0)
    record = record_of([with_score(first, 15) if event is first else event for event in right])
    look(record, day(36))
    evolve(record, correction(first, first, "a", 37))
    look(record, day(38))
    [alert] = course_of(record, catalogue()).alerts
    assert alert.evidence["first_score"] == 15
    assert (alert.open, alert.resolved_how) == (False, "by_correction")


def test_a_client_who_was_merged_before_or_after_is_one_person(home: Home) -> None:
    events = stalled(CASE).events
    merged = merge("c_anna01", "c_anna02")
    found = [rows(home, log) for log in ([merged, *events], [*events, merged], [*events[:9], merged, *events[9:]])]
    assert found[0] == found[1] == found[2]


def test_a_score_under_the_reference_that_remains_is_the_clients_own_whether_the_merge_came_before_or_after(
    home: Home,
) -> None:
    story = stalled(CASE)
    data = story.scores("ors", {"total": 24.0}, session=story.session_ref()) | {"client_ref": "c_anna02"}
    events = story.tell("measure.recorded", data, 10).events
    merged = merge("c_anna01", "c_anna02")
    found = [known(home, log) for log in ([merged, *events], [*events, merged])]
    assert found[0] == found[1]
    assert "another_client" not in found[0].flags
    assert "another_client" in known(home, events).flags


def known(home: Home, events: Sequence[AnyEvent]) -> Course:
    with closing(home.another().views()) as views:
        for one in recorded(events):
            views.apply(sliced([one]))
        found = views.course(CASE)
        assert found is not None
        return found


RAISED = {"alert_ref": "al_wrong1", "reason": "stalled", "policy": "default", "policy_version": 1}


def fail() -> NoReturn:
    pytest.fail("there is no series")
