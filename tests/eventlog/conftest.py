"""Every test that asks for a place or a log runs over both databases."""

from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pytest

from services.eventlog.store import StoredLog
from tests.eventlog.networks import Network
from tests.eventlog.places import Place, PostgresPlace, SQLitePlace


@pytest.fixture
def sqlite_place(tmp_path: Path) -> SQLitePlace:
    return SQLitePlace(tmp_path / "log?#%.db")  # characters that a URI takes for its own


@pytest.fixture
def postgres_place(postgres_url: str) -> Iterator[PostgresPlace]:
    place = PostgresPlace(postgres_url, f"Net-{uuid4().hex}")  # a name that has to be quoted
    yield place
    place.execute(f'DROP SCHEMA IF EXISTS "{place.schema}" CASCADE')


@pytest.fixture(params=["sqlite", "postgres"])
def place(request: pytest.FixtureRequest) -> Place:
    found: Place = request.getfixturevalue(f"{request.param}_place")
    return found


@pytest.fixture
def log(place: Place) -> Iterator[StoredLog]:
    place.migrate()
    log = place.open()
    yield log
    log.close()


@pytest.fixture
def network(kafka_bootstrap: str, sqlite_place: SQLitePlace) -> Iterator[Network]:
    """A network with topics, and nothing on its log."""
    sqlite_place.migrate()
    network = Network(f"n{uuid4().hex[:16]}", kafka_bootstrap, sqlite_place.open())
    network.migrate()
    yield network
    network.log.close()
