"""What whoever reads or follows the log can count on, on every database."""

import subprocess
import sys
import threading
from pathlib import Path

import pytest

from services.eventlog.ports import Log, Unreadable, WrongSchema
from services.eventlog.store import Codec, Row, StoredLog
from tests.eventlog.places import RECEIVED, SECRET, Place, PostgresPlace, SQLitePlace, agreed

ROOT = Path(__file__).parent.parent.parent
CODEC = Codec(SECRET)


def writer(place: Place, first: int, count: int, size: int) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "tests.eventlog.writer", str(first), str(count), str(size), *place.address]
    return subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)


def test_pages_follow_each_other(log: Log) -> None:
    positions = [answer.position for answer in log.append([agreed(n) for n in range(5)], RECEIVED)]

    first = log.read(0, 2)
    second = log.read(first[-1].position, 2)
    third = log.read(second[-1].position, 2)

    assert [recorded.position for recorded in (*first, *second, *third)] == positions
    assert log.read(third[-1].position, 2) == []


def test_rows_are_what_is_read_as_it_is_stored(log: StoredLog) -> None:
    answers = log.append([agreed(1), agreed(2, case="ca_02"), agreed(3)], RECEIVED)

    rows = log.rows(after=answers[0].position, limit=2)

    assert rows == [
        Row(answer.position, RECEIVED, entry.topic, entry.state, entry.stream, entry.key)
        for answer, entry in zip(answers[1:], map(CODEC.entry, (agreed(2, case="ca_02"), agreed(3))), strict=True)
    ]
    assert [CODEC.recorded(row) for row in rows] == log.read(answers[0].position, 2)
    assert log.rows(after=answers[2].position, limit=2) == []


def test_the_head_is_the_last_position(log: Log) -> None:
    assert log.head() == 0
    answers = log.append([agreed(1), agreed(2)], RECEIVED)
    assert log.head() == answers[-1].position


def test_an_event_is_found_by_its_key(log: Log) -> None:
    log.append([agreed(1), agreed(2)], RECEIVED)

    found = log.find(agreed(2).key)

    assert found == log.read(0, 10)[1]
    assert log.find(agreed(3).key) is None


def test_several_are_found_at_once_and_those_that_are_not_there_are_left_out(log: Log) -> None:
    log.append([agreed(number) for number in range(5)], RECEIVED)

    found = log.find_each([agreed(number).key for number in (4, 9, 1, 4)])

    assert found == {agreed(number).key: log.find(agreed(number).key) for number in (1, 4)}
    assert log.find_each([]) == {}


def test_of_several_what_cannot_be_read_is_left_out(place: Place, log: Log) -> None:
    log.append([agreed(1), agreed(2)], RECEIVED)
    place.execute("UPDATE stored_events SET topic = 'os.system' WHERE originator_version = 1")

    assert log.find_each([agreed(1).key, agreed(2).key]).keys() == {agreed(2).key}


def test_closing_and_opening_again_keeps_everything(place: Place, log: Log) -> None:
    log.append([agreed(1), agreed(2)], RECEIVED)
    kept = log.read(0, 10)
    log.close()

    again = place.open()
    assert again.read(0, 10) == kept
    assert again.append([agreed(2)], RECEIVED)[0].duplicate
    again.close()


def test_what_cannot_be_read_is_named_by_its_position_and_nothing_else(place: Place, log: Log) -> None:
    positions = [answer.position for answer in log.append([agreed(n) for n in range(4)], RECEIVED)]
    column = "rowid" if isinstance(place, SQLitePlace) else "notification_id"
    place.execute(f"UPDATE stored_events SET topic = 'os.system' WHERE {column} = {positions[2]}")

    assert [recorded.position for recorded in log.read(0, 10)] == positions[:2]
    for ask in (lambda: log.read(positions[1], 10), lambda: log.find(agreed(2).key)):
        with pytest.raises(Unreadable) as error:
            ask()
        assert error.value.position == positions[2]
        assert "ca_01" not in str(error.value)
        assert error.value.__cause__ is None
    assert [recorded.position for recorded in log.read(positions[2], 10)] == positions[3:]


