"""What a replay takes from the log, what it leaves out, and what it cannot know."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from contracts.events import AnyEvent
from contracts.policies import Policy, policy
from services.eventlog.ports import Recorded, Unread
from services.whatif.history import History
from services.whatif.life import Replayed
from services.whatif.replay import replay
from tests.alerts.workplace import FIVE
from tests.story import SOURCE, Story, day, merge, stalled

POLICY = policy("plain")  # by which a stall needs no norm set
LATER = POLICY.model_copy(update={"version": 99, "stalled": POLICY.stalled.model_copy(update={"checkpoint_scores": 6})})
"""A stall begins two scores later."""
LENIENT = POLICY.model_copy(update={"change": POLICY.change.model_copy(update={"confidence": 0.2})})
"""So small a change counts as reliable that half of it is no stall."""


def received(events: Sequence[AnyEvent], after: timedelta = timedelta(hours=1)) -> list[Recorded]:
    """Each event ``after`` it happened."""
    return [Recorded(place, event.time + after, event) for place, event in enumerate(events, 1)]


def after(
    events: Sequence[Recorded | Unread],
    policy: Policy = POLICY,
    addresses: frozenset[str] | None = None,
    days: int = 60,
) -> Replayed:
    in_order = sorted(events, key=lambda one: one.received)
    [found] = replay(History(in_order, day(days), addresses), [policy])
    return found


def happened(found: Replayed) -> list[tuple[datetime, str, str]]:
    told = []
    for event, _ in found.events:
        data = event.data.model_dump()
        kind = event.type.removeprefix("resonance.alert.").removesuffix(".v1")
        told.append((event.time, kind, data.get("reason") or data.get("how") or data.get("why") or ""))
    return told


def ref_of(found: Replayed) -> str:
    [raised] = [event for event, _ in found.raised() if event.data.reason == "stalled"]
    return raised.data.alert_ref


def test_a_letter_of_which_the_log_knows_nothing_counts_as_delivered_at_once() -> None:
    found = after(received(stalled(scores=FIVE[:4]).events), days=40)
    at = day(21) - timedelta(minutes=5) + timedelta(hours=1)  # the fourth score is charted five minutes before nine
    assert happened(found)[:2] == [(at, "raised", "stalled"), (at, "notified", "")]
    assert [(told.at, told.letter.therapist_ref) for told in found.told] == [(at, "th_ada01")]


def test_a_letter_is_delivered_when_the_log_says_so_unless_that_was_about_another_time() -> None:
    # given a log on which the letter about the stall was delivered ten hours after it was raised
    events = received(stalled(scores=(*FIVE, 16)).events)
    at = after(events).told[0].at
    story = Story("ca_stall1")
    story.tell(
        "alert.notified", {"alert_ref": ref_of(after(events)), "channel": "email", "message_id": "<a@b.example>"}
    )
    noted = story.last.model_copy(update={"source": "urn:resonance:alerts", "time": at + timedelta(hours=10)})
    log = [*events, Recorded(99, noted.time, noted)]

    # then it is so under the same policy; under one that raises it a week later it is delivered at once
    assert next(entry for entry in happened(after(log)) if entry[1] == "notified") == (noted.time, "notified", "")
    late = after(log, LATER)
    [raised] = [one.time for one, _ in late.raised() if one.data.reason == "stalled"]
    assert raised > noted.time
    assert (raised, "notified", "") in happened(late)


def test_a_letter_that_the_log_says_was_given_up_takes_no_room_and_its_alert_is_not_told_again() -> None:
    # given room for one letter a week, and a second stall the day after the first one
    one_a_week = POLICY.model_copy(update={"mail": POLICY.mail.model_copy(update={"mails_per_therapist_week": 1})})
    other = received(stalled("ca_stall2", scores=FIVE[:4]).events, timedelta(hours=25))
    events = [*received(stalled("ca_stall1", scores=FIVE[:4]).events), *other]
    first = after(events, one_a_week)
    assert [told.case_ref for told in first.told] == ["ca_stall1"]

    # then there is room for it where the first letter could not be delivered
    at = first.told[0].at + timedelta(hours=1)
    ref = first.told[0].letter.alert_ref
    story = Story("ca_stall1").tell("alert.suppressed", {"alert_ref": ref, "why": "undeliverable"})
    given_up = story.last.model_copy(update={"source": "urn:resonance:alerts", "time": at})
    found = after([*events, Recorded(99, at, given_up)], one_a_week)
    assert [told.case_ref for told in found.told] == ["ca_stall1", "ca_stall2"]
    assert (at, "suppressed", "undeliverable") in happened(found)


def test_who_is_not_in_the_registry_is_not_mailed() -> None:
    found = after(received(stalled(scores=FIVE).events), addresses=frozenset({"th_ben01"}))
    assert "no_address" in {what for _, kind, what in happened(found) if kind == "suppressed"}
    assert found.told == []


def test_an_answer_counts_only_where_the_alert_was_raised_by_then() -> None:
    # given a therapist who answered the stall after five scores: the task is kept
    story = stalled(scores=FIVE)
    ref = ref_of(after(received(story.events)))
    story.tell("alert.acknowledged", {"alert_ref": ref, "by": "th_ada01", "action": "task_kept"}, minutes=120)
    story.session(ors=16).session(ors=15).session(ors=16)
    log = received(story.events)

    # then nobody is reminded under the same policy; under one that raises it later, the answer is to nothing
    reminded = "stalled_not_renegotiated"
    assert reminded not in {what for _, _, what in happened(after(log))}
    assert reminded in {what for _, _, what in happened(after(log, LATER))}


def test_silence_is_noticed_at_its_instant_and_not_before_the_end_of_the_history() -> None:
    events = received(Story("ca_quiet1").opened().session(ors=20).events)
    due = day(POLICY.silent.days + 1).replace(hour=0)
    [raised, *_] = happened(after(events, days=POLICY.silent.days + 2))
    assert raised == (due, "raised", "silent")
    assert happened(after(events, days=POLICY.silent.days)) == []


def test_a_case_with_an_event_of_a_later_release_waits_and_the_others_do_not() -> None:
    story = stalled("ca_stall1", scores=FIVE)
    other = stalled("ca_stall2", scores=FIVE)
    unread = Unread(1, day(-1), "ca_stall1", b'{"source": "%b", "id": "new"}' % SOURCE.encode())
    found = after([unread, *received(story.events), *received(other.events)])
    assert found.waiting == {"ca_stall1"}
    assert {event.case_ref for event, _ in found.events} == {"ca_stall2"}


def test_an_alert_that_was_retracted_is_not_raised_under_its_old_name_which_the_log_has_already() -> None:
    story = stalled(scores=FIVE)
    [raised] = [event for event, _ in after(received(story.events)).raised() if event.data.reason == "stalled"]
    story.session(ors=15).retracted(raised)
    again = [event.data.alert_ref for event, _ in after(received(story.events)).raised()]
    assert again.count(raised.data.alert_ref) == 1


def test_scores_count_once_it_is_known_that_their_client_is_the_one_of_the_case() -> None:
    # given scores that are another client's by their reference, until the two references are merged
    opening = {"client_ref": "c_anna01", "therapist_ref": "th_ada01", "opened_on": "2026-03-02", "modality": "couple"}
    story = Story("ca_merge1").tell("case.opened", opening)
    for number, score in enumerate((*FIVE, 16)):
        story.session(days=7)
        story.tell("measure.recorded", story.scores("ors", {"total": score}) | {"client_ref": "c_anna02"}, number)
    log = received(story.events)
    merged = Recorded(99, day(30), merge("c_anna02", "c_anna01"))

    # then the case is stalled from the next event on
    assert not any(event.data.reason == "stalled" for event, _ in after(log).raised())
    [at] = [event.time for event, _ in after([*log, merged]).raised() if event.data.reason == "stalled"]
    assert at == day(35) + timedelta(hours=1)


def test_several_policies_at_once_are_each_as_if_alone() -> None:
    events = received([*stalled("ca_stall1").events, *stalled("ca_stall2", scores=FIVE).events])
    events.sort(key=lambda one: one.received)
    found = replay(History(events, day(60)), [POLICY, LATER, LENIENT])
    assert found == [after(events), after(events, LATER), after(events, LENIENT)]
    stalls = [sum(event.data.reason == "stalled" for event, _ in one.raised()) for one in found]
    assert stalls == [2, 1, 0]
