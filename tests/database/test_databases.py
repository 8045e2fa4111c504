"""One text of SQL, two databases: what is true of either, and how each of them fails."""

import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from psycopg.conninfo import make_conninfo

from services.database import postgres, sqlite
from services.database.ports import Connection, Database, Unavailable
from services.database.postgres import PostgresDatabase
from services.database.sqlite import SQLiteDatabase
from tests.homes import REFUSED, Files, Home, Schemas

SCRIPT = """
CREATE TABLE IF NOT EXISTS thing (
    name    TEXT PRIMARY KEY,
    number  INTEGER,
    weight  REAL,
    content BLOB
) STRICT, WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS thing_number ON thing (number);
"""
PUT = "INSERT INTO thing (name, number) VALUES (?, ?)"
NAMES = "SELECT name FROM thing ORDER BY name"


@pytest.fixture
def database(home: Home) -> Iterator[Database]:
    with closing(home.database("other", SCRIPT)) as found:
        yield found


def names(connection: Connection) -> list[str]:
    return [row["name"] for row in connection.execute(NAMES)]


def put(*names: str) -> Callable[[Connection], object]:
    return lambda connection: [connection.execute(PUT, (name, 1)) for name in names]


def together(database: Database, *steps: Callable[[Connection], object]) -> None:
    """Takes the steps in one transaction."""
    with database.transaction() as connection:
        for step in steps:
            step(connection)


# Values and statements


@pytest.mark.parametrize(
    "column, value",
    [
        ("number", None),
        ("number", 0),
        ("number", 2**40),
        ("number", -(2**63)),
        ("weight", None),
        ("weight", 0.1 + 0.2),
        ("weight", 1e300 / 3),
        ("weight", -5e-324),
        ("content", None),
        ("content", b""),
        ("content", bytes(range(256))),
        ("name", ""),
        ("name", "100 % of it: is this :name? %s %(name)s 'so' \"it\" \\ is; -- /*+ */"),
        ("name", "größer als 好"),
    ],
)
def test_what_was_put_by_place_or_by_name_is_what_is_got(database: Database, column: str, value: object) -> None:
    connection = database.connection()
    row: dict[str, Any] = {"name": "a", "number": 1, "weight": 1.5, "content": b"x", column: value}
    connection.execute("INSERT INTO thing (name, number, weight, content) VALUES (?, ?, ?, ?)", tuple(row.values()))
    placed = connection.execute("SELECT * FROM thing WHERE name = ? AND ? = name", (row["name"],) * 2).fetchone()
    connection.execute("DELETE FROM thing")
    connection.execute("INSERT INTO thing VALUES (:name, :number, :weight, :content)", row)
    named = connection.execute("SELECT * FROM thing WHERE name = :name AND :name = name", row).fetchone()
    assert placed is not None
    assert named is not None
    assert dict(placed) == dict(named) == row
    assert {type(found) for found in dict(named).values()} == {type(given) for given in row.values()}


def test_a_sign_in_the_statement_itself_stands_for_itself(database: Database) -> None:
    connection = database.connection()
    connection.executemany(PUT, [("50 %", 1), ("50 s", 2)])
    assert [
        row["name"] for row in connection.execute("SELECT name FROM thing WHERE name LIKE '% \\%' ESCAPE '\\'")
    ] == ["50 %"]


def test_what_is_for_postgresql_alone_is_told_to_it_alone(database: Database, home: Home) -> None:
    [row] = database.connection().execute("SELECT 1 /*+ + 1 */ AS number")
    assert row["number"] == (2 if isinstance(home, Schemas) else 1)


def test_many_rows_are_put_at_once_or_none_at_all(database: Database) -> None:
    connection = database.connection()
    connection.executemany(PUT, [])
    connection.executemany(PUT, ((f"t{number:03d}", number) for number in range(300)))
    connection.executemany("UPDATE thing SET number = :n WHERE name = :name", [{"name": "t000", "n": 7}])
    assert len(names(connection)) == 300
    assert connection.execute("SELECT number FROM thing WHERE name = 't000'").fetchall()[0]["number"] == 7


