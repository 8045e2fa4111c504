"""SQLite files as views and registries use them: one writer at a time, any number of readers, statements by name."""

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.resources import files
from pathlib import Path
from typing import Final, Literal

WAIT_FOR_LOCK_SECONDS: Final = 5.0


def script(package: str, name: str) -> str:
    """The text of ``<package>/sql/<name>.sql``."""
    return files(package).joinpath("sql", f"{name}.sql").read_text("utf-8")


def statements(package: str, name: str) -> dict[str, str]:
    """The statements of ``<package>/sql/<name>.sql``, by the name that stands in the ``-- name:`` line above each."""
    named = {}
    for section in script(package, name).split("-- name: ")[1:]:
        title, _, body = section.partition("\n")
        named[title.strip()] = body.strip().rstrip(";")
    return named


class Database:
    """One SQLite file in WAL mode.

    ``synchronous`` is FULL where the file holds what cannot be made again, NORMAL for views that a rebuild restores.
    """

    def __init__(self, path: Path, schema: str, synchronous: Literal["FULL", "NORMAL"]) -> None:
        self._path = path
        self._synchronous = synchronous
        self._local = threading.local()
        self._writing = threading.Lock()
        self._opened: list[sqlite3.Connection] = []
        self.connection().executescript(schema)

    def connection(self) -> sqlite3.Connection:
        """This thread's own connection; rows can be read by column name."""
        connection: sqlite3.Connection | None = getattr(self._local, "connection", None)
        if connection is None:
            # Closed by whoever calls close(), which may be another thread.
            connection = sqlite3.connect(
                self._path, timeout=WAIT_FOR_LOCK_SECONDS, isolation_level=None, check_same_thread=False
            )
            connection.row_factory = sqlite3.Row
            connection.execute("PRAGMA journal_mode=WAL")
            connection.execute(f"PRAGMA synchronous={self._synchronous}")
            self._local.connection = connection
            self._opened.append(connection)
        return connection

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
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
    def snapshot(self) -> Iterator[sqlite3.Connection]:
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
