"""A schema of a PostgreSQL database, for any number of processes."""

import re
import threading
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import lru_cache
from hashlib import blake2b
from typing import Any, Final

import psycopg
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict, make_conninfo
from psycopg.rows import DictRow, dict_row
from typing_extensions import override

from services.database.ports import NotMigrated, Unavailable, Values

DEFAULTS: Final = {
    "connect_timeout": 3,
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "tcp_user_timeout": 20_000,
}
"""What the URL can overrule. Seconds, and at last milliseconds, after which a peer that does not answer is given up."""
LIMITS: Final = "-c lock_timeout=10s -c idle_in_transaction_session_timeout=30s"
"""Whoever is stopped in the middle of a transaction loses it, and with it every lock. Options in the URL overrule."""
STEPS_DOWN: Final = (
    "-c idle_session_timeout=10s -c tcp_keepalives_idle=10 -c tcp_keepalives_interval=5 -c tcp_keepalives_count=3"
)
"""Whoever leads and is not heard of for so long, frozen or with its machine gone, leads no more (PostgreSQL 14)."""
MAKING: Final = 4_771_219_002
"""The advisory lock under which tables are made: PostgreSQL fails where two make one at once."""

_PLACE: Final = re.compile(r"(?<!:):([a-z_]+)|\?")
_ONLY_HERE: Final = re.compile(r"/\*\+(.*?)\*/")
_WORDS: Final = {"BLOB": "BYTEA", "INTEGER": "BIGINT", "REAL": "DOUBLE PRECISION", "TEXT": 'TEXT COLLATE "C"'}
"""Texts compare by their bytes, as in SQLite and Python, not as the server's language has it."""
_SPELT: Final = re.compile(r"\b(BLOB|INTEGER|REAL|TEXT)\b|(?: STRICT,)? WITHOUT ROWID")


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
    """Tells an outage from a defect. The database's own text stays behind, as it can quote a row.

    An internal error is, among others, a transaction that took too long, or a server that has become a replica.
    """
    try:
        yield
    except (psycopg.OperationalError, psycopg.InterfaceError, psycopg.InternalError) as error:
        raise Unavailable(type(error).__name__) from None
    except (psycopg.errors.UndefinedTable, psycopg.errors.UndefinedColumn):
        raise NotMigrated from None


class _Bare(psycopg.Connection[DictRow]):
    """Ends when nobody refers to it any more, as that is how a thread gives it back."""

    @override
    def __del__(self, *_: object) -> None:
        self.close()


class PostgresConnection:
    """Statements in the common spelling on one connection, which ends when nobody refers to this any more."""

    def __init__(self, bare: psycopg.Connection[DictRow]) -> None:
        self.bare = bare

    def execute(self, statement: str, values: Values = (), /) -> psycopg.Cursor[DictRow]:
        with translated():
            return self.bare.execute(_translated(statement), values)

    def insert(self, table: str, columns: Sequence[str], rows: Iterable[Sequence[Any]], /) -> None:
        names = sql.SQL(", ").join(map(sql.Identifier, columns))
        copy = sql.SQL("COPY {} ({}) FROM STDIN").format(sql.Identifier(table), names)
        with translated(), self.bare.cursor() as cursor, cursor.copy(copy) as into:
            for row in rows:
                into.write_row(row)

    def executemany(self, statement: str, rows: Iterable[Values], /) -> None:
        with translated(), self.bare.cursor() as cursor:
            cursor.executemany(_translated(statement), rows)


def connect(url: str, schema: str, options: str = LIMITS) -> psycopg.Connection[DictRow]:
    """A connection that finds its tables in ``schema``. Raises Unavailable."""
    given = conninfo_to_dict(url)
    given["options"] = f"{options} -c search_path={schema} {given.get('options') or ''}"
    with translated():
        return _Bare.connect(make_conninfo("", **DEFAULTS | given), row_factory=dict_row, autocommit=True)


def migrate(url: str, schema: str, script: str) -> None:
    """Makes ``schema`` with the tables of ``script``, where they are not there. Raises Unavailable."""
    with connect(url, schema) as connection, translated(), connection.transaction():
        connection.execute("SELECT pg_advisory_xact_lock(%s)", (MAKING,))
        connection.execute(sql.SQL("CREATE SCHEMA IF NOT EXISTS {}").format(sql.Identifier(schema)))
        connection.execute(_spelt(script))