def test_a_log_that_was_never_migrated_is_refused(place: Place) -> None:
    with pytest.raises(WrongSchema, match="has no schema yet, this release needs 1: run `resonance migrate`"):
        place.open()


def test_an_empty_file_is_refused(sqlite_place: SQLitePlace) -> None:
    sqlite_place.path.touch()

    with pytest.raises(WrongSchema):
        sqlite_place.open()


def test_the_schema_of_another_release_is_refused_and_left_alone(place: Place) -> None:
    place.migrate()
    place.claim_schema(2)

    with pytest.raises(WrongSchema, match="has schema 2, this release needs 1: run the release"):
        place.open()
    with pytest.raises(WrongSchema):
        place.migrate()


def test_migrating_again_changes_nothing(place: Place, log: Log) -> None:
    log.append([agreed(1)], RECEIVED)

    place.migrate()

    assert log.head() == 1


def test_networks_in_one_database_keep_apart(postgres_place: PostgresPlace) -> None:
    neighbour = PostgresPlace(postgres_place.url, f"{postgres_place.schema}b")
    for place in (postgres_place, neighbour):
        place.migrate()
    ours, theirs = postgres_place.open(), neighbour.open()

    ours.append([agreed(1)], RECEIVED)

    assert theirs.read(0, 10) == []
    assert not theirs.append([agreed(1)], RECEIVED)[0].duplicate
    ours.close()
    theirs.close()
    neighbour.execute(f'DROP SCHEMA "{neighbour.schema}" CASCADE')


def test_who_follows_misses_nothing_while_processes_write(postgres_place: PostgresPlace) -> None:
    postgres_place.migrate()
    log = postgres_place.open()
    writers = [writer(postgres_place, first=1000 * n, count=600, size=n + 1) for n in range(3)]

    seen: list[int] = []
    while len(seen) < 1800 and any(w.poll() is None for w in writers):
        seen += [recorded.position for recorded in log.read(seen[-1] if seen else 0, 50)]
    seen += [recorded.position for recorded in log.read(seen[-1], 2000)]

    printed = [int(line) for w in writers for line in w.communicate()[0].split()]
    assert len(printed) == 1800
    assert seen == sorted(printed)
    log.close()


def test_who_follows_misses_nothing_while_threads_write(sqlite_place: SQLitePlace) -> None:
    sqlite_place.migrate()
    log = sqlite_place.open()

    def write(first: int) -> None:
        for n in range(first, first + 300, 3):
            log.append([agreed(n), agreed(n + 1), agreed(n + 2)], RECEIVED)

    writers = [threading.Thread(target=write, args=(1000 * n,)) for n in range(3)]
    for thread in writers:
        thread.start()
    seen: list[int] = []
    while len(seen) < 900 and any(thread.is_alive() for thread in writers):
        seen += [recorded.position for recorded in log.read(seen[-1] if seen else 0, 50)]
    for thread in writers:
        thread.join()
    seen += [recorded.position for recorded in log.read(seen[-1], 1000)]

    assert seen == [recorded.position for recorded in log.read(0, 1000)]
    assert len(seen) == 900
    log.close()


@pytest.mark.parametrize("size", [1, 20])
def test_what_was_answered_outlives_a_killed_process(place: Place, size: int) -> None:
    place.migrate()
    process = writer(place, first=0, count=100_000, size=size)
    assert process.stdout is not None
    printed = [int(process.stdout.readline()) for _ in range(100)]

    process.kill()

    printed += [int(line) for line in process.communicate()[0].splitlines(keepends=True) if line.endswith("\n")]
    log = place.open()
    kept = log.read(0, 200_000)
    assert set(printed) <= {recorded.position for recorded in kept}
    assert [recorded.event.id for recorded in kept] == [f"e{n}" for n in range(len(kept))]
    assert not log.append([agreed(len(kept))], RECEIVED)[0].duplicate
    log.close()
