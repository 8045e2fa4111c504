"""Storing, following and deciding without HTTP: beside raw inserts, beside the pure fold, beside a smaller network."""

import secrets
import sqlite3
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from itertools import count, islice
from pathlib import Path
from typing import Final

from prometheus_client import CollectorRegistry

from benchmarks.made_up import THERAPISTS, opened, posts
from benchmarks.measured import Compared, Found, Tell, in_turns
from contracts.events import AnyEvent, CaseEvent, parse
from contracts.instruments import catalogue
from contracts.policies import policy
from services import storage
from services.alerts.counts import Counts
from services.alerts.letter import Letterhead
from services.alerts.mail import MailboxDelivery
from services.alerts.run import Office, evaluate_step
from services.database.sqlite import SQLiteDatabase
from services.database.texts import statements
from services.eventlog import sqlite
from services.eventlog.feed import SOURCE
from services.eventlog.ports import Recorded, Slice
from services.eventlog.store import Codec
from services.projections import tables
from services.projections.fold import course_of
from services.projections.record import Record, evolve
from services.projections.views import Views
from services.settings import Settings

GROUP: Final = 500
SECRET: Final = b"b" * 32
NOW: Final = datetime(2026, 6, 1, 12, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Size:
    events: int = 20_000
    repetitions: int = 5
    cases: int = 100_000
    few: int = 1_000
    touched: int = 100


def events(number: int, cases: int, sessions: int) -> list[AnyEvent]:
    return [parse(body) for body in islice(posts(NOW, cases, sessions), number)]


def groups(whole: Sequence[AnyEvent]) -> Iterator[Sequence[AnyEvent]]:
    for start in range(0, len(whole), GROUP):
        yield whole[start : start + GROUP]


def storing(size: Size, tell: Tell) -> Found:
    """Events a second onto the log, in 500s, against `executemany` of the same rows into the same table."""
    whole = events(size.events, 500, 16)
    codec = Codec(SECRET)
    rows = [(*codec.entry(event), NOW.isoformat()) for event in whole]
    with tempfile.TemporaryDirectory(prefix="resonance-bench-") as name:
        folder, number = Path(name), count()
        subjects = {
            "log": lambda: _onto_log(folder / f"{next(number)}.db", whole),
            "raw": lambda: _raw(folder / f"{next(number)}.db", rows),
        }
        found = in_turns(subjects, size.repetitions, tell)
    return [Compared("append in 500s", "raw executemany of the same rows", "events/s", found["log"], found["raw"], 0.5)]


def _onto_log(path: Path, whole: Sequence[AnyEvent]) -> float:
    sqlite.migrate(path)
    log = sqlite.open_log(path, SECRET)
    began = time.perf_counter()
    for group in groups(whole):
        log.append(group, NOW)
    took = time.perf_counter() - began
    log.close()
    return len(whole) / took


def _raw(path: Path, rows: Sequence[tuple[object, ...]]) -> float:
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA synchronous=FULL")
    connection.execute(statements("services.eventlog", "sqlite")["create"])
    insert = (
        "INSERT INTO stored_events (originator_version, originator_id, topic, state, ingest_key, digest, received)"
        " VALUES (?, ?, ?, ?, ?, ?, ?)"
    )
    numbered = [(version, *row) for version, row in enumerate(rows)]
    began = time.perf_counter()
    for start in range(0, len(numbered), GROUP):
        connection.execute("BEGIN IMMEDIATE")
        connection.executemany(insert, numbered[start : start + GROUP])
        connection.execute("COMMIT")
    took = time.perf_counter() - began
    connection.close()
    return len(rows) / took


def following(size: Size, tell: Tell) -> Found:
    """Events a second into the views, in batches of 1,000, against the pure fold of the same batches in memory."""
    recorded = [Recorded(place, NOW, event) for place, event in enumerate(events(size.events, 500, 16), 1)]
    batches = [recorded[start : start + 1_000] for start in range(0, len(recorded), 1_000)]
    with tempfile.TemporaryDirectory(prefix="resonance-bench-") as name:
        folder, number = Path(name), count()
        subjects = {
            "views": lambda: _into_views(folder / f"{next(number)}.db", batches, rebuild=False),
            "fold": lambda: _fold(batches),
            "rebuild": lambda: _into_views(folder / f"{next(number)}.db", batches, rebuild=True),
        }
        found = in_turns(subjects, size.repetitions, tell)
    return [
        Compared("catch-up of the views", "the pure fold", "events/s", found["views"], found["fold"], 0.5),
        Compared("rebuild of the views", "catch-up", "events/s", found["rebuild"], found["views"]),
    ]


def _into_views(path: Path, batches: Sequence[Sequence[Recorded]], *, rebuild: bool) -> float:
    views = Views(SQLiteDatabase(path, tables.SCHEMA, "NORMAL"), catalogue())
    views.add_sources([SOURCE])
    began = time.perf_counter()
    if rebuild:
        views.rebuild(batches)
    else:
        for batch in batches:
            views.apply(_slice(batch))
    took = time.perf_counter() - began
    views.close()
    return sum(len(batch) for batch in batches) / took


def _slice(batch: Sequence[Recorded]) -> Slice:
    return Slice(SOURCE, 0, batch[0].position - 1, batch, batch[-1].position)


def _fold(batches: Sequence[Sequence[Recorded]]) -> float:
    records: dict[str, Record] = {}
    began = time.perf_counter()
    for batch in batches:
        touched = {}
        for _, _, event in batch:
            if isinstance(event, CaseEvent):
                evolve(records.setdefault(event.case_ref, {}), event)
                touched[event.case_ref] = True
        for case_ref in touched:
            course_of(records[case_ref], catalogue())
    return sum(len(batch) for batch in batches) / (time.perf_counter() - began)


def deciding(size: Size, tell: Tell) -> Found:
    """Steps a second that look at some touched cases, among many cases against among few."""
    with tempfile.TemporaryDirectory(prefix="resonance-bench-") as name:
        folders = {"many": size.cases, "few": size.few}
        offices = {}
        for each, cases in folders.items():
            tell(f"{cases:,} cases")
            offices[each] = _office(Path(name) / each, cases)
        subjects = {each: partial(_step, office, size.touched) for each, office in offices.items()}
        found = in_turns(subjects, size.repetitions, tell)
    what, against = f"deciding {size.touched} touched of {size.cases:,} cases", f"of {size.few:,} cases"
    return [Compared(what, against, "steps/s", found["many"], found["few"], 0.5)]


def _office(folder: Path, cases: int) -> Office:
    """A network whose cases were all judged; each has an opening, three sessions and their scores."""
    folder.mkdir()
    sqlite.migrate(folder / "log.db")
    log = sqlite.open_log(folder / "log.db", SECRET)
    settings = Settings(data=folder.parent, network=folder.name)
    views, outbox = storage.open_views(settings, folder.name), storage.open_outbox(settings, folder.name)
    whole = islice(posts(NOW, cases, 3), cases * 10)
    recorded = [Recorded(place, NOW, parse(body)) for place, body in enumerate(whole, 1)]
    views.rebuild([recorded])
    due = {case_ref: NOW.replace(year=NOW.year + 1) for case_ref, _ in views.touched(0, 0, cases)}
    with outbox.turn(0) as turn:
        assert turn
        turn.record(len(recorded), dict(due), [])
    return Office(
        log=log,
        views=views,
        outbox=outbox,
        people=storage.open_people(settings, folder.name),
        policy=policy(),
        letterhead=Letterhead("resonance@clinic.example", "http://127.0.0.1", SECRET),
        delivery=MailboxDelivery(folder / "mailbox"),
        counts=Counts(CollectorRegistry()),
        clock=lambda: NOW,
        token=lambda: secrets.token_urlsafe(16),
        chance=lambda: 0.5,
        announce=lambda _: None,
    )


def _step(office: Office, touched: int) -> float:
    """Touches that many cases anew, then takes one step."""
    head = office.views.position()
    refs = [case_ref for case_ref, _ in office.views.touched(0, 0, touched)]
    events = [parse(opened(ref.removeprefix("ca_"), NOW, THERAPISTS[0])) for ref in refs]
    office.views.apply(_slice([Recorded(head + place, NOW, event) for place, event in enumerate(events, 1)]))
    began = time.perf_counter()
    evaluate_step(office)
    return 1 / (time.perf_counter() - began)