def test_a_statement_says_how_many_rows_it_has_changed(database: Database) -> None:
    connection = database.connection()
    unless_there = f"{PUT} ON CONFLICT (name) DO NOTHING"
    assert [connection.execute(unless_there, ("a", number)).rowcount for number in (1, 2)] == [1, 0]
    connection.execute(PUT, ("b", 2))
    assert connection.execute("UPDATE thing SET number = 3").rowcount == 2
    assert connection.execute("DELETE FROM thing WHERE number = 4").rowcount == 0


def test_a_change_gives_back_what_it_changed(database: Database) -> None:
    put = f"{PUT} ON CONFLICT (name) DO UPDATE SET number = thing.number + excluded.number RETURNING name, number"
    with database.transaction() as connection:
        found = [connection.execute(put, ("a", 2)).fetchone() for _ in range(2)]
    assert [dict(row or {}) for row in found] == [{"name": "a", "number": 2}, {"name": "a", "number": 4}]
    assert database.connection().execute("DELETE FROM thing WHERE name = 'b' RETURNING name").fetchone() is None


def test_texts_are_in_the_order_of_their_bytes(database: Database, home: Home) -> None:
    unordered = ["a", "B", "_", "ä", "b.2", "b+1", "-", "A"]
    connection = database.connection()
    connection.executemany(PUT, [(name, 0) for name in unordered])
    assert names(connection) == sorted(unordered)
    if isinstance(home, Schemas):  # also where the server itself has the order of a language
        assert home.place("other").execute("SELECT DISTINCT pg_collation_for(name) FROM thing") == [('"C"',)]


# All or nothing


def test_a_transaction_that_raises_leaves_nothing_behind(database: Database) -> None:
    with pytest.raises(ZeroDivisionError):
        together(database, put("a"), lambda _: 1 / 0)
    with pytest.raises(REFUSED):
        together(database, put("b"), lambda connection: connection.executemany(PUT, [("c", 1), ("b", 1)]))
    assert names(database.connection()) == []
    together(database, put("d"))
    assert names(database.connection()) == ["d"]


def test_a_snapshot_sees_one_state_whatever_others_commit_meanwhile(database: Database) -> None:
    database.connection().execute(PUT, ("a", 1))
    with ThreadPoolExecutor(1) as other, database.snapshot() as connection:
        assert names(connection) == ["a"]
        other.submit(lambda: database.connection().execute(PUT, ("b", 1))).result()
        assert other.submit(lambda: names(database.connection())).result() == ["a", "b"]
        assert names(connection) == ["a"]
    assert names(database.connection()) == ["a", "b"]


def test_what_a_transaction_has_done_so_far_is_nobody_elses(database: Database) -> None:
    with ThreadPoolExecutor(1) as other, database.transaction() as connection:
        connection.execute(PUT, ("a", 1))
        assert other.submit(lambda: names(database.connection())).result() == []


# Outages


def test_a_lock_that_somebody_else_keeps_is_an_outage(
    database: Database, home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sqlite, "WAIT_FOR_LOCK_SECONDS", 0.1)
    monkeypatch.setattr(postgres, "LIMITS", "-c lock_timeout=100ms")
    with closing(home.database("other", SCRIPT)) as impatient:
        with pytest.raises(Unavailable):
            together(database, put("a"), lambda _: together(impatient, put("a")))
        together(impatient, put("a"))
    assert names(database.connection()) == ["a"]


@pytest.mark.parametrize(
    "opened",
    [
        lambda folder: SQLiteDatabase(folder, SCRIPT, "FULL"),
        lambda folder: PostgresDatabase(f"postgresql://nobody@/nothing?host={folder}", "other").connection(),
        lambda folder: postgres.migrate(f"postgresql://nobody@/nothing?host={folder}", "other", SCRIPT),
    ],
)
def test_what_is_not_there_is_an_outage(tmp_path: Path, opened: Callable[[Path], object]) -> None:
    with pytest.raises(Unavailable):
        opened(tmp_path)


