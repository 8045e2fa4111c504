"""The gate of the contracts: every release's promises are kept, and each way to break one is caught."""

import copy
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import pytest

from tools import compat, measures
from tools.contained import Side, differences

Document = dict[str, Any]
OPENAPI: Final[Document] = compat.read(compat.CONTRACTS / compat.OPENAPI)
ASYNCAPI: Final[Document] = compat.read(compat.CONTRACTS / compat.ASYNCAPI)
EVENTS: Final[dict[str, Document]] = compat.schemas(compat.CONTRACTS)
OPENED: Final = "resonance.case.opened.v1"
HELD: Final = "resonance.session.held.v1"


def schema(document: Document, name: str) -> Document:
    found: Document = document["components"]["schemas"][name]
    return found


def operation(document: Document, path: str, method: str = "get") -> Document:
    found: Document = document["paths"][path][method]
    return found


def broken_by(change: Callable[[Document], object]) -> list[str]:
    changed = copy.deepcopy(OPENAPI)
    change(changed)
    return compat.openapi(OPENAPI, changed)


def events_broken_by(change: Callable[[Document], object], event_type: str = OPENED) -> list[str]:
    changed = copy.deepcopy(EVENTS)
    change(changed[event_type])
    return compat.events(EVENTS, changed)


@pytest.mark.parametrize("release", compat.releases(), ids=lambda path: path.name)
def test_every_release_is_kept(release: Path) -> None:
    assert compat.broken(release) == []


def test_what_did_not_change_breaks_nothing() -> None:
    assert broken_by(lambda _: None) == []
    assert events_broken_by(lambda _: None) == []
    assert compat.asyncapi(ASYNCAPI, copy.deepcopy(ASYNCAPI)) == []


BREAKING: Final[dict[str, tuple[Callable[[Document], object], str]]] = {
    "an operation is removed": (lambda new: new["paths"].pop("/v1/instruments"), "the operation is gone"),
    "an operation has another name": (
        lambda new: operation(new, "/v1/instruments").update(operationId="list_instruments"),
        "another operationId",
    ),
    "a status is removed": (
        lambda new: operation(new, "/v1/events", "post")["responses"].pop("207"),
        "207: the status is gone",
    ),
    "a success more": (
        lambda new: operation(new, "/v1/events", "post")["responses"].update({"202": {"description": "Later"}}),
        "202: a status of success more",
    ),
    "a header of an answer is removed": (
        lambda new: operation(new, "/v1/events", "post")["responses"]["201"]["headers"].clear(),
        "the header Resonance-Position is gone",
    ),
    "a media type is no longer accepted": (
        lambda new: operation(new, "/v1/events", "post")["requestBody"]["content"].pop("application/json"),
        "application/json is not accepted",
    ),
    "a parameter is removed": (
        lambda new: operation(new, "/v1/cases/{ref}/course")["parameters"].pop(),
        "the parameter is gone",
    ),
    "a parameter is required": (
        lambda new: operation(new, "/v1/cases/{ref}/course")["parameters"].append(
            {"in": "query", "name": "why", "required": True, "schema": {"type": "string"}}
        ),
        "query why: the parameter is required",
    ),
    "another scope is asked for": (
        lambda new: operation(new, "/v1/cases/{ref}/course").update(security=[{"apiKey": ["read", "audit:read"]}]),
        "is no longer enough",
    ),
    "a public route asks for a credential": (
        lambda new: operation(new, "/v1/instruments").update(security=[{"apiKey": ["read"]}]),
        "is no longer enough",
    ),
    "a field of an event is required": (
        lambda new: schema(new, "CaseOpened")["required"].append("correlationid"),
        "/correlationid: required",
    ),
    "a field of an event is removed": (
        lambda new: schema(new, "SessionHeldData")["properties"].pop("channel"),
        "/channel: the property is gone",
    ),
    "an enumeration of a request is narrowed": (
        lambda new: schema(new, "CaseClosedData")["properties"]["ending"]["enum"].remove("referred"),
        "/ending: value referred is not allowed",
    ),
    "a bound of a request is tightened": (
        lambda new: schema(new, "SessionHeldData")["properties"]["minutes"].update(maximum=300),
        "/minutes: maximum 300",
    ),
    "a bound of a request is new": (
        lambda new: schema(new, "Score")["properties"]["value"].update(minimum=0),
        "/value: minimum 0",
    ),
    "a pattern of a request is another": (
        lambda new: schema(new, "EventKey")["properties"]["id"].update(pattern="^[a-z]+$"),
        "/id: pattern ^[a-z]+$",
    ),
    "an event type is no longer accepted": (
        lambda new: schema(new, "Event")["oneOf"].pop(0),
        "resonance.case.opened.v1 is not among the kinds",
    ),
    "a field of an answer is removed": (
        lambda new: schema(new, "Receipt")["properties"].pop("position"),
        "/position: the property is gone",
    ),
    "a field of an answer can be missing": (
        lambda new: schema(new, "Receipt")["required"].remove("position"),
        "/position: required, where it can be missing",
    ),
    "an enumeration of an answer is widened": (
        lambda new: schema(new, "Receipt")["properties"]["status"]["enum"].append("parked"),
        "/status: value parked is not allowed",
    ),
    "a number of an answer can be null": (
        lambda new: schema(new, "Receipt")["properties"]["position"].update(type=["integer", "null"]),
        "/position: type null is not allowed",
    ),
    "a credential is presented in another way": (
        lambda new: new["components"]["securitySchemes"]["apiKey"].update(scheme="basic"),
        "apiKey: the credential is presented in another way",
    ),
    "a parameter that is left out means something else": (
        lambda new: operation(new, "/v1/feed")["parameters"][1]["schema"].update(default=7),
        "another default",
    ),
    "a header of an answer is of another kind": (
        lambda new: new["components"]["headers"]["Retry-After"]["schema"].update(type="string"),
        "503 Retry-After: type string is not allowed",
    ),
    "a map of an answer holds anything": (
        lambda new: schema(new, "Point")["properties"]["items"].pop("additionalProperties"),
        "/items/*: anything is allowed on one side only",
    ),
    "a request is bound by what the gate does not know": (
        lambda new: schema(new, "Score").update(dependentRequired={"scale": ["method"]}),
        "dependentRequired, of which nobody here can tell",
    ),
    "a whole number of an answer can be any": (
        lambda new: schema(new, "Receipt")["properties"]["position"].update(type="number"),
        "/position: type number is not allowed",
    ),
}


