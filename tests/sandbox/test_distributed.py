"""A sandbox on many processes: one moves the clock, all have it; and its mail is seen from any."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from uuid import uuid4

import httpx
import pytest

from tests.journeys.program import BATCH, batch_of, wait_until
from tests.journeys.shift import until_yesterday
from tests.story import stalled
from tools.installation import Installation

PATIENCE_SECONDS = 60


@pytest.fixture
def made(own_database: str, kafka_bootstrap: str, tmp_path: Path) -> Iterator[Installation]:
    """A live network; ``trial`` is still to be made."""
    settings = {"network": f"n{uuid4().hex[:12]}", "smtp_url": "smtp://127.0.0.1:9"}
    found = Installation(tmp_path, own_database, kafka_bootstrap, 1, **settings)
    found.run("migrate")
    try:
        yield found
    finally:
        found.stop()


def test_one_process_moves_the_clock_and_the_mail_of_another_is_seen(made: Installation) -> None:
    # given a sandbox with a therapist, and two processes that serve it
    trial = f"t{uuid4().hex[:12]}"
    key = made.run("keys", "create", "--network", trial, "--sandbox").strip()
    assert key.startswith("rsn_test_")
    made.run("migrate")
    for role in ("ingest", "ingest", "relay", "projections", "alerts"):
        made.add(role)
    made.await_ready()
    bearer = {"Authorization": f"Bearer {key}"}
    one, other = (httpx.Client(base_url=made.processes[place].url, headers=bearer, timeout=30) for place in (0, 1))
    with one, other:
        entry = {"name": "Ada Alder", "email": "ada@clinic.example", "time_zone": "Europe/Copenhagen"}
        one.put("/v1/therapists/th_ada01", json=entry).raise_for_status()
        now = datetime.fromisoformat(one.get("/v1/test/clock").json()["now"])

        # when weeks pass by one of them, and a case that does not move is told to the other
        moved = one.post("/v1/test/clock", json={"forward": "P42D"}).raise_for_status()
        later = datetime.fromisoformat(moved.json()["now"])
        assert later - now >= timedelta(days=42)

        def has_moved() -> bool:
            return datetime.fromisoformat(other.get("/v1/test/clock").json()["now"]) >= later

        wait_until(has_moved, "the other process has the clock")
        events = until_yesterday(stalled().events, later)
        answer = other.post("/v1/events", content=batch_of(events), headers=BATCH)
        assert answer.status_code == 200, answer.text

        # then the therapist is written to by a third, and either shows the letter
        def is_told() -> bool:
            return bool(one.get("/v1/test/outbox").json()["items"])

        wait_until(is_told, "the letter is there", PATIENCE_SECONDS)
        [mail] = other.get("/v1/test/outbox").json()["items"]
        assert mail["to"] == "ada@clinic.example"
        assert datetime.fromisoformat(mail["date"]) > now + timedelta(days=41)
