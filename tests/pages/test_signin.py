"""Signing in: by choosing a name where all data is made up, else with a signed link; and signing out."""

from datetime import timedelta

import pytest

from services.access.session import PageSession, sign
from services.pages.page import COOKIE
from services.pages.signin import ticket
from tests.pages.place import ADA, SECRET, Place, words
from tests.story import stalled


def test_the_first_page_leads_to_signing_in_or_to_the_caseload(place: Place) -> None:
    assert place.browser().get("/").headers["location"] == "/signin"
    assert place.browser(ADA).get("/").headers["location"] == "/caseload"


def test_in_a_demonstration_one_may_be_anybody(place: Place) -> None:
    browser = place.browser()
    assert "Ben Example" in words(browser.get("/signin").text)
    entered = browser.post("/signin", {"therapist": ADA.ref})
    assert (entered.status_code, entered.headers["location"]) == (303, "/caseload")
    assert "Ada Example" in words(browser.get("/caseload").text)


@pytest.mark.parametrize(
    "case, place_to_go",
    [
        ("ca_stall1", "/cases/ca_stall1"),
        ("//evil.example", "/caseload"),
        ("ca_x/../..", "/caseload"),
        ("", "/caseload"),
    ],
)
def test_after_signing_in_one_is_led_to_the_case_and_nowhere_else(place: Place, case: str, place_to_go: str) -> None:
    browser = place.browser()
    browser.get(f"/signin?case={case}")
    assert browser.post("/signin", {"therapist": ADA.ref, "case": case}).headers["location"] == place_to_go


def test_nobody_signs_in_as_somebody_unknown_or_outside_a_demonstration(place: Place) -> None:
    assert place.browser().post("/signin", {"therapist": "th_none01"}).status_code == 404
    place.demo = False
    assert "Ada Example" not in place.browser().get("/signin").text
    refused = place.browser().post("/signin", {"therapist": ADA.ref})
    assert refused.status_code == 404
    assert COOKIE not in refused.cookies


@pytest.mark.parametrize("base_url, secure", [("http://pages.example", False), ("https://pages.example", True)])
def test_the_cookie_stays_out_of_reach(place: Place, base_url: str, secure: bool) -> None:
    place.base_url = base_url
    cookie = place.browser().post("/signin", {"therapist": ADA.ref}).headers["set-cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=lax" in cookie
    assert ("Secure" in cookie) == secure


def test_a_signed_link_asks_before_it_signs_in(place: Place) -> None:
    place.demo = False
    place.tell(stalled())
    link = f"/signin/{ticket('north', ADA.ref, SECRET, place.now)}"
    browser = place.browser()
    for method in ("GET", "HEAD"):
        asked = browser.get(link, method)
        assert asked.status_code == 200
        assert COOKIE not in asked.cookies
    assert browser.post(link, {}).headers["location"] == "/caseload"
    assert browser.get("/cases/ca_stall1").status_code == 200


def test_a_signed_link_ends_after_a_quarter_of_an_hour_and_is_no_session(place: Place) -> None:
    made = ticket("north", ADA.ref, SECRET, place.now)
    session = sign(PageSession("north", ADA.ref, place.now + timedelta(hours=1)), SECRET)
    browser = place.browser()
    assert browser.get(f"/signin/{session}").status_code == 404
    browser.client.cookies.set(COOKIE, made)
    assert browser.get("/caseload").status_code == 303
    place.now += timedelta(minutes=15)
    assert browser.get(f"/signin/{made}").status_code == browser.post(f"/signin/{made}", {}).status_code == 404


def test_signing_out_needs_the_sessions_own_form(place: Place) -> None:
    browser = place.browser()
    browser.post("/signin", {"therapist": ADA.ref})
    assert browser.post("/signout", {}).status_code == 403
    assert browser.get("/caseload").status_code == 200
    assert browser.send("/caseload", "/signout").status_code == 303
    assert browser.get("/caseload").status_code == 303


def test_everything_lies_below_the_base_path(place: Place) -> None:
    place.base_url = "https://pages.example/north"
    place.tell(stalled())
    browser = place.browser()
    entered = browser.post("/north/signin", {"therapist": ADA.ref})
    assert entered.headers["location"] == "/north/caseload"
    assert "Path=/north;" in entered.headers["set-cookie"]
    page = browser.get("/north/cases/ca_stall1").text
    assert 'href="/north/static/resonance.css"' in page
    assert 'action="/north/cases/ca_stall1/renegotiations' in page
    assert browser.get("/north/static/resonance.css").status_code == 200
