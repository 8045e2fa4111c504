"""Answering an alert, on the case page and by the link of a letter."""

from datetime import timedelta

import httpx
import pytest

from contracts.events import AlertAcknowledged, AlertOpened, AlertSnoozed
from services.eventlog.ports import Unavailable
from services.pages.answers import WORDS, Answer, answer
from tests.pages.place import ADA, BEN, TOKEN, Browser, Place, stalled_and_told, words
from tests.pages.test_picture import course
from tests.pages.test_rights import handed_over

PAGE = "/cases/ca_stall1"
PATH = f"{PAGE}/alerts/al_stall1"
LINK = f"/a/{TOKEN}"


def at_the_case(place: Place) -> Browser:
    place.tell(stalled_and_told())
    return place.browser(ADA)


@pytest.mark.parametrize("said", ["will_discuss", "task_kept", "not_a_signal"])
def test_an_answer_is_an_acknowledgement_on_the_log(place: Place, said: str) -> None:
    browser = at_the_case(place)
    assert browser.send(PAGE, PATH, answer=said).status_code == 303
    [event] = place.events("alert.acknowledged")
    assert isinstance(event, AlertAcknowledged)
    assert (event.data.action, event.data.by, event.data.alert_ref) == (said, ADA.ref, "al_stall1")
    assert "Answered" in words(browser.get(PAGE).text)


def test_the_same_answer_twice_is_one_event_and_another_one_takes_its_place(place: Place) -> None:
    browser = at_the_case(place)
    for said in ("task_kept", "task_kept", "not_a_signal", "not_a_signal", "task_kept"):
        place.now += timedelta(minutes=1)
        assert browser.send(PAGE, PATH, answer=said).status_code == 303
    said_so_far = [
        event.data.action for event in place.events("alert.acknowledged") if isinstance(event, AlertAcknowledged)
    ]
    assert said_so_far == ["task_kept", "not_a_signal", "task_kept"]
    assert place.course("ca_stall1").alerts[0].action == "task_kept"


def test_an_alert_put_off_sleeps_until_the_next_session_and_can_be_put_off_again(place: Place) -> None:
    story = stalled_and_told()
    place.tell(story)
    browser = place.browser(ADA)
    for _ in range(2):
        assert browser.send(PAGE, PATH, answer="snoozed").status_code == 303
    assert len(place.events("alert.snoozed")) == 1
    assert "Asleep until the next session" in words(browser.get(PAGE).text)
    woken = story.after(30).session(ors=15)
    place.append(woken.events[-2:])
    assert "Asleep" not in words(browser.get(PAGE).text)
    assert browser.send(PAGE, PATH, answer="snoozed").status_code == 303
    assert len(place.events("alert.snoozed")) == 2


def test_seen_takes_back_no_other_answer() -> None:
    story = stalled_and_told()
    acknowledged = {"alert_ref": "al_stall1", "by": ADA.ref, "action": "task_kept"}
    found = course(story.tell("alert.acknowledged", acknowledged, minutes=70))
    assert answer(found, found.alerts[0], "seen", ADA.ref, story.now) is None


@pytest.mark.parametrize("said", WORDS.values())
def test_an_alert_that_is_over_takes_no_answer(said: Answer) -> None:
    story = stalled_and_told()
    found = course(story.tell("alert.resolved", {"alert_ref": "al_stall1", "how": "by_score"}, minutes=70))
    assert answer(found, found.alerts[0], said, ADA.ref, story.now) is None


def test_an_unknown_answer_or_alert_is_not_found(place: Place) -> None:
    browser = at_the_case(place)
    assert browser.send(PAGE, PATH, answer="resolved").status_code == 404
    assert browser.send(PAGE, f"{PAGE}/alerts/al_none01", answer="seen").status_code == 404


def test_an_answer_needs_this_sessions_token(place: Place) -> None:
    browser = at_the_case(place)
    assert browser.post(PATH, {"answer": "task_kept"}).status_code == 403
    assert place.events("alert.acknowledged") == []


def test_keeping_the_task_is_offered_for_alerts_about_the_course_only(place: Place) -> None:
    place.tell(stalled_and_told(reason="silent"))
    page = place.browser(ADA).get(PAGE).text
    assert 'value="not_a_signal"' in page
    assert 'value="task_kept"' not in page
    assert 'value="snoozed"' not in page


def with_a_letter(place: Place) -> Browser:
    place.tell(stalled_and_told())
    place.link("al_stall1", "ca_stall1")
    return place.browser()


@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_following_the_link_changes_nothing_and_shows_nothing_about_the_client(place: Place, method: str) -> None:
    browser = with_a_letter(place)
    head = place.log.head()
    page = browser.get(LINK, method)
    assert page.status_code == 200
    assert place.log.head() == head
    for canary in ("ca_stall1", "c_anna01", "cl_north", "Ada", "Outcome", "15"):
        assert canary not in page.text


def test_the_holder_of_the_letter_can_say_that_it_was_seen_without_signing_in(place: Place) -> None:
    browser = with_a_letter(place)
    for _ in range(2):
        place.now += timedelta(minutes=1)
        said = browser.post(LINK, {"answer": "seen"})
        assert (said.status_code, "noted" in words(said.text)) == (200, True)
    [event] = place.events("alert.acknowledged")
    assert isinstance(event, AlertAcknowledged)
    assert (event.data.action, event.data.by, event.id) == ("seen", ADA.ref, "al_stall1.seen")


def test_the_holder_of_the_letter_can_put_it_off(place: Place) -> None:
    browser = with_a_letter(place)
    assert browser.post(LINK, {"answer": "later"}).status_code == 200
    assert browser.post(LINK, {"answer": "later"}).status_code == 200
    [event] = place.events("alert.snoozed")
    assert isinstance(event, AlertSnoozed)
    assert event.data.until is None


def test_opening_the_case_by_the_letter_is_noted_and_asks_for_a_session(place: Place) -> None:
    browser = with_a_letter(place)
    opened: list[httpx.Response] = [browser.post(LINK, {"answer": "open"}) for _ in range(2)]
    assert {answer.headers["location"] for answer in opened} == {PAGE}
    assert browser.get(PAGE).headers["location"] == "/signin?case=ca_stall1"
    [event] = place.events("alert.opened")
    assert isinstance(event, AlertOpened)
    assert event.data.by == ADA.ref


def test_the_case_opens_though_that_cannot_be_noted(place: Place) -> None:
    browser = with_a_letter(place)
    place.refuses = Unavailable("OperationalError")
    assert browser.post(LINK, {"answer": "open"}).status_code == 303
    assert browser.post(LINK, {"answer": "seen"}).status_code == 503


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_link_that_is_over_or_unknown_is_not_found(place: Place, method: str) -> None:
    browser = with_a_letter(place)
    place.now += timedelta(days=30)
    for path in (LINK, "/a/unknownunknownunknown0"):
        found = browser.get(path) if method == "GET" else browser.post(path, {"answer": "seen"})
        assert found.status_code == 404
        assert "does not work, or not any more" in words(found.text)
    assert place.events("alert.acknowledged") == []


def test_the_letter_to_whom_the_case_no_longer_belongs_speaks_for_nobody(place: Place) -> None:
    place.tell(handed_over(stalled_and_told(), BEN))
    place.people.put(BEN)  # whom nobody supervises
    place.link("al_stall1", "ca_stall1")
    browser = place.browser()
    assert browser.post(LINK, {"answer": "later"}).status_code == 404
    assert place.events("alert.snoozed") == []
