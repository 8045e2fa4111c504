"""The two steps on a real log, real views and a real mailbox: who is told of what, once, and why not."""

from collections import Counter
from datetime import datetime, timedelta
from typing import Any

from contracts.policies import policy
from services.alerts.letter import LINK_DAYS
from services.alerts.outbox import Link
from services.alerts.run import evaluate_step, send_step
from tests.alerts.workplace import FIVE, SILENT_AFTER, Workplace, several, stories
from tests.homes import Home
from tests.story import Story, day, stalled


def falling(case_ref: str) -> Story:
    """Worse by more than a reliable change at the second and the third session."""
    return stalled(case_ref, scores=(20, 12, 11))


# What follows from what


def test_a_stalled_case_is_raised_then_mailed_and_the_mail_is_noted(workplace: Workplace) -> None:
    workplace.posts(stalled("ca_one", scores=FIVE).events).works()
    assert workplace.happened() == [("raised", "stalled"), ("notified", "")]
    [mail] = workplace.mails()
    assert mail.to == "th-ada01@example.org"
    assert workplace.counted("stalled", "raised") == workplace.counted("stalled", "mailed") == 1
    assert workplace.announced.value == workplace.log.head()


def test_nothing_follows_twice(workplace: Workplace) -> None:
    workplace.posts(stalled(scores=FIVE).events).works()
    before = workplace.log.head()
    workplace.now += timedelta(hours=1)
    workplace.works()
    assert not evaluate_step(workplace.office)
    assert not send_step(workplace.office)
    assert (workplace.log.head(), len(workplace.mails())) == (before, 1)


def test_there_is_no_mail_before_its_alert_is_on_the_log(workplace: Workplace) -> None:
    workplace.posts(stalled(scores=FIVE).events).catches_up()
    evaluate_step(workplace.office)
    assert workplace.happened() == [("raised", "stalled")]
    assert workplace.outbox.backlog().pending == 0
    workplace.decides()
    assert workplace.outbox.backlog().pending == 1


def test_the_link_in_the_mail_leads_to_the_alert_and_speaks_for_the_therapist(workplace: Workplace) -> None:
    workplace.posts(stalled("ca_one", scores=FIVE).events).works()
    [mail] = workplace.mails()
    [url] = [line for line in mail.text.splitlines() if line.startswith("https://resonance.example.org/a/")]
    link = workplace.outbox.link(url.rpartition("/")[2])
    [alert] = workplace.views.course("ca_one").alerts  # type: ignore[union-attr]  # it is there: it was mailed about
    assert link == Link(alert.ref, "ca_one", "th_ada01", workplace.now + timedelta(days=LINK_DAYS))


def test_the_mail_noted_on_the_log_is_the_mail_that_went_out(workplace: Workplace) -> None:
    workplace.posts(stalled(scores=FIVE).events).works()
    [noted] = [r.event for r in workplace.log.read(0, 1000) if r.event.type == "resonance.alert.notified.v1"]
    [mail] = workplace.mails()
    assert noted.data.model_dump()["message_id"] == mail.message_id


def test_a_renegotiated_task_resolves_the_stall(workplace: Workplace) -> None:
    story = stalled(scores=FIVE).agreed("ta_old01")
    workplace.posts(story.events).works()
    story.after(1).renegotiated()
    workplace.posts(story.events[-1:]).works()
    assert workplace.happened("resolved") == [("resolved", "by_renegotiation")]
    assert workplace.counted("stalled", "resolved") == 1


def test_silence_is_noticed_though_nothing_happens(workplace: Workplace) -> None:
    story = Story("ca_quiet1").opened().session(ors=20, srs=38)
    workplace.posts(story.events).works()
    workplace.now = day(0) + SILENT_AFTER - timedelta(seconds=1)
    workplace.works()
    assert workplace.happened() == []
    workplace.now = day(0) + SILENT_AFTER
    workplace.works()
    assert workplace.happened() == [("raised", "silent"), ("suppressed", "listed_only")]
    assert not evaluate_step(workplace.office)


def test_a_session_ends_the_silence_and_the_next_one_is_noticed_too(workplace: Workplace) -> None:
    story = Story("ca_quiet1").opened().session(ors=20, srs=38)
    workplace.posts(story.events).now = day(40)
    workplace.works()
    told = len(story.events)
    story.session(ors=21, srs=38, days=41)
    workplace.posts(story.events[told:]).works()
    workplace.now = day(41) + SILENT_AFTER
    workplace.works()
    raised = workplace.happened("raised", "resolved")
    assert raised == [("raised", "silent"), ("resolved", "by_session"), ("raised", "silent")]


def test_a_backfill_of_years_raises_nothing_about_the_present_and_mails_nobody(workplace: Workplace) -> None:
    workplace.posts(several(stories(5)), now=day(2000)).works()
    assert {reason for _, reason in workplace.happened("raised")} == {"silent"}
    assert workplace.mails() == []


# Why nobody is told


def test_what_the_policy_lists_only_is_not_mailed(workplace: Workplace) -> None:
    story = Story("ca_blank1").opened().session().session().session()
    workplace.posts(story.events).works()
    assert workplace.happened() == [("raised", "unmeasured"), ("suppressed", "listed_only")]
    assert workplace.counted("unmeasured", "suppressed:listed_only") == 1


