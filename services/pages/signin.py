"""Signing in and out: with a signed link from the operator or, where all data is made up, by choosing a name."""

import hmac
from datetime import datetime, timedelta
from typing import Final

from fastapi import APIRouter, Request, Response
from starlette.concurrency import run_in_threadpool

from services.access.session import PageSession, sign, verify
from services.pages.page import (
    COOKIE,
    READ,
    PageRoute,
    Turned,
    fields,
    guard,
    is_reference,
    message,
    nothing_here,
    page,
    signed_in,
    to,
)
from services.pages.parts import Parts
from services.pages.visitor import visitor_of

SESSION_HOURS: Final = 12
TICKET_MINUTES: Final = 15


def ticket(network: str, therapist_ref: str, secret: bytes, now: datetime) -> str:
    """What stands after ``/signin/`` in a link that signs the therapist in, for 15 minutes. No session, and made with
    another key than a session: a link that is found later opens nothing."""
    return sign(PageSession(network, therapist_ref, now + timedelta(minutes=TICKET_MINUTES)), _ticket_key(secret))


def routes(parts: Parts) -> APIRouter:
    found = APIRouter(route_class=PageRoute, include_in_schema=False)

    @found.api_route("/", methods=READ)
    def first(request: Request) -> Response:
        visitor = visitor_of(parts, request.cookies.get(COOKIE))
        return to(parts, "/signin" if visitor is None else "/caseload")

    @found.api_route("/signin", methods=READ)
    def choose(case: str = "") -> Response:
        people = parts.people.everyone() if parts.demo else []
        return page(parts, "signin.html", {"people": people, "case_ref": case if is_reference(case) else ""})

    @found.post("/signin")
    async def chosen(request: Request) -> Response:
        sent = await fields(request)
        ref = sent.get("therapist", "")
        if not parts.demo or await run_in_threadpool(parts.people.get, ref) is None:
            raise nothing_here(parts)
        return _enter(parts, ref, sent.get("case", ""))

    @found.api_route("/signin/{ticket}", methods=READ)
    def asked(ticket: str) -> Response:
        _bearer(parts, ticket)
        return page(parts, "ticket.html", {"ticket": ticket})

    @found.post("/signin/{ticket}")
    def shown(ticket: str) -> Response:
        return _enter(parts, _bearer(parts, ticket), "")

    @found.post("/signout")
    async def leave(request: Request) -> Response:
        visitor = await run_in_threadpool(signed_in, parts, request)
        guard(parts, visitor, await fields(request))
        response = to(parts, "/signin")
        response.delete_cookie(COOKIE, path=parts.base or "/", secure=parts.https, httponly=True, samesite="lax")
        return response

    return found


def _ticket_key(secret: bytes) -> bytes:
    return hmac.digest(secret, b"sign-in ticket", "sha256")


def _bearer(parts: Parts, ticket: str) -> str:
    """Whom ``ticket`` is for. Raises Turned where it is forged or over."""
    key = _ticket_key(parts.head.secret)
    session = verify(ticket, lambda network: key if network == parts.network else None, parts.clock())
    if session is None:
        text = "This sign-in link does not work, or not any more. Please ask for a new one."
        raise Turned(message(parts, "This link is over", text, 404))
    return session.therapist_ref


def _enter(parts: Parts, therapist_ref: str, case_ref: str) -> Response:
    # The clock of a demo runs fast.
    life = timedelta(days=365) if parts.demo else timedelta(hours=SESSION_HOURS)
    session = PageSession(parts.network, therapist_ref, parts.clock() + life)
    response = to(parts, f"/cases/{case_ref}" if is_reference(case_ref) else "/caseload")
    response.set_cookie(
        COOKIE,
        sign(session, parts.head.secret),
        max_age=SESSION_HOURS * 3600,
        path=parts.base or "/",
        secure=parts.https,
        httponly=True,
        samesite="lax",
    )
    return response
