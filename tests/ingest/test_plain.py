"""The short way to an event leads to the same event as the exact one, or nowhere; and what is usual takes it."""

import json
from importlib.resources import files
from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.events import EVENT_TYPES
from services.access.strict import read_array, read_item
from services.ingest.accept import EVENT_LIMIT, exact
from services.ingest.plain import plain_event, plain_events
from tests.bent import bent
from tests.ingest.conftest import measured, told
from tests.ingest.hostile import HOSTILE, RENEGOTIATED

SAMPLES: list[dict[str, Any]] = [
    json.loads(files("contracts").joinpath("samples", f"{name}.json").read_bytes()) for name in EVENT_TYPES
]
TALKED = told("preference.recorded", {"kind": "preference", "domain": "activity", "activity": {"warm_support": 3}})
USUAL = [
    *(
        sample
        for sample in SAMPLES
        if sample["type"] != "resonance.norms.adopted.v1" and "evidence" not in sample["data"]
    ),
    TALKED,
    measured(scores=[{"scale": name, "value": 4} for name in ("individual", "interpersonal", "social", "overall")]),
]
SPACED, NARROW, AIRY = (", ", ": "), (",", ":"), (", ", " : ")


def spelt(value: object, separators: tuple[str, str] = NARROW) -> bytes:
    return json.dumps(value, separators=separators).encode()


@pytest.mark.parametrize("event", USUAL, ids=lambda event: event["type"])
@pytest.mark.parametrize("separators", [NARROW, SPACED], ids=["narrow", "spaced"])
def test_what_is_usual_takes_the_short_way(event: dict[str, Any], separators: tuple[str, str]) -> None:
    body = spelt(event, separators)
    assert plain_event(body, EVENT_LIMIT) == exact(read_item(body))
    assert plain_events(spelt([event] * 3, separators), EVENT_LIMIT) == [exact(read_item(body))] * 3


def test_line_breaks_and_letters_of_any_script_in_a_statement_take_the_short_way() -> None:
    event = RENEGOTIATED | {"data": RENEGOTIATED["data"] | {"statement": "one\ntwo: größer, 更大"}}
    assert plain_event(spelt(event), EVENT_LIMIT) is not None
    assert plain_event(json.dumps(event, ensure_ascii=False).encode(), EVENT_LIMIT) is not None


@pytest.mark.parametrize("place", ["", "data", "instrument", "score"])
@pytest.mark.parametrize("gap", ["", " ", "\n", "\r\n\t"])
def test_a_name_twice_never_takes_the_short_way(place: str, gap: str) -> None:
    text = spelt(measured()).decode()
    beside = {"": '"id"', "data": '"measurement_ref"', "instrument": '"key"', "score": '"value"'}[place]
    value = text.partition(beside + ":")[2].split(",")[0].split("}")[0]
    twice = text.replace(beside + ":", f"{beside}{gap}:{value},{beside}{gap}:").encode()
    assert json.loads(twice) == measured()
    assert plain_event(twice, EVENT_LIMIT) is None
    assert plain_events(b"[%s]" % twice, EVENT_LIMIT) is None


def test_a_text_that_looks_like_a_name_hides_none() -> None:
    """The mark that ends the name and the one that begins the text are told apart by an exact look only."""
    for statement in ('said "id": and left', '":', ":", "specversion", '"specversion":'):
        event = RENEGOTIATED | {"data": RENEGOTIATED["data"] | {"statement": statement}}
        twice = spelt(event).replace(b'"data":', b'"id":"other","data":')
        assert plain_event(twice, EVENT_LIMIT) is None


@pytest.mark.parametrize("number", [1, 2, 300])
def test_an_event_above_the_limit_never_takes_the_short_way(number: int) -> None:
    for place in range(0, number, 50):
        events = [spelt(measured(each)) for each in range(number)]
        events[place] = events[place].replace(b'"time"', b" " * EVENT_LIMIT + b'"time"')
        assert plain_events(b"[%s]" % b",".join(events), EVENT_LIMIT) is None
        events[place] = events[place].replace(b" " * EVENT_LIMIT, b" " * 20_000)
        found = plain_events(b"[%s]" % b",".join(events), EVENT_LIMIT)
        assert found is None or len(found) == number


def test_what_is_hostile_takes_the_short_way_only_to_the_same_event() -> None:
    for hostile in HOSTILE:
        found = plain_event(hostile.body, EVENT_LIMIT)
        assert found is None or found == exact(read_item(hostile.body)), hostile.name


@given(st.integers(0, 2**64 - 1).map(Random), st.sampled_from(SAMPLES))
def test_whatever_is_done_to_an_event_the_short_way_leads_to_no_other(rng: Random, sample: dict[str, Any]) -> None:
    body = bent(sample, rng)
    found = plain_event(body, EVENT_LIMIT)
    assert found is None or found == exact(read_item(body))


@given(st.integers(0, 2**64 - 1).map(Random), st.lists(st.sampled_from(SAMPLES), max_size=5))
def test_whatever_is_done_to_a_batch_the_short_way_leads_to_no_other(
    rng: Random, samples: list[dict[str, Any]]
) -> None:
    body = bent(samples, rng)
    found = plain_events(body, EVENT_LIMIT)
    assert found is None or list(found) == [exact(item) for item in read_array(body, 100)]