def test_a_file_that_another_thread_cannot_open_is_an_outage(files: Files) -> None:
    with closing(files.another().database("other", SCRIPT)) as database, ThreadPoolExecutor(1) as other:
        [folder] = files.folder.iterdir()
        folder.rename(files.folder / "elsewhere")
        with pytest.raises(Unavailable):
            other.submit(database.connection).result()


@pytest.fixture
def shared(schemas: Schemas) -> Iterator[PostgresDatabase]:
    with closing(schemas.database("other", SCRIPT)) as found:
        yield found


@pytest.mark.parametrize("further", [[put("b")], []])
def test_a_transaction_whose_session_ended_leaves_nothing_and_the_next_one_has_a_new_session(
    shared: PostgresDatabase, schemas: Schemas, further: list[Callable[[Connection], object]]
) -> None:
    with pytest.raises(Unavailable):
        together(shared, put("a"), lambda _: schemas.end_sessions(), *further)
    together(shared, put("c"))
    assert names(shared.connection()) == ["c"]


def test_a_session_that_ended_between_statements_is_told_once(shared: PostgresDatabase, schemas: Schemas) -> None:
    assert names(shared.connection()) == []
    schemas.end_sessions()
    with pytest.raises(Unavailable):
        shared.connection().execute(PUT, ("a", 1))
    shared.connection().execute(PUT, ("a", 1))
    assert names(shared.connection()) == ["a"]


def test_whoever_stops_in_the_middle_of_a_transaction_loses_it(schemas: Schemas) -> None:
    schemas.database("other", SCRIPT).close()
    hasty = make_conninfo(schemas.url, options="-c idle_in_transaction_session_timeout=50ms")
    with closing(PostgresDatabase(hasty, schemas.place("other").schema)) as database:
        with pytest.raises(Unavailable):
            together(database, put("a"), lambda _: time.sleep(0.2), put("b"))
        assert names(database.connection()) == []


# Threads and processes


def test_a_session_ends_with_its_thread(shared: PostgresDatabase, schemas: Schemas) -> None:
    with ThreadPoolExecutor(1) as other:
        assert other.submit(lambda: names(shared.connection())).result() == []
        assert schemas.sessions() == 1
    until(lambda: schemas.sessions() == 0)


def test_closing_ends_the_sessions_of_all_threads(shared: PostgresDatabase, schemas: Schemas) -> None:
    with ThreadPoolExecutor(1) as other:
        assert other.submit(lambda: names(shared.connection())).result() == names(shared.connection())
        assert schemas.sessions() == 2
        shared.close()
        until(lambda: schemas.sessions() == 0)


def test_closing_gives_the_file_back_from_all_threads(files: Files) -> None:
    database = files.database("other", SCRIPT)
    with ThreadPoolExecutor(1) as other:
        other.submit(lambda: database.connection().execute(PUT, ("a", 1))).result()
        assert len(list(files.folder.iterdir())) > 1
        database.close()
        assert list(files.folder.iterdir()) == [files.place("other").path]  # what the last connection leaves


def test_tables_are_made_once_however_many_make_them_at_once(schemas: Schemas) -> None:
    ready = threading.Barrier(4)

    def make(_: int) -> list[str]:
        ready.wait()
        with closing(schemas.database("other", SCRIPT)) as database:
            return names(database.connection())

    with ThreadPoolExecutor(4) as threads:
        assert list(threads.map(make, range(4))) == [[]] * 4


def until(holds: Callable[[], bool]) -> None:
    """The server notices a little later."""
    for _ in range(100):
        if holds():
            return
        time.sleep(0.02)
    raise AssertionError("it never does")
