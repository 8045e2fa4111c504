"""A receipt for every event: accepted once, a duplicate ever after, a conflict with another; alone or in a batch."""

import asyncio
import logging
import sqlite3
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from services.access.handlers import problem_of
from services.access.refusals import ProblemDocument
from services.ingest.openapi import BatchResult, Receipt
from tests.ingest.conftest import Service, measured, told


@pytest.fixture
def crowded(tmp_path: Path) -> Iterator[Service]:
    """A service that lets three events wait."""
    running = Service(tmp_path, room=3)
    yield running
    running.close()


def test_an_event_is_accepted_with_its_position(service: Service) -> None:
    answer = service.post(measured())
    assert answer.status_code == 201
    assert answer.json() == {"id": "01J9ZK7Q4X-0001", "status": "accepted", "position": 1}
    assert answer.headers["resonance-position"] == "1"
    assert [event.id for event in service.stored()] == ["01J9ZK7Q4X-0001"]
    assert service.announced == [1]


def test_an_event_that_is_sent_again_is_a_duplicate_however_it_is_spelt(service: Service) -> None:
    service.post(measured())
    again = measured() | {"time": "2026-03-02T15:05:00Z"}
    again["data"]["scores"] = [{"value": 17.40, "scale": "total"}]
    answer = service.post(dict(reversed(again.items())))
    assert (answer.status_code, answer.json()["status"], answer.json()["position"]) == (200, "duplicate", 1)
    assert answer.headers["resonance-position"] == "1"
    assert len(service.stored()) == 1


def test_a_whole_number_equals_its_spelling_with_a_fraction(service: Service) -> None:
    service.post(measured(scores=[{"scale": "total", "value": 17}]))
    assert service.post(measured(scores=[{"scale": "total", "value": 17.0}])).status_code == 200


def test_other_content_under_the_same_id_is_a_conflict_and_changes_nothing(service: Service) -> None:
    service.post(measured())
    answer = service.post(measured(scores=[{"scale": "total", "value": 39.9}]))
    assert answer.status_code == 409
    assert answer.json()["type"] == "/v1/problems/event-id-conflict"
    assert answer.json()["errors"] == [{"pointer": "/id", "code": "conflict"}]
    assert "17.4" not in answer.text
    assert "39.9" not in answer.text
    [event] = service.stored()
    assert event.type == "resonance.measure.recorded.v1"
    assert event.data.scores[0].value == 17.4


def test_fifty_at_once_store_one(service: Service) -> None:
    answers = service.post_at_once([measured()] * 50)
    assert sorted(answer.status_code for answer in answers) == [200] * 49 + [201]
    assert {answer.json()["position"] for answer in answers} == {1}
    assert len(service.stored()) == 1


def test_a_batch_stores_the_good_ones_in_order_and_says_what_is_wrong_with_the_others(service: Service) -> None:
    events = [measured(number) for number in range(1_000)]
    for bad in (17, 500, 999):
        events[bad]["data"]["scores"][0]["value"] = 41
    first, again = service.post_batch(events), service.post_batch(events)
    assert (first.status_code, again.status_code) == (207, 207)
    told_first, told_again = BatchResult.model_validate(first.json()), BatchResult.model_validate(again.json())
    assert (told_first.accepted, told_first.duplicates, told_first.rejected, told_first.errors) == (997, 0, 3, True)
    assert (told_again.accepted, told_again.duplicates, told_again.rejected, told_again.errors) == (0, 997, 3, True)
    assert [result.index for result in told_first.results] == list(range(1_000))
    refused = [result for result in told_first.results if result.status == "rejected"]
    assert [result.index for result in refused] == [17, 500, 999]
    assert all(result.problem and result.problem.type == "/v1/problems/score-out-of-range" for result in refused)
    assert refused == [result for result in told_again.results if result.status == "rejected"]
    assert [event.id for event in service.stored()] == [
        event["id"] for index, event in enumerate(events) if index not in {17, 500, 999}
    ]
    assert told_first.position == service.log.head() == int(first.headers["resonance-position"])
    assert [result.position for result in told_again.results] == [result.position for result in told_first.results]


