"""A network for trying out: its clock is moved, its mail stays, ids ask for refusals; and no live network has that."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from contracts.events import canonical
from services import storage
from services.access.problems import KINDS
from services.sandbox.magic import MAGIC
from services.sandbox.sandbox import SCHEMA, Sandbox
from services.settings import Settings
from services.wiring import now_in, utc_now
from tests.eventlog.places import agreed
from tests.homes import Home
from tests.ingest.conftest import NOW
from tests.running import Running
from tests.story import Story, day

CLOCK, OUTBOX, MAGIC_IDS = "/v1/test/clock", "/v1/test/outbox", "/v1/test/magic"
NDJSON = {"Content-Type": "application/x-ndjson"}
SINGLE = "application/cloudevents+json"
DATE = "Tue, 03 Mar 2026 12:00:00 +0000"
WEEK = timedelta(days=7)


@pytest.fixture
def trial(tmp_path: Path) -> Iterator[Running]:
    """A sandbox, ``trial``, beside the live network ``main``; mail would go to a server that is not there."""
    keys = storage.open_keys(Settings(data=tmp_path / "data"))
    keys.add_network("trial", sandbox=True)
    keys.close()
    found = Running(tmp_path, day(0), network="trial", smtp_url="smtp://127.0.0.1:9")
    yield found
    found.close()


def now(trial: Running) -> datetime:
    return datetime.fromisoformat(trial.get(CLOCK).json()["now"])


def forward(trial: Running, **by: Any) -> int:
    return trial.ask("POST", CLOCK, json=by).status_code


def outbox(trial: Running) -> list[dict[str, str]]:
    items: list[dict[str, str]] = trial.get(OUTBOX).json()["items"]
    return items


def test_the_clock_goes_forward_by_a_span_or_to_an_instant_and_never_back(trial: Running) -> None:
    assert now(trial) == day(0)
    assert forward(trial, forward="P7D") == 200
    assert forward(trial, forward=3600) == 200
    assert now(trial) == day(7) + timedelta(hours=1)
    assert forward(trial, now=day(9).isoformat()) == 200
    assert now(trial) == day(9)
    for wrong in (
        {"now": day(8).isoformat()},
        {"forward": -1},
        {"forward": "P99999D"},
        {"now": "2026-03-20T10:00:00"},
        {"forward": 1, "now": day(10).isoformat()},
        {},
        {"soon": 1},
    ):
        assert forward(trial, **wrong) == 422
    trial.now += timedelta(days=1)
    assert now(trial) == day(10)


def test_what_lies_ahead_can_be_posted_once_the_clock_is_there(trial: Running) -> None:
    story = Story().opened().after(30).session(ors=20)
    assert trial.post(story.events).status_code == 207
    assert forward(trial, forward="P30DT2H") == 200
    assert trial.post(story.events).status_code == 200


def test_twelve_sessions_in_seconds_lead_to_an_alert_and_a_mail_that_can_be_seen(trial: Running) -> None:
    therapist = {"name": "Ada Alder", "email": "ada@clinic.example", "time_zone": "Europe/Copenhagen"}
    assert trial.ask("PUT", "/v1/therapists/th_ada01", json=therapist).status_code == 201
    story = Story().opened("th_ada01")
    for _ in range(12):
        before = len(story.events)
        story.session(ors=15, srs=37)
        assert forward(trial, now=story.now.isoformat()) == 200
        assert trial.post(story.events[before:] if before > 1 else story.events).status_code == 200
        trial.settle()
    mails = outbox(trial)
    told = [item["type"] for item in trial.get("/v1/feed").json()["items"]]
    assert told.count("resonance.alert.notified.v1") == len(mails) > 0
    assert {mail["to"] for mail in mails} == {"ada@clinic.example"}
    assert all("https://" in mail["text"] or "http://" in mail["text"] for mail in mails)
    assert day(7) < datetime.fromisoformat(mails[-1]["date"]) < day(90)
    assert trial.network.outbox.backlog().pending == 0


def test_every_magic_id_is_answered_with_its_problem_and_nothing_is_stored(trial: Running) -> None:
    published = trial.get(MAGIC_IDS).json()["items"]
    assert [one["prefix"] for one in published] == [one.prefix for one in MAGIC]
    for one in published:
        event = agreed(1).model_copy(update={"id": f"{one['prefix']}1"})
        answer = trial.ask("POST", "/v1/events", content=canonical(event), headers={"Content-Type": SINGLE})
        assert (answer.status_code, answer.json()["retryable"]) == (one["status"], one["retryable"])
        assert answer.json()["type"].endswith(one["problem"])
        assert ("Retry-After" in answer.headers) == one["retryable"]
        [result] = trial.post([event]).json()["results"]
        assert result["problem"]["type"].endswith(one["problem"])
        imported = trial.ask("POST", "/v1/imports", content=canonical(event), headers=NDJSON)
        assert imported.json()["rejected"] == 1
    assert trial.events() == []


def test_a_live_network_knows_nothing_of_this(trial: Running) -> None:
    live = trial.create_key(network="main")
    assert live.startswith("rsn_live_")
    for path in (CLOCK, OUTBOX, MAGIC_IDS):
        answer = trial.get(path, key=live)
        assert (answer.status_code, answer.json()["type"]) == (404, "/v1/problems/not-found")
    assert trial.ask("POST", CLOCK, key=live, json={"forward": 60}).status_code == 404
    magic = agreed(1).model_copy(update={"id": f"{MAGIC[0].prefix}1"})
    assert trial.post([magic], key=live).status_code == 200
    assert trial.service.networks["main"].clock() == trial.now


def test_a_test_key_never_reaches_a_live_network(trial: Running) -> None:
    assert trial.key.startswith("rsn_test_")
    live = trial.create_key(network="main")
    assert trial.post([agreed(1)]).status_code == 200
    assert trial.post([agreed(2)], key=live).status_code == 200
    assert [event.id for event in trial.events()] == ["e1"]
    assert [event["id"] for event in trial.get("/v1/events", key=live).json()["items"]] == ["e2"]
    disguised = trial.key.replace("rsn_test_", "rsn_live_")
    assert trial.get("/v1/events", key=disguised).status_code == 401


def test_a_key_without_the_scope_moves_nothing(trial: Running) -> None:
    reader = trial.create_key("read", network="trial")
    assert trial.ask("POST", CLOCK, key=reader, json={"forward": 60}).status_code == 403
    assert trial.get(OUTBOX, key=reader).status_code == 403
    assert trial.network.clock() == day(0)


def test_each_process_sees_the_clock_that_another_has_moved(home: Home) -> None:
    one, other = (Sandbox(home.database("other", SCHEMA), lambda: NOW) for _ in range(2))
    one.forward(WEEK)
    other.forward(timedelta(seconds=1))
    assert one.now() == NOW + WEEK
    one.look()
    assert one.now() == other.now() == NOW + WEEK + timedelta(seconds=1)
    assert Sandbox(home.database("other", SCHEMA), lambda: NOW).now() == one.now()


def test_a_letter_is_in_the_box_once_and_the_newest_first(home: Home) -> None:
    sandbox = Sandbox(home.database("other", SCHEMA), lambda: NOW)
    for name in ("first", "second", "first"):
        head = f"Message-ID: <{name}@resonance>\r\nTo: ada@clinic.example\r\nSubject: {name}\r\nDate: {DATE}\r\n"
        letter = f"{head}\r\nText\r\n".encode()
        assert sandbox.deliver("resonance@clinic.example", "ada@clinic.example", letter) == "sent"
        sandbox.forward(timedelta(seconds=1))
    assert [(mail.subject, mail.to, mail.text) for mail in sandbox.mails(9)] == [
        ("second", "ada@clinic.example", "Text\n"),
        ("first", "ada@clinic.example", "Text\n"),
    ]
    assert len(sandbox.mails(1)) == 1


def test_magic_is_made_of_problems_that_events_can_meet() -> None:
    assert {one.problem for one in MAGIC} <= KINDS.keys()
    assert any(one.retryable for one in MAGIC)
    assert any(not one.retryable for one in MAGIC)


def test_commands_about_a_sandbox_go_by_its_clock(trial: Running) -> None:
    assert forward(trial, forward="P30D") == 200
    before = utc_now()
    assert before + timedelta(days=30) <= now_in(trial.settings, "trial") <= utc_now() + timedelta(days=30)
    assert before <= now_in(trial.settings, "main") <= utc_now()
