"""The case page and what is said on it: a renegotiation recorded, an alert answered."""

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from fastapi import APIRouter, Request, Response
from starlette.concurrency import run_in_threadpool

from contracts.events import TaskRenegotiated
from services.access.problems import Refused
from services.eventlog.ports import Unavailable
from services.pages.answers import WORDS, answer
from services.pages.keep import NOT_NOW, SAID, keep
from services.pages.page import READ, PageRoute, fields, guard, is_reference, nothing_here, page, signed_in, to
from services.pages.parts import Parts
from services.pages.renegotiation import EMPTY, Errors, first_filling, renegotiation
from services.pages.shown import shown
from services.pages.visitor import Visitor, is_own, supervises, visible
from services.projections.course import Course


@dataclass(frozen=True, slots=True)
class Look:
    """A case as somebody may see it now; ``own``: as the therapist who is responsible, not as a supervisor."""

    course: Course
    visitor: Visitor
    own: bool
    now: datetime


def routes(parts: Parts) -> APIRouter:
    found = APIRouter(route_class=PageRoute, include_in_schema=False)

    @found.api_route("/cases/{ref}", methods=READ)
    def case(ref: str, request: Request, said: str = "") -> Response:
        look = _look(parts, request, ref)
        return _case_page(parts, look, first_filling(look.course), {}, notice=SAID.get(said, ""))

    @found.post("/cases/{ref}/renegotiations")
    async def renegotiate(ref: str, request: Request) -> Response:
        sent = await fields(request)
        look = await run_in_threadpool(_own_look, parts, request, ref, sent)
        event = renegotiation(sent, look.course, look.now)
        if not isinstance(event, TaskRenegotiated):
            return await run_in_threadpool(_case_page, parts, look, sent, event, status=422)
        try:
            said = await keep(parts, event)
        except (Refused, Unavailable):
            return await run_in_threadpool(_case_page, parts, look, sent, {"form": NOT_NOW}, status=503)
        return to(parts, f"/cases/{ref}?said={said}")

    @found.post("/cases/{ref}/alerts/{alert_ref}")
    async def answer_alert(ref: str, alert_ref: str, request: Request) -> Response:
        sent = await fields(request)
        look = await run_in_threadpool(_own_look, parts, request, ref, sent)
        alert = next((one for one in look.course.alerts if one.ref == alert_ref), None)
        said = WORDS.get(sent.get("answer", ""))
        if alert is None or said is None:
            raise nothing_here(parts, look.visitor)
        event = answer(look.course, alert, said, look.visitor.ref, look.now)
        try:
            kept = "already" if event is None else await keep(parts, event)
        except (Refused, Unavailable):
            filled = first_filling(look.course)
            return await run_in_threadpool(_case_page, parts, look, filled, {}, notice=NOT_NOW, status=503)
        return to(parts, f"/cases/{ref}?said={kept}")

    return found


def _look(parts: Parts, request: Request, ref: str) -> Look:
    """Raises Turned where nobody has signed in, and where the case is not theirs to see."""
    visitor = signed_in(parts, request, ref)
    now = parts.clock()
    course = parts.views.course(ref) if is_reference(ref) else None
    if course is None:
        raise nothing_here(parts, visitor)
    own = is_own(course, visitor.ref, now)
    if not own and not supervises(parts, course, visitor.ref, now):
        raise nothing_here(parts, visitor)
    return Look(visible(course), visitor, own, now)


def _own_look(parts: Parts, request: Request, ref: str, sent: Mapping[str, str]) -> Look:
    """Raises Turned as ``_look`` does, and where the form is not this session's or the case is only supervised."""
    look = _look(parts, request, ref)
    guard(parts, look.visitor, sent)
    if not look.own:
        raise nothing_here(parts, look.visitor)
    return look


def _case_page(
    parts: Parts, look: Look, filled: Mapping[str, str], errors: Errors, notice: str = "", status: int = 200
) -> Response:
    kept = {name: filled.get(name, default) for name, default in EMPTY.items()}
    # A form that is shown again keeps its number: were it stored after all, it would not be stored twice.
    once = filled.get("once") if errors and "once" not in errors else None
    values = shown(parts, look.course, look.visitor.zone, look.now) | {
        "own": look.own,
        "notice": notice,
        "filled": kept,
        "errors": errors,
        "once": once or secrets.token_urlsafe(18),
    }
    return page(parts, "case.html", values, look.visitor, status)
