"""The document of the HTTP API: the service's own, complete, and such that the generators of others understand it."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import httpx
import pytest
from jsonschema import Draft202012Validator  # type: ignore[import-untyped]  # jsonschema ships no types

from services.access.credential import SCOPES
from services.access.problems import KINDS
from services.openapi.document import tag_of
from tests.running import Running
from tools import openapi
from tools.compat import CONTRACTS, OPENAPI, read

DOCUMENT: Final[dict[str, Any]] = read(CONTRACTS / OPENAPI)
OPERATIONS: Final[dict[str, dict[str, Any]]] = {
    f"{method.upper()} {path}": operation
    for path, operations in DOCUMENT["paths"].items()
    for method, operation in operations.items()
}
NEVER_BY_AN_OPERATION: Final = frozenset({"method-not-allowed"})
"""What only a request that is no operation's meets."""


def parts(value: Any) -> Iterator[dict[str, Any]]:
    if isinstance(value, dict):
        yield value
        for inner in value.values():
            yield from parts(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from parts(inner)


def resolved(reference: str) -> Any:
    part: Any = DOCUMENT
    for step in reference.removeprefix("#/").split("/"):
        part = part[step]
    return part


def reached(value: Any) -> Iterator[dict[str, Any]]:
    """Every schema that ``value`` holds or leads to."""
    seen: set[str] = set()
    waiting = [value]
    while waiting:
        for part in parts(waiting.pop()):
            yield part
            reference = part.get("$ref", "")
            if reference.startswith("#/components/schemas/") and reference not in seen:
                seen.add(reference)
                waiting.append(resolved(reference))


def test_the_committed_document_is_that_of_the_service(tmp_path: Path) -> None:
    assert openapi.main(["--check"]) is None
    running = Running(tmp_path)
    answer = running.run(asked(running, "/openapi.json"))
    running.close()
    assert answer.json() == DOCUMENT


async def asked(running: Running, path: str) -> httpx.Response:
    return await running.client.get(path)


def test_the_check_tells_how_to_write_a_document_that_is_missing_or_out_of_date(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(openapi, "DOCUMENT", tmp_path / "openapi" / "v1.json")
    complaint = "out of date: v1.json; python -m tools.openapi writes it"
    assert openapi.main(["--check"]) == complaint
    assert openapi.main([]) is None
    assert openapi.main(["--check"]) is None
    openapi.DOCUMENT.write_text("{}")
    assert openapi.main(["--check"]) == complaint


def test_every_reference_leads_somewhere_and_every_component_is_referred_to() -> None:
    references = set(re.findall(r'"(#/components/[^"]+)"', json.dumps(DOCUMENT)))
    for reference in references:
        assert resolved(reference)
    listed = {
        f"#/components/{section}/{name}"
        for section, entries in DOCUMENT["components"].items()
        for name in entries
        if section != "securitySchemes"
    }
    assert listed == references


def test_every_operation_has_a_name_of_its_own_a_part_it_belongs_to_and_says_what_it_is_for() -> None:
    names = [operation["operationId"] for operation in OPERATIONS.values()]
    assert len(set(names)) == len(names)
    assert all(re.fullmatch(r"[a-z]+(_[a-z]+)*(_[A-Z][A-Za-z]+)?", name) for name in names)
    tags = {tag["name"] for tag in DOCUMENT["tags"]}
    for operation in OPERATIONS.values():
        assert set(operation["tags"]) <= tags
        assert operation["summary"]
        assert operation["description"]
    assert {tag for operation in OPERATIONS.values() for tag in operation["tags"]} == tags


def test_what_is_described_is_said_in_the_words_of_the_api_and_not_of_its_code() -> None:
    told = [part["description"] for part in parts(DOCUMENT) if isinstance(part.get("description"), str)]
    assert told
    for text in told:
        assert not re.search(r"(?<![-\w])None(?![-\w])|\.py\b|\bservices/", text), text


def test_a_path_that_belongs_to_no_part_is_noticed() -> None:
    with pytest.raises(LookupError, match="/v1/canary"):
        tag_of("/v1/canary")


@pytest.mark.parametrize("operation", OPERATIONS.values(), ids=OPERATIONS)
def test_an_operation_says_which_scope_it_needs_of_a_key_and_of_a_token_or_that_it_needs_none(
    operation: dict[str, Any],
) -> None:
    schemes = [name for one in operation["security"] for name in one]
    assert schemes == [] or schemes[:2] == ["apiKey", "token"]
    scopes = {scope for one in operation["security"] for scope in one.get("apiKey", [])}
    assert scopes <= set(SCOPES)
    assert bool(scopes) == bool(schemes)
    assert {"401", "403"}.isdisjoint(operation["responses"]) is not bool(schemes)


@pytest.mark.parametrize("operation", OPERATIONS.values(), ids=OPERATIONS)
def test_every_refusal_of_an_operation_names_its_problems_and_shows_one(operation: dict[str, Any]) -> None:
    refusals = {int(status): answer for status, answer in operation["responses"].items() if status >= "400"}
    assert 500 in refusals
    kinds = {str(slug): kind for slug, kind in KINDS.items()}
    for status, answer in refusals.items():
        assert {kinds[slug].status for slug in answer["x-problems"]} == {status}
        assert all(kinds[slug].title in answer["description"] for slug in answer["x-problems"])
        [content] = answer["content"].values()
        assert set(content["examples"]) <= set(answer["x-problems"])
        schema = content["schema"] | {"components": DOCUMENT["components"]}
        for example in content["examples"].values():
            value = resolved(example["$ref"])["value"]
            assert Draft202012Validator(schema).is_valid(value)


def test_every_problem_that_there_is_is_answered_by_some_operation() -> None:
    named = {
        slug
        for operation in OPERATIONS.values()
        for answer in operation["responses"].values()
        for slug in answer.get("x-problems", [])
    }
    assert named == set(KINDS) - NEVER_BY_AN_OPERATION


@pytest.mark.parametrize("operation", OPERATIONS.values(), ids=OPERATIONS)
def test_what_is_sent_and_may_be_left_out_is_never_null(operation: dict[str, Any]) -> None:
    sent = [operation.get("requestBody", {}), operation.get("parameters", [])]
    for part in reached(sent):
        assert {"type": "null"} not in part.get("anyOf", [])
        assert not (isinstance(part.get("type"), list) and "null" in part["type"])


def test_the_events_are_one_flat_union_by_their_type() -> None:
    event = DOCUMENT["components"]["schemas"]["Event"]
    mapping = event["discriminator"]["mapping"]
    assert sorted(one["$ref"] for one in event["oneOf"]) == sorted(mapping.values())
    for event_type, reference in mapping.items():
        schema = resolved(reference)
        assert schema["properties"]["type"]["const"] == event_type
        assert not {"oneOf", "anyOf", "allOf"} & schema.keys()


def test_every_event_that_may_be_posted_is_shown_by_an_example() -> None:
    content = OPERATIONS["POST /v1/events"]["requestBody"]["content"]["application/cloudevents+json"]
    assert content["examples"].keys() == DOCUMENT["components"]["schemas"]["Event"]["discriminator"]["mapping"].keys()


def test_a_document_says_the_same_each_time_it_is_asked_for(tmp_path: Path) -> None:
    running = Running(tmp_path)
    first, second = (json.dumps(running.service.framework.openapi()) for _ in range(2))
    running.close()
    assert first == second
