"""What is validated is judged as it would be when it is posted, and leaves nothing behind."""

from collections.abc import Mapping
from typing import Any

import pytest

from services.ingest.openapi import Valid, ValidatedBatch
from tests.ingest.conftest import BATCH, SINGLE, Service, measured, told

UNFIT: Mapping[str, dict[str, Any]] = {
    "score": measured(scores=[{"scale": "total", "value": 41}]),
    "scale": measured(scores=[{"scale": "canary", "value": 4}]),
    "time": measured() | {"time": "1989-03-02T16:05:00+01:00"},
    "type": measured() | {"type": "resonance.canary.v1"},
    "prose": measured(note="canary canary"),
    "own": told("alert.resolved", {"alert_ref": "al_canary1", "how": "improved"}),
}


def test_an_event_that_could_be_posted_is_valid_and_not_stored(service: Service) -> None:
    answer = service.validate(measured())
    assert (answer.status_code, answer.json()) == (200, {"id": "01J9ZK7Q4X-0001", "status": "valid"})
    Valid.model_validate_json(answer.content)
    assert "resonance-position" not in answer.headers
    assert service.stored() == []
    assert service.announced == []
    assert 'accepted_total{event_type="resonance.measure.recorded.v1"} 0.0' in service.metrics()


@pytest.mark.parametrize("event", UNFIT.values(), ids=UNFIT)
def test_one_that_could_not_is_refused_as_when_it_is_posted(service: Service, event: dict[str, Any]) -> None:
    validated, posted = service.validate(event), service.post(event)
    assert (validated.status_code, validated.content) == (posted.status_code, posted.content)
    assert validated.status_code == 422
    assert "canary" not in validated.text
    one, both = service.validate([event], BATCH).json(), service.post_batch([event]).json()
    assert one["results"] == both["results"]


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b'{"a":1,"a":1}', b'"' + b"x" * 70_000 + b'"'])
def test_a_body_that_is_no_event_is_refused_as_when_it_is_posted(shared: Service, body: bytes) -> None:
    validated, posted = shared.validate(body), shared.post(body)
    assert validated.status_code in (400, 413, 422)
    assert (validated.status_code, validated.content) == (posted.status_code, posted.content)


def test_other_kinds_of_bodies_are_refused(shared: Service) -> None:
    assert shared.validate(measured(), "text/plain").status_code == 415


def test_a_batch_is_judged_event_by_event_in_order(service: Service) -> None:
    batch = [measured(1), UNFIT["score"] | {"id": "bad-1"}, "canary", measured(2)]
    answer = service.validate(batch, BATCH)
    assert answer.status_code == 207
    ValidatedBatch.model_validate_json(answer.content)
    body = answer.json()
    assert (body["valid"], body["rejected"], body["errors"]) == (2, 2, True)
    assert [(one["index"], one["id"], one["status"], one["http_status"]) for one in body["results"]] == [
        (0, "01J9ZK7Q4X-0001", "valid", 200),
        (1, "bad-1", "rejected", 422),
        (2, None, "rejected", 422),
        (3, "01J9ZK7Q4X-0002", "valid", 200),
    ]
    assert service.stored() == []


def test_a_batch_without_a_fault_answers_200(shared: Service) -> None:
    answer = shared.validate([measured(1), measured(2)], BATCH)
    assert (answer.status_code, answer.json()["errors"]) == (200, False)


def test_a_batch_of_too_many_is_refused(shared: Service) -> None:
    answer = shared.validate([measured(number) for number in range(1_001)], BATCH)
    assert (answer.status_code, answer.json()["type"]) == (413, "/v1/problems/batch-too-large")


def test_what_only_the_log_knows_is_not_told(service: Service) -> None:
    service.post(measured())
    assert service.validate(measured(scores=[{"scale": "total", "value": 3}])).status_code == 200
    assert service.validate(measured()).json()["status"] == "valid"


def test_it_is_asked_by_whoever_may_post(service: Service) -> None:
    reader = service.create_key("events:read")
    answer = service.run(service.posting(measured(), SINGLE, key=reader, path="/v1/events/validate"))
    assert answer.json()["type"] == "/v1/problems/insufficient-scope"
    south = service.create_key("events:write", clinics=["cl_south"])
    answer = service.run(service.posting(measured(), SINGLE, key=south, path="/v1/events/validate"))
    assert answer.json()["type"] == "/v1/problems/clinic-not-allowed"
