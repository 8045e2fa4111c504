"""One SQLite file: one writer at a time, any number of readers."""

import sqlite3
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final, Literal

from typing_extensions import override

from services.database.ports import Unavailable

WAIT_FOR_LOCK_SECONDS: Final = 5.0


class _Connection(sqlite3.Connection):
    """Tells an outage (a lock that is not given back, a full disk) from a defect."""

    @override
    def execute(self, statement: str, values: Any = (), /) -> sqlite3.Cursor:
        try:
            return super().execute(statement, values)
        except sqlite3.OperationalError as error:
            raise Unavailable(type(error).__name__) from error

    @override
    def executemany(self, statement: str, rows: Iterable[Any], /) -> sqlite3.Cursor:
        try:
            return super().executemany(statement, rows)
        except sqlite3.OperationalError as error:
            raise Unavailable(type(error).__name__) from error


class SQLiteDatabase:
    """A file in WAL mode, readable by its owner alone, with the tables of ``schema``.

    ``synchronous`` is FULL where the file holds what cannot be made again, NORMAL for views that a rebuild restores.
    """

    def __init__(self, path: Path, schema: str, synchronous: Literal["FULL", "NORMAL"]) -> None:
        path.touch(mode=0o600)
        self._path = path
        self._synchronous = synchronous
        self._local = threading.local()
        self._writing = threading.Lock()
        self._opened: list[_Connection] = []
        self.connection().executescript(schema)

    def connection(self) -> _Connection:
        """This thread's own connection."""
        connection: _Connection | None = getattr(self._local, "connection", None)
        if connection is None:
            # Closed by whoever calls close(), which may be another thread.
            connection = sqlite3.connect(
                self._path,
                timeout=WAIT_FOR_LOCK_SECONDS,
                isolation_level=None,
                check_same_thread=False,
                factory=_Connection,
            )
            connection.row_factory = sqlite3.Row
            connection.execute("PRAGMA journal_mode=WAL")
            connection.execute(f"PRAGMA synchronous={self._synchronous}")
            self._local.connection = connection
            self._opened.append(connection)
        return connection

    @contextmanager
    def transaction(self) -> Iterator[_Connection]:
        """A write transaction: all of it, or nothing where the block raises."""
        connection = self.connection()
        with self._writing:
            connection.execute("BEGIN IMMEDIATE")
            try:
                yield connection
                connection.execute("COMMIT")
            except BaseException:
                if connection.in_transaction:  # some errors, as a full disk, have rolled back already
                    connection.execute("ROLLBACK")
                raise

    @contextmanager
    def snapshot(self) -> Iterator[_Connection]:
        """Several reads that see one and the same state."""
        connection = self.connection()
        connection.execute("BEGIN")
        try:
            yield connection
        finally:
            connection.execute("ROLLBACK")

    def close(self) -> None:
        for connection in self._opened:
            connection.close()
        self._opened.clear()
        self._local = threading.local()
