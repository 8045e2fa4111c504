"""The litmus of a task: what was rated, attended and scored over its span, with counts, and nothing from too little."""

from contracts.instruments import catalogue
from services.projections.course import Task
from services.projections.fold import course_of
from services.projections.litmus import Average, Litmus, litmus
from services.projections.record import record_of
from tests.story import Story, day

LEAST = 2


def items(goals: float, approach: float) -> dict[str, float]:
    return {"relationship": 9.0, "goals": goals, "approach": approach, "overall": 9.0}


def of(story: Story, place: int = 0) -> Litmus:
    course = course_of(record_of(story.events), catalogue())
    task: Task = course.tasks[place]
    return litmus(course, task, LEAST)


def missed(story: Story, kind: str, at: float) -> Story:
    ref = f"se_missed{len(story.events)}"
    data = {"session_ref": ref, "scheduled_for": day(at).isoformat(), "kind": kind}
    return story.tell("session.missed", data)


def test_a_task_is_rated_by_the_sessions_after_the_one_it_was_agreed_in() -> None:
    story = Story().opened().session(ors=15, items=items(3, 2)).agreed()
    story.session(ors=17, items=items(8, 6)).session(ors=21, items=items(9, 7))
    found = of(story)
    assert (found.sessions, found.scores) == (2, 2)
    assert found.items == {"goals": Average(8.5, 2), "approach": Average(6.5, 2)}
    assert (found.before, found.last, found.moved) == ((15,), (17, 21), 4.0)


def test_of_two_tasks_each_has_its_own_sessions() -> None:
    story = Story().opened().session(ors=15).agreed().session(ors=16, srs=30).session(ors=18, srs=32)
    story.renegotiated("ta_new01", "ta_old01", task_code="values_work")
    story.session(ors=24, srs=38).session(ors=26, srs=40)
    old, new = of(story, 0), of(story, 1)
    assert (old.alliance, old.moved) == (Average(31.0, 2), 2.0)
    assert (new.alliance, new.before, new.last, new.moved) == (Average(39.0, 2), (16, 18), (24, 26), 8.0)


def test_one_score_is_not_enough() -> None:
    story = Story().opened().session(ors=15).agreed().session(ors=30, items=items(8, 8))
    found = of(story)
    assert (found.scores, found.moved) == (1, None)
    assert found.items["goals"] == Average(None, 1)


def test_without_a_score_before_it_nothing_is_compared() -> None:
    assert of(Story().opened().session().agreed().session(ors=15).session(ors=20)).moved is None


def test_totals_alone_say_nothing_of_goals_and_approach() -> None:
    found = of(Story().opened().session().agreed().session(srs=36).session(srs=38))
    assert found.items == {"goals": Average(None, 0), "approach": Average(None, 0)}
    assert found.alliance == Average(37.0, 2)


def test_where_lower_is_better_a_fall_counts_as_better() -> None:
    story = Story().opened().session()
    story.measure("phq9", {"total": 20}, story.session_ref()).agreed()
    for score in (16, 10):
        story.session()
        story.measure("phq9", {"total": score}, story.session_ref())
    assert of(story).moved == 7.0


def test_appointments_that_the_client_missed_count_and_those_that_the_clinic_cancelled_do_not() -> None:
    story = missed(Story().opened().session(), "no_show", -1).agreed()
    for kind in ("no_show", "late_cancel", "client_cancel", "clinic_cancel"):
        missed(story, kind, 3)
    story.session().tell("task.ended", {"task_ref": "ta_old01", "reason": "goal_met"}, 40)
    missed(story, "no_show", 10)
    assert (of(story).missed, of(story).sessions) == (3, 1)
