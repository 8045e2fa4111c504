"""The verdict on a campaign of faults is not blind: whatever is wrong makes its own number rise, and no other."""

from collections.abc import Callable, Sequence
from dataclasses import fields

import pytest

from contracts.events import AnyEvent
from services.eventlog.ports import Recorded
from services.eventlog.records import Place
from tests.story import START, Story, merge
from tools.verdict import Found, judge

MESSAGE_ID = "<al_01@clinic.example>"
LETTER = f"Message-ID: {MESSAGE_ID}\r\n\r\nYou have a notice.\r\n".encode()


def raised(story: Story, ref: str) -> Story:
    policy = {"policy": "default", "policy_version": 1}
    return story.tell("alert.raised", {"alert_ref": ref, "reason": "stalled_not_renegotiated"} | policy)


def resolved(story: Story, ref: str) -> Story:
    return story.tell("alert.resolved", {"alert_ref": ref, "how": "by_score"})


def told() -> Story:
    """One alert is mailed and resolved; then the same reason is raised anew, and is not to be mailed."""
    story = resolved(raised(Story().opened().session(ors=20), "al_01"), "al_01")
    story.tell("alert.notified", {"alert_ref": "al_01", "channel": "email", "message_id": MESSAGE_ID})
    return raised(story, "al_02").tell("alert.suppressed", {"alert_ref": "al_02", "why": "told_recently"})


def on_the_log(events: Sequence[AnyEvent]) -> list[Recorded]:
    return [Recorded(position, START, event) for position, event in enumerate(events, 1)]


def chained(*positions: int) -> list[Place]:
    """Records at these positions, each of which names the one before it."""
    return [Place(at, before, False) for at, before in zip(positions, [0, *positions], strict=False)]


EVENTS = [*told().events, merge("c_anna01", "c_anna02")]
TICK = Place(len(EVENTS), 7, True)
WHOLE = Found(
    recorded=on_the_log(EVENTS),
    published=[[*chained(1, 3, 4, 7), TICK], chained(2, 5, 6, 8, len(EVENTS))],
    viewed=set(range(1, len(EVENTS))),
    letters=[LETTER, LETTER],
    cases=2,
    compared=2,
    different=0,
    parked=0,
)
"""The letter came twice, and the merge stands in no view: both are as they should be."""

Change = Callable[[Found], Found]
WRONG: dict[str, tuple[str, str, Change]] = {
    "an event was published nowhere": (
        *("lost", "not_published"),
        lambda found: found._replace(published=[[*chained(1, 3, 4, 7), TICK], chained(2, 5, 8, len(EVENTS))]),
    ),
    "a tick stands in place of an event": (
        *("lost", "not_published"),
        lambda found: found._replace(
            published=[found.published[0], [*chained(2, 5, 6, 8), Place(len(EVENTS), 8, True)]]
        ),
    ),
    "a record names another one than that before it": (
        *("lost", "holes"),
        lambda found: found._replace(published=[found.published[0], [Place(2, 1, False), *found.published[1][1:]]]),
    ),
    "two records stand in the wrong order": (
        *("reordered", "inversions"),
        lambda found: found._replace(published=[found.published[0], chained(2, 6, 5, 8, len(EVENTS))]),
    ),
    "a position was published twice in one partition": (
        *("doubled", "twice_published"),
        lambda found: found._replace(published=[found.published[0], chained(2, 5, 5, 6, 8, len(EVENTS))]),
    ),
    "a position was published in two partitions": (
        *("doubled", "twice_published"),
        lambda found: found._replace(published=[*found.published, chained(5)]),
    ),
    "what the log does not hold was published": (
        *("doubled", "published_out_of_nothing"),
        lambda found: found._replace(published=[*found.published, chained(90)]),
    ),
    "an event is in no view": ("lost", "not_in_the_views", lambda found: found._replace(viewed=found.viewed - {3})),
    "a key is on the log twice": (
        *("doubled", "twice_on_the_log"),
        lambda found: found._replace(
            recorded=[*found.recorded, Recorded(90, START, EVENTS[1])],
            published=[*found.published, chained(90)],
            viewed=found.viewed | {90},
        ),
    ),
    "an alert was raised while one of its reason was open": (
        *("doubled", "alerts_twice"),
        lambda found: with_story(found, raised(told(), "al_01")),
    ),
    "an alert was neither mailed nor was it said why not": (
        *("lost", "alerts_unanswered"),
        lambda found: with_story(found, raised(resolved(told(), "al_02"), "al_03")),
    ),
    "a letter never came": ("lost", "letters_not_come", lambda found: found._replace(letters=[])),
    "a letter came of which the log does not know": (
        *("lost", "letters_not_noted"),
        lambda found: found._replace(letters=[*found.letters, LETTER.replace(b"al_01", b"al_02")]),
    ),
    "two unlike letters came with one Message-ID": (
        *("doubled", "letters_unlike"),
        lambda found: found._replace(letters=[LETTER, LETTER.replace(b"a notice", b"no notice")]),
    ),
    "a case has other rows than views made anew": (
        *("reordered", "cases_unlike_a_rebuild"),
        lambda found: found._replace(different=1),
    ),
    "a case was not compared": (
        *("reordered", "cases_unlike_a_rebuild"),
        lambda found: found._replace(compared=found.cases - 1),
    ),
    "a case is parked": ("parked", "parked", lambda found: found._replace(parked=1)),
}


def with_story(found: Found, story: Story) -> Found:
    """All of the story is on the log, published and viewed."""
    positions = range(1, len(story.events) + 1)
    return found._replace(
        recorded=on_the_log(story.events), published=[chained(*positions)], viewed=set(positions), cases=2
    )


def test_where_nothing_is_wrong_it_says_so_and_how_much_it_has_seen() -> None:
    verdict = judge([*EVENTS, *EVENTS[:2]], WHOLE)

    assert verdict.clean
    assert (verdict.lost, verdict.doubled, verdict.reordered, verdict.parked) == (0, 0, 0, 0)
    assert verdict.seen == {"events on the log": len(EVENTS), "cases": 2, "alerts raised": 2, "letters come": 2}
    assert dict(verdict.table()) == dict(verdict.seen) | {
        one.name.replace("_", " "): 0 for one in fields(verdict) if one.name != "seen"
    }


@pytest.mark.parametrize("wrong", WRONG)
def test_what_is_wrong_is_counted_under_its_name_and_nowhere_else(wrong: str) -> None:
    kind, name, change = WRONG[wrong]
    verdict = judge([], change(WHOLE))

    assert not verdict.clean
    assert {one.name: getattr(verdict, one.name) for one in fields(verdict)[1:] if getattr(verdict, one.name)} == {
        name: 1
    }
    kinds = {"lost": verdict.lost, "doubled": verdict.doubled, "reordered": verdict.reordered, "parked": verdict.parked}
    assert {one for one, number in kinds.items() if number} == {kind}


def test_an_acknowledged_event_that_is_not_on_the_log_is_lost() -> None:
    lost = Story("ca_other1").opened().last
    assert judge([*EVENTS, lost], WHOLE).not_on_the_log == judge([*EVENTS, lost], WHOLE).lost == 1


def test_every_number_but_one_is_proven() -> None:
    """The one has the test above."""
    assert {name for _, name, _ in WRONG.values()} | {"seen", "not_on_the_log"} == {
        one.name for one in fields(judge([], WHOLE))
    }
