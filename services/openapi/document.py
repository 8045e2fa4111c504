"""The OpenAPI document of the whole service: what FastAPI says of the routes, and what it cannot know of all of them.

OpenAPI 3.1.0, https://spec.openapis.org/oas/v3.1.0. What is optional is absent, never null, in what is sent to us:
generators of clients stumble over unions with null.
"""

import json
import re
from collections.abc import Iterator, Mapping
from copy import deepcopy
from functools import cache
from importlib.resources import files
from typing import Any, Final

from fastapi import FastAPI

from contracts.events import EVENT_TYPES
from services.access.problems import KINDS, Fault, Slug, problem
from services.access.refusals import PROBLEMS, Described, refusals
from services.ingest.accept import RESERVED
from services.openapi.fitting import not_null, part_of, prune, reached, spell_null, spell_shortly, without_null

RELEASE: Final = "1.0"
"""Of the contracts; the files of released ones stand in contracts/released."""

INFO: Final[Described] = {
    "title": "Resonance",
    "version": RELEASE,
    "summary": "A feedback service for networks of psychotherapy clinics",
    "description": (
        "Record systems post what happened in and around sessions, and read back what follows. Every refusal is a"
        " problem document (RFC 9457) that names the place and the reason, and repeats nothing of what was sent."
        " A request that was refused with `retryable` true can be sent again, unchanged."
    ),
    "contact": {"name": "Whoever runs the installation"},
    "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
}
SERVERS: Final = [{"url": "/", "description": "The installation that serves this document"}]

TAGS: Final[Mapping[str, tuple[str, str]]] = {
    "FHIR": ("/fhir", "FHIR R4 in the place of the native events."),
    "Events": ("/v1/(events|pending)", "Post what happened; read back what was posted."),
    "Imports": ("/v1/imports", "Years of events at once, as lines of JSON."),
    "Alerts": ("/v1/(feed|alerts)", "What became of alerts, as a feed."),
    "Webhooks": ("/v1/webhook", "What became of alerts, told to an address of yours."),
    "Sandbox": ("/v1/test", "Networks for trying things out: their clock and their mail."),
    "Audit": ("/v1/audit", "Who was refused what."),
    "Registry": ("/v1/therapists(/{ref})?$", "Whom mail goes to."),
    "Reading": ("/v1/(cases|therapists|network)", "Courses, decisions, caseloads and figures."),
    "Catalogue": ("/v1/(event-types|instruments|problems)", "What may be posted, and what problems mean."),
}
"""Each part of the API: the paths of it, the first that fits, and what it is for."""

SECURITY: Final[Described] = {
    "apiKey": {
        "type": "http",
        "scheme": "bearer",
        "description": "An API key, `rsn_live_…` or, of a sandbox, `rsn_test_…`. The names are the scopes it needs.",
    },
    "token": {
        "type": "http",
        "scheme": "bearer",
        "bearerFormat": "JWT",
        "description": "An OAuth 2 access token (RFC 9068) of an issuer that the installation trusts.",
    },
}

HEADERS: Final[Described] = {
    "Retry-After": {"description": "Seconds until it is worth another try", "schema": {"type": "integer"}},
    "WWW-Authenticate": {"description": "What is asked for (RFC 6750)", "schema": {"type": "string"}},
}
_HEADERS_OF: Final = {401: "WWW-Authenticate", 429: "Retry-After", 503: "Retry-After"}

OF_ALL: Final[tuple[Slug, ...]] = ("internal",)
OF_ASKERS: Final[tuple[Slug, ...]] = (
    "invalid-key",
    "invalid-token",
    "token-expired",
    "issuer-unavailable",
    "insufficient-scope",
    "storage-unavailable",
    "temporary-reduced-capacity",
)
_OF_CHECKED: Final[tuple[Slug, ...]] = ("validation", "free-text-not-allowed")
_OF_BODIES: Final[tuple[Slug, ...]] = ("malformed-json", "body-too-large", "unsupported-media-type", *_OF_CHECKED)
_FAULTS: Final[Mapping[Slug, Fault]] = {
    "clinic-not-allowed": Fault("/rsnclinic", "not_allowed"),
    "event-id-conflict": Fault("/id", "conflict"),
    "free-text-not-allowed": Fault("/data", "unknown_property"),
    "malformed-json": Fault("", "syntax"),
    "scale-not-listed": Fault("/data/scores/0/scale", "enum"),
    "score-mismatch": Fault("/data/scores/4/value", "mismatch"),
    "score-out-of-range": Fault("/data/scores/0/value", "range"),
    "source-not-allowed": Fault("/source", "not_allowed"),
    "statement-too-long": Fault("/data/statement", "length"),
    "time-out-of-range": Fault("/time", "in_the_future"),
    "unknown-event-type": Fault("/type", "enum"),
    "unknown-instrument": Fault("/data/instrument/key", "enum"),
    "validation": Fault("/data/measurement_ref", "missing"),
}
"""A place for the example of each problem that names one."""


