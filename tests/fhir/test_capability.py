"""The CapabilityStatement says what can be done: all that it lists is tried here, and what it does not list refused."""

import json
from contextlib import closing
from typing import Any

import pytest
from fhir.resources.R4B.capabilitystatement import CapabilityStatement

from services import storage
from services.access.issuers import Issuer
from services.access.problems import KINDS
from services.fhir.outcome import CODES
from tests.fhir.conftest import Door, bundle, statuses
from tests.fhir.sent import appointment, care_team, encounter, episode, identifier, observation, response, without
from tools import capability

ONE_OF_EACH = {
    one["resourceType"]: one
    for one in (
        appointment(),
        care_team(),
        encounter(),
        episode(),
        observation(),
        response(identifier=identifier("q-1")),
    )
}
ALL_INTERACTIONS = {
    "read",
    "vread",
    "update",
    "patch",
    "delete",
    "history-instance",
    "history-type",
    "create",
    "search-type",
}
"""What a server can do with a type: https://hl7.org/fhir/R4/valueset-type-restful-interaction.html"""


def identity(resource: dict[str, Any]) -> str:
    listed = resource["identifier"]
    one = listed[0] if isinstance(listed, list) else listed
    return f"{one['system']}|{one['value']}"


def tried(door: Door, interaction: str, kind: str) -> int:
    """The status of an interaction with a resource of that type that was created before."""
    resource = ONE_OF_EACH[kind]
    place = door.post(resource).headers["location"].removeprefix("/fhir")
    body: dict[str, Any] = {"content": json.dumps(resource), "headers": {"Content-Type": "application/fhir+json"}}
    answer = {
        "read": lambda: door.ask("GET", place),
        "vread": lambda: door.ask("GET", f"{place}/_history/1"),
        "update": lambda: door.ask("PUT", place, **body),
        "patch": lambda: door.ask("PATCH", place, **body),
        "delete": lambda: door.ask("DELETE", place),
        "history-instance": lambda: door.ask("GET", f"{place}/_history"),
        "history-type": lambda: door.ask("GET", f"/{kind}/_history"),
        "create": lambda: door.post(resource),
        "search-type": lambda: door.ask("GET", f"/{kind}", params={"identifier": identity(resource)}),
    }[interaction]()
    return answer.status_code


def stated(door: Door) -> dict[str, Any]:
    """What the one mode of the statement says, which everybody may read."""
    answer = door.running.run(door.running.client.get("/fhir/metadata"))
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "application/fhir+json"
    [rest] = answer.json()["rest"]
    return rest  # type: ignore[no-any-return]


def test_the_statement_is_the_committed_one_and_a_resource_of_fhir(door: Door) -> None:
    answer = door.running.run(door.running.client.get("/fhir/metadata"))

    assert answer.json() == json.loads(capability.DOCUMENT.read_text("utf-8"))
    assert capability.main(["--check"]) is None
    assert answer.json()["fhirVersion"] == "4.0.1"
    assert answer.json()["format"] == ["json"]
    CapabilityStatement.model_validate(answer.json())


def test_what_is_listed_for_a_type_works_and_what_is_not_is_refused(door: Door) -> None:
    listed = {one["type"]: {entry["code"] for entry in one["interaction"]} for one in stated(door)["resource"]}

    assert listed.keys() == ONE_OF_EACH.keys()
    for kind, interactions in listed.items():
        for interaction in ALL_INTERACTIONS:
            status = tried(door, interaction, kind)
            assert (status in {200, 201}) == (interaction in interactions), (kind, interaction, status)
            assert status in {200, 201, 404, 405}


def test_what_is_listed_to_search_for_finds_and_creates_on_condition(door: Door) -> None:
    for one in stated(door)["resource"]:
        resource = ONE_OF_EACH[one["type"]]
        bare = without(resource, "identifier")
        [parameter] = one["searchParam"]
        assert (parameter["name"], parameter["type"]) == ("identifier", "token")
        assert one["conditionalCreate"] is True
        made = [door.post(bare, If_None_Exist=f"identifier={identity(resource)}").status_code for _ in range(2)]
        found = door.ask("GET", f"/{one['type']}", params={"identifier": identity(resource)})
        assert made == [201, 200]
        assert found.json()["total"] == 1


def test_what_is_listed_for_the_whole_works(door: Door) -> None:
    whole = {entry["code"] for entry in stated(door)["interaction"]}

    assert whole == {"batch", "transaction"}
    for how in whole:
        assert statuses(door.post(bundle(how, observation()))) in (["201"], ["200"])
    for method, path in (("GET", ""), ("GET", "/_history"), ("DELETE", "")):
        assert door.ask(method, path).status_code in {404, 405}


@pytest.mark.parametrize("kind", ["Patient", "Practitioner", "Questionnaire", "Condition", "Bundle"])
def test_a_type_that_is_not_listed_can_not_be_created(door: Door, kind: str) -> None:
    answer = door.post({"resourceType": kind}, f"/{kind}")

    assert answer.status_code == 404


def test_every_problem_has_an_issue_type_of_the_required_binding() -> None:
    """https://hl7.org/fhir/R4/valueset-issue-type.html, errors and the transient ones."""
    binding = (
        "invalid structure required value invariant security login unknown expired forbidden suppressed processing"
        " not-supported duplicate multiple-matches not-found deleted too-long code-invalid extension too-costly"
        " business-rule conflict transient lock-error no-store exception timeout incomplete throttled informational"
    )

    assert set(CODES) == set(KINDS)
    assert set(CODES.values()) <= set(binding.split())


def test_smarts_configuration_is_not_there_where_no_issuer_is_trusted(door: Door) -> None:
    nobody = door.running.run(door.running.client.get("/fhir/.well-known/smart-configuration"))

    assert nobody.status_code == 404


def test_smarts_configuration_names_the_issuer_that_is_trusted(door: Door) -> None:
    with closing(storage.open_issuers(door.running.settings)) as issuers:
        jwks = "https://login.example.org/keys"
        issuers.add(Issuer("login", "main", "https://login.example.org", "https://resonance.example", jwks))

    answer = door.running.run(door.running.client.get("/fhir/.well-known/smart-configuration"))

    assert answer.status_code == 200
    assert answer.headers["content-type"] == "application/json"
    assert answer.json()["issuer"] == "https://login.example.org"


def test_smarts_scopes_hold_for_each_type_also_in_a_bundle(door: Door) -> None:
    key = door.running.create_key(
        "system/Observation.c",  # type: ignore[arg-type] # no key is issued with it, a token can bear it
        clinics=["cl_07"],
    )

    answer = door.post(bundle("batch", observation(), encounter()), key=key)
    read = door.ask("GET", "/Observation/1", key=key)

    assert statuses(answer) == ["201", "403"]
    assert read.status_code == 403
    assert 'scope="system/Observation.r"' in read.headers["www-authenticate"]