def test_a_therapist_without_an_address_is_not_mailed(workplace: Workplace) -> None:
    workplace.posts(stalled(therapist="th_bob01", scores=FIVE).events).works()
    assert workplace.happened() == [("raised", "stalled"), ("suppressed", "no_address")]


def test_a_case_nobody_is_responsible_for_is_not_mailed(workplace: Workplace) -> None:
    workplace.posts([e for e in stalled(scores=FIVE).events if e.type != "resonance.case.opened.v1"]).works()
    assert workplace.happened() == [("raised", "stalled"), ("suppressed", "no_therapist")]


def test_a_therapist_gets_so_many_mails_a_week_and_no_more(workplace: Workplace) -> None:
    workplace.posts(several(stories(7))).works()
    assert Counter(workplace.happened()) == {
        ("raised", "stalled"): 7,
        ("notified", ""): 5,
        ("suppressed", "over_budget"): 2,
    }
    assert len(workplace.mails()) == 5


def test_a_deterioration_is_mailed_whatever_the_number(workplace: Workplace) -> None:
    workplace.posts(several(stories(5))).works()
    workplace.posts(falling("ca_fall1").events, workplace.now).works()
    assert workplace.happened()[-2:] == [("raised", "deteriorating"), ("notified", "")]


def test_after_a_week_there_is_room_for_mail_again(workplace: Workplace) -> None:
    workplace.posts(several(stories(5))).works()
    workplace.posts(stalled("ca_later1", scores=FIVE).events, workplace.now + timedelta(days=7)).works()
    assert len(workplace.mails()) == 6


def test_a_case_told_of_recently_is_not_mailed_again(workplace: Workplace) -> None:
    story = stalled(scores=FIVE)
    workplace.posts(story.events).works()
    told = len(story.events)
    story.session(ors=15, srs=38, days=6).session(ors=16, srs=38, days=6)
    workplace.posts(story.events[told:]).works()
    assert workplace.happened()[2:] == [
        ("resolved", "by_other_reason"),
        ("raised", "stalled_not_renegotiated"),
        ("suppressed", "told_recently"),
    ]
    assert len(workplace.mails()) == 1


def test_two_weeks_later_it_is_mailed_again_even_if_that_session_is_posted_a_little_sooner(
    workplace: Workplace,
) -> None:
    story = stalled(scores=FIVE)
    workplace.posts(story.events, story.now + timedelta(hours=3)).works()
    told = len(story.events)
    story.session(ors=15, srs=38).session(ors=16, srs=38)
    workplace.posts(story.events[told:], story.now).works()
    assert workplace.happened()[-2:] == [("raised", "stalled_not_renegotiated"), ("notified", "")]


def test_two_reasons_at_once_are_one_mail(home: Home) -> None:
    mail = policy().mail.model_copy(update={"reasons": ("stalled", "silent")})
    workplace = Workplace(home, policy=policy().model_copy(update={"mail": mail})).hires("th_ada01")
    workplace.posts(stalled(scores=FIVE).events, now=day(28) + SILENT_AFTER).works()
    assert Counter(workplace.happened()) == {
        ("raised", "stalled"): 1,
        ("raised", "silent"): 1,
        ("notified", ""): 1,
        ("suppressed", "told_recently"): 1,
    }
    workplace.closes()


def snooze(workplace: Workplace, story: Story, until: datetime) -> None:
    """The therapist puts the case's only alert to sleep."""
    [alert] = workplace.views.course(story.case_ref).alerts  # type: ignore[union-attr]  # it has one
    data: dict[str, Any] = {"alert_ref": alert.ref, "by": "th_ada01", "until": until.isoformat()}
    workplace.posts(story.tell("alert.snoozed", data).events[-1:]).works()


def test_a_snoozed_stall_is_not_reminded_of_until_it_wakes_and_then_it_is_without_any_event(
    workplace: Workplace,
) -> None:
    story = stalled(scores=FIVE)
    workplace.posts(story.events).works()
    snooze(workplace, story, until=day(50))
    told = len(story.events)
    story.session(ors=15, srs=38).session(ors=16, srs=38)
    workplace.posts(story.events[told:]).works()
    assert workplace.happened("raised", "suppressed", "resolved") == [("raised", "stalled")]
    workplace.now = day(50)
    workplace.works()
    assert workplace.happened("raised", "suppressed", "resolved")[1:] == [
        ("resolved", "by_other_reason"),
        ("raised", "stalled_not_renegotiated"),
    ]
    assert len(workplace.mails()) == 2


def test_a_letter_on_its_way_is_not_noted_as_untold_when_more_happens_meanwhile(workplace: Workplace) -> None:
    """Else the fifth letter of the week would stand in its own way."""
    story = stalled("ca_fifth1", scores=FIVE)
    workplace.posts(several([*stories(4), story.events])).decides()
    story.agreed("ta_more01")
    workplace.posts(story.events[-1:], workplace.now).works()
    assert workplace.happened("suppressed") == []
    assert len(workplace.mails()) == 5
