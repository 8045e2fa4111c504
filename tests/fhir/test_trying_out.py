"""A sandbox in FHIR: identifiers that ask to be refused, so that every branch of a client can be tried."""

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from services import storage
from services.sandbox.magic import MAGIC
from services.settings import Settings
from tests.fhir.conftest import Door, bundle, issues, statuses
from tests.fhir.sent import identifier, observation
from tests.running import Running


@pytest.fixture
def trial(tmp_path: Path) -> Iterator[Door]:
    with closing(storage.open_keys(Settings(data=tmp_path / "data"))) as keys:
        keys.add_network("trial", sandbox=True)
    running = Running(tmp_path, network="trial")
    yield Door(running)
    running.close()


def asking(slug: str) -> dict[str, Any]:
    return observation(identifier=[identifier(f"rsn-test-{slug}-1")])


def test_each_magic_identifier_is_answered_with_its_problem(trial: Door) -> None:
    for one in MAGIC:
        answer = trial.post(asking(one.problem))
        assert answer.status_code == one.status
        assert [issue.problem for issue in issues(answer)] == [one.problem]
    assert trial.events() == []


def test_an_entry_asks_for_itself_and_a_transaction_fails_whole(trial: Door) -> None:
    batch = trial.post(bundle("batch", observation(), asking("event-id-conflict")))
    whole = trial.post(bundle("transaction", observation(identifier=[identifier("o-2")]), asking("internal")))

    assert statuses(batch) == ["201", "409"]
    assert whole.status_code == 500
    assert [event.id for event in trial.events()] == ["o-1"]


def test_a_live_network_knows_no_magic(door: Door) -> None:
    assert door.post(asking("internal")).status_code == 201
