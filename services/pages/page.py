"""How a page comes about: rendered, sent with headers that let it load and send nothing else, or turned away."""

import re
from collections.abc import Callable, Coroutine, Mapping
from typing import Any, Final

from fastapi import Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse
from fastapi.routing import APIRoute
from jinja2 import Environment, PackageLoader, StrictUndefined
from starlette.datastructures import UploadFile
from typing_extensions import override

from contracts.data import REFERENCE
from services.access.session import form_token, is_form_token
from services.pages import words
from services.pages.parts import Parts
from services.pages.sheet import number
from services.pages.visitor import Visitor, visitor_of

HEADERS: Final = {
    "Content-Security-Policy": "default-src 'none'; style-src 'self'; img-src 'self' data:; form-action 'self'; "
    "base-uri 'none'; frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
    "X-Content-Type-Options": "nosniff",
}
COOKIE: Final = "resonance_session"
READ: Final = ["GET", "HEAD"]
"""The methods of a page that changes nothing: mail scanners open links."""
LARGEST_FORM: Final = 32_768
"""Bytes: a statement of 2,000 characters takes at most 24,000, written as ``%F0%9F…``."""

_templates: Final = Environment(
    loader=PackageLoader("services.pages"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
_templates.filters |= {"number": number, "day": words.day, "words": words.code_words}
_templates.globals |= {"counted": words.counted, "W": words}


_REFERENCE: Final = re.compile(REFERENCE)


class Turned(Exception):
    """The visitor is turned away, or elsewhere, with ``response``."""

    def __init__(self, response: Response) -> None:
        super().__init__(response.status_code)
        self.response = response


class PageRoute(APIRoute):
    """A route whose answers carry HEADERS, and which takes no form that another site has sent."""

    @override
    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handle = super().get_route_handler()

        async def guarded(request: Request) -> Response:
            # Browsers say where a form comes from (https://www.w3.org/TR/fetch-metadata/); older ones say nothing.
            if request.method == "POST" and request.headers.get("sec-fetch-site") in {"cross-site", "same-site"}:
                return Response("This form comes from another site.", 403, HEADERS, "text/plain")
            try:
                response = await handle(request)
            except Turned as turned:
                response = turned.response
            for name, value in HEADERS.items():
                response.headers.setdefault(name, value)
            return response

        return guarded


def is_reference(text: str) -> bool:
    return _REFERENCE.fullmatch(text) is not None


def page(
    parts: Parts, template: str, values: Mapping[str, object], visitor: Visitor | None = None, status: int = 200
) -> HTMLResponse:
    """``template`` rendered with ``values``, for the signed-in ``visitor`` if there is one."""
    text = _templates.get_template(template).render(
        base=parts.base,
        demo=parts.demo,
        has_mailbox=parts.mailbox is not None,
        visitor=visitor,
        token=form_token(visitor.cookie, parts.head.secret) if visitor is not None else "",
        **values,
    )
    return HTMLResponse(text, status)


def message(parts: Parts, title: str, text: str, status: int, visitor: Visitor | None = None) -> HTMLResponse:
    """A page that says one thing."""
    return page(parts, "message.html", {"title": title, "text": text}, visitor, status)


def nothing_here(parts: Parts, visitor: Visitor | None = None) -> Turned:
    text = "There is nothing here, or nothing that you may see. A case is shown to whoever is responsible for it now."
    return Turned(message(parts, "Nothing here", text, 404, visitor))


def to(parts: Parts, path: str) -> RedirectResponse:
    """On to ``path`` with a GET, after a form was sent."""
    return RedirectResponse(f"{parts.base}{path}", 303)


async def fields(request: Request) -> dict[str, str]:
    """The fields of a form that was sent; of a field that is there twice, the last."""
    async with request.form(max_files=0, max_fields=50) as form:
        return {name: value for name, value in form.items() if not isinstance(value, UploadFile)}


def signed_in(parts: Parts, request: Request, case_ref: str = "") -> Visitor:
    """Who is looking. Raises Turned, to the sign-in page, where nobody is signed in; ``case_ref`` is shown after it."""
    visitor = visitor_of(parts, request.cookies.get(COOKIE))
    if visitor is None:
        raise Turned(to(parts, f"/signin?case={case_ref}" if is_reference(case_ref) else "/signin"))
    return visitor


def guard(parts: Parts, visitor: Visitor, sent: Mapping[str, str]) -> None:
    """Raises Turned where a form was not made for this session."""
    if not is_form_token(sent.get("token", ""), visitor.cookie, parts.head.secret):
        text = "This form belongs to another session, and nothing was changed. Go back, reload the page and try again."
        raise Turned(message(parts, "Please try again", text, 403, visitor))
