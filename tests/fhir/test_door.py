"""The FHIR door as a record system meets it: what is created, found, refused, and what every answer looks like."""

import gzip
import json
from typing import Any

import pytest

from services.fhir.http import RESOURCE_LIMIT
from tests.fhir.conftest import FHIR, Door, Issue, issues
from tests.fhir.sent import (
    SOURCE,
    appointment,
    care_team,
    encounter,
    episode,
    identifier,
    observation,
    response,
    without,
)

NAMED = f"identifier={SOURCE}|o-1"


def test_what_is_created_is_told_with_its_place_its_version_and_the_position(door: Door) -> None:
    answer = door.post(observation())

    [event] = door.events()
    assert answer.status_code == 201
    assert answer.headers["location"] == "/fhir/Observation/1"
    assert answer.headers["etag"] == 'W/"1"'
    assert answer.headers["resonance-position"] == "1"
    assert answer.headers["content-type"] == FHIR
    assert (event.source, event.id) == (SOURCE, "o-1")
    assert event.rsnclinic == "cl_07"


def test_what_is_sent_again_is_there_already(door: Door) -> None:
    first, again = door.post(observation()), door.post(observation(note=[{"text": "said differently"}]))

    assert (first.status_code, again.status_code) == (201, 200)
    assert again.headers["location"] == first.headers["location"]
    assert again.json() == first.json()
    assert len(door.events()) == 1


def test_another_resource_of_the_same_identity_is_a_conflict(door: Door) -> None:
    door.post(observation())

    answer = door.post(observation(valueInteger=13))

    assert answer.status_code == 409
    assert issues(answer) == [Issue("conflict", "event-id-conflict", "conflict", "Observation.identifier")]
    assert len(door.events()) == 1


@pytest.mark.parametrize(
    "resource",
    [observation(), response(), encounter(), appointment(), episode(), care_team()],
    ids=lambda resource: resource["resourceType"],
)
def test_every_type_can_be_created_read_and_found(door: Door, resource: dict[str, Any]) -> None:
    kind = resource["resourceType"]
    own = resource["identifier"][0] if isinstance(resource["identifier"], list) else resource["identifier"]

    created = door.post(resource)
    again = door.post(resource)
    read = door.ask("GET", created.headers["location"].removeprefix("/fhir"))
    found = door.ask("GET", f"/{kind}", params={"identifier": f"{own['system']}|{own['value']}"})

    assert (created.status_code, again.status_code) == (201, 200)
    assert created.json()["resourceType"] == kind
    assert created.json()["identifier"] == resource["identifier"]
    assert read.status_code == 200
    assert read.headers["etag"] == 'W/"1"'
    assert read.json()["id"] == created.json()["id"]
    assert found.json()["type"] == "searchset"
    assert found.json()["total"] == 1
    assert [entry["resource"] for entry in found.json()["entry"]] == [read.json()]


def test_an_identity_that_nothing_has_is_found_nowhere(door: Door) -> None:
    for asked in (f"{SOURCE}|o-9", "no system", "|", "https://elsewhere.test|o-1"):
        found = door.ask("GET", "/Observation", params={"identifier": asked})
        assert found.json() == {"resourceType": "Bundle", "type": "searchset", "total": 0}


@pytest.mark.parametrize(
    "query",
    [
        "",
        "subject=Patient/1",
        "identifier=a|b,c|d",
        "identifier=a|b&identifier=c|d",
        "_id=1",
        f"identifier=a|b{'&_count=1' * 16}",
    ],
)
def test_any_other_search_is_refused_as_its_answer_would_mislead(door: Door, query: str) -> None:
    answer = door.ask("GET", f"/Observation?{query}")

    assert answer.status_code == 400
    assert [issue.code for issue in issues(answer)] == ["processing"]


@pytest.mark.parametrize("name", ["2", "0", "-1", "01x", "9" * 40, "%00", "o-1", "١"])
def test_what_is_not_there_is_not_found(door: Door, name: str) -> None:
    door.post(observation())

    answer = door.ask("GET", f"/Observation/{name}")

    assert answer.status_code == 404
    assert [issue.code for issue in issues(answer)] == ["not-found"]


def test_a_resource_of_another_type_is_not_found_under_its_position(door: Door) -> None:
    door.post(observation())

    assert door.ask("GET", "/Encounter/1").status_code == 404
    assert door.ask("GET", "/Encounter", params={"identifier": f"{SOURCE}|o-1"}).json()["total"] == 0


