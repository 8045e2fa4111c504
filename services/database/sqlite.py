"""One SQLite file: one writer at a time, any number of readers."""

import sqlite3
import threading
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any, Final, Literal

from services.database.ports import NotMigrated, Unavailable

WAIT_FOR_LOCK_SECONDS: Final = 5.0


@contextmanager
def _translated() -> Iterator[None]:
    """Tells an outage (a lock that is not given back, a full disk) from a defect."""
    try:
        yield
    except sqlite3.OperationalError as error:
        if error.sqlite_errorcode != sqlite3.SQLITE_ERROR:
            raise Unavailable(type(error).__name__) from error
        if str(error).startswith(("no such table", "no such column")):
            raise NotMigrated from error
        raise


def is_of_another_release(path: Path, schema: str) -> bool:
    """Whether the file has a table that ``schema`` would make otherwise."""
    with closing(sqlite3.connect(path)) as kept, closing(sqlite3.connect(":memory:")) as made:
        made.executescript(schema)
        found, wanted = (dict(one.execute("SELECT name, sql FROM sqlite_master")) for one in (kept, made))
    return any(found.get(name, text) != text for name, text in wanted.items())


def remove(path: Path) -> None:
    """Removes a database that can be made again."""
    for suffix in ("", "-wal", "-shm"):
        path.with_name(path.name + suffix).unlink(missing_ok=True)


class SQLiteConnection:
    """Statements on one connection, which ends when nobody refers to this any more."""

    def __init__(self, bare: sqlite3.Connection) -> None:
        self.bare = bare

    def __del__(self) -> None:
        self.bare.close()

    def execute(self, statement: str, values: Any = (), /) -> sqlite3.Cursor:
        with _translated():
            return self.bare.execute(statement, values)

    def insert(self, table: str, columns: Sequence[str], rows: Iterable[Sequence[Any]], /) -> None:
        places = ", ".join("?" for _ in columns)
        self.executemany(f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({places})", rows)  # noqa: S608 - names of ours

    def executemany(self, statement: str, rows: Iterable[Any], /) -> None:
        with _translated():
            self.bare.executemany(statement, rows)


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
        with _translated():
            self.connection().bare.executescript(schema)

    def connection(self) -> SQLiteConnection:
        """This thread's own connection."""
        connection: SQLiteConnection | None = getattr(self._local, "connection", None)
        if connection is None:
            with _translated():
                bare = sqlite3.connect(
                    self._path,
                    timeout=WAIT_FOR_LOCK_SECONDS,
                    isolation_level=None,
                    check_same_thread=False,  # close() ends it from any thread
                )
            bare.row_factory = sqlite3.Row
            connection = SQLiteConnection(bare)
            connection.execute("PRAGMA journal_mode=WAL")
            connection.execute(f"PRAGMA synchronous={self._synchronous}")
            self._local.connection = connection
        return connection

    @contextmanager
    def transaction(self) -> Iterator[SQLiteConnection]:
        """A write transaction: all of it, or nothing where the block raises."""
        connection = self.connection()
        with self._writing:
            connection.execute("BEGIN IMMEDIATE")
            try:
                yield connection
                connection.execute("COMMIT")
            except BaseException:
                if connection.bare.in_transaction:  # some errors, as a full disk, have rolled back already
                    connection.execute("ROLLBACK")
                raise

    @contextmanager
    def snapshot(self) -> Iterator[SQLiteConnection]:
        """Several reads that see one and the same state."""
        connection = self.connection()
        connection.execute("BEGIN")
        try:
            yield connection
        finally:
            connection.execute("ROLLBACK")

    def close(self) -> None:
        self._local = threading.local()
