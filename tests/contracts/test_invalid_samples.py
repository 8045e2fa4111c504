"""The samples of what is refused: with the problem and the code in its name, and by the schema where that can tell."""

import json
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any, Final, NamedTuple, get_args

import pytest
from jsonschema import Draft202012Validator, FormatChecker  # type: ignore[import-untyped]  # jsonschema ships no types

from contracts.events import EVENT_TYPES
from contracts.generate import SCHEMAS
from services.access.problems import Slug
from services.ingest.accept import RESERVED
from tests.running import Running

SAMPLES: Final = SCHEMAS.parent / "samples"
INVALID: Final = sorted((SAMPLES / "invalid").glob("*.json"))
SCHEMA_TELLS: Final = frozenset(
    {
        "control_character",
        "date_time",
        "enum",
        "length",
        "missing",
        "pattern",
        "range",
        "timezone_missing",
        "type",
        "unknown_property",
    }
)
"""Codes of faults that a JSON Schema can know of, where it is the event's own."""
ONLY_THE_SERVER_TELLS: Final = frozenset(
    {"scale-not-listed", "score-out-of-range", "unknown-event-type", "unknown-instrument"}
)
NOT_OF_EVENTS: Final = frozenset(
    {
        "address-not-allowed",
        "batch-too-large",
        "body-too-large",
        "idempotency-key-reused",
        "identifier-required",
        "insufficient-scope",
        "internal",
        "invalid-key",
        "invalid-token",
        "issuer-unavailable",
        "method-not-allowed",
        "not-found",
        "precondition-failed",
        "precondition-required",
        "projection-behind",
        "quota-exceeded",
        "request-in-progress",
        "request-refused",
        "storage-unavailable",
        "temporary-reduced-capacity",
        "token-expired",
        "unsupported-media-type",
    }
)
"""Problems of requests, of credentials and of ours: no content of an event of usual size brings them about."""
FORMATS: Final = FormatChecker(formats=["date"])


@FORMATS.checks("date-time", raises=ValueError)  # type: ignore[untyped-decorator]  # jsonschema ships no types
def _instant(value: object) -> bool:
    return not isinstance(value, str) or datetime.fromisoformat(value).tzinfo is not None


class Named(NamedTuple):
    """What a file is named for: the type of the event, the kind of the problem, and the code of the fault."""

    event_type: str
    slug: str
    code: str


def named(path: Path) -> Named:
    *event_type, slug, code = path.stem.split(".")
    return Named(".".join(event_type), slug, code)


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """A Resonance that holds every valid sample, and a key for their clinic and source alone."""
    found = Running(tmp_path_factory.mktemp("samples"), datetime.fromisoformat("2026-12-01T12:00:00Z"))
    found.key = found.create_key("events:write", clinics=["cl_07"], sources=["urn:resonance:source:north-ehr"])
    for event_type in EVENT_TYPES.keys() - RESERVED:
        answer = post(found, (SAMPLES / f"{event_type}.json").read_bytes())
        assert (answer.status_code, answer.json()["status"]) == (201, "accepted"), event_type
    yield found
    found.close()


def post(running: Running, body: bytes) -> Any:
    headers = {"Content-Type": "application/cloudevents+json"}
    return running.ask("POST", "/v1/events", content=body, headers=headers)


@pytest.mark.parametrize("path", INVALID, ids=lambda path: path.stem)
def test_an_invalid_sample_is_refused_with_the_problem_and_the_code_of_its_name(running: Running, path: Path) -> None:
    answer = post(running, path.read_bytes())
    _, slug, code = named(path)
    assert answer.json()["type"] == f"/v1/problems/{slug}"
    assert [fault["code"] for fault in answer.json()["errors"]] == [code]
    assert answer.json()["retryable"] is False


@pytest.mark.parametrize("path", INVALID, ids=lambda path: path.stem)
def test_the_schema_refuses_an_invalid_sample_exactly_where_it_can_tell(path: Path) -> None:
    event_type, slug, code = named(path)
    if slug == "malformed-json":
        return
    event = json.loads(path.read_text("utf-8"))
    schema = json.loads((SCHEMAS / f"{event_type}.json").read_text("utf-8"))
    refused = not Draft202012Validator(schema, format_checker=FORMATS).is_valid(event)
    of_its_type = event["type"] == event_type
    assert refused is (code in SCHEMA_TELLS and (slug not in ONLY_THE_SERVER_TELLS or not of_its_type))


def test_there_is_an_invalid_sample_of_every_type_and_of_every_problem_that_an_event_can_cause() -> None:
    assert {named(path).event_type for path in INVALID} == set(EVENT_TYPES)
    assert {named(path).slug for path in INVALID} == set(get_args(Slug)) - NOT_OF_EVENTS


@pytest.mark.parametrize("event_type", sorted(EVENT_TYPES.keys() - RESERVED))
def test_a_type_that_is_accepted_shows_more_than_one_way_to_be_refused(event_type: str) -> None:
    assert len([path for path in INVALID if named(path).event_type == event_type]) > 1
