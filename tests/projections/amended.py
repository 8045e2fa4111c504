"""Two ways to the same truth, for tests: a case as it was charted right from the start, and with mistakes made good."""

from collections.abc import Callable
from datetime import timedelta
from typing import NamedTuple

from hypothesis import strategies as st

from contracts.data import EventKey, MeasureCorrectedData, MeasureRecordedData, Score
from contracts.events import AnyCaseEvent, MeasureCorrected, MeasureRecorded
from tests.story import Story, day

SCORES = st.integers(0, 40).map(float)
CASE = "ca_case01"


class Histories(NamedTuple):
    """What happened is the same in both."""

    right: list[AnyCaseEvent]
    amended: list[AnyCaseEvent]
    """With mistakes and what makes them good, late, twice, and in any order."""


@st.composite
def histories(draw: st.DrawFn) -> Histories:
    right = draw(stories()).events
    amended = list(right)
    for number in range(draw(st.integers(1, 5))):
        if draw(st.booleans()):
            amended += draw(never_happened(draw(st.sampled_from(NEVER_HAPPENED)), number))
        else:
            event = draw(st.sampled_from([one for one in right if one in amended]))
            amended.remove(event)
            amended += draw(mistaken(event, number))
    repeated = draw(st.lists(st.sampled_from(amended), max_size=5))
    return Histories(right, draw(st.permutations(amended + repeated)))


@st.composite
def stories(draw: st.DrawFn) -> Story:
    """A case with a few sessions and, now and then, of everything that can be charted."""
    story = Story(CASE)
    if draw(st.integers(0, 9)):
        story.opened("th_ada01")
    for number in range(draw(st.integers(3, 8))):
        story.session(ors=draw(SCORES | st.none()), srs=draw(SCORES | st.none()), days=draw(st.integers(3, 15)))
        if number == 0:
            story.agreed()
        elif draw(st.booleans()):
            draw(st.sampled_from(CHARTED))(story)
    if not draw(st.integers(0, 3)):
        story.closed()
        if draw(st.booleans()):
            story.tell("case.reopened", {"reason": "client_returned"}, minutes=80)
    return story


def assigned(story: Story, therapist_ref: str, role: str) -> Story:
    at = story.now.isoformat()
    return story.tell("therapist.assigned", {"therapist_ref": therapist_ref, "role": role, "effective_from": at}, 20)


CHARTED: list[Callable[[Story], Story]] = [
    # A second score of the same session and instant: what was charted first stays first, also once it is corrected.
    lambda story: story.measure("ors", {"total": 21.0}, session=story.session_ref()),
    lambda story: story.measure("phq9", {"total": 12.0}),
    lambda story: story.renegotiated("ta_new01", "ta_old01", agreement=7.0),
    lambda story: story.renegotiated("ta_new02"),
    lambda story: story.tell("task.ended", {"task_ref": "ta_old01", "reason": "goal_met"}, 31),
    lambda story: story.tell("preference.recorded", {"kind": "preference", "domain": "activity", "strength": 8.0}, 40),
    lambda story: assigned(story, "th_bea01", "primary"),
    lambda story: assigned(story, "th_cleo1", "supervisor"),
    lambda story: story.tell(
        "session.missed", {"session_ref": "se_missed1", "scheduled_for": story.now.isoformat(), "kind": "no_show"}, 50
    ),
]
NEVER_HAPPENED: list[Callable[[Story], Story]] = [
    *CHARTED,
    lambda story: story.opened("th_zoe01", "c_other1"),
    lambda story: story.closed("client_stopped"),
    lambda story: story.tell("case.reopened", {"reason": "client_returned"}, minutes=80),
    lambda story: story.session(ors=2.0, srs=12.0),
    lambda story: story.agreed("ta_wrong1"),
    lambda story: assigned(story, "th_zoe01", "primary"),
    lambda story: assigned(story, "th_zoe01", "co"),
    lambda story: story.tell(
        "consent.changed", {"purpose": "feedback", "state": "withdrawn", "effective_from": story.now.isoformat()}
    ),
    lambda story: story.tell(
        "measure.declined", {"instrument": {"key": "ors", "version": "adult"}, "reason": "declined"}
    ),
]


