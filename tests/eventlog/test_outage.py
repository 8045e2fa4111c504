"""When the database fails: the log says so soon, keeps what it answered for, and goes on by itself afterwards."""

import contextlib
import hmac
import resource
import socket
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from hashlib import blake2b
from typing import Self
from uuid import uuid4

import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from contracts.events import canonical
from services.eventlog import sqlite
from services.eventlog.ports import Appended, Unavailable
from tests.eventlog.places import RECEIVED, SECRET, PostgresPlace, SQLitePlace, agreed


@contextmanager
def full_disk(size: int) -> Iterator[None]:
    """No file of this process can grow beyond ``size`` bytes."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_on_a_full_disk_nothing_is_stored_and_with_room_again_all_is(sqlite_place: SQLitePlace) -> None:
    sqlite_place.migrate()
    log = sqlite_place.open()
    log.append([agreed(0)], RECEIVED)
    batch = [agreed(n) for n in range(1, 400)]

    with full_disk(64 * 1024), pytest.raises(Unavailable):
        log.append(batch, RECEIVED)

    assert [recorded.event for recorded in log.read(0, 1000)] == [agreed(0)]
    assert not any(answer.duplicate for answer in log.append(batch, RECEIVED))
    assert len(log.read(0, 1000)) == 400
    log.close()


def test_every_commit_is_flushed_to_disk(sqlite_place: SQLitePlace) -> None:
    """Read from the setting, as no test can cut the power (2 is FULL: https://sqlite.org/pragma.html#pragma_synchronous)."""
    sqlite_place.migrate()
    recorder = sqlite._Recorder(sqlite._Datastore(sqlite_place.path, "rw"))

    with closing(recorder), recorder.datastore.transaction(commit=False) as cursor:
        cursor.execute("PRAGMA synchronous")
        assert tuple(cursor.fetchone()) == (2,)


def test_a_file_that_another_process_keeps_locked_is_unavailable(
    sqlite_place: SQLitePlace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sqlite, "WAIT_FOR_LOCK_SECONDS", 0.1)
    sqlite_place.migrate()
    log = sqlite_place.open()

    with closing(sqlite3.connect(sqlite_place.path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(Unavailable):
            log.append([agreed(1)], RECEIVED)
        assert log.read(0, 10) == []
        other.execute("ROLLBACK")

    assert not log.append([agreed(1)], RECEIVED)[0].duplicate
    log.close()


def test_where_no_connection_can_be_made_reading_works_again_with_the_next(sqlite_place: SQLitePlace) -> None:
    sqlite_place.migrate()
    log = sqlite_place.open()
    away = sqlite_place.path.with_name("away.db")

    with closing(sqlite3.connect(sqlite_place.path, isolation_level=None)) as other, ThreadPoolExecutor(1) as writer:
        other.execute("BEGIN IMMEDIATE")
        waiting = writer.submit(log.append, [agreed(1)], RECEIVED)  # with the log's only connection
        sqlite_place.path.rename(away)
        until_unavailable(lambda: log.read(0, 10))
        away.rename(sqlite_place.path)
        assert log.read(0, 10) == []
        other.execute("ROLLBACK")

    assert waiting.result() == [Appended(1, duplicate=False, conflict=False)]
    log.close()


def test_an_outage_is_told_within_seconds_and_over_as_soon_as_it_is_over(postgres_url: str) -> None:
    database = f"outage_{uuid4().hex}"
    with psycopg.connect(postgres_url, autocommit=True) as admin:
        admin.execute(f"CREATE DATABASE {database}".encode())
        place = PostgresPlace(make_conninfo(postgres_url, dbname=database), "public")
        place.migrate()
        log = place.open()
        log.append([agreed(1)], RECEIVED)

        admin.execute(f"ALTER DATABASE {database} ALLOW_CONNECTIONS false".encode())
        admin.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", (database,))
        took = 0.0
        while took < 1:  # first the connections that were lost, then one that cannot be had
            began = time.monotonic()
            with pytest.raises(Unavailable):
                log.append([agreed(2)], RECEIVED)
            took = time.monotonic() - began
            assert took < 5

        admin.execute(f"ALTER DATABASE {database} ALLOW_CONNECTIONS true".encode())
        began = time.monotonic()
        assert log.append([agreed(1), agreed(2)], RECEIVED)[0].duplicate
        assert time.monotonic() - began < 2
        log.close()
        admin.execute(f"DROP DATABASE {database} WITH (FORCE)".encode())


def test_waiting_for_other_writers_has_an_end(postgres_place: PostgresPlace) -> None:
    postgres_place.migrate()
    impatient = make_conninfo(postgres_place.url, options="-c lock_timeout=50ms")
    log = PostgresPlace(impatient, postgres_place.schema).open()

    with postgres_place.connected() as other, other.transaction():
        other.execute("SELECT pg_advisory_xact_lock(%s)", (writers_lock(postgres_place.schema),))
        with pytest.raises(Unavailable):
            log.append([agreed(1)], RECEIVED)
        assert log.read(0, 10) == []

    assert not log.append([agreed(1)], RECEIVED)[0].duplicate
    log.close()


def test_vacuum_and_analyze_hold_nobody_up(postgres_place: PostgresPlace) -> None:
    postgres_place.migrate()
    log = PostgresPlace(make_conninfo(postgres_place.url, options="-c lock_timeout=50ms"), postgres_place.schema).open()

    with postgres_place.connected() as other, other.transaction():
        other.execute("LOCK TABLE stored_events IN SHARE UPDATE EXCLUSIVE MODE")  # as both of them take it
        assert not log.append([agreed(1)], RECEIVED)[0].duplicate
    log.close()


def test_a_key_that_a_writer_without_the_lock_stores_meanwhile_is_a_duplicate(postgres_place: PostgresPlace) -> None:
    postgres_place.migrate()
    log = postgres_place.open()

    with postgres_place.connected() as other, ThreadPoolExecutor(1) as writer:
        with other.transaction():
            other.execute(
                "INSERT INTO stored_events"
                " (originator_id, originator_version, topic, state, ingest_key, digest, received)"
                " VALUES (gen_random_uuid(), 1, 'resonance.task.agreed.v1', %s, %s, %s, %s)",
                (
                    canonical(agreed(1)),
                    mark(b"urn:resonance:source:north-ehr\x1fe1"),
                    mark(canonical(agreed(1))),
                    RECEIVED,
                ),
            )
            waiting = writer.submit(log.append, [agreed(1), agreed(2)], RECEIVED)
            blocked = "SELECT 1 FROM pg_locks WHERE locktype = 'transactionid' AND NOT granted"
            while not postgres_place.execute(blocked):
                assert not waiting.done()
        known, new = waiting.result()

    assert (known.duplicate, new.duplicate) == (True, False)
    assert [recorded.event for recorded in log.read(0, 10)] == [agreed(1), agreed(2)]
    log.close()


def test_an_append_whose_commit_fails_is_not_answered(postgres_place: PostgresPlace) -> None:
    postgres_place.migrate()
    log = postgres_place.open()
    postgres_place.execute(
        "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS"
        " $$ BEGIN RAISE EXCEPTION 'refused' USING ERRCODE = 'disk_full'; END $$;"
        "CREATE CONSTRAINT TRIGGER refuse AFTER INSERT ON stored_events DEFERRABLE INITIALLY DEFERRED"
        " FOR EACH ROW EXECUTE FUNCTION refuse()"
    )

    with pytest.raises(Unavailable):
        log.append([agreed(1)], RECEIVED)

    assert log.read(0, 10) == []
    log.close()


def test_an_event_whose_answer_was_lost_after_the_commit_is_a_duplicate_when_sent_again(
    postgres_place: PostgresPlace,
) -> None:
    postgres_place.migrate()
    with Line(postgres_place.url) as line:
        log = PostgresPlace(line.conninfo, postgres_place.schema).open()
        log.append([agreed(1)], RECEIVED)
        line.cut_before = b"COMMIT\0"

        with pytest.raises(Unavailable):
            log.append([agreed(2)], RECEIVED)

        line.cut_before = None
        assert [answer.duplicate for answer in log.append([agreed(2), agreed(3)], RECEIVED)] == [True, False]
        assert len(log.read(0, 10)) == 3
        log.close()


def until_unavailable(ask: Callable[[], object]) -> None:
    with pytest.raises(Unavailable):  # noqa: PT012  # only the last of many calls raises
        while True:
            ask()


def mark(message: bytes) -> bytes:
    return hmac.digest(SECRET, message, "sha256")[:16]


def writers_lock(schema: str) -> int:
    """The same in every release, as two of them may write while one replaces the other."""
    return int.from_bytes(blake2b(f"{schema}.stored_events".encode(), digest_size=8).digest(), signed=True)


class Line:
    """A telephone line to the server, which goes dead just before the server's ``cut_before`` would come through."""

    def __init__(self, url: str) -> None:
        self.cut_before: bytes | None = None
        self._server = conninfo_to_dict(url)
        self._ear = socket.create_server(("127.0.0.1", 0))
        self._open: list[socket.socket] = [self._ear]
        self.conninfo = make_conninfo(
            url, host="127.0.0.1", port=self._ear.getsockname()[1], sslmode="disable", gssencmode="disable"
        )

    def __enter__(self) -> Self:
        threading.Thread(target=self._accept).start()
        return self

    def __exit__(self, *_: object) -> None:
        for end in self._open:
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
            end.close()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):  # closed
            while True:
                client, _ = self._ear.accept()
                server = self._call()
                self._open += [client, server]
                threading.Thread(target=self._carry, args=(client, server, False)).start()
                threading.Thread(target=self._carry, args=(server, client, True)).start()

    def _call(self) -> socket.socket:
        host, port = str(self._server["host"]), int(self._server.get("port") or 5432)
        if not host.startswith("/"):
            return socket.create_connection((host, port))
        server = socket.socket(socket.AF_UNIX)
        server.connect(f"{host}/.s.PGSQL.{port}")
        return server

    def _carry(self, source: socket.socket, target: socket.socket, listening: bool) -> None:
        with contextlib.suppress(OSError):
            while heard := source.recv(65536):
                if listening and self.cut_before and self.cut_before in heard:
                    break
                target.sendall(heard)
        for end in (source, target):
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
