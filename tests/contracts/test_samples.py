"""Golden samples: one event per type that has to be readable for ever."""

import json
from importlib.resources import files
from typing import Any

import pytest

from contracts.events import EVENT_TYPES, canonical, parse
from contracts.instruments import catalogue

SAMPLES = files("contracts") / "samples"
MEASURES = ["resonance.measure.recorded.v1", "resonance.measure.corrected.v1"]


def text(event_type: str) -> str:
    return (SAMPLES / f"{event_type}.json").read_text("utf-8")


def test_there_is_a_sample_of_every_event_type_and_no_other_file() -> None:
    found = {file.name for file in SAMPLES.iterdir() if file.is_file()}
    assert found == {f"{event_type}.json" for event_type in EVENT_TYPES}


@pytest.mark.parametrize("event_type", EVENT_TYPES)
def test_a_sample_is_read_as_its_type(event_type: str) -> None:
    event = parse(text(event_type))
    assert type(event) is EVENT_TYPES[event_type]
    assert event.type == event_type


@pytest.mark.parametrize("event_type", EVENT_TYPES)
def test_a_sample_equals_what_its_canonical_spelling_says(event_type: str) -> None:
    event = parse(text(event_type))
    assert parse(canonical(event)) == event
    assert canonical(parse(canonical(event))) == canonical(event)


@pytest.mark.parametrize("event_type", EVENT_TYPES)
def test_no_field_of_a_sample_is_lost(event_type: str) -> None:
    def shape(value: Any) -> Any:
        match value:
            case dict():
                return {name: shape(inner) for name, inner in value.items()}
            case list():
                return [shape(inner) for inner in value]
            case _:
                return type(value) is str

    sent = json.loads(text(event_type))
    assert shape(json.loads(canonical(parse(text(event_type))))) == shape(sent)


@pytest.mark.parametrize("event_type", EVENT_TYPES)
def test_a_sample_shows_every_field_of_its_payload(event_type: str) -> None:
    payload = parse(text(event_type)).data
    assert payload.model_fields_set == set(type(payload).model_fields)


def test_the_ids_of_the_samples_differ() -> None:
    keys = [parse(text(event_type)).key for event_type in EVENT_TYPES]
    assert len(set(keys)) == len(keys)


@pytest.mark.parametrize("event_type", MEASURES)
def test_the_scores_of_a_sample_fit_its_instrument(event_type: str) -> None:
    data = json.loads(text(event_type))["data"]
    instrument = catalogue()[data["instrument"]["key"], data["instrument"]["version"]]
    scales = {scale.name: scale for scale in (instrument.total, *instrument.items)}
    for score in data["scores"]:
        assert scales[score["scale"]].minimum <= score["value"] <= scales[score["scale"]].maximum