def test_what_is_anothers_is_as_if_it_were_not_there(door: Door) -> None:
    door.post(observation())
    others = {
        "another source": door.create_key(clinics=["cl_07"], sources=["urn:another:ehr"]),
        "another clinic": door.create_key(clinics=["cl_08"], sources=[SOURCE]),
    }

    for key in others.values():
        assert door.ask("GET", "/Observation/1", key=key).json() == door.ask("GET", "/Observation/7", key=key).json()
        found = door.ask("GET", "/Observation", key=key, params={"identifier": f"{SOURCE}|o-1"})
        assert found.json()["total"] == 0


def test_if_none_exist_names_what_bears_no_identity(door: Door) -> None:
    bare = without(observation(), "identifier")

    created = door.post(bare, If_None_Exist=NAMED)
    again = door.post(bare, If_None_Exist=f"?{NAMED}")
    other = door.post(bare | {"valueInteger": 20}, If_None_Exist=f"identifier={SOURCE}%7Co-1")

    assert [answer.status_code for answer in (created, again, other)] == [201, 200, 200]
    assert other.json() == created.json()
    assert [event.id for event in door.events()] == ["o-1"]


def test_what_bears_no_identity_at_all_is_refused(door: Door) -> None:
    answer = door.post(without(observation(), "identifier"))

    assert answer.status_code == 422
    assert issues(answer) == [Issue("required", "identifier-required", "missing", "Observation.identifier")]


def test_another_identity_than_if_none_exist_names_is_refused(door: Door) -> None:
    answer = door.post(observation(), If_None_Exist=f"identifier={SOURCE}|o-2")

    assert answer.status_code == 422
    assert issues(answer) == [Issue("invalid", "validation", "mismatch", "Observation.identifier[0].value")]
    assert door.events() == []


@pytest.mark.parametrize("search", ["identifier=a|b,c|d", "code=44261-6", "x", "identifier=a|b&code=c"])
def test_if_none_exist_that_could_match_several_is_not_tried(door: Door, search: str) -> None:
    answer = door.post(observation(), If_None_Exist=search)

    assert answer.status_code == 412
    assert [issue.code for issue in issues(answer)] == ["multiple-matches"]
    assert door.events() == []


def test_if_none_exist_does_not_take_a_session_for_a_measure(door: Door) -> None:
    door.post(encounter(identifier=[identifier("o-1")]))

    answer = door.post(without(observation(), "identifier"), If_None_Exist=NAMED)

    assert answer.status_code == 409


def test_if_none_exist_shows_nothing_of_another_clinic(door: Door) -> None:
    door.post(observation())
    other = door.create_key(clinics=["cl_08"], sources=[SOURCE])

    answer = door.post(without(observation(), "identifier"), key=other, If_None_Exist=NAMED)

    assert answer.status_code == 409


def test_the_answer_is_as_full_as_is_preferred(door: Door) -> None:
    minimal = door.post(observation(), Prefer="return=minimal")
    outcome = door.post(observation(), Prefer='respond-async, return="OperationOutcome"')
    shown = [door.post(observation(), **given).json() for given in ({}, {"Prefer": "return=representation"})]
    unknown = door.post(observation(), Prefer="return=everything")

    assert (minimal.status_code, minimal.content) == (201, b"")
    assert minimal.headers["location"] == "/fhir/Observation/1"
    assert [issue.code for issue in issues(outcome)] == ["informational"]
    assert shown[0] == shown[1] == unknown.json()
    assert shown[0]["resourceType"] == "Observation"


@pytest.mark.parametrize("resource", [observation(status="preliminary"), response(status="in-progress")])
def test_what_is_not_to_be_stored_is_told_so_and_has_no_place(door: Door, resource: dict[str, Any]) -> None:
    answer = door.post(resource)

    assert answer.status_code == 200
    assert "location" not in answer.headers
    assert [issue.code for issue in issues(answer)] == ["informational"]
    assert door.events() == []


def test_an_unknown_code_is_refused_and_named_by_its_place(door: Door) -> None:
    answer = door.post(observation(code={"coding": [{"system": "http://loinc.org", "code": "8867-4"}]}))

    assert answer.status_code == 422
    assert [issue.problem for issue in issues(answer)] == ["unknown-instrument"]


