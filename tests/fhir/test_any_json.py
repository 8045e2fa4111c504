"""Whatever JSON comes, it is translated, set aside or refused; nothing else happens, and nothing of it comes back."""

import json
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from services.access.problems import Problem, Refused
from services.fhir.context import Discarded, Translated
from services.fhir.parsing import SUPPORTED
from services.fhir.references import name_of
from services.fhir.render import render
from services.fhir.translate import translate
from tests.fhir.sent import Known, appointment, care_team, encounter, episode, observation, response

CANARY = "Canary-7291"
WHOLE = [observation(), response(), encounter(), appointment(), episode(), care_team()]
NAMES = sorted(
    {name for resource in WHOLE for name in resource}
    | {"valueQuantity", "valueString", "hasMember", "component", "extension", "contained", "meta", "length", "text"}
    | {
        "_status",
        "reference",
        "coding",
        "code",
        "system",
        "value",
        "start",
        "end",
        "unit",
        "item",
        "answer",
        "linkId",
        CANARY,
    }
)
leaves = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False)
    | st.text(max_size=8)
    | st.sampled_from([CANARY, "2026-03-02", "9999-12-31T23:59:59-14:00", "0001-01-01T00:00:00+14:00", "12", 10**400])
    | st.sampled_from(["Patient/1", "Organization/cl-07", "final", "active", "finished", "urn:north:ehr", "{score}"])
)
anything = st.recursive(
    leaves,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(NAMES), inner, max_size=4),
    max_leaves=12,
)


def places(value: Any, place: tuple[str | int, ...] = ()) -> list[tuple[str | int, ...]]:
    found = [place] if place else []
    entries = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for step, inner in entries:
        found += places(inner, (*place, step))
    return found


def outcome(resource: Any) -> Translated | Discarded | Problem:
    try:
        return translate(resource, Known().context())
    except Refused as refused:
        return refused.problem


def settled(resource: Any) -> None:
    before = json.dumps(resource)
    found = outcome(resource)
    if isinstance(found, Problem):
        assert CANARY not in json.dumps(found.document())
    elif isinstance(found, Translated):
        render(found.events, resource["resourceType"], 1)
    name_of(resource)
    assert json.dumps(resource) == before


@settings(deadline=None, max_examples=400)
@given(
    st.dictionaries(st.sampled_from(NAMES), anything, max_size=6),
    st.sampled_from([*sorted(SUPPORTED), "Patient", CANARY]),
)
def test_any_object_that_says_it_is_a_resource_is_settled(resource: dict[str, Any], kind: str) -> None:
    settled(resource | {"resourceType": kind})


@settings(deadline=None, max_examples=400)
@given(st.data())
def test_a_whole_resource_with_anything_in_one_place_is_settled(data: st.DataObject) -> None:
    resource = json.loads(json.dumps(data.draw(st.sampled_from(WHOLE))))
    *way, last = data.draw(st.sampled_from(places(resource)))
    target = resource
    for step in way:
        target = target[step]
    target[last] = data.draw(anything)
    settled(resource)


def test_a_type_that_is_none_is_settled() -> None:
    kinds: list[Any] = [None, 1, [], {}]
    for kind in kinds:
        settled({"resourceType": kind})
    settled({})


def test_nesting_without_end_is_settled() -> None:
    resource = response()
    deep: dict[str, Any] = {"linkId": "1"}
    for _ in range(400):
        deep = {"linkId": "1", "item": [deep]}
    settled(resource | {"item": [deep]})
    contained = {"contained": [{"resourceType": CANARY}]}
    settled(observation() | contained)
