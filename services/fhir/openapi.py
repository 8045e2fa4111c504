"""The FHIR door as OpenAPI describes it: which paths there are and how each answers. What a resource is, FHIR says.

The CapabilityStatement tells the same to whoever speaks FHIR: services/fhir/capability.py.
"""

from typing import Any, Final

from services.access.problems import KINDS, Slug, problem
from services.access.refusals import PROBLEMS, Described, refusals
from services.fhir.asked import MEDIA_TYPE, PATH
from services.fhir.outcome import outcome
from services.fhir.parsing import SUPPORTED
from services.openapi.document import OF_ALL, OF_ASKERS

_OF_CREATORS: Final[tuple[Slug, ...]] = (
    "malformed-json",
    "request-refused",
    "clinic-not-allowed",
    "source-not-allowed",
    "event-id-conflict",
    "precondition-failed",
    "body-too-large",
    "unsupported-media-type",
    "free-text-not-allowed",
    "identifier-required",
    "scale-not-listed",
    "score-mismatch",
    "score-out-of-range",
    "statement-too-long",
    "time-out-of-range",
    "unknown-event-type",
    "unknown-instrument",
    "validation",
    "quota-exceeded",
    "projection-behind",
)
_PREFER: Final = {
    "name": "Prefer",
    "in": "header",
    "description": "`return=minimal`, `return=representation` or `return=OperationOutcome`: what to answer with",
    "schema": {"type": "string"},
}
_UNLESS: Final = {
    "name": "If-None-Exist",
    "in": "header",
    "description": "`identifier=system|value`: the identity of the event, where the resource bears none of its own",
    "schema": {"type": "string"},
}
_ID: Final = {
    "name": "id",
    "in": "path",
    "required": True,
    "description": "The last part of the `Location` that the resource was stored at",
    "schema": {"type": "string"},
}
_IDENTIFIER: Final = {
    "name": "identifier",
    "in": "query",
    "required": True,
    "description": "`system|value`",
    "schema": {"type": "string"},
}


def described() -> Described:
    """Paths and components, for the document of the whole service."""
    paths: Described = {
        PATH: {"post": _bundle()},
        f"{PATH}/metadata": {"get": _public("metadata", "What this FHIR server can do", "CapabilityStatement")},
        f"{PATH}/.well-known/smart-configuration": {"get": _configuration()},
    }
    for kind in sorted(SUPPORTED):
        paths[f"{PATH}/{kind}"] = {"post": _create(kind), "get": _search(kind)}
        paths[f"{PATH}/{kind}/{{id}}"] = {"get": _read(kind)}
    schemas = {
        f"Fhir{kind}": _schema(kind) for kind in (*SUPPORTED, "Bundle", "CapabilityStatement", "OperationOutcome")
    }
    examples = {f"fhir-{slug}": {"summary": KINDS[slug].title, "value": outcome((problem(slug), ""))} for slug in KINDS}
    return {"paths": paths, "components": {"schemas": schemas, "examples": examples}}


def _schema(kind: str) -> Described:
    return {
        "title": kind,
        "description": f"https://hl7.org/fhir/R4/{kind.lower()}.html",
        "type": "object",
        "required": ["resourceType"],
        "properties": {"resourceType": {"const": kind, "type": "string"}},
        "additionalProperties": True,
    }


def _content(*kinds: str) -> Described:
    schemas = [{"$ref": f"#/components/schemas/Fhir{kind}"} for kind in kinds]
    return {MEDIA_TYPE: {"schema": schemas[0] if len(schemas) == 1 else {"anyOf": schemas}}}


def _create(kind: str) -> Described:
    headers = {
        "Location": _header("Where the resource can be read", "string"),
        "ETag": _header("Its version, the only one", "string"),
        "Resonance-Position": _header("The log's position", "integer"),
    }
    shown = _content(kind, "OperationOutcome")
    return {
        "operationId": f"fhir_create_{kind}",
        "summary": f"Post one {kind}",
        "parameters": [_PREFER, _UNLESS],
        "requestBody": {"required": True, "content": _content(kind) | _in_json(kind)},
        "responses": {
            "200": {
                "description": "Stored before, or nothing to be stored of it",
                "content": shown,
                "headers": headers,
            },
            "201": {"description": "Stored", "content": shown, "headers": headers},
            **_refusals(*OF_ASKERS, *_OF_CREATORS),
        },
        **_needs("events:write", f"system/{kind}.c"),
    }


def _bundle() -> Described:
    answer = {
        "description": "A batch: what became of each entry. A transaction: all of it is stored",
        "content": _content("Bundle"),
        "headers": {"Resonance-Position": _header("The log's position", "integer")},
    }
    return {
        "operationId": "fhir_post_bundle",
        "summary": "Post a batch or a transaction",
        "parameters": [_PREFER],
        "requestBody": {"required": True, "content": _content("Bundle") | _in_json("Bundle")},
        "responses": {"200": answer, **_refusals(*OF_ASKERS, *_OF_CREATORS, "batch-too-large")},
        **_needs("events:write", "system/*.c"),
    }


def _read(kind: str) -> Described:
    answer = {
        "description": "As much of it as was kept",
        "content": _content(kind),
        "headers": {"ETag": _header("Its version, the only one", "string")},
    }
    return {
        "operationId": f"fhir_read_{kind}",
        "summary": f"One {kind}",
        "parameters": [_ID],
        "responses": {"200": answer, **_refusals(*OF_ASKERS, "not-found")},
        **_needs("events:read", f"system/{kind}.r"),
    }


def _search(kind: str) -> Described:
    return {
        "operationId": f"fhir_search_{kind}",
        "summary": f"The {kind} of an identity",
        "parameters": [_IDENTIFIER],
        "responses": {
            "200": {"description": "A searchset", "content": _content("Bundle")},
            **_refusals(*OF_ASKERS, "request-refused"),
        },
        **_needs("events:read", f"system/{kind}.r"),
    }


def _public(name: str, summary: str, kind: str) -> Described:
    return {
        "operationId": f"fhir_{name}",
        "summary": summary,
        "responses": {"200": {"description": "It", "content": _content(kind)}, **_refusals()},
    }


def _configuration() -> Described:
    schema = {
        "type": "object",
        "required": ["issuer"],
        "properties": {"issuer": {"type": "string", "description": "Whose tokens are accepted"}},
    }
    found = {"description": "Whose tokens are accepted", "content": {MEDIA_TYPE: {"schema": schema}}}
    return {
        "operationId": "fhir_configuration",
        "summary": "Where SMART clients get their tokens",
        "responses": {"200": found, **_refusals("not-found")},
    }


def _in_json(kind: str) -> Described:
    return {"application/json": _content(kind)[MEDIA_TYPE]}


def _header(description: str, kind: str) -> Described:
    return {"description": description, "schema": {"type": kind}}


def _needs(scope: str, smart: str) -> Described:
    """A key needs our scope; a token ours or SMART's."""
    return {"security": [{"apiKey": [scope]}, {"token": [scope]}, {"token": [smart]}]}


def _refusals(*slugs: Slug) -> dict[str, Any]:
    """The problems of a path as OperationOutcomes, by status."""
    found = {}
    for status, answer in refusals(*OF_ALL, *slugs).items():
        content = _content("OperationOutcome")
        slug = answer[PROBLEMS][0]
        content[MEDIA_TYPE]["examples"] = {slug: {"$ref": f"#/components/examples/fhir-{slug}"}}
        found[str(status)] = answer | {"content": content}
    return found
