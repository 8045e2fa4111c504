"""Every refusal of the running application is on the audit of its network, told by template, slug and credential."""

from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from contracts.events import canonical
from services.access.credential import SCOPES
from tests.access.test_tenancy import ANOTHER_VERSION, NEEDED, OBJECTS
from tests.access.world import FOREIGN, World
from tests.running import BATCH

CANARY = "CANARY7f3a"


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    found = World(tmp_path_factory.mktemp("world"))
    yield found
    found.close()


def audited(world: World, key: str | None = None) -> list[Mapping[str, Any]]:
    """All that the network's audit has, page by page."""
    items: list[Mapping[str, Any]] = []
    path = "/v1/audit?limit=7"
    while path:
        answer = world.running.get(path, key=key or world.running.key)
        assert answer.status_code == 200
        items += answer.json()["items"]
        path = answer.links.get("next", {}).get("url", "")
    return items


def of_credential(world: World, bearer: str, key: str | None = None) -> dict[tuple[str, str, str], int]:
    """How often this key was refused what, and where."""
    found: dict[tuple[str, str, str], int] = {}
    for item in audited(world, key):
        if item["credential"] == bearer[9:17]:
            what = (item["method"], item["route"], item["problem"])
            found[what] = found.get(what, 0) + item["count"]
    return found


def test_whoever_lacks_a_scope_is_on_the_audit_for_every_place(world: World) -> None:
    for scope in SCOPES:
        bearer = world.key_of(*(one for one in SCOPES if one != scope))
        places = [place for place, needed in NEEDED.items() if needed == scope]
        for place in places:
            world.ask(place, "own", bearer)
        assert of_credential(world, bearer) == {(*place, "insufficient-scope"): 1 for place in places}


def test_whoever_asks_for_what_is_another_s_is_on_the_audit(world: World) -> None:
    bearer = world.key_of(*SCOPES)
    expected: dict[tuple[str, str, str], int] = {}
    for place, (request, _) in OBJECTS.items():
        for standing in FOREIGN:
            answer = world.ask(place, standing, bearer, headers=ANOTHER_VERSION, **request)
            if answer.status_code in {403, 404}:
                what = (*place, answer.json()["type"].rpartition("/")[2] if "type" in answer.json() else "not-found")
                expected[what] = expected.get(what, 0) + 1
    assert len(expected) > 15
    assert of_credential(world, bearer) == expected


def test_each_kind_of_refused_item_of_a_batch_is_on_the_audit_once_with_its_count(world: World) -> None:
    bearer = world.key_of("events:write")
    for number in range(3):
        world.running.post(world._story(f"ca_batch{number}", "cl_other")[:1], key=bearer)
    events = [*world._story("ca_batch8", "cl_other")[:4], *world._story("ca_batch9", "cl_own")[:2]]
    assert world.running.post(events, key=bearer).json()["rejected"] == 4
    world.ask(("POST", "/v1/events"), "own", bearer, content=b"[{}]", headers={"Content-Type": BATCH})
    assert of_credential(world, bearer) == {("POST", "/v1/events", "clinic-not-allowed"): 7}


def test_lines_of_an_import_that_are_refused_for_their_clinic_are_on_the_audit(world: World) -> None:
    bearer = world.key_of("imports:write")
    lines = b"\n".join(map(canonical, world._story("ca_lines1", "cl_other")[:3]))
    kind = {"Content-Type": "application/x-ndjson"}
    answer = world.ask(("POST", "/v1/imports"), "own", bearer, content=lines, headers=kind)
    assert answer.json()["rejected"] == 3
    assert of_credential(world, bearer) == {("POST", "/v1/imports", "clinic-not-allowed"): 3}


def test_a_single_event_that_is_refused_for_its_clinic_is_on_the_audit(world: World) -> None:
    bearer = world.key_of("events:write")
    [event] = world._story("ca_single1", "cl_other")[:1]
    kind = {"Content-Type": "application/cloudevents+json"}
    for path in ("/v1/events", "/v1/events/validate"):
        assert world.ask(("POST", path), "own", bearer, content=canonical(event), headers=kind).status_code == 403
    assert of_credential(world, bearer) == {
        ("POST", "/v1/events", "clinic-not-allowed"): 1,
        ("POST", "/v1/events/validate", "clinic-not-allowed"): 1,
    }


def test_each_network_reads_its_own_audit_alone(world: World) -> None:
    bearer = world.running.create_key("read", network="south")
    world.ask(("GET", "/v1/feed"), "own", bearer)
    assert of_credential(world, bearer, world.south_key) == {("GET", "/v1/feed", "insufficient-scope"): 1}
    assert of_credential(world, bearer) == {}


def test_a_client_with_tokens_is_on_the_audit_by_its_id_here(world: World) -> None:
    token = world.token("read", client="an-ehr", registered=("read",))
    world.ask(("GET", "/v1/feed"), "own", token)
    last = audited(world)[-1]
    assert (last["problem"], last["route"]) == ("insufficient-scope", "/v1/feed")
    assert last["credential"] not in {"an-ehr", ""}


def test_nothing_that_a_caller_says_comes_on_the_audit(world: World) -> None:
    bearer = world.key_of("read")
    for method, path in (
        ("GET", f"/v1/{CANARY}"),
        (CANARY, "/v1/feed"),
        (CANARY, f"/{CANARY}"),
        ("GET", f"/v1/cases/ca_{CANARY}/course?{CANARY}={CANARY}"),
        ("GET", f"/v1/events/urn:x:{CANARY}/{CANARY}"),
        ("GET", f"/fhir/Observation/{CANARY}"),
        ("POST", f"/fhir/{CANARY}"),
        ("GET", f"/fhir/{CANARY}/{CANARY}"),
        ("GET", f"/{CANARY}"),
    ):
        for one in (bearer, CANARY, None):
            world.ask((method, path), "own", one, headers={f"X-{CANARY}": CANARY})
    world.running.service._audit.flush(everything=True)
    kept = b"".join(path.read_bytes() for path in world.running.settings.data.glob("keys.db*"))
    assert b"insufficient-scope" in kept
    assert CANARY.encode() not in kept


def test_a_caller_without_a_credential_is_counted_for_the_installation(world: World) -> None:
    for _ in range(5):
        world.ask(("GET", "/v1/feed"), "own", None)
    nameless = world.running.service._audit.after("", 0, 1_000)
    assert sum(one.count for one in nameless if (one.route, one.problem) == ("/v1/feed", "invalid-key")) >= 5
    assert {one.credential for one in nameless} == {""}
