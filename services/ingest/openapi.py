"""What FastAPI cannot see of the ingest API, for its OpenAPI document: the events, their answers, every refusal."""

from collections.abc import Mapping
from typing import Final, Literal

from fastapi import FastAPI
from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from contracts.events import EVENT_TYPES
from contracts.wire import Sent
from services.access.people import TherapistEntry
from services.access.refusals import Described, ProblemDocument
from services.ingest.accept import MOST_EVENTS, RESERVED

_REF: Final = "#/components/schemas/{model}"


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


class Valid(BaseModel):
    """The event could be posted."""

    id: str
    status: Literal["valid"]


class ValidatedResult(BaseModel):
    """Whether one event of a batch could be posted; ``id`` is null where the event bore no well-formed one."""

    index: int
    id: str | None
    status: Literal["valid", "rejected"]
    http_status: int
    retryable: bool | None = None
    problem: ProblemDocument | None = None


class ValidatedBatch(BaseModel):
    """Which events of a batch could be posted."""

    valid: int
    rejected: int
    errors: bool
    results: list[ValidatedResult]


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
    "security": [{"apiKey": ["events:write"]}],
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

VALIDATED: Final[dict[int | str, Described]] = {
    200: {
        "description": "It could be posted; of a batch: every event could",
        "content": {
            "application/json": {"schema": {"oneOf": [_schema("Valid")["schema"], _schema("ValidatedBatch")["schema"]]}}
        },
    },
    207: {
        "description": "At least one event of the batch would be refused",
        "content": {"application/json": _schema("ValidatedBatch")},
    },
}
"""The answers of ``POST /v1/events/validate`` that are no refusals."""

_LIMITS: Final[Described] = {
    "RateLimit-Policy": {
        "description": 'How many events a credential may post in how many seconds: `"events";q=60000;w=60`',
        "schema": {"type": "string"},
    },
    "RateLimit": {
        "description": 'How many may follow at once, and when all are there again: `"events";r=59990;t=1`',
        "schema": {"type": "string"},
    },
}
"""IETF draft httpapi-ratelimit-headers."""


def with_limits(responses: Mapping[int | str, Described]) -> dict[int | str, Described]:
    """The same, each with the headers that tell what is left of the quota."""
    return {status: one | {"headers": one.get("headers", {}) | _LIMITS} for status, one in responses.items()}


def describe(app: FastAPI) -> None:
    """Adds the schemas that the routes refer to by name to the OpenAPI document of ``app``."""
    plain = app.openapi
    models = [*EVENT_TYPES.values(), TherapistEntry, Receipt, BatchResult, Valid, ValidatedBatch, ProblemDocument]
    _, schemas = models_json_schema(
        [(model, "validation") for model in models], ref_template=_REF, schema_generator=Sent
    )
    for model in EVENT_TYPES.values():  # in code these two have defaults; on the wire they tell what the rest is
        schema = schemas["$defs"][model.__name__]
        schema["required"] = list(dict.fromkeys(["specversion", "type", *schema["required"]]))
    tags = {name: _REF.format(model=model.__name__) for name, model in EVENT_TYPES.items() if name not in RESERVED}
    event = {
        "description": "What may be posted: one of the event types that `GET /v1/event-types` calls accepted.",
        "oneOf": [{"$ref": tag} for tag in tags.values()],
        "discriminator": {"propertyName": "type", "mapping": tags},
    }

    def openapi() -> Described:
        document = plain()
        document["components"]["schemas"] |= schemas["$defs"] | {"Event": event}
        return document

    app.openapi = openapi  # type: ignore[method-assign] # FastAPI's documented way to extend the document
