"""The routes of the ingest API as FastAPI knows and documents them: events, therapists, and what may be posted."""

from collections.abc import Callable, Mapping
from datetime import datetime
from importlib.resources import files
from typing import Annotated, Final, Literal

from fastapi import APIRouter, Depends, Request, Response
from fastapi import Path as PathParameter
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from pydantic import BaseModel, ValidationError
from starlette.types import ASGIApp, Receive, Scope, Send
from typing_extensions import override

from contracts.data import REFERENCE
from contracts.events import EVENT_TYPES, AnyEvent, CaseEvent, ClientMerged
from contracts.instruments import Instrument
from services.access.credential import Credential
from services.access.faults import unfit
from services.access.keys import Keys
from services.access.people import Therapist, TherapistEntry
from services.access.problems import KINDS, Fault, Refused, Slug, problem
from services.ingest.accept import RESERVED
from services.ingest.body import read_body
from services.ingest.door import PATH, NetworkDoor
from services.ingest.openapi import ANSWERS, EVENTS, THERAPIST, refusals
from services.ingest.reading import read_value

SMALL: Final = 16 * 1024
"""Bytes of a body that is not events."""

_OF_THERAPISTS: Final[tuple[Slug, ...]] = ("invalid-key", "insufficient-scope", "internal")
_OF_ENTRIES: Final[tuple[Slug, ...]] = (
    "clinic-not-allowed",
    "malformed-json",
    "body-too-large",
    "unsupported-media-type",
    "validation",
    "free-text-not-allowed",
)
_OF_EVENTS: Final[tuple[Slug, ...]] = (
    "malformed-json",
    "invalid-key",
    "insufficient-scope",
    "source-not-allowed",
    "clinic-not-allowed",
    "event-id-conflict",
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
    "internal",
    "storage-unavailable",
    "temporary-reduced-capacity",
)

_bearer = HTTPBearer(auto_error=False, scheme_name="apiKey", description="An API key, `rsn_live_…`")
_TherapistRef = Annotated[str, PathParameter(pattern=rf"^{REFERENCE}$", description="The therapist's reference")]
_Slug = Annotated[str, PathParameter(pattern="^[a-z-]{1,40}$", description="The last part of a problem's type")]


class EventType(BaseModel):
    type: str
    subject: Literal["case", "client", "network"]
    accepted: bool
    """False: only Resonance itself appends events of this type."""


class EventTypes(BaseModel):
    event_types: list[EventType]


class Instruments(BaseModel):
    instruments: list[Instrument]


def _subject(model: type[AnyEvent]) -> Literal["case", "client", "network"]:
    if issubclass(model, CaseEvent):
        return "case"
    return "client" if model is ClientMerged else "network"


_EVENT_TYPES: Final = EventTypes(
    event_types=[
        EventType(type=name, subject=_subject(model), accepted=name not in RESERVED)
        for name, model in EVENT_TYPES.items()
    ]
)


class _Markdown(Response):
    media_type = "text/markdown"


class _Passed(Response):
    """Lets an ASGI callable answer in the place of a route's endpoint."""

    def __init__(self, app: ASGIApp) -> None:
        super().__init__()
        self._app = app

    @override
    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self._app(scope, receive, send)


async def _entry(request: Request) -> TherapistEntry:
    """Not declared as a body, which FastAPI would read whole, of any size, and less strictly."""
    text = read_value(await read_body(dict(request.headers.raw), request.receive, SMALL))
    try:
        return TherapistEntry.model_validate_json(text)
    except ValidationError as error:
        raise Refused(unfit(error)) from None


def router(
    door: ASGIApp,
    keys: Keys,
    networks: Callable[[str], NetworkDoor],
    catalogue: Mapping[tuple[str, str], Instrument],
    clock: Callable[[], datetime],
) -> APIRouter:
    """The routes; ``door`` answers ``POST /v1/events``, here as in front of the application."""
    routes = APIRouter()

    def holder(request: Request, _: Annotated[HTTPAuthorizationCredentials | None, Depends(_bearer)]) -> Credential:
        return keys.check(request.headers.get("authorization", "").encode("latin-1"), clock())

    def manager(bearer: Annotated[Credential, Depends(holder)]) -> Credential:
        bearer.require("registry:manage")
        return bearer

    @routes.post(
        PATH,
        operation_id="post_events",
        summary="Post one event, or a batch",
        status_code=201,
        responses=ANSWERS | refusals(*_OF_EVENTS),
        openapi_extra=EVENTS,
    )
    async def post_events() -> Response:
        return _Passed(door)

    @routes.put(
        "/v1/therapists/{ref}",
        operation_id="put_therapist",
        summary="Enter a therapist, or replace the entry",
        responses=refusals(*_OF_THERAPISTS, *_OF_ENTRIES) | {201: {"model": Therapist, "description": "Entered"}},
        openapi_extra=THERAPIST,
    )
    def put_therapist(
        ref: _TherapistRef,
        bearer: Annotated[Credential, Depends(manager)],
        entry: Annotated[TherapistEntry, Depends(_entry)],
        response: Response,
    ) -> Therapist:
        people = networks(bearer.network).people
        before = people.get(ref)
        if not all(bearer.speaks_for_clinic(each.clinic) for each in (before, entry) if each is not None):
            raise Refused(problem("clinic-not-allowed", Fault("/clinic", "not_allowed")))
        if entry.supervisor_ref == ref:
            raise Refused(problem("validation", Fault("/supervisor_ref", "same_reference")))
        therapist = Therapist(ref=ref, **entry.model_dump())
        people.put(therapist)
        response.status_code = 200 if before else 201
        return therapist

    @routes.get(
        "/v1/therapists/{ref}",
        operation_id="get_therapist",
        summary="A therapist's entry",
        responses=refusals(*_OF_THERAPISTS, "not-found", "validation"),
    )
    def get_therapist(ref: _TherapistRef, bearer: Annotated[Credential, Depends(holder)]) -> Therapist:
        bearer.require("read")
        therapist = networks(bearer.network).people.get(ref)
        if therapist is None or not bearer.speaks_for_clinic(therapist.clinic):
            raise Refused(problem("not-found"))
        return therapist

    @routes.get("/v1/instruments", operation_id="get_instruments", summary="The instruments whose scores are accepted")
    def get_instruments() -> Instruments:
        return Instruments(instruments=list(catalogue.values()))

    @routes.get("/v1/event-types", operation_id="get_event_types", summary="The types of events")
    def get_event_types() -> EventTypes:
        return _EVENT_TYPES

    @routes.get(
        "/v1/problems/{slug}",
        operation_id="get_problem",
        summary="What a problem type means, and what to do about it",
        response_class=_Markdown,
        responses=refusals("not-found", "validation"),
    )
    def get_problem(slug: _Slug) -> _Markdown:
        if slug not in KINDS:
            raise Refused(problem("not-found"))
        return _Markdown(files("contracts").joinpath("problems", f"{slug}.md").read_text("utf-8"))

    return routes
