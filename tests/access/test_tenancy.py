"""Whoever asks: at every place, with every scope and none, for what is their own and what is not.

The places are those of the running application: one that is new and not in these tables makes a test fail.
"""

from collections.abc import Iterator, Mapping
from typing import Any, Final

import pytest

from services.access.credential import SCOPES, Scope
from services.fhir.parsing import SUPPORTED
from tests.access.world import FOREIGN, STANDINGS, THERAPIST, Place, Standing, World, routes_of

NEEDED: Final[Mapping[Place, Scope]] = {
    ("POST", "/v1/events"): "events:write",
    ("POST", "/v1/events/validate"): "events:write",
    ("GET", "/v1/events"): "events:read",
    ("GET", "/v1/events/{source}/{id}"): "events:read",
    ("GET", "/v1/pending"): "events:read",
    ("POST", "/v1/imports"): "imports:write",
    ("GET", "/v1/imports/{name}"): "imports:write",
    ("GET", "/v1/imports/{name}/errors"): "imports:write",
    ("GET", "/v1/cases/{ref}/course"): "read",
    ("GET", "/v1/cases/{ref}/decision"): "read",
    ("GET", "/v1/therapists"): "read",
    ("GET", "/v1/therapists/{ref}"): "read",
    ("PUT", "/v1/therapists/{ref}"): "registry:manage",
    ("GET", "/v1/therapists/{ref}/caseload"): "read",
    ("GET", "/v1/therapists/{ref}/summary"): "read",
    ("GET", "/v1/network/followed"): "read",
    ("GET", "/v1/feed"): "feed:read",
    ("GET", "/v1/alerts/{ref}"): "alerts:read",
    ("GET", "/v1/webhook-endpoints"): "webhooks:manage",
    ("POST", "/v1/webhook-endpoints"): "webhooks:manage",
    ("GET", "/v1/webhook-endpoints/{endpoint_id}"): "webhooks:manage",
    ("PUT", "/v1/webhook-endpoints/{endpoint_id}"): "webhooks:manage",
    ("DELETE", "/v1/webhook-endpoints/{endpoint_id}"): "webhooks:manage",
    ("POST", "/v1/webhook-endpoints/{endpoint_id}/rotate"): "webhooks:manage",
    ("GET", "/v1/webhook-endpoints/{endpoint_id}/deliveries"): "webhooks:manage",
    ("POST", "/v1/webhook-endpoints/{endpoint_id}/deliveries/{delivery_id}/redeliver"): "webhooks:manage",
    ("GET", "/v1/test/clock"): "events:write",
    ("POST", "/v1/test/clock"): "events:write",
    ("GET", "/v1/test/outbox"): "events:write",
    ("GET", "/v1/test/magic"): "events:write",
    ("GET", "/v1/audit"): "audit:read",
    **{("POST", f"/fhir/{kind}"): "events:write" for kind in sorted(SUPPORTED)},
    **{("GET", f"/fhir/{kind}"): "events:read" for kind in sorted(SUPPORTED)},
    **{("GET", f"/fhir/{kind}/{{id}}"): "events:read" for kind in sorted(SUPPORTED)},
}
"""The scope that each place asks for."""
BUNDLE: Final = ("POST", "/fhir")
"""A bundle has no scope of its own: each of its entries has."""
PUBLIC: Final = {
    ("GET", "/openapi.json"),
    ("GET", "/v1/instruments"),
    ("GET", "/v1/event-types"),
    ("GET", "/v1/event-types/{type}"),
    ("GET", "/v1/problems"),
    ("GET", "/v1/problems/{slug}"),
    ("GET", "/fhir/metadata"),
    ("GET", "/fhir/.well-known/smart-configuration"),
    ("GET", "/healthz"),
    ("GET", "/readyz"),
    ("GET", "/metrics"),
}
OBJECTS: Final[Mapping[Place, tuple[Any, int]]] = {
    ("GET", "/v1/events/{source}/{id}"): ({}, 200),
    ("GET", "/v1/imports/{name}"): ({}, 200),
    ("GET", "/v1/imports/{name}/errors"): ({}, 200),
    ("GET", "/v1/cases/{ref}/course"): ({}, 200),
    ("GET", "/v1/cases/{ref}/decision"): ({}, 200),
    ("GET", "/v1/therapists/{ref}"): ({}, 200),
    ("GET", "/v1/therapists/{ref}/caseload"): ({}, 200),
    ("GET", "/v1/therapists/{ref}/summary"): ({}, 403),  # spans clinics: for nobody who has some of them only
    ("GET", "/v1/alerts/{ref}"): ({}, 200),
    ("GET", "/v1/webhook-endpoints/{endpoint_id}"): ({}, 200),
    ("PUT", "/v1/webhook-endpoints/{endpoint_id}"): ({"json": {"url": "http://127.0.0.1:9/hook"}}, 412),
    ("DELETE", "/v1/webhook-endpoints/{endpoint_id}"): ({}, 412),
    ("POST", "/v1/webhook-endpoints/{endpoint_id}/rotate"): ({}, 412),
    ("GET", "/v1/webhook-endpoints/{endpoint_id}/deliveries"): ({}, 200),
    ("POST", "/v1/webhook-endpoints/{endpoint_id}/deliveries/{delivery_id}/redeliver"): ({}, 404),
    **{
        ("GET", f"/fhir/{kind}/{{id}}"): ({}, 200 if kind in {"Observation", "QuestionnaireResponse"} else 404)
        for kind in sorted(SUPPORTED)
    },
}
"""What is asked for one thing, with what it takes, and the status where it is one's own."""
ANOTHER_VERSION: Final = {"If-Match": '"0"'}


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    found = World(tmp_path_factory.mktemp("world"))
    yield found
    found.close()


