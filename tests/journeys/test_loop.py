"""The loop: a case stalls, its therapist is told once, the task is renegotiated, and the page shows what followed."""

import re
import time
from collections.abc import Iterator
from datetime import datetime
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from pathlib import Path
from typing import Any

import httpx
import pytest
from playwright.sync_api import Browser, Locator, Page, ViewportSize, expect

from contracts.events import AnyEvent
from tests.alerts.smtp import Postbox
from tests.journeys.program import Program, enter, post, wait_until
from tests.journeys.shift import until_yesterday
from tests.story import Story, stalled

DESK = ViewportSize(width=900, height=1200)
PHONE = ViewportSize(width=390, height=844)
REFERENCES = ("ca_stall1", "c_anna01", "th_ada01", "cl_north", "se_stall1")
TELLING = ("stall", "score", "session", "client", "therap", "ORS", "15", "16")
LINK = re.compile(r"http://[^\s\"<>]+/a/[A-Za-z0-9_-]+")


@pytest.fixture
def client(program: Program) -> Iterator[httpx.Client]:
    with program.client() as found:
        enter(found, "th_ada01")
        yield found


@pytest.fixture
def case(client: httpx.Client, now: datetime) -> Story:
    """A case that has stalled by yesterday, posted by its record system."""
    story = stalled(scores=(15, 16, 15, 16, 15))
    post(client, until_yesterday(story.events, now))
    return story


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    context = browser.new_context(viewport=DESK)
    yield context.new_page()
    context.close()


def the_one_mail(postbox: Postbox, then_wait: float = 2) -> EmailMessage:
    """The mail that came, or comes soon; that none comes after it is looked at for some seconds."""
    wait_until(lambda: bool(postbox.taken), "a mail comes")
    time.sleep(then_wait)
    [(_, _, message)] = postbox.taken
    return message_from_bytes(message, EmailMessage, policy=default)


def body(mail: EmailMessage, kind: str) -> str:
    part = mail.get_body((kind,))
    assert part is not None
    return str(part.get_content())


def link_in(mail: EmailMessage) -> str:
    [link] = {*LINK.findall(body(mail, "plain")), *LINK.findall(body(mail, "html"))}
    return str(link)


def course(client: httpx.Client, case: Story, position: str = "0") -> Any:
    """What the API tells of the case, from that position on."""
    wait = {"Resonance-Min-Position": position, "Prefer": "wait=10"}
    return client.get(f"/v1/cases/{case.case_ref}/course", headers=wait).raise_for_status().json()


def sign_in(page: Page, program: Program) -> None:
    page.goto(program.command("session", "th_ada01"))
    page.get_by_role("button", name="Sign in on this device").click()
    expect(page.get_by_role("heading", name="Your caseload")).to_be_visible()


def tab_to(page: Page, wanted: Locator) -> None:
    """Goes on with the Tab key to what is ``wanted``, which then shows that it has the focus."""
    for _ in range(60):
        page.keyboard.press("Tab")
        if wanted.evaluate("element => element === document.activeElement"):
            assert wanted.evaluate("element => getComputedStyle(element).outlineStyle") == "solid"
            return
    raise AssertionError("it cannot be reached by keyboard")


def brightness(page: Page, property_name: str) -> float:
    """Of the page's ``color`` or ``background-color``: from 0, black, to 255."""
    colour = page.evaluate("name => getComputedStyle(document.body).getPropertyValue(name)", property_name)
    return sum(int(part) for part in re.findall(r"\d+", colour)[:3]) / 3


def overflows(page: Page) -> bool:
    return bool(page.evaluate("document.documentElement.scrollWidth > document.documentElement.clientWidth"))


def test_a_stalled_case_is_told_once_and_renegotiated_and_the_page_shows_what_followed(
    program: Program, postbox: Postbox, client: httpx.Client, case: Story, page: Page, tmp_path: Path, now: datetime
) -> None:
    # given a mail about a stalled case, whose link asks whoever is not signed in to do that first
    link = link_in(the_one_mail(postbox))
    page.goto(link)
    page.get_by_role("button", name="Open the case").click()
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
    expect(page.locator("main")).not_to_contain_text("15")

    # when the therapist signs in, follows it once more and opens the case
    sign_in(page, program)
    page.goto(link)
    page.get_by_role("button", name="Open the case").click()

    # then they see the picture and the alert
    expect(page.locator("figure svg").first).to_be_visible()
    expect(page.get_by_role("heading", name="Little movement since the start")).to_be_visible()
    page.screenshot(path=tmp_path / "stalled.png", full_page=True)
    [alert] = course(client, case)["alerts"]
    assert (alert["reason"], alert["open"]) == ("stalled", True)
    assert alert["opened_at"] is not None

    # when they record what was agreed with the client
    page.get_by_text("Record a renegotiation").click()
    page.get_by_label("What changed?").select_option(label="replaced by another task")
    page.get_by_label("Name of the new task").fill("values work")
    page.get_by_label("How much does the client agree?").fill("8")
    page.get_by_role("button", name="Record it").click()

    # then the alert is cleared
    expect(page.get_by_role("heading", name="R1: replaced by another task")).to_be_visible()
    wait_until(lambda: not course(client, case)["alerts"][0]["open"], "the alert is cleared")
    assert course(client, case)["alerts"][0]["resolved_how"] == "by_renegotiation"
    page.reload()
    expect(page.get_by_role("heading", name="Open alert")).to_have_count(0)
    page.get_by_text("Earlier alerts (1)").click()
    expect(page.locator("details li", has_text="the task was renegotiated")).to_be_visible()

    # and when two more sessions are held
    position = post(client, two_more_sessions(case, now))

    # then the page shows what followed, and nobody was told anything more
    [told] = course(client, case, position)["renegotiations"]
    assert told["outcome"] == {"before": [16, 15], "after": [20, 22], "moved": 5.5}
    page.reload()
    expect(page.get_by_text("16 and 15 before; 20 and 22 after. 5.5 points better on average")).to_be_visible()
    page.screenshot(path=tmp_path / "followed.png", full_page=True)
    the_one_mail(postbox)


