"""The loop: a case stalls, its therapist is told once, the task is renegotiated, and the page shows what followed."""

import re
import time
from datetime import datetime, timedelta
from email import message_from_bytes
from email.policy import default
from pathlib import Path

import httpx
from playwright.sync_api import Browser, Page, expect

from contracts.events import AnyCaseEvent, AnyEvent
from tests.alerts.smtp import Postbox
from tests.journeys.program import BATCH, PATIENCE_SECONDS, Program, batch_of
from tests.story import Story, stalled

CANARIES = ("ca_stall1", "c_anna01", "th_ada01", "cl_north", "se_stall1", "stall", "ORS", "score", "15", "session")


def shifted(story: Story, last: datetime) -> list[AnyCaseEvent]:
    """The story's events, moved so that its last session began at ``last``."""
    return moved(story.events, last - (story.now - timedelta(hours=2)))


def moved(events: list[AnyCaseEvent], by: timedelta) -> list[AnyCaseEvent]:
    found = []
    for event in events:
        update: dict[str, object] = {"time": event.time + by}
        if event.type == "resonance.session.held.v1":
            update["data"] = event.data.model_copy(update={"started_at": event.time + by})
        if event.type == "resonance.case.opened.v1":
            update["data"] = event.data.model_copy(update={"opened_on": (event.time + by).date()})
        found.append(event.model_copy(update=update))
    return found


def post(client: httpx.Client, events: list[AnyEvent]) -> str:
    answer = client.post("/v1/events", content=batch_of(events), headers=BATCH)
    assert answer.status_code == 200, answer.text
    return answer.headers["Resonance-Position"]


def mails(postbox: Postbox, wanted: int, then_wait: float) -> list[bytes]:
    """The mails that came: at least ``wanted``, and what else comes within some seconds more."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while len(postbox.taken) < wanted:
        assert time.monotonic() < deadline, "no mail came"
        time.sleep(0.05)
    time.sleep(then_wait)
    return [message for _, _, message in postbox.taken]


def fits(page: Page) -> bool:
    return bool(page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth"))


def test_a_stalled_case_is_told_once_renegotiated_and_followed(
    program: Program, postbox: Postbox, browser: Browser, tmp_path: Path, now: datetime
) -> None:
    # given a case that does not move, posted by its record system
    program.start()
    story = stalled(scores=(15.0, 16.0, 15.0, 16.0, 15.0))
    last = now - timedelta(days=15)
    with program.client() as client:
        program.enter("th_ada01", client)
        post(client, [*shifted(story, last)])

        # then exactly one mail comes, which says nothing about the client
        [mail] = mails(postbox, 1, then_wait=2.5)
        message = message_from_bytes(mail, policy=default)
        text = message.get_body(("plain",))
        html = message.get_body(("html",))
        assert text is not None
        assert html is not None
        words = text.get_content() + html.get_content() + str(message["Subject"])
        links = set(re.findall(r"http://[^\s\"<]+/a/[A-Za-z0-9_-]+", words))
        assert len(links) == 1
        for link in links:
            words = words.replace(link, "")
        bare = re.sub(r"\bK-[0-9A-Z]{5}\b|<style.*?</style>|<[^>]*>", "", words, flags=re.DOTALL)
        assert [canary for canary in CANARIES if canary.lower() in bare.lower()] == []

        # when the therapist signs in, follows the link and opens the case
        page = browser.new_page(viewport={"width": 900, "height": 1200})
        page.goto(program.command("session", "th_ada01"))
        page.get_by_role("button", name="Sign in").click()
        expect(page.get_by_role("heading", name="Your caseload")).to_be_visible()
        page.goto(links.pop())
        page.get_by_role("button", name="Open the case").click()
        expect(page.locator("figure svg").first).to_be_visible()
        expect(page.get_by_role("heading", name="Open alert")).to_be_visible()
        page.screenshot(path=tmp_path / "case.png", full_page=True)

        # and records, by keyboard alone, what was agreed with the client
        page.locator("summary", has_text="Record a renegotiation").focus()
        page.keyboard.press("Enter")
        page.get_by_label("What changed?").select_option(label="replaced by another task")
        page.get_by_label("Name of the new task").focus()
        page.keyboard.type("values work")
        page.get_by_label("How much does the client agree?").focus()
        page.keyboard.type("8")
        page.get_by_role("button", name="Record it").focus()
        page.keyboard.press("Enter")
        expect(page.get_by_role("heading", name="R1: replaced by another task")).to_be_visible()

        # then the alert clears
        deadline = time.monotonic() + PATIENCE_SECONDS
        while (alert := client.get(f"/v1/cases/{story.case_ref}/course").json()["alerts"][0])["resolved_at"] is None:
            assert time.monotonic() < deadline, "the alert did not clear"
            time.sleep(0.05)
        assert alert["resolved_how"] == "by_renegotiation"
        assert alert["opened_at"] is not None
        page.reload()
        expect(page.get_by_role("heading", name="Open alert")).to_have_count(0)

        # and when two more sessions are held, the page shows what followed
        known = len(story.events)
        story.session(ors=20, srs=38).session(ors=22, srs=38)
        recent = client.get(f"/v1/cases/{story.case_ref}/course").json()["renegotiations"][0]["at"]
        since = datetime.fromisoformat(recent) - story.events[known].time + timedelta(minutes=30)
        later = moved(story.events[known:], since)
        # both within the day that the program accepts ahead of its clock
        second = len(later) // 2
        later[second:] = moved(later[second:], -timedelta(days=7) + timedelta(hours=2))
        position = post(client, [*later])
        wait = {"Resonance-Min-Position": position, "Prefer": "wait=10"}
        told = client.get(f"/v1/cases/{story.case_ref}/course", headers=wait).json()["renegotiations"][0]
        assert told["outcome"] == {"before": [16, 15], "after": [20, 22], "moved": 5.5}
        page.reload()
        expect(page.get_by_text("20 and 22 after")).to_be_visible()

        # on a phone and in the dark as well, and still there was one mail
        phone = browser.new_context(
            viewport={"width": 390, "height": 844}, color_scheme="dark", storage_state=page.context.storage_state()
        ).new_page()
        phone.goto(page.url)
        assert fits(phone)
        phone.screenshot(path=tmp_path / "phone.png", full_page=True)
        assert len(mails(postbox, 1, then_wait=1.5)) == 1


def test_opening_the_link_with_get_or_head_changes_nothing(program: Program, postbox: Postbox, now: datetime) -> None:
    program.start()
    story = stalled(scores=(15.0, 16.0, 15.0, 16.0, 15.0))
    with program.client() as client:
        program.enter("th_ada01", client)
        post(client, [*shifted(story, now - timedelta(days=2))])
        [mail] = mails(postbox, 1, then_wait=1)
        before = client.get(f"/v1/cases/{story.case_ref}/course").json()["alerts"]
        link = re.search(rb"http://[^\s\"<]+/a/[A-Za-z0-9_-]+", mail)
        assert link is not None
        for method in ("GET", "HEAD"):
            assert httpx.request(method, link[0].decode()).status_code == 200
        time.sleep(0.5)
        assert client.get(f"/v1/cases/{story.case_ref}/course").json()["alerts"] == before