def test_a_batch_without_a_fault_is_answered_with_200(service: Service) -> None:
    answer = service.post_batch([measured(1), measured(2)])
    assert answer.status_code == 200
    assert [result["http_status"] for result in answer.json()["results"]] == [201, 201]
    assert service.announced == [2]  # one transaction


def test_one_id_twice_in_a_batch_is_a_duplicate_or_a_conflict(service: Service) -> None:
    other = measured(scores=[{"scale": "total", "value": 3}])
    answer = service.post_batch([measured(), measured(), other])
    assert [result["http_status"] for result in answer.json()["results"]] == [201, 200, 409]
    assert len(service.stored()) == 1


def test_an_empty_batch_is_answered_with_nothing(service: Service) -> None:
    answer = service.post_batch([])
    assert answer.status_code == 200
    assert answer.json() == {
        "accepted": 0, "duplicates": 0, "rejected": 0, "errors": False, "position": None, "results": []
    }  # fmt: skip
    assert "resonance-position" not in answer.headers


def test_a_batch_of_refusals_is_no_success(service: Service) -> None:
    answer = service.post_batch([{"id": "x"}, [measured()]])
    assert answer.status_code == 207
    assert [(result["id"], result["http_status"]) for result in answer.json()["results"]] == [("x", 422), (None, 422)]


def test_only_a_well_formed_id_is_repeated(service: Service) -> None:
    answer = service.post_batch([{"id": "Canary Smith"}, {"id": ["canary"]}])
    assert [result["id"] for result in answer.json()["results"]] == [None, None]
    assert "canary" not in answer.text.lower()


@pytest.mark.parametrize(
    "event",
    [
        told("case.opened", {"client_ref": "c_1a", "therapist_ref": "th_1a", "opened_on": "2026-03-03"}),
        told("session.held", {"session_ref": "se_1a", "started_at": "2026-03-02T16:00:00+01:00", "minutes": 50}),
        told(
            "session.missed",
            {"session_ref": "se_1a", "scheduled_for": "2026-04-02T16:00:00+01:00", "kind": "client_cancel"},
        ),
        told("therapist.assigned", {"therapist_ref": "th_1a", "role": "co", "effective_from": "2026-04-01T00:00:00Z"}),
        told("preference.recorded", {"kind": "preference", "domain": "role", "statement": "Line one\nand two: größer"}),
        told("measure.declined", {"instrument": {"key": "srs", "version": "adult"}, "reason": "declined"}),
        told("alert.acknowledged", {"alert_ref": "al_1a", "by": "th_1a", "action": "will_discuss"}),
        told("client.merged", {"from_ref": "c_1a", "into_ref": "c_1b"}) | {"subject": "client/c_1b"},
        measured(occurred_on="2026-03-02", time_precision="day"),
        measured(scores=[{"scale": s, "value": 4.3} for s in ("individual", "interpersonal", "social", "overall")]),
        measured(1) | {"time": "2026-03-04T12:00:00Z", "recordedtime": "2026-03-03T12:00:00+14:00"},
    ],
    ids=lambda event: event["type"],
)
def test_what_may_happen_is_accepted(service: Service, event: dict[str, object]) -> None:
    answer = service.post(event)
    assert (answer.status_code, answer.text) == (201, answer.text)


def test_a_key_for_one_source_and_clinic_is_refused_for_others_item_by_item(service: Service) -> None:
    source = "urn:resonance:source:north-ehr"
    key = service.create_key("events:write", clinics=["cl_07"], sources=[source])
    elsewhere = measured(2) | {"rsnclinic": "cl_99"}
    foreign = measured(3) | {"source": "urn:resonance:source:south-ehr"}
    answer = service.post_batch([measured(1), elsewhere, foreign], key=key)
    assert [result["http_status"] for result in answer.json()["results"]] == [201, 403, 403]
    assert [result["problem"]["type"] for result in answer.json()["results"][1:]] == [
        "/v1/problems/clinic-not-allowed",
        "/v1/problems/source-not-allowed",
    ]
    assert "99" not in answer.text
    refused = service.post(elsewhere, key=key)
    assert (refused.status_code, refused.json()["errors"]) == (403, [{"pointer": "/rsnclinic", "code": "not_allowed"}])
    assert len(service.stored()) == 1


