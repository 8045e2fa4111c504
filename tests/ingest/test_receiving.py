"""An import gives way to a log that is busy or out of reach, and goes on by itself; or says that it could not."""

import asyncio
import threading
from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from pathlib import Path
from typing import Any

import pytest
from prometheus_client import CollectorRegistry

from contracts.events import AnyEvent, parse
from services.access.problems import Refused
from services.database.sqlite import SQLiteDatabase
from services.eventlog.ports import Unavailable
from services.ingest import imports as imports_
from services.ingest import receiving as receiving_
from services.ingest.accept import Refusal
from services.ingest.commit import Committer
from services.ingest.counts import Counts
from services.ingest.imports import Imports, Run
from services.ingest.lines import Line
from services.ingest.receiving import Receiving
from tests.eventlog.places import agreed
from tests.ingest.conftest import NOW
from tests.ingest.test_commit import SlowLog

AT_ONCE = 10
Batch = Sequence[Line] | Refused


async def accept(lines: Sequence[bytes]) -> list[AnyEvent | Refusal]:
    return [parse(line) for line in lines]


async def coming(batches: int) -> AsyncIterator[Batch]:
    for start in range(1, batches * AT_ONCE, AT_ONCE):
        yield [Line(n, agreed(n).model_dump_json(exclude_none=True).encode()) for n in range(start, start + AT_ONCE)]


class Import:
    """One import into ``log``, whose committer has room for a batch and a half."""

    def __init__(self, folder: Path, log: SlowLog) -> None:
        self.log = log
        self.imports = Imports(SQLiteDatabase(folder / "imports.db", imports_.SCHEMA, "FULL"))
        turn, _ = self.imports.begin("key", "name", NOW)
        assert turn is not None
        self.turn = turn

    def run(self, batches: int, meanwhile: Callable[[], Coroutine[Any, Any, None]] | None = None) -> Run:
        async def story() -> Run:
            committer = Committer(self.log, lambda: NOW, lambda _: None, room=AT_ONCE + AT_ONCE // 2)
            committer.start()
            receiving = Receiving(self.imports, committer, accept, Counts(CollectorRegistry()), lambda: NOW)
            try:
                work = asyncio.ensure_future(receiving.work(self.turn, Run(), coming(batches)))
                if meanwhile:
                    await meanwhile()
                return await work
            finally:
                await committer.close()

        return asyncio.run(story())

    @property
    def settled(self) -> Run:
        found = self.imports.find("key", "name", NOW)
        assert found is not None
        return found[1]


@pytest.fixture
def log() -> SlowLog:
    found = SlowLog()
    found.go.set()
    return found


def test_an_import_waits_while_there_is_no_room(tmp_path: Path, log: SlowLog) -> None:
    log.go.clear()
    threading.Timer(0.2, log.go.set).start()
    run = Import(tmp_path, log).run(5)
    assert (run.accepted, run.next_line) == (50, 51)
    assert [len(ids) for ids in log.appends] == [AT_ONCE] * 5


def test_what_could_not_be_written_is_tried_again_until_it_is(tmp_path: Path, log: SlowLog) -> None:
    log.failure = Unavailable()
    one = Import(tmp_path, log)

    async def outage() -> None:
        while len(log.appends) < 4:  # noqa: ASYNC110 - the log has a list to look at, and nothing to wait for
            await asyncio.sleep(0.01)
        assert one.settled == Run()
        log.failure = None

    run = one.run(3, outage)
    assert (run.accepted, run.rejected) == (30, 0)
    assert one.settled == run


def test_an_import_that_finds_the_log_out_of_reach_for_long_can_be_gone_on_with(
    tmp_path: Path, log: SlowLog, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(receiving_, "PATIENCE_SECONDS", 0.1)
    log.failure = Unavailable()
    one = Import(tmp_path, log)
    with pytest.raises(Refused, match="storage-unavailable"):
        one.run(3)
    assert one.settled == Run()


def test_an_event_that_cannot_be_stored_fails_alone(tmp_path: Path, log: SlowLog) -> None:
    log.poison = {"e7"}
    one = Import(tmp_path, log)
    run = one.run(2)
    assert (run.accepted, run.rejected) == (19, 1)
    assert [error.line for error in one.imports.errors("key", "name", 0, 9)] == [7]


def test_who_has_lost_the_turn_stops(tmp_path: Path, log: SlowLog) -> None:
    one = Import(tmp_path, log)
    one.imports.release()
    one.imports.begin("key", "name", NOW)
    with pytest.raises(Refused, match="request-in-progress"):
        one.run(2)
    assert one.settled == Run()