def two_more_sessions(case: Story, now: datetime) -> list[AnyEvent]:
    """Soon after the renegotiation of this moment: within the day that the program takes clocks to run ahead."""
    known = len(case.events)
    case.session(ors=20, srs=38, days=1.2).session(ors=22, srs=38, days=0.2)
    end = case.events[-1].time - case.events[known - 1].time
    return until_yesterday(case.events, now + end)[known:]


def test_the_mail_says_nothing_about_the_client_or_the_case(postbox: Postbox, case: Story) -> None:
    mail = the_one_mail(postbox, then_wait=0)
    link = link_in(mail)
    assert [reference for reference in REFERENCES if reference in str(mail) + body(mail, "html")] == []
    words = f"{mail['Subject']} {body(mail, 'plain')} {body(mail, 'html')}".replace(link, "")
    shown = re.sub(r"\bK-[0-9A-Z]{5}\b|<style.*?</style>|<[^>]*>", "", words, flags=re.DOTALL)
    assert [word for word in TELLING if word.lower() in shown.lower()] == []


def test_opening_the_link_without_pressing_anything_changes_nothing(
    postbox: Postbox, client: httpx.Client, case: Story
) -> None:
    link = link_in(the_one_mail(postbox, then_wait=0.5))
    before = course(client, case)["alerts"]
    for method in ("GET", "HEAD"):  # as mail scanners do
        assert httpx.request(method, link).status_code == 200
    time.sleep(0.5)
    assert course(client, case)["alerts"] == before


def test_a_renegotiation_can_be_recorded_with_the_keyboard_alone(
    program: Program, client: httpx.Client, case: Story, page: Page
) -> None:
    sign_in(page, program)
    page.goto(f"{program.url}/cases/{case.case_ref}")
    tab_to(page, page.locator("summary", has_text="Record a renegotiation"))
    page.keyboard.press("Enter")
    tab_to(page, page.get_by_label("What changed?"))
    page.keyboard.type("dropped")
    tab_to(page, page.get_by_label("Which task was talked about?"))
    tab_to(page, page.get_by_label("What prompted it?"))
    page.keyboard.type("a score")
    tab_to(page, page.get_by_label("In the client’s words"))
    page.keyboard.type("It was too much.")
    tab_to(page, page.get_by_role("button", name="Record it"))
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="R1: dropped")).to_be_visible()
    expect(page.get_by_text("It was too much.")).to_be_visible()
    [told] = course(client, case)["renegotiations"]
    assert (told["change"], told["trigger"], told["statement_present"]) == ("drop", "score", True)


def test_pages_fit_a_phone_and_are_dark_in_the_dark(
    program: Program, case: Story, postbox: Postbox, page: Page, tmp_path: Path
) -> None:
    link = link_in(the_one_mail(postbox, then_wait=0))
    sign_in(page, program)
    for name, address in (
        ("letter", link),
        ("caseload", f"{program.url}/caseload"),
        ("case", f"{program.url}/cases/{case.case_ref}"),
    ):
        page.goto(address)
        for details in page.locator("details").all():
            details.evaluate("element => element.open = true")
        page.set_viewport_size(DESK)
        page.emulate_media(color_scheme="light")
        page.screenshot(path=tmp_path / f"{name}-desk.png", full_page=True)
        assert not overflows(page), name
        assert brightness(page, "color") < 50 < 230 < brightness(page, "background-color"), name
        page.set_viewport_size(PHONE)
        page.emulate_media(color_scheme="dark")
        page.screenshot(path=tmp_path / f"{name}-phone-dark.png", full_page=True)
        assert not overflows(page), name
        assert brightness(page, "background-color") < 50 < 220 < brightness(page, "color"), name
