"""A record is a set: order and repetition do not matter, and what was amended is read as amended."""

from hypothesis import given
from hypothesis import strategies as st

from contracts.events import AnyCaseEvent
from contracts.instruments import catalogue
from services.projections.course import Course
from services.projections.fold import course_of
from services.projections.record import record_of, standing
from tests.story import Story, stalled


def course(events: list[AnyCaseEvent]) -> Course:
    return course_of(record_of(events), catalogue())


def eventful() -> list[AnyCaseEvent]:
    """A case with all that can be amended: scores corrected twice and back, a retraction, tasks, a closing."""
    story = stalled()
    first, third = [event for event in story.events if event.type.startswith("resonance.measure")][0:6:4]
    story.corrected(third, "ors", {"total": 14.0})
    story.corrected(story.last, "ors", {"total": 13.0}).corrected(third, "ors", {"total": 12.0})
    story.retracted(first)
    story.renegotiated(previous="ta_old01").session(ors=20, srs=38).session(ors=22, srs=39)
    story.retracted(story.last).closed().tell("case.reopened", {"reason": "client_returned"}, minutes=80)
    return story.events


@given(st.data())
def test_any_permutation_and_repetition_gives_the_same_course(data: st.DataObject) -> None:
    events = eventful()
    repeated = data.draw(st.lists(st.sampled_from(events), max_size=10))
    shuffled = data.draw(st.permutations(events + repeated))
    assert course(shuffled) == course(events)


def test_a_correction_takes_the_place_of_what_it_corrects() -> None:
    story = Story().opened().session(ors=15)
    story.corrected(story.last, "ors", {"total": 18.0})
    series = course(story.events).outcome
    assert series is not None
    assert series.values == [18.0]


def test_of_two_corrections_of_one_score_the_later_charted_holds() -> None:
    story = Story().opened().session(ors=15)
    wrong = story.last
    later, earlier = story.corrected(wrong, "ors", {"total": 18.0}).events[-1], None
    earlier = story.corrected(wrong, "ors", {"total": 21.0}).events[-1]
    assert earlier.recordedtime is not None
    assert later.recordedtime is not None
    assert earlier.recordedtime > later.recordedtime
    series = course(story.events).outcome
    assert series is not None
    assert series.values == [21.0]


def test_a_correction_can_be_corrected() -> None:
    story = Story().opened().session(ors=15)
    story.corrected(story.last, "ors", {"total": 18.0}).corrected(story.last, "ors", {"total": 19.0})
    series = course(story.events).outcome
    assert series is not None
    assert series.values == [19.0]


def test_retracting_a_correction_brings_back_what_it_replaced() -> None:
    story = Story().opened().session(ors=15)
    story.corrected(story.last, "ors", {"total": 18.0}).retracted(story.last)
    series = course(story.events).outcome
    assert series is not None
    assert series.values == [15.0]


def test_retracting_a_score_takes_its_corrections_with_it() -> None:
    story = Story().opened().session(ors=15)
    score = story.last
    story.corrected(score, "ors", {"total": 18.0}).retracted(score)
    assert course(story.events).outcome is None


def test_a_correction_that_arrives_before_its_score_waits_and_is_said_to() -> None:
    story = Story().opened().session(ors=15)
    score = story.last
    story.corrected(score, "ors", {"total": 18.0})
    without = [event for event in story.events if event is not score]
    assert course(without).pending == ("amended_event",)
    assert course(without).outcome is None
    assert course(story.events).pending == ()


def test_events_are_read_in_clinical_order_whatever_order_they_came_in() -> None:
    story = Story().opened().session(ors=15).session(ors=17).session(ors=19)
    times = [event.time for event in standing(record_of(reversed(story.events))).events]
    assert times == sorted(times)


def test_nobody_retracts_or_corrects_what_is_of_neither_their_source_nor_their_clinic() -> None:
    story = Story().opened().session(ors=15)
    score, before = story.last, course(story.events)
    story.retracted(score).corrected(score, "ors", {"total": 30.0})
    stranger = {"source": "urn:resonance:source:stranger", "rsnclinic": "cl_south"}
    *told, retraction, correction = story.events
    foreign = [retraction.model_copy(update=stranger), correction.model_copy(update=stranger)]
    assert course([*told, *foreign]) == before
    assert course([*foreign, *told]) == before
    for one_shared in ({"rsnclinic": "cl_south"}, {"source": stranger["source"]}):
        assert course([*told, retraction.model_copy(update=one_shared)]).series == ()
