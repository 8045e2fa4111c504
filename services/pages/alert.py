"""The page behind the link in a letter: what can be said about an alert by whoever holds the letter, and no more."""

from typing import Final

from fastapi import APIRouter, Request, Response
from starlette.concurrency import run_in_threadpool

from contracts.events import AnyEvent
from services.access.problems import Refused
from services.alerts.letter import case_code
from services.alerts.outbox import Link
from services.eventlog.ports import Unavailable
from services.pages.answers import Answer, answer
from services.pages.keep import NOT_NOW, keep
from services.pages.page import READ, PageRoute, Turned, fields, message, page, to
from services.pages.parts import Parts
from services.pages.visitor import is_own, supervises

ANSWERS: Final[dict[str, Answer]] = {"open": "opened", "seen": "seen", "later": "snoozed"}
_THANKS: Final = {
    "seen": "It is noted that you have seen it, thank you.",
    "later": "It is noted, thank you. You can look again after the next session.",
}


def routes(parts: Parts) -> APIRouter:
    found = APIRouter(route_class=PageRoute, include_in_schema=False)

    @found.api_route("/a/{token}", methods=READ)
    def look(token: str) -> Response:
        link = _link(parts, token)
        return page(parts, "alert.html", {"code": case_code(parts.head, link.case_ref), "link_token": token})

    @found.post("/a/{token}")
    async def say(token: str, request: Request) -> Response:
        name = (await fields(request)).get("answer", "")
        link, event = await run_in_threadpool(_event, parts, token, ANSWERS.get(name, "opened"))
        try:
            if event is not None:
                await keep(parts, event)
        except (Refused, Unavailable):
            if name in _THANKS:
                return message(parts, "Not now", NOT_NOW, 503)
            # Seeing the case matters more than noting that it was looked at.
        if name in _THANKS:
            return message(parts, "Thank you", _THANKS[name], 200)
        return to(parts, f"/cases/{link.case_ref}")

    return found


def _link(parts: Parts, token: str) -> Link:
    """What the link is about. Raises Turned where there is no such link, or its time is over."""
    link = parts.link(token)
    if link is None or link.expires <= parts.clock():
        text = "This link does not work, or not any more. Your cases and their alerts are on your caseload."
        raise Turned(message(parts, "This link is over", text, 404))
    return link


def _event(parts: Parts, token: str, said: Answer) -> tuple[Link, AnyEvent | None]:
    """The link, and the event to keep, if there is something new to say. Raises Turned as ``_link`` does, and where
    the case has gone to somebody else since the letter was written."""
    link = _link(parts, token)
    now = parts.clock()
    course = parts.views.course(link.case_ref)
    by = link.therapist_ref
    if course is None or not (is_own(course, by, now) or supervises(parts, course, by, now)):
        text = "Somebody else is responsible for this case now, so that nothing was changed."
        raise Turned(message(parts, "Not on your list any more", text, 404))
    alert = next((one for one in course.alerts if one.ref == link.alert_ref), None)
    return link, None if alert is None else answer(course, alert, said, by, now)
