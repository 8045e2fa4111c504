"""A receipt holds: after a month and a rebuild, beside other networks, and where the storage fails halfway."""

import sqlite3
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from typing import Any

from contracts.data import EventKey
from services import wiring
from services.ingest.openapi import BatchResult
from tests.ingest.conftest import SINGLE, Service, measured, told
from tests.running import Running

BEFORE = (
    "CREATE TRIGGER {name} BEFORE INSERT ON stored_events WHEN new.topic LIKE '%.{kind}.%' BEGIN SELECT {does}; END"
)
REJECTS = BEFORE.format(name="rejects", kind="session.missed", does="raise(ABORT, 'no')")
FAILS = BEFORE.format(name="fails", kind="case.reopened", does="abs(-9223372036854775808)")
"""The database gives up, as where the disk is full: nothing is wrong with the event."""
MISSED = {"session_ref": "se_1a", "scheduled_for": "2026-03-02T16:00:00+01:00", "kind": "no_show"}
KEY = EventKey(source=measured()["source"], id=measured()["id"])


def send(running: Running, event: dict[str, Any], **more: Any) -> tuple[int, dict[str, Any]]:
    answer = running.ask("POST", "/v1/events", json=event, headers={"Content-Type": SINGLE}, **more)
    return answer.status_code, answer.json()


def test_an_event_is_still_a_duplicate_after_a_month_and_a_rebuild(tmp_path: Path) -> None:
    running = Running(tmp_path)
    first, receipt = send(running, measured())
    running.close()
    wiring.rebuild(running.settings, running.settings.network)
    later = Running(tmp_path, running.now + timedelta(days=31))
    again, same = send(later, measured())
    other, _ = send(later, measured(scores=[{"scale": "total", "value": 3}]))
    later.close()
    assert (first, again, other) == (201, 200, 409)
    assert (same["status"], same["position"]) == ("duplicate", receipt["position"])


def test_two_networks_have_the_same_id_and_know_nothing_of_each_other(tmp_path: Path) -> None:
    nowhere = Running(tmp_path)
    south = nowhere.create_key(network="south")
    nowhere.close()
    running = Running(tmp_path)
    mine, theirs = measured(), measured(scores=[{"scale": "total", "value": 3}])
    assert send(running, mine)[0] == send(running, theirs, key=south)[0] == 201
    assert send(running, theirs)[0] == send(running, mine, key=south)[0] == 409
    for key, event in ((None, mine), (south, theirs)):
        read = running.ask("GET", f"/v1/events/{KEY.source}/{KEY.id}", key=key).json()
        assert read["data"]["scores"] == event["data"]["scores"]
        assert len(running.ask("GET", "/v1/events", key=key).json()["items"]) == 1
    only = measured(2)
    send(running, only)
    foreign = running.ask("GET", f"/v1/events/{KEY.source}/{only['id']}", key=south)
    unknown = running.ask("GET", f"/v1/events/{KEY.source}/nobody", key=south)
    assert (foreign.status_code, foreign.content) == (unknown.status_code, unknown.content)
    running.close()


def test_where_the_storage_fails_in_the_middle_of_a_batch_the_answer_says_what_is_there(service: Service) -> None:
    batch = [
        measured(1),
        told("session.missed", MISSED, 2),
        measured(3),
        told("case.reopened", {"reason": "other"}, 4),
        measured(5),
    ]
    with closing(sqlite3.connect(service.folder / "log.db")) as database:
        database.execute(REJECTS)
        database.execute(FAILS)
        answer = service.post_batch(batch)
        result = BatchResult.model_validate(answer.json())
        assert answer.status_code == 207
        assert [one.http_status for one in result.results] == [201, 422, 201, 503, 503]
        assert [one.retryable for one in result.results if one.status == "rejected"] == [False, True, True]
        assert_as_it_is_read(service, batch, result)

        database.execute("DROP TRIGGER fails")
        again = BatchResult.model_validate(service.post_batch(batch).json())
        assert [one.http_status for one in again.results] == [200, 422, 200, 201, 201]
        assert_as_it_is_read(service, batch, again)


def test_a_batch_of_which_nothing_can_be_stored_is_refused_as_a_whole(service: Service) -> None:
    with closing(sqlite3.connect(service.folder / "log.db")) as database:
        database.execute(FAILS)
    answer = service.post_batch([measured(1), told("case.reopened", {"reason": "other"}, 2)])
    assert (answer.status_code, answer.json()["retryable"]) == (503, True)
    assert service.stored() == []


def assert_as_it_is_read(service: Service, batch: list[dict[str, Any]], result: BatchResult) -> None:
    """What is told of each event is what the log holds of it."""
    for event, one in zip(batch, result.results, strict=True):
        found = service.log.find(EventKey(source=event["source"], id=event["id"]))
        assert (found.position if found else None) == one.position
    assert len(service.stored()) == result.accepted + result.duplicates
    assert service.log.head() == result.position
