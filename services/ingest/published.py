"""What anybody may know before the first event: the instruments, the types of events, and what problems mean."""

from collections.abc import Mapping
from datetime import date
from importlib.resources import files
from typing import Annotated, Final, Literal

from fastapi import APIRouter, Response
from fastapi import Path as PathParameter
from pydantic import BaseModel

from contracts.deprecations import deprecations
from contracts.events import EVENT_TYPES, AnyEvent, CaseEvent, ClientMerged
from contracts.instruments import Instrument
from services.access import deprecation
from services.access.problems import KINDS, Refused, problem
from services.access.refusals import refusals
from services.ingest.accept import RESERVED

_TYPES: Final = "/v1/event-types"
_PROBLEMS: Final = "/v1/problems"
_Slug = Annotated[str, PathParameter(pattern="^[a-z-]{1,40}$", description="The last part of a problem's type")]
_Type = Annotated[
    str, PathParameter(alias="type", pattern=r"^[a-z0-9.]{1,64}$", description="As an event's `type` spells it")
]


class EventType(BaseModel):
    """``accepted`` is false where only Resonance itself appends events of this type; ``schema_url`` is where its JSON
    Schema is. ``deprecated_since`` and ``sunset`` are there where it is on its way out.
    """

    type: str
    subject: Literal["case", "client", "network"]
    accepted: bool
    schema_url: str
    deprecated_since: date | None = None
    sunset: date | None = None


class EventTypes(BaseModel):
    event_types: list[EventType]


class Instruments(BaseModel):
    instruments: list[Instrument]


class ProblemKind(BaseModel):
    """One type of problem, whose page is at ``/v1/problems/{slug}``; ``retryable``: the same request may succeed later,
    unchanged.
    """

    type: str
    slug: str
    status: int
    title: str
    retryable: bool


class ProblemKinds(BaseModel):
    problems: list[ProblemKind]


def _event_type(name: str, model: type[AnyEvent]) -> EventType:
    subject: Literal["case", "client", "network"] = "network"
    if issubclass(model, CaseEvent):
        subject = "case"
    elif model is ClientMerged:
        subject = "client"
    ending = next((one for one in deprecations() if one.kind == "event_type" and one.name == name), None)
    return EventType(
        type=name,
        subject=subject,
        accepted=name not in RESERVED,
        schema_url=f"{_TYPES}/{name}",
        deprecated_since=ending.since if ending else None,
        sunset=ending.sunset if ending else None,
    )


class _Schema(Response):
    media_type = "application/schema+json"


class _Markdown(Response):
    media_type = "text/markdown"


def router(catalogue: Mapping[tuple[str, str], Instrument]) -> APIRouter:
    """The routes, for which nobody needs a credential."""
    routes = APIRouter()
    event_types = EventTypes(event_types=[_event_type(name, model) for name, model in EVENT_TYPES.items()])
    problems = ProblemKinds(
        problems=[
            ProblemKind(
                type=kind.type or f"{_PROBLEMS}/{slug}",
                slug=slug,
                status=kind.status,
                title=kind.title,
                retryable=kind.retryable,
            )
            for slug, kind in sorted(KINDS.items())
        ]
    )

    @routes.get("/v1/instruments", operation_id="get_instruments", summary="The instruments whose scores are accepted")
    def get_instruments() -> Instruments:
        return Instruments(instruments=list(catalogue.values()))

    @routes.get(_TYPES, operation_id="get_event_types", summary="The types of events", response_model_exclude_none=True)
    def get_event_types() -> EventTypes:
        return event_types

    @routes.get(
        _TYPES + "/{type}",
        operation_id="get_event_type",
        summary="The JSON Schema of a type of events",
        response_class=_Schema,
        responses={
            **refusals("not-found", "validation"),
            200: {
                "description": "In JSON Schema 2020-12",
                "content": {_Schema.media_type: {"schema": {"type": "object"}}},
            },
        },
    )
    def get_event_type(name: _Type) -> _Schema:
        if name not in EVENT_TYPES:
            raise Refused(problem("not-found"))
        schema = files("contracts").joinpath("schemas", f"{name}.json").read_bytes()
        return _Schema(schema, headers=dict(deprecation.EVENT_TYPES.get(name, {})))

    @routes.get(_PROBLEMS, operation_id="get_problems", summary="The types of problems")
    def get_problems() -> ProblemKinds:
        return problems

    @routes.get(
        _PROBLEMS + "/{slug}",
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