def test_a_status_that_fhir_does_not_know_is_refused(door: Door) -> None:
    answer = door.post(observation(status="bogus"))

    assert answer.status_code == 422
    assert issues(answer) == [Issue("code-invalid", "validation", "enum", "Observation.status")]


def test_a_resource_of_another_type_than_its_address_says_is_refused(door: Door) -> None:
    answer = door.post(observation(), "/Encounter")

    assert answer.status_code == 422
    assert issues(answer) == [Issue("invalid", "validation", "mismatch", "Encounter.resourceType")]


@pytest.mark.parametrize(
    "path", ["/Patient", "/Foo", "/Observation/1/_history", "/$meta", "/Observation/1/2/3", "/metadata/x"]
)
def test_what_is_no_place_of_ours_is_not_supported(door: Door, path: str) -> None:
    answer = door.ask("GET", path)

    assert answer.status_code == 404
    assert [issue.code for issue in issues(answer)] == ["not-supported"]


@pytest.mark.parametrize(
    "method, path, allowed",
    [
        ("PUT", "/Observation/1", "GET"),
        ("PATCH", "/Observation/1", "GET"),
        ("DELETE", "/Observation/1", "GET"),
        ("POST", "/Observation/_search", "GET"),
        ("PUT", "/Observation", "GET, POST"),
        ("GET", "", "POST"),
        ("POST", "/metadata", "GET"),
    ],
)
def test_other_methods_are_refused_and_told_those_that_are_not(
    door: Door, method: str, path: str, allowed: str
) -> None:
    door.post(observation())

    answer = door.ask(method, path, content=json.dumps(observation()), headers={"Content-Type": FHIR})

    assert answer.status_code == 405
    assert answer.headers["allow"] == allowed
    assert [issue.code for issue in issues(answer)] == ["not-supported"]
    assert len(door.events()) == 1


@pytest.mark.parametrize(
    "kind", ["application/fhir+xml", "text/plain", "application/fhir+json; fhirVersion=5.0", "application/xml", ""]
)
def test_what_is_no_fhir_r4_in_json_is_not_even_read(door: Door, kind: str) -> None:
    answer = door.ask("POST", "/Observation", content=b"{", headers={"Content-Type": kind})

    assert answer.status_code == 415
    assert [issue.code for issue in issues(answer)] == ["not-supported"]


@pytest.mark.parametrize(
    "kind", ["application/json", "application/fhir+json;charset=UTF-8", "Application/FHIR+JSON; fhirVersion=4.0"]
)
def test_json_may_be_called_by_its_names(door: Door, kind: str) -> None:
    answer = door.ask("POST", "/Observation", content=json.dumps(observation()), headers={"Content-Type": kind})

    assert answer.status_code == 201


HOSTILE = {
    "duplicate key": b'{"resourceType":"Observation","status":"final","status":"amended"}',
    "NaN": b'{"resourceType":"Observation","valueInteger":NaN}',
    "Infinity": b'{"resourceType":"Observation","valueInteger":Infinity}',
    "a lone surrogate": b'{"resourceType":"Observation","status":"\\ud800"}',
    "no UTF-8": b'{"resourceType":"Observation","status":"\xff"}',
    "10,000 deep": b"[" * 10_000 + b"]" * 10_000,
    "300 deep": b'{"a":' * 300 + b"1" + b"}" * 300,
    "a long number": b'{"resourceType":"Observation","valueInteger":' + b"1" * 200_000 + b"}",
    "nothing": b"",
    "no end": b'{"resourceType":"Observation"',
    "two values": b"{} {}",
}


@pytest.mark.parametrize("body", HOSTILE.values(), ids=HOSTILE.keys())
@pytest.mark.parametrize("path", ["/Observation", ""])
def test_json_that_not_everybody_reads_alike_is_refused(door: Door, path: str, body: bytes) -> None:
    answer = door.ask("POST", path, content=body, headers={"Content-Type": FHIR})

    assert answer.status_code == 400
    assert [(issue.code, issue.problem) for issue in issues(answer)] == [("structure", "malformed-json")]


@pytest.mark.parametrize(
    "value",
    ['"12 "', '"Infinity"', "1e999", "true", "[12]", '{"value":12}', '""', "-1", "28", "null", "12.5", '"１２"'],
)
def test_a_value_that_is_no_score_is_refused(door: Door, value: str) -> None:
    for name in ("valueInteger", "valueQuantity", "valueString", "valueDecimal"):
        body = json.dumps(without(observation(), "valueInteger"))[:-1] + f', "{name}": {value}}}'
        answer = door.ask("POST", "/Observation", content=body, headers={"Content-Type": FHIR})
        if not (name == "valueQuantity" and value == '{"value":12}'):
            assert answer.status_code == 422, (name, value, answer.text)


