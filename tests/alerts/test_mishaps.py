"""What may break between any two statements of a step: nobody is mailed twice, and nothing is passed over."""

from datetime import timedelta

import pytest
from prometheus_client import generate_latest

from services.alerts.run import AGAIN, BEHIND, evaluate_step
from services.eventlog.ports import Unavailable
from services.projections.run import rebuild
from tests.alerts.workplace import FIVE, SILENT_AFTER, Workplace, several, stories
from tests.homes import REFUSED
from tests.parts import sliced
from tests.story import Story, day, stalled


def test_a_crash_between_the_log_and_the_outbox_repeats_the_step_and_changes_nothing(workplace: Workplace) -> None:
    workplace.posts(stalled(scores=FIVE).events).catches_up()
    with workplace.home.stuck("outbox", "checkpoint"), pytest.raises(REFUSED):
        evaluate_step(workplace.office)
    workplace.now += timedelta(minutes=5)
    workplace.works()
    assert workplace.happened() == [("raised", "stalled"), ("notified", "")]
    assert len(workplace.mails()) == 1


def test_without_the_log_nothing_is_decided_and_nothing_is_passed_over(workplace: Workplace) -> None:
    workplace.posts(stalled(scores=FIVE).events).catches_up()
    workplace.log.close()
    with pytest.raises(Unavailable):
        evaluate_step(workplace.office)
    again = Workplace(workplace.home)
    again.now = workplace.now
    again.works()
    assert again.happened() == [("raised", "stalled"), ("notified", "")]
    again.closes()


def test_making_the_views_anew_mails_nobody(workplace: Workplace) -> None:
    workplace.posts(several(stories(3))).works()
    before = workplace.log.head()
    rebuild(workplace.log, workplace.views)
    workplace.works()
    assert (workplace.log.head(), len(workplace.mails())) == (before, 3)


def test_losing_the_views_raises_nothing_while_they_are_made_anew_and_mails_nobody(workplace: Workplace) -> None:
    story = stalled(scores=FIVE)
    workplace.posts(story.events).works()
    workplace.closes()
    workplace.home.lose("views")
    again = Workplace(workplace.home)
    again.now = day(28) + SILENT_AFTER
    again.views.apply(sliced(again.log.read(after=0, limit=4)))  # by these the case is silent since its first session
    assert not evaluate_step(again.office)
    again.posts(story.session(days=27).events[-1:]).works()
    assert again.happened() == [("raised", "stalled"), ("notified", "")]
    assert len(again.mails()) == 1
    again.closes()


def test_losing_the_outbox_mails_nobody_twice(workplace: Workplace) -> None:
    workplace.posts(several(stories(3))).works()
    before = workplace.log.head()
    workplace.closes()
    workplace.home.lose("outbox")
    again = Workplace(workplace.home)
    again.now = workplace.now + timedelta(hours=1)
    again.works()
    assert (again.log.head(), len(again.mails())) == (before, 3)
    again.closes()


def test_views_that_are_a_little_late_hold_nobody_up(workplace: Workplace) -> None:
    workplace.posts(stalled(scores=FIVE).events).catches_up()
    workplace.posts(stalled("ca_two", scores=FIVE).events, workplace.now)
    workplace.now += BEHIND
    assert evaluate_step(workplace.office)
    workplace.now += timedelta(seconds=1)
    assert not evaluate_step(workplace.office)


def test_a_case_that_cannot_be_judged_is_put_off_and_holds_up_no_other(
    workplace: Workplace, caplog: pytest.LogCaptureFixture
) -> None:
    odd, fine = Story("ca_odd01").opened().session(), Story("ca_fine1").opened().session()
    workplace.posts(several([odd.events, fine.events])).works()
    odd.measure("unheard_of", {"total": 3})  # which ingest would have refused
    workplace.posts(odd.events[-1:]).works()
    workplace.now = day(0) + SILENT_AFTER
    workplace.works()
    assert workplace.happened() == [("raised", "silent"), ("suppressed", "listed_only")]
    assert workplace.outbox.due(0, workplace.now + AGAIN - timedelta(seconds=1), 10) == []
    assert workplace.outbox.due(0, workplace.now + AGAIN, 10) == ["ca_odd01"]
    assert [(r.message, vars(r)["error"]) for r in caplog.records if r.name == "services.alerts.run"] == [
        ("case put off", "Waiting")
    ]


def test_what_is_counted_as_decided_is_counted_once_however_often_it_is_decided(workplace: Workplace) -> None:
    workplace.posts(stalled(scores=FIVE).events).catches_up()
    evaluate_step(workplace.office)
    workplace.outbox.close()
    workplace.home.lose("outbox")
    again = Workplace(workplace.home)
    again.now = workplace.now + timedelta(seconds=1)
    assert evaluate_step(again.office)  # the views do not show yet that it was raised
    assert again.counted("stalled", "raised") == 0
    assert again.happened() == [("raised", "stalled")]
    assert b"ca_" not in generate_latest(again.registry)
    again.closes()
