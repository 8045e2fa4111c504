"""The course of a case, told from the events that an EHR posts."""

from datetime import timedelta

from contracts.events import AnyCaseEvent
from contracts.instruments import catalogue
from services.projections.course import Course, Trace
from services.projections.fold import course_of
from services.projections.record import record_of
from tests.story import START, Story, day, stalled


def course(story: Story) -> Course:
    return course_of(record_of(story.events), catalogue())


def test_a_case_is_known_by_its_opening_and_pending_until_it_comes() -> None:
    story = Story().session(ors=15)
    assert course(story).pending == ("case",)
    opened = Story().opened(client="c_anna01").session(ors=15)
    assert course(opened).client_ref == "c_anna01"
    assert course(opened).pending == ()


def test_sessions_are_numbered_by_when_they_began_not_by_when_they_were_posted() -> None:
    story = Story().opened().session(ors=15).session(ors=16).session(ors=17)
    late: list[AnyCaseEvent] = list(reversed(story.events))
    numbers = [session.number for session in course_of(record_of(late), catalogue()).sessions]
    assert numbers == [1, 2, 3]


def test_of_two_reports_of_one_session_the_later_charted_holds_also_where_it_tells_of_an_earlier_start() -> None:
    story = Story().opened().session().after(7)
    held = {"session_ref": story.session_ref(), "started_at": day(3).isoformat(), "minutes": 50}
    story.tell("session.held", held | {"started_at": day(7).isoformat()})
    story.after(-4).tell("session.held", held, charted=60 * 24 * 9)
    assert [(session.number, session.at) for session in course(story).sessions] == [(1, day(3))]


def test_items_without_a_total_are_summed() -> None:
    items = {"individual": 3.1, "interpersonal": 4.2, "social": 2.2, "overall": 5.0}
    story = Story().opened().session()
    story.measure("ors", items, session=story.session_ref())
    series = course(story).outcome
    assert series is not None
    assert series.points[0].value == 14.5
    assert series.points[0].items == items


def test_series_of_different_respondents_and_instruments_are_never_mixed() -> None:
    story = Story().opened().session(ors=15)
    story.measure("ors", {"total": 30.0}, version="caretaker", respondent="caretaker")
    story.measure("phq9", {"total": 14})
    found = course(story)
    kinds = {(one.instrument.key, one.instrument.version, one.respondent, tuple(one.values)) for one in found.series}
    assert kinds == {
        ("ors", "adult", "client", (15.0,)),
        ("ors", "caretaker", "caretaker", (30.0,)),
        ("phq9", "adult", "client", (14.0,)),
    }
    assert "several_respondents" in found.flags


def test_the_case_is_judged_by_the_clients_series_with_most_scores() -> None:
    story = Story().opened().session(ors=15).session().session()
    for _ in range(3):
        story.measure("phq9", {"total": 14})
    series = course(story).outcome
    assert series is not None
    assert series.instrument.key == "phq9"


def test_a_series_that_nothing_is_known_to_judge_by_gives_way_to_one_that_can_be_judged() -> None:
    story = Story().opened()
    for score in (30, 28, 27):
        story.session().measure("bdi2", {"total": score}, story.session_ref())
    alone = course(story)
    assert alone.outcome == alone.outcomes[0]
    found = course(story.session(ors=15))
    assert [len(one.points) for one in found.outcomes] == [3, 1]
    assert found.outcome is not None
    assert found.outcome.instrument.key == "ors"


def test_a_missing_score_leaves_its_session_out_of_the_series() -> None:
    series = course(Story().opened().session(ors=15).session().session(ors=17)).outcome
    assert series is not None
    assert [point.session for point in series.points] == [1, 3]


def test_a_score_without_a_session_counts_with_the_sessions_held_by_then() -> None:
    story = Story().opened().session().session().session()
    story.measure("ors", {"total": 15.0})
    series = course(story).outcome
    assert series is not None
    assert series.points[0].session == 3


def test_a_new_primary_therapist_takes_over_at_the_effective_time() -> None:
    story = Story().opened("th_ada01").session(ors=15)
    data = {"therapist_ref": "th_bea01", "role": "primary", "effective_from": day(10).isoformat()}
    story.tell("therapist.assigned", data)
    found = course(story)
    assert found.therapist(day(9.99)) == "th_ada01"
    assert found.therapist(day(10)) == "th_bea01"


