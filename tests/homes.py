"""Where the parts of one network are kept: in files below a folder, or in schemas of a real PostgreSQL server.

A test that asks for ``home`` runs on both.
"""

import sqlite3
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any, Final, Literal, LiteralString, Self, TypeAlias
from uuid import uuid4

import psycopg
import pytest
from psycopg.conninfo import make_conninfo
from typing_extensions import override

from services.access import audit, idempotency, issuers, keys, people
from services.access.audit import Audit
from services.access.idempotency import Replies
from services.access.issuers import Issuers
from services.access.keys import Keys
from services.access.people import People
from services.alerts import outbox
from services.alerts.outbox import Outbox
from services.database import postgres
from services.database.ports import Database
from services.database.postgres import PostgresDatabase
from services.database.sqlite import SQLiteDatabase
from services.eventlog.ports import Log
from services.projections import tables
from services.projections.fold import Catalogue
from services.projections.views import Views
from services.webhooks import endpoints
from services.webhooks.endpoints import Endpoints
from tests.eventlog.places import SECRET, Place, PostgresPlace, SQLitePlace
from tests.parts import outbox_in, views_in

Part = Literal["log", "views", "outbox", "people", "keys", "replies", "imports", "webhooks", "other"]
Rows: TypeAlias = dict[str, list[tuple[object, ...]]]
REFUSED: Final = (sqlite3.IntegrityError, psycopg.IntegrityError)
"""What the database says where a test made it refuse a change."""
VIEWS: Final = ("tracking", *tables.OF_THE_LOG)


@dataclass(frozen=True)
class Home(ABC):
    """Whatever is opened is opened anew, as by another process."""

    folder: Path
    """For what is a file in either case."""

    @abstractmethod
    def place(self, part: Part) -> Place:
        """A way in past the part that is kept there."""

    @abstractmethod
    def database(self, part: Part, script: str) -> Database:
        """With the tables of ``script``."""

    @abstractmethod
    def lose(self, part: Part) -> None:
        """What was kept is gone."""

    @abstractmethod
    def another(self) -> Self:
        """A home of the same kind with nothing in it."""

    def log(self) -> Log:
        self.place("log").migrate()
        return self.place("log").open(SECRET)

    def views(self, instruments: Catalogue | None = None) -> Views:
        return views_in(self.database("views", tables.SCHEMA), instruments)

    def outbox(self) -> Outbox:
        return outbox_in(self.database("outbox", outbox.SCHEMA))

    def people(self) -> People:
        return People(self.database("people", people.SCHEMA))

    def keys(self) -> Keys:
        return Keys(self.database("keys", keys.SCHEMA))

    def issuers(self) -> Issuers:
        return Issuers(self.database("keys", issuers.SCHEMA))

    def audit(self, clock: Callable[[], datetime]) -> Audit:
        return Audit(self.database("keys", audit.SCHEMA), clock)

    def replies(self) -> Replies:
        return Replies(self.database("replies", idempotency.SCHEMA))

    def endpoints(self) -> Endpoints:
        return Endpoints(self.database("webhooks", endpoints.SCHEMA))

    def rows(self) -> Rows:
        """Every row of the views."""
        return {table: sorted(self.place("views").execute(f"SELECT * FROM {table}")) for table in VIEWS}

    @contextmanager
    def stuck(self, part: Part, table: str) -> Iterator[None]:
        """Meanwhile the database itself refuses that a position in ``table`` moves on."""
        self._stick(self.place(part), table)
        yield
        self._loosen(self.place(part), table)

    @abstractmethod
    def _stick(self, place: Place, table: str) -> None: ...

    @abstractmethod
    def _loosen(self, place: Place, table: str) -> None: ...


@dataclass(frozen=True)
class Files(Home):
    @override
    def place(self, part: Part) -> SQLitePlace:
        return SQLitePlace(self.folder / f"{part}.db")

    @override
    def database(self, part: Part, script: str) -> SQLiteDatabase:
        return SQLiteDatabase(self.place(part).path, script, "FULL")

    @override
    def lose(self, part: Part) -> None:
        self.place(part).path.unlink()

    @override
    def another(self) -> Self:
        folder = self.folder / uuid4().hex
        folder.mkdir()
        return replace(self, folder=folder)

    @override
    def _stick(self, place: Place, table: str) -> None:
        place.execute(
            f"CREATE TRIGGER stuck BEFORE UPDATE ON {table} WHEN new.position > old.position"
            " BEGIN SELECT raise(ABORT, 'stuck'); END"
        )

    @override
    def _loosen(self, place: Place, table: str) -> None:
        place.execute("DROP TRIGGER stuck")


@dataclass(frozen=True)
class Schemas(Home):
    url: str
    prefix: str

    @override
    def place(self, part: Part) -> PostgresPlace:
        return PostgresPlace(self.url, f"{self.prefix}_{part}")

    @override
    def database(self, part: Part, script: str) -> PostgresDatabase:
        postgres.migrate(self.url, self.place(part).schema, script)
        return PostgresDatabase(self.url, self.place(part).schema)

    @override
    def lose(self, part: Part) -> None:
        self.place(part).execute(f"DROP SCHEMA {self.place(part).schema} CASCADE")

    @override
    def another(self) -> Self:
        return replace(self, prefix=f"{self.prefix}_{uuid4().hex[:8]}")

    @override
    def _stick(self, place: Place, table: str) -> None:
        place.execute(
            "CREATE FUNCTION stuck() RETURNS trigger LANGUAGE plpgsql AS"
            " $$ BEGIN RAISE EXCEPTION 'stuck' USING ERRCODE = 'check_violation'; END $$;"
            f"CREATE TRIGGER stuck BEFORE UPDATE ON {table} FOR EACH ROW"
            " WHEN (new.position > old.position) EXECUTE FUNCTION stuck()"
        )

    @override
    def _loosen(self, place: Place, table: str) -> None:
        place.execute(f"DROP TRIGGER stuck ON {table}; DROP FUNCTION stuck()")

    def sessions(self) -> int:
        """How many connections the parts have, all together."""
        [(number,)] = self._of_sessions("count(*)")
        return int(number)

    def end_sessions(self) -> None:
        """As where the server goes away and comes back: whoever is connected loses the connection."""
        self._of_sessions("pg_terminate_backend(pid, 10000)")

    def _of_sessions(self, wanted: LiteralString) -> Sequence[tuple[Any, ...]]:
        asked = f"SELECT {wanted} FROM pg_stat_activity WHERE application_name = %s AND pid <> pg_backend_pid()"
        with psycopg.connect(self.url) as connection:
            return connection.execute(asked, (self.prefix,)).fetchall()

    def drop(self) -> None:
        """This home, and those beside it."""
        with psycopg.connect(self.url, autocommit=True) as connection:
            names = connection.execute("SELECT nspname FROM pg_namespace WHERE nspname LIKE %s", (f"{self.prefix}%",))
            for (name,) in names.fetchall():
                connection.execute(f"DROP SCHEMA {name} CASCADE")


@pytest.fixture
def files(tmp_path: Path) -> Files:
    return Files(tmp_path)


@pytest.fixture
def schemas(tmp_path: Path, postgres_url: str) -> Iterator[Schemas]:
    prefix = f"home_{uuid4().hex[:12]}"
    found = Schemas(tmp_path, make_conninfo(postgres_url, application_name=prefix), prefix)
    yield found
    found.drop()


@pytest.fixture(params=["files", "schemas"])
def home(request: pytest.FixtureRequest) -> Home:
    found: Home = request.getfixturevalue(request.param)
    return found