def describe(app: FastAPI, beside: Described) -> None:
    """Makes ``app`` describe itself: the last thing that is done to it before its routes are asked.

    ``beside`` holds paths and components of what is served beside the framework, with every answer of theirs.
    """
    plain = app.openapi
    app.openapi = cache(lambda: completed(plain(), beside))  # type: ignore[method-assign] # FastAPI's documented way


def completed(document: Described, beside: Described) -> Described:
    """``document`` with all that holds for every route, with ``beside``, and without what no route refers to."""
    document["info"], document["servers"] = INFO, SERVERS
    document["tags"] = [{"name": name, "description": text} for name, (_, text) in sorted(TAGS.items())]
    components = document["components"]
    components["securitySchemes"] = SECURITY
    components["headers"] = HEADERS
    components["examples"] = _examples() | beside["components"]["examples"]
    components["schemas"] |= beside["components"]["schemas"]
    for operation in _operations(document):
        _refuse(operation)
    document["paths"] |= deepcopy(beside["paths"])
    for path, operations in document["paths"].items():
        for operation in operations.values():
            _complete(path, operation)
    asked = reached(document, *(one["requestBody"] for one in _operations(document) if "requestBody" in one))
    answered = reached(document, *(one["responses"] for one in _operations(document)))
    for one in _operations(document):
        without_null(one.get("requestBody"))
    for name in asked - answered:
        without_null(part_of(document, name))
    spell_shortly(document)
    spell_null(document["components"]["schemas"])
    prune(document)
    return document


def tag_of(path: str) -> str:
    """Raises LookupError where no part of the API has such paths."""
    for name, (pattern, _) in TAGS.items():
        if re.match(pattern, path):
            return name
    raise LookupError(f"{path} belongs to no part of the API: services/openapi/document.py names them")


def _operations(document: Described) -> Iterator[Described]:
    for operations in document["paths"].values():
        yield from operations.values()


def _scopes(operation: Described) -> list[str]:
    return [scope for one in operation.get("security", []) for scope in one.get("apiKey", [])]


def _refuse(operation: Described) -> None:
    """Adds the refusals that are common to all such routes, so that a route names its own only."""
    scopes = _scopes(operation)
    slugs = [*OF_ALL, *(OF_ASKERS if scopes else ())]
    if "requestBody" in operation:
        slugs += _OF_BODIES
    if operation.get("parameters"):
        slugs += _OF_CHECKED
    operation["security"] = [{"apiKey": scopes}, {"token": scopes}] if scopes else []
    answers = operation["responses"]
    if "HTTPValidationError" in json.dumps(answers.get("422", {})):
        del answers["422"]
    for status, common in refusals(*slugs).items():
        own = answers.setdefault(str(status), common)
        own[PROBLEMS] = list(dict.fromkeys([*own.get(PROBLEMS, []), *common[PROBLEMS]]))


def _complete(path: str, operation: Described) -> None:
    scopes = _scopes(operation)
    needs = f"Needs the scope `{'`, `'.join(scopes)}`." if scopes else "Needs no credential."
    operation["description"] = f"{operation.get('description', operation['summary'] + '.')}\n\n{needs}"
    operation["tags"] = [tag_of(path)]
    operation.setdefault("security", [])
    for parameter in operation.get("parameters", []):
        parameter["schema"] = not_null(parameter["schema"])
    for content in operation.get("requestBody", {}).get("content", {}).values():
        _exemplify(content)
    for status, answer in operation["responses"].items():
        if PROBLEMS in answer:
            _describe_refusal(int(status), answer)
        elif answer["description"] == "Successful Response":  # FastAPI's own words
            answer["description"] = operation["summary"]
    operation["responses"] = dict(sorted(operation["responses"].items()))


def _describe_refusal(status: int, answer: Described) -> None:
    answer["description"] = "; ".join(KINDS[slug].title for slug in answer[PROBLEMS])
    for content in answer["content"].values():
        if content["schema"] == {"$ref": "#/components/schemas/ProblemDocument"}:
            content["examples"] = {slug: {"$ref": f"#/components/examples/{slug}"} for slug in answer[PROBLEMS]}
    if status in _HEADERS_OF:
        name = _HEADERS_OF[status]
        answer["headers"] = answer.get("headers", {}) | {name: {"$ref": f"#/components/headers/{name}"}}


def _exemplify(content: Described) -> None:
    event = {"$ref": "#/components/schemas/Event"}
    if content["schema"] == event:
        content["examples"] = {name: {"$ref": f"#/components/examples/{name}"} for name in _postable()}
    elif content["schema"].get("items") == event:
        some = _postable()[:2]
        content["examples"] = {"batch": {"summary": "Two events", "value": [_sample(name) for name in some]}}


def _postable() -> list[str]:
    return [name for name in EVENT_TYPES if name not in RESERVED]


def _sample(event_type: str) -> Any:
    return json.loads(files("contracts").joinpath("samples", f"{event_type}.json").read_text("utf-8"))


def _examples() -> Described:
    refused = {
        slug: {"summary": kind.title, "value": problem(slug, *filter(None, [_FAULTS.get(slug)])).document()}
        for slug, kind in KINDS.items()
    }
    posted = {name: {"summary": EVENT_TYPES[name].__name__, "value": _sample(name)} for name in _postable()}
    return refused | posted
