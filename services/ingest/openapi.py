"""What FastAPI cannot see of the ingest API, for its OpenAPI document: the events, their answers, every refusal."""

from typing import Any, Final, Literal, TypeAlias

from fastapi import FastAPI
from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from contracts.events import EVENT_TYPES
from services.access.people import TherapistEntry
from services.access.problems import KINDS, MEDIA_TYPE, Fault, Slug
from services.ingest.accept import MOST_EVENTS

Described: TypeAlias = dict[str, Any]
"""A part of an OpenAPI document."""

_REF: Final = "#/components/schemas/{model}"


class ProblemDocument(BaseModel):
    """RFC 9457. Branch on ``type`` and on the codes; the other texts are for people, and can change."""

    type: str
    title: str
    status: int
    detail: str | None = None
    instance: str | None = None
    errors: list[Fault] | None = None
    retryable: bool


class Receipt(BaseModel):
    """Where the log keeps the event."""

    id: str
    status: Literal["accepted", "duplicate"]
    position: int


class Result(BaseModel):
    """What became of one event of a batch; ``id`` is null where the event bore no well-formed one."""

    index: int
    id: str | None
    status: Literal["accepted", "duplicate", "rejected"]
    http_status: int
    position: int | None = None
    retryable: bool | None = None
    problem: ProblemDocument | None = None


class BatchResult(BaseModel):
    """What became of a batch; ``position`` is the last one among its events, null where none is on the log."""

    accepted: int
    duplicates: int
    rejected: int
    errors: bool
    position: int | None
    results: list[Result]


def _schema(name: str) -> Described:
    return {"schema": {"$ref": _REF.format(model=name)}}


def _answer(description: str, content: Described) -> Described:
    position = {"description": "The log's position", "schema": {"type": "integer"}}
    return {
        "description": description,
        "headers": {"Resonance-Position": position},
        "content": {"application/json": content},
    }


THERAPIST: Final[Described] = {
    "requestBody": {"required": True, "content": {"application/json": _schema("TherapistEntry")}}
}
"""The request of ``PUT /v1/therapists/{ref}``."""

EVENTS: Final[Described] = {
    "security": [{"apiKey": []}],
    "requestBody": {
        "required": True,
        "content": {
            "application/cloudevents+json": _schema("Event"),
            "application/json": _schema("Event"),
            "application/cloudevents-batch+json": {
                "schema": {"type": "array", "maxItems": MOST_EVENTS, "items": _schema("Event")["schema"]}
            },
        },
    },
}
"""The request of ``POST /v1/events``."""

ANSWERS: Final[dict[int | str, Described]] = {
    200: _answer(
        "On the log already; of a batch: every event is on the log",
        {"schema": {"oneOf": [_schema("Receipt")["schema"], _schema("BatchResult")["schema"]]}},
    ),
    201: _answer("The event is on the log", _schema("Receipt")),
    207: _answer("At least one event of the batch was refused", _schema("BatchResult")),
}
"""The answers of ``POST /v1/events`` that are no refusals."""


def refusals(*slugs: Slug) -> dict[int | str, Described]:
    """The problems that a route answers with, by status."""
    found: dict[int | str, Described] = {}
    for slug in slugs:
        status = found.setdefault(KINDS[slug].status, {"content": {MEDIA_TYPE: _schema("ProblemDocument")}})
        status["description"] = f"{status['description']}, {slug}" if "description" in status else slug
    return found


def describe(app: FastAPI) -> None:
    """Adds the schemas that the routes refer to by name to the OpenAPI document of ``app``."""
    plain = app.openapi
    models = [*EVENT_TYPES.values(), TherapistEntry, Receipt, BatchResult, ProblemDocument]
    _, schemas = models_json_schema([(model, "validation") for model in models], ref_template=_REF)
    tags = {name: _REF.format(model=model.__name__) for name, model in EVENT_TYPES.items()}
    event = {
        "oneOf": [{"$ref": tag} for tag in tags.values()],
        "discriminator": {"propertyName": "type", "mapping": tags},
    }

    def openapi() -> Described:
        document = plain()
        document["components"]["schemas"] |= schemas["$defs"] | {"Event": event}
        return document

    app.openapi = openapi  # type: ignore[method-assign] # FastAPI's documented way to extend the document
