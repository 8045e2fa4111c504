"""The committed schemas: up to date, closed, and of one mind with the models."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator  # type: ignore[import-untyped]  # jsonschema ships no types

from contracts.events import EVENT_TYPES
from contracts.generate import SCHEMAS, differing, main, write

Sample = Callable[[str], dict[str, Any]]


def committed(event_type: str) -> Any:
    return json.loads((SCHEMAS / f"{event_type}.json").read_text("utf-8"))


def accepts(event_type: str, document: object) -> bool:
    return bool(Draft202012Validator(committed(event_type)).is_valid(document))


def objects(schema: object) -> Iterator[dict[str, Any]]:
    """Every part of a schema that describes an object."""
    if isinstance(schema, dict):
        if schema.get("type") == "object" or "properties" in schema:
            yield schema
        for inner in schema.values():
            yield from objects(inner)
    elif isinstance(schema, list):
        for inner in schema:
            yield from objects(inner)


def test_the_committed_schemas_are_those_of_the_models() -> None:
    assert differing(SCHEMAS) == []
    assert main(["--check"]) is None


def test_the_check_names_what_is_missing_out_of_date_and_left_over(tmp_path: Path) -> None:
    write(tmp_path)
    (tmp_path / "resonance.case.closed.v1.json").unlink()
    (tmp_path / "resonance.case.opened.v1.json").write_text("{}")
    (tmp_path / "resonance.case.forgotten.v1.json").write_text("{}")
    assert differing(tmp_path) == [
        "resonance.case.closed.v1.json",
        "resonance.case.forgotten.v1.json",
        "resonance.case.opened.v1.json",
    ]


def test_the_command_writes_the_missing_and_removes_the_left_over(tmp_path: Path, monkeypatch: Any) -> None:
    monkeypatch.setattr("contracts.generate.SCHEMAS", tmp_path)
    (tmp_path / "resonance.case.forgotten.v1.json").write_text("{}")
    complaint = main(["--check"])
    assert complaint is not None
    assert "resonance.case.forgotten.v1.json" in complaint
    assert main([]) is None
    assert main(["--check"]) is None


@pytest.mark.parametrize("event_type", EVENT_TYPES)
def test_a_schema_is_valid_and_says_what_it_is(event_type: str) -> None:
    schema = committed(event_type)
    Draft202012Validator.check_schema(schema)
    assert schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    assert schema["$id"] == f"urn:resonance:schema:{event_type}"


@pytest.mark.parametrize("event_type", EVENT_TYPES)
def test_every_object_of_a_schema_is_closed(event_type: str) -> None:
    found = list(objects(committed(event_type)))
    assert len(found) >= 2  # the envelope and its payload
    assert [part.get("additionalProperties") for part in found] == [False] * len(found)


@pytest.mark.parametrize("event_type", EVENT_TYPES)
def test_a_sample_validates_against_the_schema_of_its_type_and_of_no_other(event_type: str, sample: Sample) -> None:
    document = sample(event_type)
    assert [other for other in EVENT_TYPES if accepts(other, document)] == [event_type]


@pytest.mark.parametrize("event_type", EVENT_TYPES)
@pytest.mark.parametrize("name", ["specversion", "id", "source", "type", "subject", "time", "data"])
def test_a_schema_asks_for_the_attributes_of_the_envelope(event_type: str, name: str, sample: Sample) -> None:
    document = sample(event_type)
    del document[name]
    assert not accepts(event_type, document)


@pytest.mark.parametrize("event_type", EVENT_TYPES)
def test_a_schema_asks_for_the_clinic_unless_the_whole_network_is_concerned(event_type: str, sample: Sample) -> None:
    document = sample(event_type)
    of_a_clinic = document | {"rsnclinic": "cl_07"}
    document.pop("rsnclinic", None)
    concerns_all = event_type == "resonance.norms.adopted.v1"
    assert (accepts(event_type, of_a_clinic), accepts(event_type, document)) == (not concerns_all, concerns_all)
