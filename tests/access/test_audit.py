"""Who was refused what is kept: summed, in order, by network, and without a word of what was asked."""

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

import pytest

from services.access.audit import MOST_SUMS, NAMELESS_SUMMED_FOR, SUMMED_FOR, Audit
from services.access.credential import Credential
from services.access.problems import KINDS, Slug, problem
from services.database.ports import NotMigrated
from tests.homes import REFUSED, Files, Home

NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)
NORTH = Credential("key00001", "north", None, None, frozenset())
SOUTH = Credential("key00002", "south", None, None, frozenset())
COURSE = "/v1/cases/{case_ref}/course"


class Clock:
    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> datetime:
        return self.now


class Recorder(NamedTuple):
    audit: Audit
    clock: Clock
    home: Home

    def refused(self, slug: Slug, credential: Credential | None = NORTH, method: str = "GET", count: int = 1) -> None:
        self.audit.refused(credential, method, COURSE, problem(slug), count)

    def rows(self) -> list[tuple[object, ...]]:
        return list(
            self.home.place("keys").execute("SELECT network, number, count FROM audit ORDER BY network, number")
        )


@pytest.fixture
def recorder(home: Home) -> Iterator[Recorder]:
    clock = Clock()
    audit = home.audit(clock)
    yield Recorder(audit, clock, home)
    audit._database.close()


def test_a_refusal_says_who_what_where_and_how_often(recorder: Recorder) -> None:
    recorder.refused("insufficient-scope")
    recorder.refused("insufficient-scope", count=2)
    recorder.refused("not-found")
    first, second = recorder.audit.after("north", 0, 10)
    assert (first.number, first.at, first.credential, first.method, first.route) == (1, NOW, "key00001", "GET", COURSE)
    assert (first.status, first.problem, first.count) == (403, "insufficient-scope", 3)
    assert (second.number, second.status, second.problem, second.count) == (2, 404, "not-found", 1)


@pytest.mark.parametrize("slug", KINDS)
def test_what_is_no_matter_of_access_is_not_kept(recorder: Recorder, slug: Slug) -> None:
    recorder.refused(slug)
    kept = [one.problem for one in recorder.audit.after("north", 0, 10)]
    assert kept == ([slug] if KINDS[slug].status in {401, 403, 404, 429} else [])


def test_each_network_has_its_own_numbers_and_sees_its_own(recorder: Recorder) -> None:
    for credential in (NORTH, SOUTH, NORTH, SOUTH):
        recorder.refused("not-found", credential)
        recorder.audit.flush(everything=True)
    assert [one.number for one in recorder.audit.after("north", 0, 10)] == [1, 2]
    assert {one.credential for one in recorder.audit.after("south", 0, 10)} == {"key00002"}
    assert recorder.audit.after("east", 0, 10) == []


def test_pages_follow_one_another_without_gap_or_repetition(recorder: Recorder) -> None:
    for _ in range(5):
        recorder.refused("not-found")
        recorder.audit.flush(everything=True)
    first = recorder.audit.after("north", 0, 3)
    second = recorder.audit.after("north", first[-1].number, 3)
    assert [one.number for one in (*first, *second)] == [1, 2, 3, 4, 5]


def test_equal_refusals_are_one_row_a_second_and_those_of_nobody_one_a_minute(recorder: Recorder) -> None:
    for _ in range(1_000):
        recorder.refused("not-found")
        recorder.refused("invalid-key", None)
    recorder.audit.flush()
    assert recorder.rows() == []
    recorder.clock.now += SUMMED_FOR
    recorder.audit.flush()
    assert recorder.rows() == [("north", 1, 1_000)]
    recorder.clock.now = NOW + NAMELESS_SUMMED_FOR
    recorder.audit.flush()
    assert recorder.rows() == [("", 1, 1_000), ("north", 1, 1_000)]
    assert [one.count for one in recorder.audit.after("north", 0, 10)] == [1_000]


def test_a_method_that_is_none_is_not_kept(recorder: Recorder) -> None:
    recorder.refused("not-found", method="CANARY")
    [row] = recorder.audit.after("north", 0, 10)
    assert row.method == ""


def test_what_cannot_be_written_now_is_written_later(recorder: Recorder) -> None:
    recorder.refused("not-found")
    place = recorder.home.place("keys")
    place.execute("ALTER TABLE audit RENAME TO audit_away")
    with pytest.raises(NotMigrated):
        recorder.audit.flush(everything=True)
    place.execute("ALTER TABLE audit_away RENAME TO audit")
    recorder.refused("not-found")
    assert [(one.number, one.count) for one in recorder.audit.after("north", 0, 10)] == [(1, 2)]


def test_memory_has_a_limit_while_nothing_can_be_written(recorder: Recorder, caplog: pytest.LogCaptureFixture) -> None:
    for number in range(MOST_SUMS + 10):
        recorder.refused("not-found", Credential(f"k{number}", "north", None, None, frozenset()))
    assert caplog.messages == ["a refusal is not on the audit: not-found"] * 10
    recorder.refused("not-found", Credential("k0", "north", None, None, frozenset()))
    assert len(caplog.messages) == 10


def test_a_running_audit_writes_by_itself_and_what_is_left_at_the_end(files: Files) -> None:
    clock = Clock()
    audit = files.audit(clock)
    with audit.running():
        audit.refused(NORTH, "GET", COURSE, problem("not-found"))
        audit.refused(None, "GET", COURSE, problem("invalid-key"))
    rows = files.place("keys").execute("SELECT network, count FROM audit ORDER BY network")
    assert list(rows) == [("", 1), ("north", 1)]
    assert "audit" not in {thread.name for thread in threading.enumerate()}


def test_processes_that_write_at_once_number_without_gap(home: Home) -> None:
    home.audit(Clock())._database.close()

    def write(number: int) -> None:
        audit = home.audit(Clock())
        for _ in range(10):
            for credential in (NORTH, SOUTH) if number % 2 else (SOUTH, NORTH):
                audit.refused(credential, "GET", COURSE, problem("not-found"))
            audit.flush(everything=True)
        audit._database.close()

    with ThreadPoolExecutor(4) as threads:
        list(threads.map(write, range(4)))
    reader = home.audit(Clock())
    for network in ("north", "south"):
        assert [one.number for one in reader.after(network, 0, 100)] == list(range(1, 41))
    reader._database.close()


def test_a_number_is_given_once(recorder: Recorder) -> None:
    recorder.refused("not-found")
    recorder.audit.flush(everything=True)
    with pytest.raises(REFUSED):
        recorder.home.place("keys").execute("INSERT INTO audit SELECT * FROM audit")


def test_a_clock_that_is_set_back_holds_nothing_up(recorder: Recorder) -> None:
    recorder.refused("not-found")
    recorder.clock.now -= timedelta(days=1)
    recorder.audit.flush()
    assert recorder.rows() == [("north", 1, 1)]
