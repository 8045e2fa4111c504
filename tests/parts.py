"""The parts that keep something, each in a database of its own."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from pathlib import Path

from contracts.instruments import catalogue
from services.access import audit, issuers, keys, people
from services.access.audit import Audit
from services.access.bearers import Bearers
from services.access.issuers import Issuers
from services.access.keys import Keys
from services.access.keysets import KeySets
from services.access.people import People
from services.access.tokens import Tokens
from services.alerts import outbox
from services.alerts.outbox import Outbox, Written
from services.database.ports import Database
from services.database.sqlite import SQLiteDatabase
from services.eventlog.feed import SOURCE, LogFeed
from services.eventlog.follow import Signal
from services.eventlog.ports import Log, Recorded, Slice
from services.outward import Outward
from services.projections import run, tables
from services.projections.fold import Catalogue
from services.projections.views import Views


def views_at(path: Path) -> Views:
    return views_in(SQLiteDatabase(path, tables.SCHEMA, "NORMAL"))


def views_in(database: Database, instruments: Catalogue | None = None) -> Views:
    found = Views(database, catalogue() if instruments is None else instruments)
    found.add_sources([SOURCE])
    return found


def sliced(batch: Sequence[Recorded]) -> Slice:
    """``batch`` as the log itself would give it to who has applied all before it."""
    return Slice(SOURCE, 0, 0, batch, batch[-1].position)


def follow_once(log: Log, views: Views, applied: Signal | None = None) -> bool:
    """Applies what the log has, as far as one step goes; whether there was anything."""
    return run.step(LogFeed(log, lambda position, seconds: None), views, applied or Signal())


def outbox_at(path: Path) -> Outbox:
    return outbox_in(SQLiteDatabase(path, outbox.SCHEMA, "FULL"))


def outbox_in(database: Database) -> Outbox:
    found = Outbox(database)
    found.add_shards([0])
    return found


def record(
    outbox: Outbox, position: int | None, due: Mapping[str, datetime | None], letters: Sequence[Written]
) -> None:
    """What somebody recorded whose turn it was."""
    with outbox.turn(0) as turn:
        assert turn is not None
        turn.record(position, due, letters)


def people_at(path: Path) -> People:
    return People(SQLiteDatabase(path, people.SCHEMA, "FULL"))


def keys_at(path: Path) -> Keys:
    return Keys(SQLiteDatabase(path, keys.SCHEMA, "FULL"))


def bearers_at(path: Path, keys: Keys) -> Bearers:
    """For keys, and for tokens of the issuers that a test registers there."""
    return Bearers(keys, Tokens(Issuers(SQLiteDatabase(path, issuers.SCHEMA, "FULL")), KeySets(Outward())))


def audit_at(path: Path, clock: Callable[[], datetime]) -> Audit:
    return Audit(SQLiteDatabase(path, audit.SCHEMA, "FULL"), clock)
