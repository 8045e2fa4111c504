"""The mailbox of this machine, where mail is kept here and not sent: what a therapist would find in theirs."""

import re
from typing import Final

from fastapi import APIRouter, Request, Response

from services.alerts.mail import Mail, messages
from services.pages.page import COOKIE, READ, PageRoute, nothing_here, page, signed_in
from services.pages.parts import Parts
from services.pages.visitor import Visitor, visitor_of

_LINK: Final = re.compile(r"(https?://[^\s<>\"]+)")


def routes(parts: Parts) -> APIRouter:
    found = APIRouter(route_class=PageRoute, include_in_schema=False)

    @found.api_route("/mailbox", methods=READ)
    def mailbox(request: Request) -> Response:
        visitor, mails = _mails(parts, request)
        return page(parts, "mailbox.html", {"mails": [(_key(mail), mail) for mail in mails]}, visitor)

    @found.api_route("/mailbox/{key}", methods=READ)
    def mail(key: str, request: Request) -> Response:
        visitor, mails = _mails(parts, request)
        chosen = next((mail for mail in mails if _key(mail) == key), None)
        if chosen is None:
            raise nothing_here(parts, visitor)
        # Every other piece is a link; only those to these pages can be followed.
        pieces = [(piece, piece.startswith(f"{parts.head.base_url}/")) for piece in _LINK.split(chosen.text)]
        return page(parts, "mail.html", {"mail": chosen, "pieces": pieces}, visitor)

    return found


def _mails(parts: Parts, request: Request) -> tuple[Visitor | None, list[Mail]]:
    """All mail in a demonstration, else the visitor's own; newest first."""
    if parts.mailbox is None:
        raise nothing_here(parts)
    if parts.demo:
        return visitor_of(parts, request.cookies.get(COOKIE)), messages(parts.mailbox)
    visitor = signed_in(parts, request)
    entry = parts.people.get(visitor.ref)
    return visitor, [mail for mail in messages(parts.mailbox) if entry is not None and mail.to == entry.email]


def _key(mail: Mail) -> str:
    """The part of its Message-ID before the @."""
    return mail.message_id.strip("<>").partition("@")[0]
