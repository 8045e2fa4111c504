"""What could be known on a date: what was received by then, and nothing that came later."""

from collections.abc import Iterator, Sequence
from contextlib import closing
from datetime import datetime, timedelta
from itertools import accumulate

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contracts.events import AnyCaseEvent, AnyEvent, CaseEvent
from contracts.instruments import catalogue
from services.eventlog.feed import SOURCE
from services.eventlog.ports import Recorded, Slice, Unread
from services.projections.course import Course
from services.projections.fold import course_of
from services.projections.known import Known
from services.projections.past import Past
from services.projections.record import record_of
from services.projections.views import Views
from tests.homes import Files, Home
from tests.parts import sliced
from tests.projections.test_record import eventful
from tests.story import START, Story, day, merge, stalled

CASE = "ca_case01"


class Log:
    """Events, each with the day on which it was received."""

    def __init__(self) -> None:
        self.all: list[Recorded] = []

    def on(self, number: float, *events: AnyEvent) -> "Log":
        self.all += [Recorded(len(self.all) + place, day(number), event) for place, event in enumerate(events, 1)]
        return self


@pytest.fixture
def views(home: Home) -> Iterator[Views]:
    found = home.views()
    yield found
    found.close()


def told(views: Views, log: Log) -> Views:
    views.apply(sliced(log.all))
    return views


def course(known: Known, case_ref: str = CASE) -> Course:
    found = known.course(case_ref)
    assert found is not None
    return found


def scores(known: Known) -> list[float]:
    return [point.value for series in course(known).series for point in series.points]


def assigned(story: Story, therapist_ref: str, effective: datetime, role: str = "primary") -> AnyCaseEvent:
    data = {"therapist_ref": therapist_ref, "role": role, "effective_from": effective.isoformat()}
    return story.tell("therapist.assigned", data).last


def test_a_case_is_not_known_before_its_first_event_was_received(views: Views) -> None:
    told(views, Log().on(1, *Story(CASE).opened().events))
    assert views.at(day(1) - timedelta(microseconds=1)).course(CASE) is None
    assert course(views.at(day(1))) == views.course(CASE)
    assert views.at(day(9)).course("ca_nobody") is None


def test_a_session_that_was_charted_late_counts_once_it_was_charted(views: Views) -> None:
    story = Story(CASE).opened().session(ors=15).session(ors=17).session(ors=19)
    late = story.events[3:5]
    told(views, Log().on(0, *story.events[:3]).on(14, *story.events[5:]).on(20, *late))
    assert scores(views.at(day(13))) == [15]
    assert scores(views.at(day(19))) == [15, 19]
    assert [point.session for point in course(views.at(day(19))).series[0].points] == [1, 2]
    assert scores(views.at(day(20))) == [15, 17, 19]


def test_a_score_stands_as_it_was_sent_until_it_was_corrected(views: Views) -> None:
    story = Story(CASE).opened().session(ors=15)
    correction = story.corrected(story.last, "ors", {"total": 18.0}).last
    told(views, Log().on(0, *story.events[:-1]).on(5, correction))
    assert scores(views.at(day(4))) == [15]
    assert course(views.at(day(4))).amended_at is None
    assert scores(views.at(day(5))) == [18]


def test_an_event_holds_until_its_retraction_was_received(views: Views) -> None:
    story = Story(CASE).opened().session(ors=15).session(ors=17)
    retraction = story.retracted(story.last).last
    told(views, Log().on(7, *story.events[:-1]).on(9, retraction))
    assert scores(views.at(day(8))) == [15, 17]
    assert scores(views.at(day(9))) == [15]


def test_the_caseload_is_that_of_who_was_known_to_be_responsible(views: Views) -> None:
    story = Story(CASE).opened("th_ada01").session(ors=15)
    told(views, Log().on(0, *story.events).on(10, assigned(story, "th_bea01", day(3))))
    assert views.at(day(5)).caseload("th_ada01", day(5)) == [CASE]
    assert views.at(day(5)).caseload("th_bea01", day(5)) == []
    assert views.at(day(10)).caseload("th_ada01", day(10)) == []
    assert views.at(day(10)).caseload("th_bea01", day(10)) == [CASE]


def test_an_assignment_that_was_retracted_was_a_part_of_the_caseload_until_then(views: Views) -> None:
    story = Story(CASE).opened("th_ada01")
    wrong = assigned(story, "th_bea01", START)
    retraction = story.retracted(wrong).last
    told(views, Log().on(0, *story.events[:-1]).on(4, retraction))
    assert views.at(day(3)).caseload("th_bea01", day(3)) == [CASE]
    assert views.at(day(4)).caseload("th_bea01", day(4)) == views.caseload("th_bea01", day(4)) == []
    assert views.at(day(4)).caseload("th_ada01", day(4)) == [CASE]


def test_a_supervisor_has_no_caseload_in_the_past_either(views: Views) -> None:
    story = Story(CASE).opened("th_ada01")
    assigned(story, "th_cleo1", START, "supervisor")
    told(views, Log().on(0, *story.events))
    assert views.at(day(1)).caseload("th_cleo1", day(1)) == []