def named(place: Place) -> str:
    return " ".join(place)


def scopes_without(scope: str) -> list[Scope]:
    return [one for one in SCOPES if one != scope]


def test_every_place_of_the_running_application_stands_in_a_table_here(world: World) -> None:
    document = world.framework.openapi()["paths"]
    described = {(method.upper(), path) for path, methods in document.items() for method in methods}
    served = {
        (method, path.replace(":path}", "}"))
        for (method, path), kind in routes_of(world.framework)
        if kind != "PageRoute"  # which asks for the session of a therapist: see tests/pages/test_rights.py
    }
    assert described | served == NEEDED.keys() | PUBLIC | {BUNDLE}
    with_a_part = {place for place in NEEDED if "{" in place[1]} - {("PUT", "/v1/therapists/{ref}")}
    assert with_a_part == OBJECTS.keys()


@pytest.mark.parametrize("place", [*NEEDED, BUNDLE], ids=named)
def test_nobody_is_let_in_without_a_credential(world: World, place: Place) -> None:
    answer = world.ask(place, "own", None)
    assert answer.status_code == 401
    assert answer.headers["WWW-Authenticate"].startswith("Bearer")


@pytest.mark.parametrize("place", [*NEEDED, BUNDLE], ids=named)
def test_a_credential_that_is_none_is_told_nothing_more(world: World, place: Place) -> None:
    nobody = world.told(world.ask(place, "own", None), "own")
    live = world.key
    changed = live[:-8] + ("a" if live[-8] != "a" else "b") + live[-7:]
    for wrong in (changed, "rsn_live_", "CANARY7f3a"):
        assert world.told(world.ask(place, "own", wrong), "own") == nobody
    for wrong in ("a.b.c", world.token("read")[:-6] + "AAAAAA"):
        answer = world.ask(place, "own", wrong)
        assert answer.status_code == 401
        assert 'error="invalid_token"' in answer.headers["WWW-Authenticate"]


@pytest.mark.parametrize("place", NEEDED, ids=named)
def test_every_scope_but_the_one_that_is_needed_opens_nothing(world: World, place: Place) -> None:
    lacking = scopes_without(NEEDED[place])
    for bearer in (world.key_of(*lacking), world.token(*SCOPES, registered=tuple(lacking)), world.token(*lacking)):
        for standing in STANDINGS:
            answer = world.ask(place, standing, bearer)
            assert answer.status_code == 403
            assert 'error="insufficient_scope"' in answer.headers["WWW-Authenticate"]


@pytest.mark.parametrize("place", NEEDED, ids=named)
def test_the_scope_that_is_needed_opens_by_itself(world: World, place: Place) -> None:
    scope = NEEDED[place]
    for bearer in (world.key_of(scope), world.token(scope, registered=(scope,)), world.token(scope)):
        answer = world.ask(place, "unknown", bearer, headers=ANOTHER_VERSION)
        assert answer.status_code != 401
        assert "insufficient_scope" not in answer.headers.get("WWW-Authenticate", "")


def test_smart_s_scopes_open_their_own_kind_of_resource_alone(world: World) -> None:
    creator = world.token("system/Observation.c", registered=("system/*.cruds",))
    assert world.ask(("POST", "/fhir/Observation"), "own", creator).status_code not in {401, 403}
    assert world.ask(("POST", "/fhir/Encounter"), "own", creator).status_code == 403
    assert world.ask(("GET", "/fhir/Observation/{id}"), "own", creator).status_code == 403
    assert world.ask(("POST", "/v1/events"), "own", creator).status_code == 403


