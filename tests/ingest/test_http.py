"""The registry of therapists, what may be posted, what problems mean, and the document that describes it all."""

import re
from importlib.resources import files
from typing import Any

import httpx
import pytest

from contracts.events import EVENT_TYPES
from contracts.instruments import catalogue
from services.access import deprecation
from services.access.problems import KINDS
from services.ingest.accept import RESERVED
from tests.ingest.conftest import Service, measured, told

ADA = {
    "name": "Ada Šimková",
    "email": "ada@clinic.example",
    "time_zone": "Europe/Prague",
    "supervisor_ref": "th_eve1",
    "clinic": "cl_07",
}
PROBLEMS = files("contracts").joinpath("problems")


def put(service: Service, entry: object, ref: str = "th_ada1", **more: Any) -> Any:
    return service.ask("PUT", f"/v1/therapists/{ref}", json=entry, **more)


def test_a_therapist_is_entered_replaced_and_read(service: Service) -> None:
    entered, replaced = put(service, ADA), put(service, ADA | {"time_zone": "Europe/Vienna"})
    assert (entered.status_code, replaced.status_code) == (201, 200)
    answer = service.ask("GET", "/v1/therapists/th_ada1")
    assert answer.json() == ADA | {"time_zone": "Europe/Vienna", "ref": "th_ada1"}
    assert [therapist.name for therapist in service.network.people.everyone()] == ["Ada Šimková"]


@pytest.mark.parametrize(
    "change,pointer,code",
    [
        ({"time_zone": "Europe/Canary"}, "/time_zone", "unknown_time_zone"),
        ({"time_zone": "../../etc/canary"}, "/time_zone", "unknown_time_zone"),
        ({"email": "canary"}, "/email", "pattern"),
        ({"email": "ada@clinic.example\nBcc: canary@example.org"}, "/email", "pattern"),
        ({"email": f"ada@{'canary.' * 40}example"}, "/email", "length"),
        ({"name": ""}, "/name", "pattern"),
        ({"name": "Ada\x1b[31m canary"}, "/name", "pattern"),
        ({"name": True}, "/name", "type"),
        ({"supervisor_ref": "Canary"}, "/supervisor_ref", "pattern"),
        ({"supervisor_ref": "th_ada1"}, "/supervisor_ref", "same_reference"),
        ({"canary": 1}, "", "unknown_property"),
    ],
)
def test_an_unfit_entry_is_refused_and_not_repeated(
    shared: Service, change: dict[str, Any], pointer: str, code: str
) -> None:
    answer = put(shared, ADA | change)
    assert answer.headers["content-type"] == "application/problem+json"
    assert (answer.status_code, answer.json()["errors"]) == (422, [{"pointer": pointer, "code": code}])
    assert "canary" not in answer.text.lower()
    assert shared.network.people.everyone() == []


@pytest.mark.parametrize(
    "body,status",
    [
        (b'{"name": "canary', 400),
        (b'{"name": NaN}', 400),
        (b'{"name": "canary\\ud800"}', 400),
        (b'{"name": "canary", "name": "canary"}', 400),
        (b"", 400),
        (b"[]", 422),
        (b"[" * 10_000, 400),
        (b" " * 20_000, 413),
    ],
)
def test_a_hostile_body_gets_a_problem_and_leaves_nothing(shared: Service, body: bytes, status: int) -> None:
    headers = {"Content-Type": "application/json"}
    answer = shared.ask("PUT", "/v1/therapists/th_ada1", content=body, headers=headers)
    assert (answer.status_code, answer.headers["content-type"]) == (status, "application/problem+json")
    assert "canary" not in answer.text
    assert shared.network.people.everyone() == []


def test_a_reference_that_is_none_is_refused_and_not_repeated(shared: Service) -> None:
    answer = put(shared, ADA, ref="Canary%20Smith")
    assert (answer.status_code, answer.json()["errors"]) == (422, [{"pointer": "/ref", "code": "pattern"}])
    assert "canary" not in answer.text.lower()


