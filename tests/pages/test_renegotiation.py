"""Recording a renegotiation: one event per form, refused in plain words where something is wrong."""

from datetime import timedelta

import pytest

from contracts.events import OWN_SOURCE, TaskRenegotiated
from services.access.problems import Refused, problem
from services.eventlog.ports import Unavailable
from services.pages.keep import SAID
from services.pages.renegotiation import renegotiation
from tests.pages.place import ADA, BEN, Browser, Place, hidden, stalled_and_told, words
from tests.pages.test_picture import course
from tests.story import Story

PAGE = "/cases/ca_stall1"
PATH = f"{PAGE}/renegotiations"
FILLED = {
    "task": "ta_old01",
    "change": "replace",
    "task_code": "Behavioural  activation",
    "agreement": "8,5",
    "initiated_by": "both",
    "trigger": "alert",
    "statement": "Going out with my sister\r\nfeels like mine.",
}
ONCE = {"once": "abcdefghijklmnopqrst"}


def made(changes: dict[str, str], story: Story | None = None) -> TaskRenegotiated:
    story = story or stalled_and_told()
    event = renegotiation(FILLED | ONCE | changes, course(story), story.now)
    assert isinstance(event, TaskRenegotiated)
    return event


def refused(changes: dict[str, str], story: Story | None = None) -> dict[str, str]:
    story = story or stalled_and_told()
    errors = renegotiation(FILLED | ONCE | changes, course(story), story.now)
    assert isinstance(errors, dict)
    return errors


def test_a_filled_in_form_becomes_an_event_of_the_case() -> None:
    event = made({})
    assert (event.source, event.case_ref, event.rsnclinic) == (OWN_SOURCE, "ca_stall1", "cl_north")
    assert event.data.previous_task_ref == "ta_old01"
    assert event.data.task_code == "behavioural_activation"
    assert event.data.agreement == 8.5
    assert event.data.alert_ref == "al_stall1"
    assert event.data.statement == "Going out with my sister\nfeels like mine."


def test_the_form_takes_the_clients_rating_of_the_fit_and_the_reason_where_they_are_given() -> None:
    event = made({"fit": "7,5", "reason": "no_benefit"})
    assert (event.data.fit, event.data.reason) == (7.5, "no_benefit")
    assert (made({}).data.fit, made({}).data.reason) == (None, None)
    assert set(refused({"fit": "11"})) == {"fit"}
    assert set(refused({"reason": "boredom"})) == {"reason"}


def test_the_same_form_gives_the_same_names_and_another_form_others() -> None:
    assert made({}).id == made({}).id
    assert made({}).data.task_ref == made({}).data.task_ref
    other = made({"once": "tsrqponmlkjihgfedcba"})
    assert other.id != made({}).id
    assert other.data.task_ref != made({}).data.task_ref


@pytest.mark.parametrize("change", ["intensity", "frequency", "homework", "focus", "drop"])
def test_what_keeps_or_ends_the_task_names_that_task(change: str) -> None:
    assert made({"change": change}).data.task_ref == "ta_old01"


def test_an_added_task_leaves_the_others_in_force() -> None:
    event = made({"change": "add"})
    assert event.data.previous_task_ref is None
    assert event.data.task_ref != "ta_old01"


def test_without_a_task_on_record_a_first_one_can_be_named_but_none_dropped() -> None:
    story = Story("ca_stall1").opened().session(ors=20)
    assert made({"change": "focus"}, story).data.task_code == "behavioural_activation"
    assert "change" in refused({"change": "drop"}, story)


@pytest.mark.parametrize(
    "field, value",
    [
        ("change", ""),
        ("change", "everything"),
        ("trigger", ""),
        ("initiated_by", "nobody"),
        ("task", "ta_else01"),
        ("task_code", ""),
        ("task_code", "9 lives"),
        ("task_code", "walks, talks"),
        ("agreement", "11"),
        ("agreement", "-1"),
        ("agreement", "nan"),
        ("agreement", "much"),
        ("statement", "x" * 2001),
        ("statement", "a\x07bell"),
        ("once", ""),
        ("once", "short"),
    ],
)
def test_what_is_wrong_is_said_at_its_field(field: str, value: str) -> None:
    assert list(refused({field: value})) == [field]


def test_an_unanswered_question_is_no_zero() -> None:
    event = made({"agreement": " ", "statement": " \r\n"})
    assert event.data.agreement is None
    assert event.data.statement is None


def browser_at_the_case(place: Place) -> Browser:
    place.tell(stalled_and_told())
    return place.browser(ADA)


