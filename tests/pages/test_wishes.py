"""The client's record on the case page: what is in force, what it was before, and what is worth a question."""

from typing import Any

from tests.pages.place import ADA, SUE, Place, words
from tests.story import Story

WORDS = "I would rather walk than talk"
EARLIER = "Please lead me"


def shown(place: Place, story: Story, therapist: Any = ADA) -> str:
    place.tell(story)
    place.now = story.now
    return words(place.browser(therapist).get(f"/cases/{story.case_ref}").text)


def told_story() -> Story:
    story = Story("ca_wish01").opened().session(ors=15)
    story.said("role", stance="guide", statement=EARLIER, asked_by="th_ada01", client_confirmed=True)
    return story.agreed("ta_old01", "thought_record", fit=7.0).session(ors=16)


def test_the_entry_in_force_stands_with_who_asked_and_the_earlier_ones_beneath_it(place: Place) -> None:
    story = told_story().said("role", stance="coach", statement=WORDS, asked_by="th_gone01", client_confirmed=False)
    told = shown(place, story)
    assert f"9 Mar 2026, asked by th_gone01, not confirmed by the client coach {WORDS} 1 earlier entry" in told
    assert f"1 earlier entry 2 Mar 2026: guide {EARLIER}" in told


def test_who_asked_is_named_where_the_registry_knows_them(place: Place) -> None:
    assert "2 Mar 2026, asked by Ada Example, confirmed by the client" in shown(place, told_story())


def test_a_supervisor_sees_what_was_said_in_codes_and_no_words_of_the_client_old_or_new(place: Place) -> None:
    story = told_story().said("role", stance="coach", statement=WORDS)
    told = shown(place, story, SUE)
    assert "1 earlier entry 2 Mar 2026: guide" in told
    assert WORDS not in told
    assert EARLIER not in told


def test_aspects_areas_hope_and_goals_are_told_in_words(place: Place) -> None:
    story = told_story().said("pace", aspect="people", stance="partner_joins")
    story.said("reason_for_service", "theory_of_change", areas=["interpersonal", "social"])
    story.said("hope", aspect="hope", strength=6.5).said("goal", goal_ref="go_01", stance="more_rest", strength=3.0)
    told = shown(place, story)
    assert "Pace: with whom" in told
    assert "partner joins" in told
    assert "About the people nearest to the client; the client’s place among others" in told
    assert "rated 6.5 of 10" in told
    assert "more rest, reached so far: 3 of 10" in told


def test_what_is_worth_a_question_is_asked_and_nothing_is_asked_where_nothing_stands_out(place: Place) -> None:
    calm = shown(place, told_story())
    assert "For the next talk" not in calm
    story = Story("ca_wish02").opened().session().session()
    story.agreed("ta_old01", "thought_record", fit=3.0, agreed_by="therapist")
    told = shown(place, story)
    assert "What would they say if you asked?" in told
    assert "The client is not on record as agreeing to “thought record”. Would they choose it themselves?" in told
    assert "The client rated the fit of “thought record” 3 of 10. What would fit better?" in told


def test_wishes_newer_than_the_task_are_named(place: Place) -> None:
    story = told_story().said("pace", stance="slower").said("change", "theory_of_change", stance="practice")
    told = shown(place, story)
    assert (
        "Since “thought record” was last talked about, the client has said something new about: "
        "pace and what would have to happen. Does the task still fit?"
    ) in told


def test_sessions_without_a_task_in_force_are_asked_about(place: Place) -> None:
    story = told_story().tell("task.ended", {"task_ref": "ta_old01", "reason": "no_benefit"}, 40).session()
    assert "What are you working on now, and would the client say the same?" in shown(place, story)


def test_a_task_stands_beside_the_numbers_that_went_along_with_it(place: Place) -> None:
    story = Story("ca_wish03").opened().session(ors=15).said("goal", goal_ref="go_01", stance="more_rest")
    story.agreed("ta_old01", "thought_record", goal_ref="go_01", fit=7.0)
    items = {"relationship": 9.0, "goals": 8.0, "approach": 7.0, "overall": 9.0}
    story.session(ors=19, items=items)
    assert "Reflected? not enough data (1 score)." in shown(place, story)
    told = shown(place, story.session(ors=24, items=items | {"goals": 9.0}))
    assert (
        "in force, for the goal “more rest”; agreed on by client and therapist; the client rated its fit 7 of 10"
        in told
    )
    assert (
        "Engaged? goals 8.5 on average (2 scores); approach 7 on average (2 scores); 2 sessions held, 0 missed" in told
    )
    assert "Reflected? 15 before, 19 and 24 at last (2 scores): 6.5 points better on average, more than" in told
    assert "On record at the last talk Goal (more rest)" in told
    assert "they do not show what came of it" in told


def test_beside_a_renegotiation_stands_what_was_on_record_then(place: Place) -> None:
    story = told_story().renegotiated("ta_new01", "ta_old01", reason="no_benefit", agreed_by="therapist", fit=4.0)
    story.session().said("role", stance="coach", statement=WORDS)
    told = shown(place, story)
    assert "On record by then The therapist's role (guide)" in told
    assert "prompted by an alert; reason: it did not help; the client is not on record as agreeing." in told


def test_where_feedback_is_not_wished_no_number_stands_beside_a_task(place: Place) -> None:
    story = told_story().session(ors=23).session(ors=27)
    withdrawn = {"purpose": "feedback", "state": "withdrawn", "effective_from": story.now.isoformat()}
    told = shown(place, story.tell("consent.changed", withdrawn))
    assert "Reflected? not enough data (0 scores)." in told
    assert "27" not in told.partition("Tasks")[2].partition("Attendance")[0]