def test_a_key_for_a_clinic_sees_and_enters_its_own_therapists_only(service: Service) -> None:
    put(service, ADA)
    put(service, ADA | {"clinic": None}, ref="th_bob1")
    key = service.create_key("read", "registry:manage", clinics=["cl_08"])
    for ref in ("th_ada1", "th_bob1", "th_nobody"):
        answer = service.ask("GET", f"/v1/therapists/{ref}", key=key)
        assert (answer.status_code, answer.json()["type"]) == (404, "/v1/problems/not-found")
    assert put(service, ADA | {"clinic": "cl_08"}, key=key).status_code == 403
    assert put(service, ADA, ref="th_new1", key=key).status_code == 403
    assert put(service, ADA | {"clinic": "cl_08"}, ref="th_new1", key=key).status_code == 201
    assert service.ask("GET", "/v1/therapists/th_new1", key=key).status_code == 200


def test_the_registry_asks_for_its_scopes(service: Service) -> None:
    put(service, ADA)
    key = service.create_key("events:write")
    assert service.ask("GET", "/v1/therapists/th_ada1", key=key).status_code == 403
    assert put(service, ADA, key=key).json()["type"] == "/v1/problems/insufficient-scope"
    assert service.ask("GET", "/v1/therapists/th_ada1", key="canary").status_code == 401


def test_what_may_be_posted_is_public(shared: Service) -> None:
    def get(path: str) -> Any:
        return shared.ask("GET", path, headers={"Authorization": ""}).json()

    types = get("/v1/event-types")["event_types"]
    assert {each["type"] for each in types} == set(EVENT_TYPES)
    shown = {(each["type"], each["subject"], each["accepted"]) for each in types}
    assert ("resonance.client.merged.v1", "client", True) in shown
    assert ("resonance.alert.raised.v1", "case", False) in shown
    assert ("resonance.norms.adopted.v1", "network", False) in shown
    for each in types:
        schema = get(each["schema_url"])
        assert schema["properties"]["type"]["const"] == each["type"]
    instruments = get("/v1/instruments")["instruments"]
    assert {(each["key"], each["version"]) for each in instruments} == set(catalogue())
    assert instruments[0]["total"]["maximum"] > instruments[0]["total"]["minimum"]


@pytest.mark.parametrize("slug", KINDS)
def test_every_problem_has_a_page_that_names_its_status(shared: Service, slug: str) -> None:
    answer = shared.ask("GET", f"/v1/problems/{slug}")
    assert answer.headers["content-type"].startswith("text/markdown")
    kind = next(kind for name, kind in KINDS.items() if name == slug)
    assert answer.text.startswith(f"# {kind.title}\n")
    assert f"status {kind.status} " in answer.text
    assert f"can succeed later: {'yes' if kind.retryable else 'no'}" in answer.text


