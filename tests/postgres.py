"""A real PostgreSQL server for tests: the one that RESONANCE_DATABASE_URL names, or one started from this system."""

import os
from collections.abc import Iterator
from urllib.parse import urlsplit
from uuid import uuid4

import psycopg
import pytest

from tools import postgres

GIVEN = os.environ.get("RESONANCE_DATABASE_URL")
"""As it was before any test had its own environment."""


@pytest.fixture(scope="session")
def postgres_url() -> Iterator[str]:
    """The URL of a database that may be written to; tests keep apart by schemas of their own.

    Under pytest-xdist each worker that asks starts its own server.
    """
    if GIVEN:
        yield GIVEN
        return
    _or_skip()
    with postgres.server() as server:
        yield server.url


@pytest.fixture
def own_database(postgres_url: str) -> Iterator[str]:
    """The URL of a database with nothing in it: the roles work on every network that there is in theirs."""
    name = f"own_{uuid4().hex[:12]}"
    with psycopg.connect(postgres_url, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}".encode())
        yield urlsplit(postgres_url)._replace(path=f"/{name}").geturl()
        connection.execute(f"DROP DATABASE {name} WITH (FORCE)".encode())


@pytest.fixture
def own_postgres() -> Iterator[postgres.Server]:
    """A server for one test, which may stop and kill it."""
    _or_skip()
    with postgres.server() as server:
        yield server


def _or_skip() -> None:
    if postgres.binaries() is None:
        pytest.skip("PostgreSQL is not installed: neither below /usr/lib/postgresql nor on PATH is an initdb")
