"""The client's wishes and theory of change: told entry by entry, superseded and never overwritten."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from contracts.agreement import ActivityPreferences, PreferenceRecordedData
from contracts.events import AnyCaseEvent
from contracts.instruments import catalogue
from contracts.preferences import inventory
from services.projections.course import Course, Preference
from services.projections.fold import course_of
from services.projections.preferences import in_force, leanings
from services.projections.record import record_of
from tests.story import Story, day

SCALES = inventory().scales


def course(story: Story) -> Course:
    return of(story.events)


def of(events: list[AnyCaseEvent]) -> Course:
    return course_of(record_of(events), catalogue())


def now(story: Story) -> tuple[Preference, ...]:
    return in_force(course(story), day(1000))


def names(entries: tuple[Preference, ...]) -> set[str | None]:
    return {entry.stance for entry in entries}


def test_of_one_domain_the_last_entry_is_in_force_and_the_earlier_ones_are_kept() -> None:
    story = Story().opened().session().said("role", stance="guide", strength=3.0)
    story.session().said("role", stance="listener").session().said("role", stance="coach")
    [entry] = now(story)
    assert (entry.stance, entry.revisions, entry.until) == ("coach", 2, None)
    assert [(one.stance, one.until) for one in course(story).preferences] == [
        ("guide", day(7) + timedelta(minutes=20)),
        ("listener", day(14) + timedelta(minutes=20)),
        ("coach", None),
    ]


def test_the_record_at_an_instant_is_what_had_been_said_by_then_and_not_yet_superseded() -> None:
    story = Story().opened().session().said("role", stance="guide").session().said("role", stance="coach")
    said_anew = story.last.time
    found = course(story)
    assert in_force(found, day(0)) == ()
    assert names(in_force(found, said_anew - timedelta(seconds=1))) == {"guide"}
    assert names(in_force(found, said_anew)) == {"coach"}


def test_aspects_of_one_domain_stand_beside_each_other() -> None:
    story = Story().opened().session().said("pace", aspect="dose", stance="weekly")
    story.said("pace", aspect="people", stance="partner_joins").said("pace", aspect="dose", stance="every_other_week")
    assert names(now(story)) == {"every_other_week", "partner_joins"}


def test_an_aspect_of_another_domain_is_refused() -> None:
    with pytest.raises(ValidationError, match="aspect"):
        PreferenceRecordedData(kind="preference", domain="role", aspect="dose")
    with pytest.raises(ValidationError, match="aspect"):
        PreferenceRecordedData(kind="preference", domain="hope", aspect="dose")


def test_three_goals_stand_beside_each_other_and_a_fourth_takes_the_place_of_the_one_left_alone_longest() -> None:
    story = Story().opened().session()
    for goal in ("rest", "courage", "contact"):
        story.said("goal", goal_ref=f"go_{goal}", stance=goal, strength=2.0)
    story.session().said("goal", goal_ref="go_rest", strength=5.0)
    assert names(now(story)) == {"rest", "courage", "contact"}
    story.session().said("goal", goal_ref="go_work", stance="work")
    assert names(now(story)) == {"rest", "contact", "work"}
    courage = next(one for one in course(story).preferences if one.stance == "courage")
    assert courage.until == story.last.time


def test_a_goal_that_is_only_rated_anew_keeps_its_name_and_the_clients_words() -> None:
    story = Story().opened().session().said("goal", goal_ref="go_1a", stance="rest", strength=2.0, statement="To sleep")
    story.session().said("goal", goal_ref="go_1a", strength=6.0)
    [goal] = now(story)
    assert (goal.stance, goal.statement, goal.strength, goal.revisions) == ("rest", "To sleep", 6.0, 1)
    assert not goal.changed


@pytest.mark.parametrize(
    "domain, later, changed",
    [
        ("role", {"stance": "coach", "strength": 5.0}, True),
        ("role", {"stance": "guide", "strength": 5.0}, False),
        ("role", {"stance": "guide", "strength": 9.0}, True),
        ("role", {"stance": "guide", "strength": 5.0, "statement": "Lead me, please"}, True),
        ("hope", {"stance": "guide", "strength": 9.0}, False),
        ("reason_for_service", {"stance": "guide", "strength": 5.0, "areas": ["social"]}, True),
    ],
)
def test_an_entry_tells_whether_it_says_something_else_than_the_one_before(
    domain: str, later: dict[str, Any], changed: bool
) -> None:
    story = Story().opened().session().said(domain, stance="guide", strength=5.0).session().said(domain, **later)
    assert [one.changed for one in course(story).preferences] == [True, changed]


def test_what_was_asked_by_whom_and_whether_the_client_confirmed_it_stays_with_the_entry() -> None:
    story = Story().opened().session()
    story.said("role", asked_by="th_ada01", client_confirmed=False, elicited_in=story.session_ref())
    [entry] = now(story)
    assert (entry.asked_by, entry.client_confirmed, entry.elicited_in) == ("th_ada01", False, story.session_ref())


def test_an_entry_that_is_retracted_brings_back_the_one_it_superseded() -> None:
    story = Story().opened().session().said("role", stance="guide").session().said("role", stance="coach")
    story.retracted(story.last)
    [entry] = now(story)
    assert (entry.stance, entry.until, entry.revisions) == ("guide", None, 0)


def test_a_late_entry_takes_its_place_by_when_it_was_said() -> None:
    told = Story().opened().session().said("role", stance="guide").session().said("role", stance="coach")
    late = [*told.events[:2], *told.events[3:], told.events[2]]
    assert of(late) == course(told)


KINDS = st.sampled_from(
    [
        ("role", {}),
        ("pace", {"aspect": "dose"}),
        ("pace", {"aspect": "people"}),
        ("hope", {"aspect": "hope"}),
        *(("goal", {"goal_ref": f"go_0{number}"}) for number in range(5)),
    ]
)


@given(
    st.lists(st.tuples(KINDS, st.sampled_from(["a", "b", "c", None]), st.integers(0, 4)), min_size=1, max_size=12),
    st.data(),
)
def test_any_order_of_the_entries_gives_the_same_record(said: list[Any], data: st.DataObject) -> None:
    story = Story().opened()
    for (domain, more), stance, days in said:
        story.after(days).said(domain, **more, **({"stance": stance} if stance else {}))
    shuffled = data.draw(st.permutations(story.events + story.events[:3]))
    assert of(shuffled).preferences == course(story).preferences
    at = day(data.draw(st.integers(0, 50)))
    held = in_force(of(shuffled), at)
    assert len({(one.domain, one.aspect, one.goal_ref) for one in held}) == len(held)
    assert sum(one.domain == "goal" for one in held) <= 3


@pytest.mark.parametrize(
    "scale, score, towards, strong",
    [
        ("directiveness", 8, "therapist_leads", True),
        ("directiveness", 7, "therapist_leads", False),
        ("directiveness", -2, "client_leads", False),
        ("directiveness", -3, "client_leads", True),
        ("emotional_intensity", 7, "strong_feelings", True),
        ("emotional_intensity", 6, "strong_feelings", False),
        ("emotional_intensity", 0, None, False),
        ("emotional_intensity", -1, "emotional_reserve", True),
        ("past_orientation", 3, "past", True),
        ("past_orientation", 2, "past", False),
        ("past_orientation", -3, "present", True),
        ("warm_support", 4, "warm_support", True),
        ("warm_support", 3, "warm_support", False),
        ("warm_support", -3, "focused_challenge", False),
        ("warm_support", -4, "focused_challenge", True),
    ],
)
def test_a_strong_preference_begins_at_the_cutoff_of_its_end(
    scale: str, score: int, towards: str | None, strong: bool
) -> None:
    [found] = leanings(ActivityPreferences(**{scale: score}), SCALES)
    assert (found.scale, found.score, found.towards, found.strong) == (scale, score, towards, strong)


def test_scales_that_were_not_scored_are_left_out() -> None:
    assert leanings(None, SCALES) == ()
    assert leanings(ActivityPreferences(), SCALES) == ()


def test_nothing_holds_before_it_was_said_or_once_it_was_superseded() -> None:
    [entry] = now(Story().opened().session().said("role"))
    at = entry.at
    assert [entry.holds(at - timedelta(seconds=1)), entry.holds(at)] == [False, True]
    ended = replace(entry, until=at + timedelta(days=1))
    assert [ended.holds(at + timedelta(hours=23)), ended.holds(at + timedelta(days=1))] == [True, False]
