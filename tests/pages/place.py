"""A small network for the pages: a real log, views and outbox in one folder, and a browser without scripts."""

import asyncio
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from html import unescape
from pathlib import Path
from urllib.parse import urljoin

import httpx
from fastapi import FastAPI
from starlette.concurrency import run_in_threadpool

from contracts.events import AnyEvent
from contracts.policies import policy
from services.access.people import People, Therapist
from services.access.session import PageSession, sign
from services.alerts.letter import Letterhead
from services.alerts.outbox import Outbox, Written
from services.eventlog.follow import Signal
from services.eventlog.ports import Appended, Log
from services.eventlog.sqlite import migrate, open_log
from services.pages.page import COOKIE
from services.pages.parts import Parts
from services.pages.router import router
from services.projections.course import Course
from services.projections.views import Views
from tests.parts import follow_once, outbox_at, people_at, record, views_at
from tests.story import Story, day, stalled

SECRET = b"a secret of thirty-two bytes...."
ADA = Therapist(
    ref="th_ada01", name="Ada Example", email="ada@clinic.example", time_zone="Europe/Berlin", supervisor_ref="th_sue01"
)
BEN = Therapist(ref="th_ben01", name="Ben Example", email="ben@clinic.example", time_zone="UTC")
SUE = Therapist(ref="th_sue01", name="Sue Example", email="sue@clinic.example", time_zone="UTC")
TOKEN = "tokentokentokentoken22"


@dataclass
class Place:
    """A network whose clock stands where a test puts it."""

    folder: Path
    log: Log
    views: Views
    outbox: Outbox
    people: People
    now: datetime = field(default_factory=lambda: day(60))
    applied: Signal = field(default_factory=Signal)
    base_url: str = "http://pages.example"
    demo: bool = True
    mailbox: Path | None = None
    follows: bool = True
    """Whether the views follow the log by themselves."""
    refuses: Exception | None = None
    browsers: list["Browser"] = field(default_factory=list)

    def tell(self, *stories: Story) -> None:
        for story in stories:
            self.append(story.events)

    def append(self, events: Sequence[AnyEvent]) -> None:
        self.log.append(events, self.now)
        self.follow()

    def follow(self) -> None:
        while follow_once(self.log, self.views, self.applied):
            pass

    async def submit(self, event: AnyEvent) -> Appended:
        if self.refuses is not None:
            raise self.refuses
        [appended] = await run_in_threadpool(self.log.append, [event], self.now)
        if self.follows:
            await run_in_threadpool(self.follow)
        return appended

    def events(self, *types: str) -> list[AnyEvent]:
        """What stands on the log of these types, as ``task.renegotiated``."""
        wanted = {f"resonance.{name}.v1" for name in types}
        return [recorded.event for recorded in self.log.read(0, 10_000) if recorded.event.type in wanted]

    def course(self, case_ref: str) -> Course:
        course = self.views.course(case_ref)
        assert course is not None
        return course

    def link(self, alert_ref: str, case_ref: str, therapist_ref: str = ADA.ref, token: str = TOKEN) -> None:
        """Keeps a letter with a link, as the alerts do when they write one."""
        letter = Written(
            alert_ref=alert_ref,
            case_ref=case_ref,
            clinic="cl_north",
            therapist_ref=therapist_ref,
            reason="stalled",
            recipient="ada@clinic.example",
            message_id=f"<{alert_ref}@mail.example>",
            message=b"",
            token=token,
            created=self.now,
            expires=self.now + timedelta(days=30),
        )
        record(self.outbox, None, {}, [letter])

    def parts(self) -> Parts:
        return Parts(
            network="north",
            head=Letterhead("notices@mail.example", self.base_url, SECRET),
            views=self.views,
            people=self.people,
            link=self.outbox.link,
            policy=policy(),
            submit=self.submit,
            applied=self.applied,
            clock=lambda: self.now,
            demo=self.demo,
            mailbox=self.mailbox,
        )

    def browser(self, therapist: Therapist | None = None) -> "Browser":
        """A browser in which ``therapist`` has signed in, if one is named."""
        app = FastAPI(openapi_url=None)
        app.include_router(router(self.parts()))
        found = Browser(app, self.base_url)
        if therapist is not None:
            session = PageSession("north", therapist.ref, self.now + timedelta(hours=1))
            found.client.cookies.set(COOKIE, sign(session, SECRET))
        self.browsers.append(found)
        return found

    def close(self) -> None:
        for browser in self.browsers:
            browser.close()
        self.log.close()
        self.views.close()
        self.outbox.close()


class Browser:
    """Keeps cookies, follows no redirect by itself, and fills in the forms of the pages that it was shown."""

    def __init__(self, app: FastAPI, base_url: str) -> None:
        self._loop = asyncio.Runner()
        self.client = httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url=urljoin(base_url, "/"))

    def get(self, path: str, method: str = "GET") -> httpx.Response:
        return self._loop.run(self.client.request(method, path))

    def post(self, path: str, data: Mapping[str, str], headers: Mapping[str, str] | None = None) -> httpx.Response:
        return self._loop.run(self.client.post(path, data=dict(data), headers=dict(headers or {})))

    def at_once(self, path: str, data: Mapping[str, str], times: int) -> list[httpx.Response]:
        """The same form sent so many times before the first answer is there."""

        async def all_of_them() -> list[httpx.Response]:
            return await asyncio.gather(*(self.client.post(path, data=dict(data)) for _ in range(times)))

        return self._loop.run(all_of_them())

    def send(self, page: str, path: str, **filled: str) -> httpx.Response:
        """The form at ``page`` sent to ``path`` with what is filled in."""
        return self.post(path, hidden(self.get(page).text) | filled)

    def close(self) -> None:
        self._loop.run(self.client.aclose())
        self._loop.close()


def stalled_and_told(alert_ref: str = "al_stall1", reason: str = "stalled") -> Story:
    """A case without movement whose alert was raised an hour after the last session."""
    return raised(stalled(), alert_ref, reason)


def raised(story: Story, alert_ref: str = "al_stall1", reason: str = "stalled") -> Story:
    data = {
        "alert_ref": alert_ref,
        "reason": reason,
        "therapist_ref": ADA.ref,
        "policy": "default",
        "policy_version": 1,
    }
    return story.tell("alert.raised", data, minutes=60)


def hidden(page: str) -> dict[str, str]:
    found = re.findall(r'<input type="hidden" name="([a-z]+)" value="([^"]*)">', page)
    return {name: unescape(value) for name, value in found}


def words(page: str) -> str:
    """What a reader sees of a page: no markup, and single spaces."""
    return unescape(re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", page)))


def open_place(folder: Path) -> Place:
    migrate(folder / "log.db")
    log = open_log(folder / "log.db", SECRET)
    people = people_at(folder / "people.db")
    for therapist in (ADA, BEN, SUE):
        people.put(therapist)
    return Place(folder, log, views_at(folder / "views.db"), outbox_at(folder / "alerts.db"), people)