@pytest.mark.parametrize("change, complaint", BREAKING.values(), ids=BREAKING)
def test_each_way_to_break_the_api_is_caught(change: Callable[[Document], object], complaint: str) -> None:
    assert any(complaint in one for one in broken_by(change)), broken_by(change)


KEEPING: Final[dict[str, Callable[[Document], object]]] = {
    "an operation more": lambda new: new["paths"].update({"/v1/new": new["paths"]["/v1/instruments"]}),
    "a refusal more": lambda new: operation(new, "/v1/events", "post")["responses"].update(
        {"418": {"description": "Tea"}}
    ),
    "an optional parameter more": lambda new: operation(new, "/v1/instruments").update(
        parameters=[{"in": "query", "name": "why", "schema": {"type": "string"}}]
    ),
    "an optional field of a request more": lambda new: schema(new, "SessionHeldData")["properties"].update(
        room={"type": "string"}
    ),
    "an enumeration of a request is widened": lambda new: schema(new, "CaseClosedData")["properties"]["ending"][
        "enum"
    ].append("moved_away"),
    "a bound of a request is loosened": lambda new: schema(new, "SessionHeldData")["properties"]["minutes"].update(
        maximum=2_000
    ),
    "a field of an answer more": lambda new: schema(new, "Receipt")["properties"].update(received={"type": "string"}),
    "a field of an answer is always there": lambda new: schema(new, "ProblemDocument")["required"].append("detail"),
    "a scope less is asked for": lambda new: operation(new, "/v1/cases/{ref}/course").update(security=[]),
}


@pytest.mark.parametrize("change", KEEPING.values(), ids=KEEPING)
def test_what_only_widens_requests_or_adds_to_answers_is_let_pass(change: Callable[[Document], object]) -> None:
    assert broken_by(change) == []


def test_an_event_that_was_accepted_has_to_be_accepted() -> None:
    data = "CaseOpenedData"
    assert events_broken_by(lambda new: new["required"].append("causationid")) != []
    assert events_broken_by(lambda new: new["$defs"][data]["properties"].pop("setting")) != []
    assert events_broken_by(lambda new: new["$defs"][data]["properties"]["setting"]["enum"].pop()) != []
    assert events_broken_by(lambda new: new["properties"]["dataschema"].update(maxLength=20)) != []
    assert events_broken_by(lambda new: new["$defs"][data]["properties"].update(ward={"type": "string"})) == []
    assert compat.events(EVENTS, {HELD: EVENTS[HELD]}) != []