def test_a_key_without_the_scope_is_refused(service: Service) -> None:
    answer = service.post(measured(), key=service.create_key("read"))
    assert (answer.status_code, answer.json()["type"]) == (403, "/v1/problems/insufficient-scope")
    assert 'scope="events:write"' in answer.headers["www-authenticate"]
    assert service.stored() == []


@pytest.mark.parametrize(
    "authorization", ["", "Bearer", "Bearer canary", "Basic Y2FuYXJ5", "Bearer rsn_live_canary0_x"]
)
def test_without_a_valid_key_nothing_is_even_read(service: Service, authorization: str) -> None:
    answer = service.post(b"canary, no JSON", "text/plain", Authorization=authorization)
    assert (answer.status_code, answer.json()["type"]) == (401, "/v1/problems/invalid-key")
    assert answer.headers["www-authenticate"] == 'Bearer realm="resonance"'
    assert "canary" not in answer.text


def test_a_key_is_refused_once_it_is_revoked_or_has_expired(service: Service) -> None:
    short = service.create_key("events:write", life=timedelta(minutes=5))
    assert service.post(measured(), key=short).status_code == 201
    service.later(timedelta(minutes=5))
    assert service.post(measured(), key=short).status_code == 401
    assert service.keys.revoke(service.key.split("_")[2], service.now)
    assert service.post(measured()).status_code == 401


def test_a_full_queue_is_answered_with_503_and_when_to_come_back(crowded: Service) -> None:
    holder = sqlite3.connect(crowded.folder / "log.db", isolation_level=None)
    holder.execute("BEGIN IMMEDIATE")

    async def more_than_there_is_room_for() -> list[int]:
        waiting = [asyncio.ensure_future(crowded.posting(measured(number))) for number in range(3)]
        await asyncio.sleep(0.05)
        refused = await crowded.posting(measured(3))
        assert refused.json()["type"] == "/v1/problems/temporary-reduced-capacity"
        assert refused.json()["retryable"] is True
        assert refused.headers["retry-after"] == "1"
        holder.execute("ROLLBACK")
        return [refused.status_code, *(answer.status_code for answer in await asyncio.gather(*waiting))]

    assert crowded.run(more_than_there_is_room_for()) == [503, 201, 201, 201]
    holder.close()
    assert crowded.post(measured(3)).status_code == 201


def test_a_log_that_cannot_be_written_is_answered_with_503(service: Service) -> None:
    service.log.close()
    for answer in (service.post(measured()), service.post_batch([measured(), {}])):
        assert (answer.status_code, answer.json()["type"]) == (503, "/v1/problems/storage-unavailable")
        assert answer.json()["retryable"] is True
        assert answer.headers["retry-after"] == "1"


def test_after_closing_events_are_refused_and_nothing_is_lost(service: Service) -> None:
    async def close_while_they_wait() -> list[int]:
        waiting = [asyncio.ensure_future(service.posting(measured(number))) for number in range(20)]
        await asyncio.sleep(0)
        await service.network.committer.close()
        return [answer.status_code for answer in await asyncio.gather(*waiting)]

    statuses = service.run(close_while_they_wait())
    assert set(statuses) <= {201, 503}
    assert len(service.stored()) == statuses.count(201)
    assert service.post(measured(99)).status_code == 503


def test_a_defect_is_answered_and_logged_without_its_text(caplog: pytest.LogCaptureFixture) -> None:
    with pytest.raises(ValueError, match="canary") as raised:
        int("canary")
    found = problem_of(raised.value)
    assert found.status == 500
    document = ProblemDocument.model_validate(found.document())
    assert document.instance is not None
    assert document.instance.startswith("urn:uuid:")
    assert "ValueError at test_door.py:" in caplog.text
    assert document.instance in caplog.text
    assert "canary" not in found.body().decode() + caplog.text
    assert caplog.records[0].levelno == logging.ERROR
    assert caplog.records[0].exc_info is None


def test_answers_are_what_the_documentation_says(service: Service) -> None:
    assert Receipt.model_validate(service.post(measured()).json()).status == "accepted"
    assert ProblemDocument.model_validate(service.post(b"").json()).status == 400
