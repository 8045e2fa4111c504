"""The life of an alert, told as events on the case it is about."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from contracts.events import AlertRaised, AlertResolved, AlertSuppressed
from contracts.instruments import catalogue
from contracts.policies import policy
from services.alerts.decide import decide
from services.alerts.lifecycle import Obstacle, Response, respond
from services.projections.fold import course_of
from services.projections.record import record_of
from tests.story import Story, day, stalled

POLICY = policy()


def answer(story: Story, now: datetime | None = None, obstacle: Obstacle | None = None) -> Response:
    """What follows now; its events are not told yet."""
    course = course_of(record_of(story.events), catalogue())
    now = now or story.now
    return respond(course, decide(course, POLICY, None, now), POLICY, None, obstacle, now)


def live(story: Story, now: datetime | None = None, mailed: bool = True) -> list[str]:
    """Lets the service respond until nothing more follows; returns what it did, in words."""
    did: list[str] = []
    while True:
        response = answer(story, now)
        if not response.events and not response.letters:
            return did
        for event in response.events:
            story.events.append(event)
            match event:
                case AlertRaised():
                    did.append(f"raised {event.data.reason}")
                case AlertSuppressed():
                    did.append(f"suppressed {event.data.why}")
                case AlertResolved():
                    did.append(f"resolved {event.data.how}")
        for letter in response.letters:
            did.append(f"mailed {letter.reason} to {letter.therapist_ref}")
            if not mailed:
                return did
            told(story, "notified", letter.alert_ref, channel="email", message_id=f"<{letter.alert_ref}@test.invalid>")


def told(story: Story, what: str, alert_ref: str, **data: Any) -> None:
    """Something happened to an alert, three hours after the last session."""
    story.tell(f"alert.{what}", {"alert_ref": alert_ref} | data, minutes=180)


def open_alert(story: Story) -> str:
    (alert,) = [alert for alert in course_of(record_of(story.events), catalogue()).alerts if alert.open]
    return alert.ref


FIVE = (15.0, 16.0, 15.0, 16.0, 15.0)


def test_a_stall_is_raised_and_mailed_once() -> None:
    story = stalled(scores=FIVE)
    assert live(story) == ["raised stalled", "mailed stalled to th_ada01"]
    assert live(story) == []
    assert live(story, story.now + timedelta(days=3)) == []


def test_deciding_twice_gives_the_same_event() -> None:
    story = stalled(scores=FIVE)
    first, again = answer(story), answer(story, story.now + timedelta(hours=5))
    assert [event.id for event in first.events] == [event.id for event in again.events]


def test_a_letter_is_due_only_once_the_alert_is_on_the_log() -> None:
    story = stalled(scores=FIVE)
    assert answer(story).letters == ()
    story.events += answer(story).events
    assert len(answer(story).letters) == 1


def test_a_renegotiation_resolves_the_stall() -> None:
    story = stalled(scores=FIVE)
    live(story)
    story.renegotiated(previous="ta_old01")
    assert live(story) == ["resolved by_renegotiation"]


def test_movement_resolves_the_stall_by_score() -> None:
    story = stalled(scores=FIVE)
    live(story)
    assert live(story.session(ors=24, srs=38)) == ["resolved by_score"]


def test_closing_the_case_resolves_every_alert() -> None:
    story = stalled(scores=FIVE)
    live(story)
    assert live(story.closed()) == ["resolved by_closing"]


def test_a_correction_that_takes_the_ground_away_resolves_by_correction() -> None:
    story = stalled(scores=FIVE)
    live(story)
    score = [event for event in story.events if event.type.startswith("resonance.measure.recorded")][-2]
    story.after(1).retracted(score)
    assert live(story) == ["resolved by_correction"]


def test_a_reminder_takes_the_place_of_the_first_alert_and_waits_for_the_quiet_time() -> None:
    story = stalled(scores=FIVE)
    live(story)
    assert live(story.session(ors=16, srs=38)) == []
    assert live(story.session(ors=15, srs=38, days=6)) == [
        "resolved by_other_reason",
        "raised stalled_not_renegotiated",
        "suppressed told_recently",
    ]


def test_deterioration_is_told_although_the_stall_was_told_recently() -> None:
    story = stalled(scores=FIVE)
    live(story)
    assert live(story.session(ors=9, srs=38)) == []
    assert live(story.session(ors=8, srs=38)) == [
        "resolved by_other_reason",
        "raised deteriorating",
        "mailed deteriorating to th_ada01",
    ]


def test_an_alert_is_raised_again_only_after_it_was_resolved() -> None:
    story = stalled(scores=FIVE)
    live(story)
    live(story.session(ors=24, srs=38))
    for _ in range(4):
        assert live(story) == []
        story.session(ors=15, srs=38)
    assert live(story) == ["raised stalled", "mailed stalled to th_ada01"]


def test_what_is_only_listed_is_raised_and_not_mailed() -> None:
    story = Story().opened().session(ors=20, srs=38)
    assert live(story, day(29)) == ["raised silent", "suppressed listed_only"]


def test_a_session_ends_the_silence() -> None:
    story = Story().opened().session(ors=20, srs=38)
    live(story, day(29))
    assert live(story.session(ors=20, srs=38, days=30)) == ["resolved by_session"]


def test_a_case_without_a_therapist_or_an_address_says_so() -> None:
    orphan = stalled(scores=FIVE)
    orphan.events = [event for event in orphan.events if event.type != "resonance.case.opened.v1"]
    assert live(orphan) == ["raised stalled", "suppressed no_therapist"]
    story = stalled(scores=FIVE)
    story.events += answer(story).events
    (suppressed,) = answer(story, obstacle="no_address").events
    assert isinstance(suppressed, AlertSuppressed)
    assert suppressed.data.why == "no_address"


def test_over_the_weekly_budget_a_stall_is_listed_and_deterioration_still_mailed() -> None:
    story = stalled(scores=FIVE)
    story.events += answer(story).events
    (suppressed,) = answer(story, obstacle="over_budget").events
    assert isinstance(suppressed, AlertSuppressed)
    assert suppressed.data.why == "over_budget"
    worse = stalled(scores=(15, 9, 8))
    worse.events += answer(worse).events
    assert [letter.reason for letter in answer(worse, obstacle="over_budget").letters] == ["deteriorating"]


def test_old_scores_raise_no_alert_about_the_present() -> None:
    story = stalled(scores=FIVE)
    assert live(story, story.now + timedelta(days=POLICY.freshness.days + 1)) == [
        "raised silent",
        "suppressed listed_only",
    ]


def test_a_snoozed_stall_sends_no_reminder_until_the_next_session() -> None:
    story = stalled(scores=FIVE)
    live(story)
    told(story, "snoozed", open_alert(story), by="th_ada01")
    assert live(story) == []
    assert live(story.session(ors=16, srs=38).session(ors=15, srs=38, days=6)) == [
        "resolved by_other_reason",
        "raised stalled_not_renegotiated",
        "suppressed told_recently",
    ]


def test_a_stall_snoozed_to_an_instant_is_looked_at_again_then() -> None:
    story = stalled(scores=FIVE)
    live(story)
    until = story.now + timedelta(days=10)
    told(story, "snoozed", open_alert(story), by="th_ada01", until=until.isoformat())
    assert live(story.session(ors=16, srs=38).session(ors=15, srs=38, days=2)) == []
    assert answer(story).due_at == until
    assert live(story, until)[:2] == ["resolved by_other_reason", "raised stalled_not_renegotiated"]


def test_an_answered_stall_is_not_brought_up_again_while_it_lasts() -> None:
    story = stalled(scores=FIVE)
    live(story)
    told(story, "acknowledged", open_alert(story), by="th_ada01", action="task_kept")
    assert live(story.session(ors=16, srs=38).session(ors=15, srs=38)) == []
    assert live(story.session(ors=26, srs=38)) == ["resolved by_score"]


def test_an_answered_stall_does_not_hide_deterioration() -> None:
    story = stalled(scores=FIVE)
    live(story)
    told(story, "acknowledged", open_alert(story), by="th_ada01", action="not_a_signal")
    assert live(story.session(ors=9, srs=38).session(ors=8, srs=38))[1] == "raised deteriorating"


def test_the_raised_event_names_policy_therapist_and_evidence() -> None:
    story = stalled(scores=FIVE)
    (event,) = answer(story).events
    assert isinstance(event, AlertRaised)
    assert (event.data.policy, event.data.policy_version, event.data.therapist_ref) == ("default", 2, "th_ada01")
    assert {item.name: item.value for item in event.data.evidence}["last_score"] == 15


def test_a_policy_that_mails_nothing_lists_everything() -> None:
    silent = POLICY.model_copy(update={"mail": POLICY.mail.model_copy(update={"reasons": ()})})
    story = stalled(scores=FIVE)
    story.events += answer(story).events
    course = course_of(record_of(story.events), catalogue())
    response = respond(replace(course), decide(course, silent, None, story.now), silent, None, None, story.now)
    assert response.letters == ()
    assert len(response.events) == 1
