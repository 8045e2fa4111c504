"""A schema of a PostgreSQL database, for any number of processes."""

import re
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from functools import lru_cache
from typing import Any, Final

import psycopg
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict
from psycopg.rows import DictRow, dict_row

from services.database.ports import Unavailable, Values

WAIT_SECONDS: Final = 3
"""For a connection."""
LOST_CONNECTION: Final = {"keepalives_idle": 10, "keepalives_interval": 5, "tcp_user_timeout": 20_000}
"""Seconds, seconds and milliseconds after which a peer that no longer answers is given up."""
LIMITS: Final = "-c lock_timeout=10s -c idle_in_transaction_session_timeout=30s"
"""Whoever is stopped in the middle of a transaction loses it, and with it every lock. Options in the URL overrule."""
MAKING: Final = 4_771_219_002
"""The advisory lock under which tables are made: PostgreSQL fails where two make one at once."""

_PLACE: Final = re.compile(r"(?<!:):([a-z_]+)|\?")
_ONLY_HERE: Final = re.compile(r"/\*\+(.*?)\*/")
_WORDS: Final = {"BLOB": "BYTEA", "INTEGER": "BIGINT", "REAL": "DOUBLE PRECISION"}
_SPELT: Final = re.compile(r"\b(BLOB|INTEGER|REAL)\b|(?: STRICT,)? WITHOUT ROWID")


@lru_cache(maxsize=1_000)
def _translated(statement: str) -> bytes:
    """The statement with psycopg's places for values, and with what only PostgreSQL is told."""
    doubled = _ONLY_HERE.sub(r"\1", statement).replace("%", "%%")
    return _PLACE.sub(lambda place: f"%({place[1]})s" if place[1] else "%s", doubled).encode()


def _spelt(schema: str) -> bytes:
    """The script that makes tables, in PostgreSQL's words; it has no other differences."""
    return _SPELT.sub(lambda word: _WORDS.get(word[0], ""), schema).encode()


@contextmanager
def translated() -> Iterator[None]:
    """Tells an outage from a defect. The database's own text stays behind, as it can quote a row."""
    try:
        yield
    except (psycopg.OperationalError, psycopg.InterfaceError) as error:
        raise Unavailable(type(error).__name__) from None


class PostgresConnection:
    """Statements in the common spelling on one connection."""

    def __init__(self, bare: psycopg.Connection[DictRow]) -> None:
        self.bare = bare

    def execute(self, statement: str, values: Values = (), /) -> psycopg.Cursor[DictRow]:
        with translated():
            return self.bare.execute(_translated(statement), values)

    def executemany(self, statement: str, rows: Iterable[Values], /) -> None:
        with translated(), self.bare.cursor() as cursor:
            cursor.executemany(_translated(statement), rows)


def connect(url: str, schema: str, **parameters: Any) -> psycopg.Connection[DictRow]:
    """A connection that finds its tables in ``schema``. Raises Unavailable."""
    given = conninfo_to_dict(url, connect_timeout=WAIT_SECONDS)
    given["options"] = f"{LIMITS} -c search_path={schema} {given.get('options') or ''}"
    with translated():
        return psycopg.connect(**LOST_CONNECTION | given | parameters, row_factory=dict_row, autocommit=True)


def migrate(url: str, schema: str, script: str) -> None:
    """Makes ``schema`` with the tables of ``script``, where they are not there. Raises Unavailable."""
    with connect(url, schema) as connection, translated(), connection.transaction():
        connection.execute("SELECT pg_advisory_xact_lock(%s)", (MAKING,))
        connection.execute(sql.SQL("CREATE SCHEMA IF NOT EXISTS {}").format(sql.Identifier(schema)))
        connection.execute(_spelt(script))


class PostgresDatabase:
    """The tables of ``schema``, which were made by ``migrate``."""

    def __init__(self, url: str, schema: str) -> None:
        self._url = url
        self._schema = schema
        self._local = threading.local()
        self._opened: list[psycopg.Connection[DictRow]] = []

    def connection(self) -> PostgresConnection:
        """This thread's own connection; a new one where the last was lost. Raises Unavailable."""
        connection: PostgresConnection | None = getattr(self._local, "connection", None)
        if connection is None or connection.bare.closed:
            connection = self._local.connection = PostgresConnection(connect(self._url, self._schema))
            self._opened = [one for one in self._opened if not one.closed]
            self._opened.append(connection.bare)
        return connection

    @contextmanager
    def transaction(self) -> Iterator[PostgresConnection]:
        """All of it, or nothing where the block raises."""
        connection = self.connection()
        with translated(), connection.bare.transaction():
            yield connection

    @contextmanager
    def snapshot(self) -> Iterator[PostgresConnection]:
        """Several reads that see one and the same state."""
        with self.transaction() as connection:
            connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
            yield connection

    def close(self) -> None:
        for connection in self._opened:
            with suppress(psycopg.Error):
                connection.close()
        self._opened.clear()
        self._local = threading.local()