def test_an_event_type_that_is_on_its_way_out_says_so_in_every_answer_about_it(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    kind = "resonance.measure.recorded.v1"
    headers = {
        "Deprecation": "@1772323200",
        "Sunset": "Mon, 01 Mar 2027 00:00:00 GMT",
        "Link": '</x>; rel="deprecation"',
    }
    monkeypatch.setitem(deprecation.EVENT_TYPES, kind, headers)
    answers = [
        service.post(measured(1)),
        service.post_batch([measured(2), "x"]),
        service.validate(measured(3)),
        service.ask("GET", f"/v1/event-types/{kind}"),
    ]
    for answer in answers:
        assert {name: answer.headers[name] for name in headers} == headers
    other = told("task.ended", {"task_ref": "ta_1a", "reason": "goal_met"}, 4)
    assert "Deprecation" not in service.post(other).headers


def test_the_kinds_of_problems_are_listed(shared: Service) -> None:
    shown = {each["slug"]: each for each in shared.ask("GET", "/v1/problems").json()["problems"]}
    assert set(shown) == set(KINDS)
    assert shown["storage-unavailable"] == {
        "type": "/v1/problems/storage-unavailable",
        "slug": "storage-unavailable",
        "status": 503,
        "title": "The event log cannot be written at the moment",
        "retryable": True,
    }


@pytest.mark.parametrize("path,status", [("/v1/event-types/resonance.canary.v1", 404), ("/v1/event-types/Canary", 422)])
def test_there_is_no_schema_of_anything_else(shared: Service, path: str, status: int) -> None:
    answer = shared.ask("GET", path)
    assert (answer.status_code, "canary" in answer.text.lower()) == (status, False)


def test_there_is_no_page_for_anything_else(shared: Service) -> None:
    assert {page.name.removesuffix(".md") for page in PROBLEMS.iterdir()} == set(KINDS)
    for slug, status in {"canary": 404, "..%2Fcanary.py": 404, "canary.md": 422}.items():
        answer = shared.ask("GET", f"/v1/problems/{slug}")
        assert (answer.status_code, answer.headers["content-type"]) == (status, "application/problem+json")
        assert "canary" not in answer.text


def test_unknown_paths_and_methods_are_problems_too(shared: Service) -> None:
    unknown = shared.ask("GET", "/v1/canary")
    assert (unknown.status_code, unknown.json()["type"]) == (404, "/v1/problems/not-found")
    wrong = shared.ask("DELETE", "/v1/events")
    assert (wrong.status_code, wrong.json()["type"]) == (405, "/v1/problems/method-not-allowed")
    assert wrong.headers["allow"] == "POST"


def test_a_defect_behind_the_door_is_answered_and_its_text_goes_nowhere(
    service: Service, caplog: pytest.LogCaptureFixture
) -> None:
    @service.app.get("/defect")
    def defect() -> None:
        raise ZeroDivisionError("canary")

    answer = service.ask("GET", "/defect")
    assert (answer.status_code, answer.json()["type"]) == (500, "/v1/problems/internal")
    assert "canary" not in answer.text + caplog.text
    assert "ZeroDivisionError at test_http.py:" in caplog.text


def test_the_route_behind_the_door_gives_the_same_answer(service: Service) -> None:
    behind = httpx.AsyncClient(transport=httpx.ASGITransport(service.app), base_url="https://resonance.test")
    headers = {"Authorization": f"Bearer {service.key}", "Content-Type": "application/json"}
    answer = service.run(behind.post("/v1/events", json=measured(), headers=headers))
    assert (answer.status_code, answer.json()["status"]) == (201, "accepted")
    assert service.post(measured()).status_code == 200
    service.run(behind.aclose())


def test_the_openapi_document_describes_every_answer_and_every_reference_resolves(shared: Service) -> None:
    document = shared.ask("GET", "/openapi.json").json()
    events = document["paths"]["/v1/events"]["post"]
    assert set(events["responses"]) == {
        "200", "201", "207", "400", "401", "403", "409", "413", "415", "422", "429", "500", "503"
    }  # fmt: skip
    named = {slug for each in events["responses"].values() for slug in each["description"].split(", ")} & set(KINDS)
    assert named == set(KINDS) - {
        "address-not-allowed", "idempotency-key-reused", "identifier-required", "method-not-allowed", "not-found",
        "precondition-failed", "precondition-required", "projection-behind", "request-in-progress", "request-refused",
    }  # fmt: skip
    assert set(events["requestBody"]["content"]) == {
        "application/cloudevents+json", "application/cloudevents-batch+json", "application/json"
    }  # fmt: skip
    assert events["security"] == [{"apiKey": ["events:write"]}]
    assert document["components"]["securitySchemes"]["apiKey"]["scheme"] == "bearer"
    mapping = document["components"]["schemas"]["Event"]["discriminator"]["mapping"]
    assert set(mapping) == set(EVENT_TYPES) - RESERVED
    schemas = {f"#/components/schemas/{name}" for name in document["components"]["schemas"]}
    assert set(re.findall(r'"(#/[^"]+)"', shared.ask("GET", "/openapi.json").text)) <= schemas
    operations = [each for path in document["paths"].values() for each in path.values()]
    assert all(each["operationId"].count("_") <= 2 for each in operations)
    for operation in operations:
        assert "HTTPValidationError" not in str(operation)
