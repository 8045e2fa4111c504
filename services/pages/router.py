"""All pages of one network as one router, to be mounted at its base path."""

from importlib.resources import files
from typing import Final

from fastapi import APIRouter, Response
from fastapi.responses import RedirectResponse

from services.pages import alert, case, caseload, figures, mailbox, signin
from services.pages.page import LARGEST_FORM, READ, PageRoute
from services.pages.parts import Parts

_STYLE: Final = files("services.pages").joinpath("resonance.css").read_text("utf-8")


def router(parts: Parts) -> APIRouter:
    """The pages below ``parts.base``. Larger bodies than a form of ours needs are refused with 413."""
    found = APIRouter(prefix=parts.base, route_class=PageRoute, include_in_schema=False, max_body_size=LARGEST_FORM)

    @found.api_route("/static/resonance.css", methods=READ)
    def style() -> Response:
        return Response(_STYLE, media_type="text/css", headers={"Cache-Control": "max-age=300"})

    if parts.base:

        @found.api_route("", methods=READ)
        def front() -> Response:
            return RedirectResponse(f"{parts.base}/", 307)

    for room in (signin, caseload, figures, case, alert, mailbox):
        found.include_router(room.routes(parts))
    return found