@st.composite
def never_happened(draw: st.DrawFn, make: Callable[[Story], Story], number: int) -> list[AnyCaseEvent]:
    """Charted in the wrong case, at any time before, within or after it, even by another clinic; then retracted."""
    story = make(Story(CASE, draw(st.sampled_from(("cl_north", "cl_south")))).after(draw(st.integers(-60, 90))))
    wrong = [renamed(event, f"{number}-{place}", draw) for place, event in enumerate(story.events)]
    return [*wrong, *(retraction(event) for event in wrong)]


@st.composite
def mistaken(draw: st.DrawFn, event: AnyCaseEvent, number: int) -> list[AnyCaseEvent]:
    """``event`` charted wrongly at first."""
    if isinstance(event, MeasureRecorded) and draw(st.integers(0, 3)):
        return draw(st.sampled_from((mistyped, mistyped_twice, overdone)))(draw, event, number)
    return sent_anew(draw, event, number)


def sent_anew(draw: st.DrawFn, event: AnyCaseEvent, number: int) -> list[AnyCaseEvent]:
    """First with another time, which was retracted; then as it was."""
    wrong = renamed(event, f"{number}", draw)
    shifted = wrong.model_copy(update={"time": wrong.time + timedelta(days=draw(st.integers(-40, 40)), minutes=1)})
    return [shifted, retraction(shifted), event]


def mistyped(draw: st.DrawFn, event: MeasureRecorded, number: int) -> list[AnyCaseEvent]:
    return [with_score(event, draw(SCORES)), correction(event, event, f"a{number}", 1)]


def mistyped_twice(draw: st.DrawFn, event: MeasureRecorded, number: int) -> list[AnyCaseEvent]:
    """The correction was wrong too, and was corrected: by a correction of itself, or of the score once more."""
    one, other = draw(st.permutations((f"a{number}", f"b{number}")))
    first = correction(event, with_score(event, draw(SCORES)), one, 1)
    second = correction(event if draw(st.booleans()) else first, event, other, 2)
    return [with_score(event, draw(SCORES)), first, second]


def overdone(draw: st.DrawFn, event: MeasureRecorded, number: int) -> list[AnyCaseEvent]:
    """What was right was corrected, and the correction retracted."""
    wrong = correction(event, with_score(event, draw(SCORES)), f"a{number}", 1)
    return [event, wrong, retraction(wrong)]


def with_score(event: MeasureRecorded, value: float) -> MeasureRecorded:
    data = event.data.model_copy(update={"scores": (Score(scale="total", value=value),)})
    return event.model_copy(update={"data": data})


def correction(of: MeasureRecorded | MeasureCorrected, like: MeasureRecorded, name: str, days: int) -> MeasureCorrected:
    """``of`` said what ``like`` says, as was charted ``days`` later."""
    said = {field: getattr(like.data, field) for field in MeasureRecordedData.model_fields}
    return MeasureCorrected(
        id=f"correction-{name}",
        source=like.source,
        subject=like.subject,
        rsnclinic=like.rsnclinic,
        time=like.time,
        recordedtime=like.time + timedelta(days=days),
        data=MeasureCorrectedData(**said, supersedes=EventKey(source=of.source, id=of.id)),
    )


def retraction(of: AnyCaseEvent) -> AnyCaseEvent:
    story = Story(CASE).after((of.time - day(0)).days + 1).retracted(of)
    return story.last.model_copy(update={"id": f"retraction-{of.id}"})


def renamed(event: AnyCaseEvent, name: str, draw: st.DrawFn) -> AnyCaseEvent:
    """Under an id that comes before or after those of the story."""
    return event.model_copy(update={"id": f"{draw(st.sampled_from(('a', 'z')))}-{name}"})