def test_a_reader_of_our_messages_has_to_be_served() -> None:
    def broken_by(change: Callable[[Document], object]) -> list[str]:
        changed = copy.deepcopy(ASYNCAPI)
        change(changed)
        return compat.asyncapi(ASYNCAPI, changed)

    headers = "eventHeaders"
    assert broken_by(lambda new: new["channels"].pop("relayPosition")) != []
    assert broken_by(lambda new: new["channels"]["events"].update(address="resonance.other")) != []
    assert broken_by(lambda new: new["channels"]["events"]["messages"].pop(OPENED)) != []
    assert broken_by(lambda new: schema(new, headers)["required"].remove("ce_id")) != []
    assert broken_by(lambda new: schema(new, headers)["properties"]["ce_id"].pop("pattern")) != []
    event = ASYNCAPI["components"]["messages"][OPENED]
    for part, other in (("contentType", "application/json"), ("bindings", {}), ("payload", {"type": "string"})):
        assert event[part] != other
        assert broken_by(lambda new: new["components"]["messages"][OPENED].update({part: other})) != []  # noqa: B023
    assert broken_by(lambda new: new["channels"].update(more=new["channels"]["events"])) == []


def test_a_fhir_capability_has_to_stay() -> None:
    resource = {"type": "Observation", "interaction": [{"code": "create"}], "searchParam": [{"name": "identifier"}]}
    statement = {"rest": [{"interaction": [{"code": "batch"}], "resource": [resource]}]}
    assert compat.capabilities(statement, statement) == []
    assert compat.capabilities(statement, {"rest": [{"resource": [{"type": "Observation"}]}]}) == [
        "Observation create: the capability is gone",
        "Observation?identifier=: the capability is gone",
        "system batch: the capability is gone",
    ]


ORS: Final = "ors adult"
LOSING: Final[dict[str, tuple[Callable[[measures.Taken], object], str]]] = {
    "an instrument is gone": (lambda new: new.pop(ORS), "the instrument is gone"),
    "somebody no longer fills it in": (lambda new: new[ORS]["respondents"].clear(), "no longer fills it in"),
    "an item more has to be sent": (lambda new: new[ORS]["items"].append("more"), "other items make up the total"),
    "a scale is gone": (lambda new: new[ORS]["scales"].pop("total"), "the scale total is gone"),
    "a range is narrower": (lambda new: new[ORS]["scales"]["total"].update(maximum=39), "takes fewer scores"),
    "a step is coarser": (lambda new: new[ORS]["scales"]["total"].update(step=0.5), "takes fewer scores"),
    "steps are counted from elsewhere": (
        lambda new: new[ORS]["scales"]["total"].update(minimum=-0.05),
        "takes fewer scores",
    ),
}


@pytest.mark.parametrize("change, complaint", LOSING.values(), ids=LOSING)
def test_a_score_that_was_taken_has_to_be_taken(change: Callable[[measures.Taken], object], complaint: str) -> None:
    taken = measures.taken()
    assert taken[ORS]["scales"]["total"] == {"minimum": 0, "maximum": 40, "step": 0.1}
    change(taken)
    assert any(complaint in one for one in measures.refused(measures.taken(), taken))


def test_an_instrument_more_and_a_scale_that_is_wider_or_finer_lose_no_score() -> None:
    taken = measures.taken()
    taken["new 1"] = taken[ORS]
    taken[ORS]["scales"]["total"].update(maximum=41, step=0.05)
    assert measures.refused(measures.taken(), taken) == []
    taken[ORS]["scales"]["total"].update(step=None)
    assert measures.refused(measures.taken(), taken) == []


def test_a_schema_that_refers_to_itself_is_compared_once() -> None:
    document: Document = {
        "node": {"type": "object", "properties": {"next": {"$ref": "#/node"}, "size": {"type": "integer"}}}
    }
    other = copy.deepcopy(document)
    start = {"$ref": "#/node"}
    assert differences(Side(start, document), Side(start, other), old_is_inner=True) == []
    other["node"]["properties"]["size"]["type"] = "string"
    assert differences(Side(start, document), Side(start, other), old_is_inner=True) == [
        "/size: type integer is not allowed"
    ]