def test_a_client_is_one_person_from_the_merge_on_and_the_other_where_it_was_merged_again(views: Views) -> None:
    log = Log().on(2, merge("c_anna01", "c_anna02")).on(4, merge("c_anna01", "c_anna03", 1))
    told(views, log.on(6, merge("c_anna01", "c_anna02", 2)))
    persons = [views.at(day(number)).person("c_anna01") for number in (1, 2, 3, 4, 6)]
    assert persons == ["c_anna01", "c_anna02", "c_anna02", "c_anna03", "c_anna03"]
    assert views.person("c_anna01") == "c_anna03"


def test_of_a_merge_that_is_told_twice_the_first_receipt_counts_whichever_came_first(views: Views) -> None:
    first, second = Log().on(2, merge("c_anna01", "c_anna02")).on(4, merge("c_anna01", "c_anna02", 1)).all
    views.add_sources(["other"])
    views.apply(Slice(SOURCE, 0, 0, [second], 2))
    views.apply(Slice("other", 1, 0, [first], 2))
    assert views.at(day(3)).person("c_anna01") == "c_anna02"


def test_whom_an_event_names_that_cannot_be_read_yet_is_looked_for_once_it_can(views: Views) -> None:
    opening = Story(CASE).opened("th_ada01").last
    state = opening.model_dump_json().encode()
    views.apply(Slice(SOURCE, 0, 0, [Unread(1, START, CASE, state)], 1))
    assert views.at(START).caseload("th_ada01", START) == [CASE]


def test_the_past_of_views_made_anew_is_that_of_those_that_grew(views: Views) -> None:
    story = Story(CASE).opened("th_ada01").session(ors=15)
    log = Log().on(0, *story.events).on(2, assigned(story, "th_bea01", day(1)), merge("c_anna01", "c_anna02"))
    told(views, log).rebuild([log.all[:2], log.all[2:]])
    assert views.at(day(1)).caseload("th_ada01", day(1)) == [CASE]
    assert views.at(day(2)).caseload("th_bea01", day(2)) == [CASE]
    assert views.at(day(1)).person("c_anna01") == "c_anna01"


CASES = ("ca_other1", "ca_stall1")
THERAPISTS = ("th_ada01", "th_bea01", "th_cleo1")


def two_cases() -> list[AnyCaseEvent]:
    """Two cases that change hands, with corrections, retractions and a reopening."""
    other = stalled("ca_other1", "th_bea01")
    assigned(other, "th_ada01", day(8))
    wrong = assigned(other, "th_cleo1", day(9), "co")
    other.retracted(wrong)
    assigned(other, "th_bea01", day(20))
    return [*eventful(), *other.events]


def as_it_was(known: Sequence[AnyEvent], case_ref: str) -> Course | None:
    record = record_of(event for event in known if isinstance(event, CaseEvent) and event.case_ref == case_ref)
    return course_of(record, catalogue()) if record else None


def responsible(courses: Sequence[Course | None], therapist_ref: str, now: datetime) -> list[str]:
    return sorted(
        course.case_ref
        for course in courses
        if course is not None
        and any(
            one.therapist_ref == therapist_ref and one.role != "supervisor" and one.holds(now)
            for one in course.assignments
        )
    )


@st.composite
def logs(draw: st.DrawFn) -> tuple[list[Recorded], list[int]]:
    """The two cases in any order, received at once or far apart; and where the log is cut into batches."""
    events: list[AnyCaseEvent] = draw(st.permutations(two_cases()))
    pauses = draw(st.lists(st.sampled_from((0, 1, 3_600_000_000)), min_size=len(events), max_size=len(events)))
    received = [START + timedelta(microseconds=passed) for passed in accumulate(pauses)]
    log = [Recorded(k, at, event) for k, (at, event) in enumerate(zip(received, events, strict=True), 1)]
    return log, sorted(draw(st.sets(st.integers(1, len(log) - 1), max_size=4)))


def test_after_every_event_the_past_is_what_the_events_by_then_add_up_to(home: Home) -> None:
    @settings(max_examples=40 if isinstance(home, Files) else 8)
    @given(logs())
    def holds(drawn: tuple[list[Recorded], list[int]]) -> None:
        log, cuts = drawn
        with closing(home.another().views()) as views:
            for start, end in zip([0, *cuts], [*cuts, len(log)], strict=True):
                views.apply(sliced(log[start:end]))
            for k in range(0, len(log), 4):
                at = log[k].received
                agrees(views.at(at), [one.event for one in log if one.received <= at], at)
            agrees_with_the_present(views, log[-1].received)

    holds()


def agrees(past: Past, known: Sequence[AnyEvent], now: datetime) -> None:
    courses = [as_it_was(known, case_ref) for case_ref in CASES]
    assert [past.course(case_ref) for case_ref in CASES] == courses
    for therapist_ref in THERAPISTS:
        assert past.caseload(therapist_ref, now) == responsible(courses, therapist_ref, now)


def agrees_with_the_present(views: Views, now: datetime) -> None:
    past = views.at(now)
    assert list(past.courses_of(CASES)) == list(views.courses())
    for therapist_ref in THERAPISTS:
        for at in (now, day(12), day(100)):
            assert past.caseload(therapist_ref, at) == views.caseload(therapist_ref, at)