@pytest.mark.parametrize("place", OBJECTS, ids=named)
def test_what_is_another_s_is_answered_as_what_is_not_there(world: World, place: Place) -> None:
    request, own = OBJECTS[place]
    for bearer in (world.key, world.token(*SCOPES)):
        found = {
            standing: world.told(world.ask(place, standing, bearer, headers=ANOTHER_VERSION, **request), standing)
            for standing in STANDINGS
        }
        if "/imports/" in place[1] and bearer != world.key:
            own = 404  # an import is its own credential's
        assert found["own"][0] == own
        for standing in FOREIGN:
            assert found[standing] == found["unknown"]


@pytest.mark.parametrize("place", OBJECTS, ids=named)
def test_for_a_credential_of_the_whole_network_the_other_network_is_not_there(world: World, place: Place) -> None:
    request, _ = OBJECTS[place]
    found = {
        standing: world.told(
            world.ask(place, standing, world.running.key, headers=ANOTHER_VERSION, **request), standing
        )
        for standing in ("of another network", "unknown")
    }
    assert found["of another network"] == found["unknown"]


@pytest.mark.parametrize("place", [place for place in NEEDED if place[0] == "GET" and "{" not in place[1]], ids=named)
def test_a_list_names_nothing_that_is_another_s(world: World, place: Place) -> None:
    for bearer in (world.key, world.token(*SCOPES)):
        answer = world.ask(place, "own", bearer)
        for standing in ("of another clinic", "of another network"):
            theirs = {world.values[standing][part] for part in ("case", "therapist", "alert", "endpoint_id", "name")}
            assert [one for one in theirs if one in answer.text] == []


def test_a_list_names_what_is_one_s_own(world: World) -> None:
    own = world.values["own"]
    for path, name in (
        ("/v1/events?limit=100", own["event"]),
        ("/v1/feed?limit=100", own["alert"]),
        ("/v1/therapists", own["therapist"]),
        ("/v1/webhook-endpoints", own["endpoint_id"]),
    ):
        assert name in world.ask(("GET", path), "own", world.key).text


def test_events_of_another_source_are_not_there_either(world: World) -> None:
    elsewhere = world.running.create_key("events:read", sources=["urn:resonance:source:elsewhere"])
    for place in (("GET", "/v1/events/{source}/{id}"), ("GET", "/fhir/Observation/{id}")):
        own = world.told(world.ask(place, "own", elsewhere), "own")
        unknown = world.told(world.ask(place, "unknown", elsewhere), "unknown")
        assert own == unknown
        assert own[0] == 404


def entered(world: World, standing: Standing, clinic: str) -> int:
    answer = world.ask(
        ("PUT", "/v1/therapists/{ref}"), standing, world.key, json=THERAPIST | {"clinic": clinic}
    )  # fmt: skip
    return answer.status_code


def test_an_entry_is_made_and_changed_for_one_s_own_clinic_alone(world: World) -> None:
    assert entered(world, "own", "cl_own") == 200
    assert entered(world, "own", "cl_other") == 403
    assert entered(world, "of another clinic", "cl_own") == 403
    assert entered(world, "of another network", "cl_own") == entered(world, "unknown", "cl_own") == 201
    theirs = world.running.get(f"/v1/therapists/{world.values['of another network']['therapist']}", key=world.south_key)
    assert theirs.json()["clinic"] == "cl_own"


def test_events_for_another_clinic_or_source_are_refused_one_by_one(world: World) -> None:
    other = world._story("ca_own77", "cl_other")[:1]
    own = world._story("ca_own78", "cl_own")[:1]
    for bearer in (world.key, world.token(*SCOPES)):
        answer = world.running.post([*own, *other], key=bearer)
        assert answer.status_code == 207
        first, second = answer.json()["results"]
        assert first["status"] in {"accepted", "duplicate"}
        assert (second["http_status"], second["problem"]["type"]) == (403, "/v1/problems/clinic-not-allowed")


def test_the_same_event_of_two_networks_is_kept_in_both_and_seen_by_its_own(world: World) -> None:
    events = world._story("ca_twice1", "cl_own")[:2]
    first, second = (world.running.post(events, key=key) for key in (world.key, world.south_key))
    assert [answer.json()["accepted"] for answer in (first, second)] == [2, 2]
    place = f"/v1/events/urn%3Aresonance%3Asource%3Atest/{events[1].id}"
    positions = [world.running.get(place, key=key).json()["rsnposition"] for key in (world.key, world.south_key)]
    assert positions[0] != positions[1]
