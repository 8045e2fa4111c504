"""Whatever becomes of the process that takes an event, and however many take it: one is stored, and all say so."""

import json
import socket
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from uuid import uuid4

import httpx
import pytest

from contracts.data import EventKey
from services import storage
from services.eventlog import sqlite
from services.settings import Settings
from tests.ingest.conftest import SINGLE, measured
from tests.journeys.program import Program, wait_until
from tools.installation import Installation

AT_ONCE = 50


@pytest.fixture
def installation(own_database: str, kafka_bootstrap: str, tmp_path: Path) -> Iterator[Installation]:
    """Two processes take events for one network, and one database keeps them."""
    found = Installation(tmp_path, own_database, kafka_bootstrap, 1, network=f"n{uuid4().hex[:12]}")
    found.run("migrate")
    try:
        found.add("ingest", 2)
        found.await_ready()
        yield found
    finally:
        found.stop()


def test_the_same_event_fifty_times_at_once_to_two_processes_is_stored_once(installation: Installation) -> None:
    key = installation.run("keys", "create").strip()
    headers = {"Authorization": f"Bearer {key}", "Content-Type": SINGLE}
    event = measured() | {"time": "2026-01-02T16:05:00Z"}
    places = [process.url for process in installation.of("ingest")]

    def send(number: int) -> httpx.Response:
        return httpx.post(f"{places[number % 2]}/v1/events", json=event, headers=headers, timeout=30)

    with ThreadPoolExecutor(AT_ONCE) as senders:
        answers = list(senders.map(send, range(AT_ONCE)))

    assert Counter(answer.status_code for answer in answers) == {201: 1, 200: AT_ONCE - 1}
    [position] = {answer.json()["position"] for answer in answers}
    stores = installation.stores()
    assert [(one.position, one.event.id) for one in stores.log.read(0, 10)] == [(position, event["id"])]
    stores.close()


def test_an_event_whose_answer_was_lost_with_the_process_is_a_duplicate_when_it_is_sent_again(program: Program) -> None:
    program.client().close()  # has the key made
    settings = Settings(data=program.folder)
    secret = storage.secret_of(settings, settings.network)
    body = json.dumps(measured() | {"time": "2026-01-02T16:05:00Z"}).encode()
    head = (
        f"POST /v1/events HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {program.key}\r\n"
        f"Content-Type: {SINGLE}\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    key = EventKey(source=measured()["source"], id=measured()["id"])
    with closing(sqlite.open_log(program.folder / settings.network / "log.db", secret)) as log:
        with socket.create_connection(("127.0.0.1", program.port)) as sender:
            sender.sendall(head.encode() + body)
            wait_until(lambda: log.find(key) is not None, "the event is on disk")
            program.kill()  # whatever it answered is not read by anybody
        program.start()
        with program.client() as client:
            again = client.post("/v1/events", content=body, headers={"Content-Type": SINGLE})
        assert (again.status_code, again.json()["status"]) == (200, "duplicate")
        [recorded] = [one for one in log.read(0, 10) if one.event.key == key]  # beside what follows from it
        assert again.json()["position"] == recorded.position