@pytest.mark.parametrize("body", [b"[]", b"1", b'"x"', b"null"])
def test_what_is_no_object_is_no_resource(door: Door, body: bytes) -> None:
    answer = door.ask("POST", "/Observation", content=body, headers={"Content-Type": FHIR})

    assert answer.status_code == 422
    assert issues(answer) == [Issue("structure", "validation", "type", "Observation")]


def test_a_body_beyond_the_limit_is_refused_packed_or_not(door: Door) -> None:
    large = json.dumps(observation(note=[{"text": "x" * RESOURCE_LIMIT}])).encode()
    packed = {"Content-Type": FHIR, "Content-Encoding": "gzip"}

    plain = door.ask("POST", "/Observation", content=large, headers={"Content-Type": FHIR})
    bomb = door.ask("POST", "/Observation", content=gzip.compress(large), headers=packed)
    small = door.ask("POST", "/Observation", content=gzip.compress(json.dumps(observation()).encode()), headers=packed)

    for answer in (plain, bomb):
        assert answer.status_code == 413
        assert [issue.code for issue in issues(answer)] == ["too-long"]
    assert small.status_code == 201


@pytest.mark.parametrize("authorization", ["", "Bearer nobody", "Basic QTpC"])
def test_nobody_is_asked_to_say_who_they_are(door: Door, authorization: str) -> None:
    headers = {"Authorization": authorization, "Content-Type": FHIR}

    answer = door.ask("POST", "/Observation", content=json.dumps(observation()), headers=headers)

    assert answer.status_code == 401
    assert answer.headers["www-authenticate"].startswith("Bearer")
    assert [issue.code for issue in issues(answer)] == ["login"]


def test_whoever_may_only_write_cannot_read_and_the_reverse(door: Door) -> None:
    writer = door.create_key("events:write", clinics=["cl_07"])
    reader = door.create_key("events:read", clinics=["cl_07"])

    assert door.post(observation(), key=writer).status_code == 201
    assert door.ask("GET", "/Observation/1", key=reader).status_code == 200
    for refused in (
        door.post(observation(), key=reader),
        door.ask("GET", "/Observation/1", key=writer),
        door.ask("GET", "/Observation", key=writer, params={"identifier": f"{SOURCE}|o-1"}),
    ):
        assert refused.status_code == 403
        assert 'error="insufficient_scope"' in refused.headers["www-authenticate"]
        assert [issue.code for issue in issues(refused)] == ["forbidden"]


def test_a_source_or_a_clinic_that_is_anothers_is_refused(door: Door) -> None:
    source = door.post(observation(identifier=[identifier("o-1", "urn:another:ehr")]))
    clinic = door.post(observation(performer=[{"reference": "Organization/cl-08"}]))

    assert (source.status_code, clinic.status_code) == (403, 403)
    assert [issue.problem for issue in issues(source)] == ["source-not-allowed"]
    assert [issue.problem for issue in issues(clinic)] == ["clinic-not-allowed"]
    assert door.events() == []


def test_the_slash_at_the_end_is_no_matter(door: Door) -> None:
    assert door.post(observation(), "/Observation/").status_code == 201
    assert door.ask("GET", "/metadata/").status_code == 200


def test_refusals_are_counted_and_audited_by_the_template_of_their_path(door: Door) -> None:
    door.ask("GET", "/Observation/123456")
    door.post(observation(status="bogus"))
    auditor = door.create_key("audit:read")

    metrics = door.running.get("/metrics").text
    audit = door.running.get("/v1/audit", key=auditor).json()["items"]

    assert 'resonance_events_rejected_total{reason="validation"} 1.0' in metrics
    assert [(one["route"], one["status"]) for one in audit] == [("/fhir/Observation/{id}", 404)]
    assert "123456" not in metrics


def test_events_are_counted_by_their_type(door: Door) -> None:
    door.post(observation())
    door.post(observation())

    metrics = door.running.get("/metrics").text

    assert 'resonance_events_accepted_total{event_type="resonance.measure.recorded.v1"} 1.0' in metrics
