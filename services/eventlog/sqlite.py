"""The log in one SQLite file, for one process."""

import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from datetime import datetime
from pathlib import Path
from threading import Lock
from typing import Final

from eventsourcing.persistence import InterfaceError, OperationalError
from eventsourcing.sqlite import (
    SQLiteApplicationRecorder,
    SQLiteConnection,
    SQLiteConnectionPool,
    SQLiteCursor,
    SQLiteDatastore,
    SQLiteTransaction,
)
from typing_extensions import override

from services.database.sqlite import WAIT_FOR_LOCK_SECONDS
from services.database.texts import statements
from services.eventlog import store
from services.eventlog.ports import WrongSchema
from services.eventlog.store import SCHEMA_VERSION, Answers, Entry, Kept, Row, StoredLog

SQL: Final = statements("services.eventlog", "sqlite")


def migrate(path: Path) -> None:
    """Makes the log's file; leaves alone one that is as this release needs it. Raises WrongSchema, Unavailable."""
    store.migrate(_Recorder(_Datastore(path, "rwc")))


def open_log(path: Path, secret: bytes) -> StoredLog:
    """The log in the file at ``path``, with the network's ``secret``. Raises WrongSchema, Unavailable."""
    if not path.exists():
        raise WrongSchema(None, SCHEMA_VERSION)
    return StoredLog(_Recorder(_Datastore(path, "rw")), secret)


class _Pool(SQLiteConnectionPool):
    """Connections that are durable by their own setting, and keep more than the library's one prepared statement."""

    @override
    def _create_connection(self) -> SQLiteConnection:
        try:
            connection = sqlite3.connect(
                self.db_name, timeout=WAIT_FOR_LOCK_SECONDS, isolation_level=None, check_same_thread=False, uri=True
            )
            connection.execute("PRAGMA journal_mode=WAL")
            connection.execute("PRAGMA synchronous=FULL")
        except sqlite3.Error as error:
            raise InterfaceError(error) from error
        connection.row_factory = sqlite3.Row
        return SQLiteConnection(connection, max_age=None)


class _Datastore(SQLiteDatastore):
    def __init__(self, path: Path, mode: str) -> None:
        name = f"{path.absolute().as_uri()}?mode={mode}"
        super().__init__(name)
        self.pool = _Pool(db_name=name)
        self._writing = Lock()

    @override
    @contextmanager
    def get_connection(self, *, commit: bool) -> Iterator[SQLiteConnection]:
        # Not by the pool's own interlock, which the library (9.5.6) keeps for ever where no connection can be made.
        with self._writing if commit else nullcontext():
            connection = self.pool.get_connection()
            try:
                yield connection
            finally:
                self.pool.put_connection(connection)


class _WriteTransaction(SQLiteTransaction):
    """Takes the file's lock at once: one that read first could no longer write after another's commit."""

    @override
    def __enter__(self) -> SQLiteCursor:
        cursor = self.connection.cursor()
        try:
            cursor.execute("BEGIN IMMEDIATE")
        except sqlite3.OperationalError as error:
            raise OperationalError(error) from error
        return cursor


class _Recorder(SQLiteApplicationRecorder):
    @override
    def construct_create_table_statements(self) -> list[str]:
        return [SQL["create"], f"PRAGMA user_version = {SCHEMA_VERSION}"]

    def version(self) -> int | None:
        with self.datastore.transaction(commit=False) as cursor:
            cursor.execute("PRAGMA user_version")
            version: int = cursor.fetchone()[0]
        return version or None

    def store(self, entries: Sequence[Entry], received: datetime, check: Callable[[Answers], None]) -> Answers:
        instant = received.isoformat()
        with (
            self.datastore.get_connection(commit=True) as connection,
            _WriteTransaction(connection, commit=True) as transaction,
            transaction as cursor,
        ):
            before = self._max_notification_id(transaction) or 0
            cursor.executemany(
                SQL["append"],
                [(e.stream, e.stream, e.topic, e.state, e.key, e.digest, instant) for e in entries],
            )
            if cursor.rowcount == len(entries):
                # All were new. Under the file's lock their row ids follow each other, up to what is now the largest.
                first = self._max_notification_id(transaction) - len(entries) + 1
                kept = {e.key: Kept(position, e.digest, True) for position, e in enumerate(entries, first)}
            else:
                kept = {e.key: Kept(*cursor.execute(SQL["kept"], (before, e.key)).fetchone()) for e in entries}
            check(kept)
            return kept

    def rows(self, after: int, limit: int) -> list[Row]:
        with self.datastore.transaction(commit=False) as transaction, transaction as cursor:
            return [_row(*found) for found in cursor.execute(SQL["rows"], (after, limit))]

    def found(self, keys: Sequence[bytes]) -> list[Row]:
        with self.datastore.transaction(commit=False) as transaction, transaction as cursor:
            return [_row(*found) for key in keys for found in cursor.execute(SQL["row"], (key,))]

    def close(self) -> None:
        self.datastore.close()


def _row(position: int, received: str, topic: str, state: bytes, stream: str, key: bytes) -> Row:
    return Row(position, datetime.fromisoformat(received), topic, state, stream, key)