def drop_of_another(url: str, schema: str, release: str) -> None:
    """Drops ``schema`` unless it was left by ``release``, and makes it as one of that. Raises Unavailable."""
    name = sql.Identifier(schema)
    with connect(url, schema) as connection, translated(), connection.transaction():
        row = connection.execute(
            "SELECT obj_description(to_regnamespace(%s), 'pg_namespace') AS release", (schema,)
        ).fetchone()
        if row is None or row["release"] != release:
            connection.execute(sql.SQL("DROP SCHEMA IF EXISTS {} CASCADE").format(name))
        connection.execute(sql.SQL("CREATE SCHEMA IF NOT EXISTS {}").format(name))
        connection.execute(sql.SQL("COMMENT ON SCHEMA {} IS {}").format(name, sql.Literal(release)))


class PostgresDatabase:
    """The tables of ``schema``, which were made by ``migrate``."""

    def __init__(self, url: str, schema: str) -> None:
        self._url = url
        self._schema = schema
        self._key = _key(schema)
        self._local = threading.local()

    def connection(self) -> PostgresConnection:
        """This thread's own connection; a new one where the last was lost. Raises Unavailable."""
        connection: PostgresConnection | None = getattr(self._local, "connection", None)
        if connection is None or connection.bare.closed:
            connection = self._local.connection = PostgresConnection(connect(self._url, self._schema))
        return connection

    @contextmanager
    def transaction(self) -> Iterator[PostgresConnection]:
        """All of it, or nothing where the block raises; and all in one and the same schema, even while it is replaced.

        The lock comes first: a name is looked up when its statement begins.
        """
        connection = self.connection()
        with translated(), connection.bare.transaction():
            connection.bare.execute("SELECT pg_advisory_xact_lock_shared(%s)", (self._key,))
            yield connection

    @contextmanager
    def snapshot(self) -> Iterator[PostgresConnection]:
        """Several reads that see one and the same state."""
        connection = self.connection()
        with translated(), connection.bare.transaction():
            connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
            yield connection

    def close(self) -> None:
        self._local = threading.local()


class Lead:
    """Of all the processes that want to lead in ``what``, one does, until it ends or does not ask for ten seconds."""

    def __init__(self, url: str, what: str) -> None:
        self._url = url
        self._key = _key(what)
        self._connection: psycopg.Connection[DictRow] | None = None
        self._held = False

    def held(self) -> bool:
        """Whether this process leads at present. Raises Unavailable where that cannot be known."""
        if self._connection is None or self._connection.closed:
            self._held = False
            self._connection = connect(self._url, "public", options=STEPS_DOWN)
        with translated():
            if self._held:
                self._connection.execute("SELECT 1")
            else:
                found = self._connection.execute("SELECT pg_try_advisory_lock(%s) AS held", (self._key,)).fetchone()
                self._held = bool(found and found["held"])
        return self._held

    def close(self) -> None:
        if self._connection:
            self._connection.close()


@contextmanager
def replacing(url: str, schema: str, following: str, old: str) -> Iterator[None]:
    """Makes ``following`` the new ``schema`` once the block is done; what was there is gone. ``old`` is a free name.

    In the block nobody is in a transaction on ``schema``, and whoever begins one waits. Readers go on, and each of
    their statements sees the old tables or the new ones. Raises Unavailable.
    """
    with connect(url, schema) as connection, translated(), connection.transaction():
        connection.execute("SELECT pg_advisory_xact_lock(%s)", (_key(schema),))
        yield
        for name, becomes in ((schema, old), (following, schema)):
            connection.execute(
                sql.SQL("ALTER SCHEMA {} RENAME TO {}").format(sql.Identifier(name), sql.Identifier(becomes))
            )
        connection.execute(sql.SQL("DROP SCHEMA {} CASCADE").format(sql.Identifier(old)))


def _key(schema: str) -> int:
    """The advisory lock of a schema."""
    return int.from_bytes(blake2b(schema.encode(), digest_size=8).digest(), signed=True)
