"""Where the logs of these tests are kept, and what they are told."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Protocol

import psycopg
from psycopg.sql import SQL, Identifier

from contracts.agreement import TaskAgreedData
from contracts.events import AnyEvent, TaskAgreed
from services.eventlog import postgres, sqlite
from services.eventlog.store import StoredLog

SECRET = b"the secret of a made-up network"
RECEIVED = datetime(2026, 3, 2, 16, 5, 0, 123456, tzinfo=UTC)


def agreed(number: int, code: str = "exposure", case: str = "ca_01") -> AnyEvent:
    """Events with one ``number`` share their key; other words make other content."""
    return TaskAgreed(
        source="urn:resonance:source:north-ehr",
        id=f"e{number}",
        time=RECEIVED,
        rsnclinic="cl_07",
        subject=f"case/{case}",
        data=TaskAgreedData(task_ref="ta_01", task_code=code),
    )


class Place(Protocol):
    """A database for one log, and a way into it past the log."""

    @property
    def address(self) -> list[str]:
        """For another process; ``reached`` turns it back."""

    def migrate(self) -> None: ...

    def open(self, secret: bytes = SECRET) -> StoredLog: ...

    def execute(self, statement: str) -> list[tuple[Any, ...]]: ...

    def refuse(self, topic: str) -> None:
        """From now on the database itself refuses events of this type."""

    def claim_schema(self, version: int) -> None:
        """As another release would have left it."""


@dataclass(frozen=True)
class SQLitePlace:
    path: Path

    @property
    def address(self) -> list[str]:
        return ["sqlite", str(self.path)]

    def migrate(self) -> None:
        sqlite.migrate(self.path)

    def open(self, secret: bytes = SECRET) -> StoredLog:
        return sqlite.open_log(self.path, secret)

    def execute(self, statement: str) -> list[tuple[Any, ...]]:
        with closing(sqlite3.connect(self.path, isolation_level=None)) as connection:
            return connection.execute(statement).fetchall()

    def refuse(self, topic: str) -> None:
        self.execute(
            f"CREATE TRIGGER refuse BEFORE INSERT ON stored_events WHEN new.topic = '{topic}'"
            " BEGIN SELECT raise(ABORT, 'refused'); END"
        )

    def claim_schema(self, version: int) -> None:
        self.execute(f"PRAGMA user_version = {version}")


@dataclass(frozen=True)
class PostgresPlace:
    url: str
    schema: str

    @property
    def address(self) -> list[str]:
        return ["postgres", self.url, self.schema]

    def migrate(self) -> None:
        postgres.migrate(self.url, self.schema)

    def open(self, secret: bytes = SECRET) -> StoredLog:
        return postgres.open_log(self.url, secret, self.schema)

    @contextmanager
    def connected(self) -> Iterator[psycopg.Connection]:
        with psycopg.connect(self.url, autocommit=True) as connection:
            connection.execute(SQL("SET search_path = {}").format(Identifier(self.schema)))
            yield connection

    def execute(self, statement: str) -> list[tuple[Any, ...]]:
        with self.connected() as connection:
            cursor = connection.execute(statement.encode())
            return cursor.fetchall() if cursor.description else []

    def refuse(self, topic: str) -> None:
        self.execute(
            "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS"
            " $$ BEGIN RAISE EXCEPTION 'refused' USING ERRCODE = 'check_violation'; END $$;"
            "CREATE TRIGGER refuse BEFORE INSERT ON stored_events FOR EACH ROW"
            f" WHEN (new.topic = '{topic}') EXECUTE FUNCTION refuse()"
        )

    def claim_schema(self, version: int) -> None:
        self.execute(f"UPDATE eventlog_version SET version = {version}")


def reached(address: list[str]) -> Place:
    match address:
        case ["sqlite", path]:
            return SQLitePlace(Path(path))
        case ["postgres", url, schema]:
            return PostgresPlace(url, schema)
        case _:
            raise ValueError(address)
