"""Who may see what: therapists their own cases of now, supervisors theirs without the client's words."""

from datetime import timedelta

import pytest

from services.access.people import Therapist
from services.access.session import PageSession, sign
from services.pages.page import COOKIE
from tests.pages.place import ADA, BEN, SECRET, SUE, Place, hidden, stalled_and_told, words
from tests.story import Story, stalled

WORDS = "I would have to leave the house again"


def told_story() -> Story:
    story = stalled_and_told()
    return story.tell("preference.recorded", {"kind": "theory_of_change", "domain": "change", "statement": WORDS})


def handed_over(story: Story, to: Therapist, role: str = "primary") -> Story:
    since = {"therapist_ref": to.ref, "role": role, "effective_from": story.now.isoformat()}
    return story.tell("therapist.assigned", since)


def test_without_a_session_one_is_asked_to_sign_in_and_led_back(place: Place) -> None:
    place.tell(told_story())
    for path in ("/cases/ca_stall1", "/cases/ca_unknown"):
        answer = place.browser().get(path)
        assert (answer.status_code, answer.headers["location"]) == (303, f"/signin?case={path.removeprefix('/cases/')}")


def test_the_responsible_therapist_sees_the_case_and_the_clients_words(place: Place) -> None:
    place.tell(told_story())
    assert WORDS in words(place.browser(ADA).get("/cases/ca_stall1").text)


def test_a_case_of_somebody_else_looks_like_one_that_does_not_exist(place: Place) -> None:
    place.tell(told_story())
    browser = place.browser(BEN)
    others, unknown = browser.get("/cases/ca_stall1"), browser.get("/cases/ca_unknown")
    assert others.status_code == unknown.status_code == 404
    assert words(others.text) == words(unknown.text)


def test_whoever_handed_the_case_over_sees_it_no_more(place: Place) -> None:
    place.tell(handed_over(told_story(), BEN))
    assert place.browser(ADA).get("/cases/ca_stall1").status_code == 404
    assert place.browser(BEN).get("/cases/ca_stall1").status_code == 200


def test_a_co_therapist_sees_the_case_too(place: Place) -> None:
    place.tell(handed_over(told_story(), BEN, role="co"))
    assert WORDS in words(place.browser(BEN).get("/cases/ca_stall1").text)


@pytest.mark.parametrize("supervisor, assigned", [(SUE, False), (BEN, True)])
def test_a_supervisor_sees_the_case_without_the_clients_words(
    place: Place, supervisor: Therapist, assigned: bool
) -> None:
    place.tell(handed_over(told_story(), BEN, role="supervisor") if assigned else told_story())
    page = place.browser(supervisor).get("/cases/ca_stall1")
    assert page.status_code == 200
    assert WORDS not in words(page.text)
    assert "You supervise this case" in words(page.text)


def test_a_supervisor_can_look_but_neither_record_nor_answer(place: Place) -> None:
    place.tell(told_story())
    browser = place.browser(SUE)
    page = browser.get("/cases/ca_stall1").text
    assert "Record a renegotiation" not in words(page)
    sent = hidden(page)
    assert browser.post("/cases/ca_stall1/alerts/al_stall1", sent | {"answer": "seen"}).status_code == 404
    filled = {"change": "drop", "task": "ta_old01", "trigger": "alert", "initiated_by": "both", "once": "x" * 20}
    assert browser.post("/cases/ca_stall1/renegotiations", sent | filled).status_code == 404
    assert place.events("alert.acknowledged", "task.renegotiated") == []


def test_a_supervisor_sees_nothing_where_the_client_does_not_wish_it(place: Place) -> None:
    story = told_story()
    withdrawn = {"purpose": "supervision", "state": "withdrawn", "effective_from": story.now.isoformat()}
    place.tell(story.tell("consent.changed", withdrawn))
    assert place.browser(SUE).get("/cases/ca_stall1").status_code == 404
    assert "ca_stall1" not in place.browser(SUE).get("/caseload").text


def test_a_session_that_is_over_forged_or_of_another_network_is_none(place: Place) -> None:
    place.tell(stalled())
    later = place.now + timedelta(hours=1)
    for cookie in (
        sign(PageSession("north", ADA.ref, place.now), SECRET),
        sign(PageSession("north", ADA.ref, later), b"another secret of 32 bytes......"),
        sign(PageSession("south", ADA.ref, later), SECRET),
        "nonsense",
    ):
        browser = place.browser()
        browser.client.cookies.set(COOKIE, cookie)
        assert browser.get("/cases/ca_stall1").status_code == 303
