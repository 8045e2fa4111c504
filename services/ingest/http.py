"""The routes of the ingest API as FastAPI knows and documents them: events, therapists, and what may be posted."""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Final

from fastapi import APIRouter, Response
from starlette.types import ASGIApp, Receive, Scope, Send
from typing_extensions import override

from contracts.instruments import Instrument
from services.access.bearers import Bearers
from services.access.problems import Slug
from services.access.refusals import refusals
from services.ingest import published, therapists
from services.ingest.door import PATH, VALIDATE, NetworkDoor
from services.ingest.openapi import ANSWERS, EVENTS, VALIDATED, with_limits

_OF_VALIDATION: Final[tuple[Slug, ...]] = (
    "malformed-json",
    "insufficient-scope",
    "source-not-allowed",
    "clinic-not-allowed",
    "body-too-large",
    "batch-too-large",
    "unsupported-media-type",
    "validation",
    "unknown-event-type",
    "unknown-instrument",
    "scale-not-listed",
    "score-out-of-range",
    "score-mismatch",
    "time-out-of-range",
    "free-text-not-allowed",
    "statement-too-long",
    "quota-exceeded",
    "internal",
    "storage-unavailable",
    "temporary-reduced-capacity",
    "issuer-unavailable",
)
_OF_EVENTS: Final[tuple[Slug, ...]] = (*_OF_VALIDATION, "event-id-conflict")
_UNKNOWN: Final[tuple[Slug, ...]] = ("invalid-key", "invalid-token", "token-expired")


class _Passed(Response):
    """Lets an ASGI callable answer in the place of a route's endpoint."""

    def __init__(self, app: ASGIApp) -> None:
        super().__init__()
        self._app = app

    @override
    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self._app(scope, receive, send)


def router(
    door: ASGIApp,
    bearers: Bearers,
    networks: Callable[[str], NetworkDoor],
    catalogue: Mapping[tuple[str, str], Instrument],
    clock: Callable[[], datetime],
) -> APIRouter:
    """The routes; ``door`` answers what posts events, here as in front of the application."""
    routes = APIRouter()

    @routes.post(
        PATH,
        operation_id="post_events",
        summary="Post one event, or a batch",
        description=(
            "An event is the body, or with the header `ce-specversion` its data are, and its attributes `ce-` headers:"
            " the structured and the binary mode of CloudEvents. A batch is an array of events."
        ),
        status_code=201,
        responses=with_limits(ANSWERS | refusals(*_OF_EVENTS)) | refusals(*_UNKNOWN),
        openapi_extra=EVENTS,
    )
    async def post_events() -> Response:
        return _Passed(door)

    @routes.post(
        VALIDATE,
        operation_id="validate_events",
        summary="Ask whether one event, or a batch, could be posted",
        description=(
            "Stores nothing. Says what posting would, as far as that can be told without the log and without the other"
            " events of a batch, so never that an `id` stands for another event already. Counts against the quota."
        ),
        responses=with_limits(VALIDATED | refusals(*_OF_VALIDATION)) | refusals(*_UNKNOWN),
        openapi_extra=EVENTS,
    )
    async def validate_events() -> Response:
        return _Passed(door)

    routes.include_router(therapists.router(bearers, networks, clock))
    routes.include_router(published.router(catalogue))
    return routes