def test_a_recorded_renegotiation_is_shown_on_the_page_one_is_led_to(place: Place) -> None:
    browser = browser_at_the_case(place)
    answer = browser.send(PAGE, PATH, **FILLED)
    assert answer.status_code == 303
    told = words(browser.get(answer.headers["location"]).text)
    assert SAID["kept"] in told
    assert "R1: replaced by another task" in told
    assert "exposure → behavioural activation" in told
    assert "8.5 of 10" in told


@pytest.mark.parametrize("change", ["replace", "drop", "focus", "add"])
def test_a_form_sent_twice_or_at_once_is_stored_once(place: Place, change: str) -> None:
    browser = browser_at_the_case(place)
    sent = hidden(browser.get(PAGE).text) | FILLED | {"change": change}
    answers = browser.at_once(PATH, sent, times=3)
    place.now += timedelta(minutes=50)  # later, with the back button
    answers.append(browser.post(PATH, sent))
    assert [answer.status_code for answer in answers] == [303] * 4
    assert len(place.events("task.renegotiated")) == 1
    assert SAID["already"] in words(browser.get(answers[-1].headers["location"]).text)


def test_each_time_the_page_is_opened_its_form_is_another_one(place: Place) -> None:
    browser = browser_at_the_case(place)
    for _ in range(2):
        assert browser.send(PAGE, PATH, **(FILLED | {"change": "add"})).status_code == 303
    assert len(place.events("task.renegotiated")) == 2


def test_a_refused_form_is_shown_again_with_what_was_filled_in_and_its_number(place: Place) -> None:
    browser = browser_at_the_case(place)
    sent = hidden(browser.get(PAGE).text) | FILLED | {"agreement": "12", "statement": "<i>mine</i>"}
    answer = browser.post(PATH, sent)
    assert answer.status_code == 422
    assert "a number from 0 to 10" in words(answer.text)
    assert 'value="12"' in answer.text
    assert "&lt;i&gt;mine&lt;/i&gt;</textarea>" in answer.text
    assert hidden(answer.text)["once"] == sent["once"]
    assert place.events("task.renegotiated") == []


@pytest.mark.parametrize("error", [Unavailable("OperationalError"), Refused(problem("temporary-reduced-capacity"))])
def test_where_nothing_can_be_stored_nothing_is_lost(place: Place, error: Exception) -> None:
    browser = browser_at_the_case(place)
    place.refuses = error
    sent = hidden(browser.get(PAGE).text) | FILLED
    answer = browser.post(PATH, sent)
    assert answer.status_code == 503
    assert "feels like mine." in answer.text
    assert hidden(answer.text)["once"] == sent["once"]
    place.refuses = None
    assert browser.post(PATH, hidden(answer.text) | FILLED).status_code == 303
    assert len(place.events("task.renegotiated")) == 1


def test_where_the_views_are_slow_one_is_told_that_it_will_come(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("services.pages.keep.PATIENCE_SECONDS", 0.01)
    browser = browser_at_the_case(place)
    place.follows = False
    answer = browser.send(PAGE, PATH, **FILLED)
    assert SAID["soon"] in words(browser.get(answer.headers["location"]).text)


@pytest.mark.parametrize("token", [None, "", "forged", "ä"])
def test_a_form_without_this_sessions_token_stores_nothing(place: Place, token: str | None) -> None:
    browser = browser_at_the_case(place)
    sent = hidden(browser.get(PAGE).text) | FILLED
    sent.pop("token")
    answer = browser.post(PATH, sent if token is None else sent | {"token": token})
    assert answer.status_code == 403
    assert place.events("task.renegotiated") == []


def test_the_token_of_another_session_does_not_fit(place: Place) -> None:
    place.tell(Story("ca_bens01").opened(therapist=BEN.ref))
    browser = browser_at_the_case(place)
    bens = hidden(place.browser(BEN).get("/cases/ca_bens01").text)["token"]
    assert browser.send(PAGE, PATH, **(FILLED | {"token": bens})).status_code == 403


def test_a_form_that_another_site_sends_is_refused(place: Place) -> None:
    browser = browser_at_the_case(place)
    sent = hidden(browser.get(PAGE).text) | FILLED
    assert browser.post(PATH, sent, {"sec-fetch-site": "cross-site"}).status_code == 403
    assert browser.post(PATH, sent, {"sec-fetch-site": "same-origin"}).status_code == 303


def test_a_form_larger_than_any_of_ours_is_refused(place: Place) -> None:
    browser = browser_at_the_case(place)
    assert browser.send(PAGE, PATH, **(FILLED | {"statement": "x" * 40_000})).status_code == 413