def test_co_therapists_and_supervisors_do_not_take_over() -> None:
    story = Story().opened("th_ada01")
    for ref, role in (("th_bea01", "co"), ("th_cleo1", "supervisor"), ("th_dora1", "supervisor")):
        at = day(1 if ref != "th_dora1" else 3).isoformat()
        story.tell("therapist.assigned", {"therapist_ref": ref, "role": role, "effective_from": at})
    found = course(story)
    assert found.therapist(day(2)) == "th_ada01"
    holding = {(entry.therapist_ref, entry.role) for entry in found.assignments if entry.holds(day(4))}
    assert holding == {("th_ada01", "primary"), ("th_bea01", "co"), ("th_dora1", "supervisor")}


def test_a_case_is_open_until_closed_and_again_once_reopened() -> None:
    story = Story().opened().session(ors=15).closed("agreed")
    closed = course(story)
    assert (closed.ending, closed.is_open) == ("agreed", False)
    story.tell("case.reopened", {"reason": "client_returned"}, minutes=90)
    assert course(story).is_open


def test_a_renegotiation_ends_the_task_it_replaces_and_opens_the_new_one() -> None:
    story = stalled().renegotiated("ta_new01", previous="ta_old01", task_code="values_work", agreement=8.0, fit=6.0)
    old, new = course(story).tasks
    assert (old.ref, old.ended, old.until, old.replaced_by) == ("ta_old01", "replace", story.last.time, "ta_new01")
    assert (new.ref, new.code, new.until, new.replaces) == ("ta_new01", "values_work", None, "ta_old01")
    assert (new.agreement, new.fit) == (8.0, 6.0)


def test_of_a_task_that_was_talked_about_again_the_last_talk_counts() -> None:
    story = Story().opened().session().agreed(agreed_by="therapist", fit=4.0, goal_ref="go_01")
    story.session().renegotiated("ta_old01", "ta_old01", change="homework", agreed_by="both", agreement=9.0)
    [task] = course(story).tasks
    assert (task.since, task.talked_at) == (day(0.0) + timedelta(minutes=30), day(7) + timedelta(minutes=30))
    assert (task.agreed_by, task.initiated_by, task.agreement) == ("both", "both", 9.0)
    assert (task.fit, task.goal_ref) == (4.0, "go_01")


def test_a_task_that_is_added_stands_beside_the_one_before() -> None:
    story = stalled().renegotiated("ta_new01", previous="ta_old01", change="add", task_code="values_work")
    found = course(story)
    assert [(task.ref, task.until, task.replaces) for task in found.tasks] == [
        ("ta_old01", None, None),
        ("ta_new01", None, None),
    ]
    assert found.pending == ()


def test_a_task_that_is_dropped_ends_and_nothing_takes_its_place() -> None:
    found = course(story := stalled().renegotiated("ta_old01", change="drop"))
    [task] = found.tasks
    assert (task.until, task.ended, task.replaced_by) == (story.last.time, "drop", None)
    assert found.pending == ()


def test_a_renegotiation_of_a_task_nobody_agreed_on_is_pending() -> None:
    story = Story().opened().session(ors=15).renegotiated("ta_new01", previous="ta_lost1")
    assert course(story).pending == ("task",)


def test_what_followed_a_renegotiation_is_kept_beside_what_went_before() -> None:
    story = stalled(scores=(15, 16, 15, 16)).renegotiated(previous="ta_old01").session(ors=20, srs=38).session(ors=22)
    told = course(story).renegotiations[0]
    assert told.session == 4
    assert told.outcome == Trace(before=(15, 16), after=(20, 22), moved=5.5)
    assert told.alliance.after[-1] == 38


def test_nothing_is_said_to_have_followed_before_the_next_score() -> None:
    told = course(stalled().renegotiated(previous="ta_old01")).renegotiations[0]
    assert told.outcome.after == ()
    assert told.outcome.moved is None


def test_consent_that_was_withdrawn_can_be_given_again() -> None:
    story = Story().opened()
    for state, at in (("withdrawn", 1), ("given", 3)):
        story.tell("consent.changed", {"purpose": "feedback", "state": state, "effective_from": day(at).isoformat()})
    assert course(story).withdrawn == frozenset()
    assert course_of(record_of(story.events[:2]), catalogue()).withdrawn == {"feedback"}


def test_missed_sessions_and_declined_measures_are_counted() -> None:
    story = Story().opened().session(ors=15)
    data = {"session_ref": "se_missed1", "scheduled_for": day(3).isoformat(), "kind": "no_show"}
    story.tell("session.missed", data)
    story.tell("measure.declined", {"instrument": {"key": "srs", "version": "adult"}, "reason": "declined"})
    found = course(story)
    assert [entry.kind for entry in found.missed] == ["no_show"]
    assert found.declined == 1


def test_a_case_begins_with_the_first_thing_that_happened_in_it() -> None:
    assert course(stalled()).first_at == START - timedelta(minutes=5)
