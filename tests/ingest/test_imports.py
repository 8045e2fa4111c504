"""What is kept of imports: one request at a time has its turn, and what it has settled stays, on both databases."""

from dataclasses import replace
from datetime import timedelta

import pytest

from services.access.problems import Refused
from services.ingest import imports as imports_
from services.ingest.imports import KEPT_FOR, LEASE, Imports, RefusedLine, Run, Turn
from tests.homes import Home
from tests.ingest.conftest import NOW

MINUTE = timedelta(minutes=1)


def opened(home: Home) -> Imports:
    return Imports(home.database("imports", imports_.SCHEMA))


def begun(imports: Imports, name: str = "backfill", now: timedelta = timedelta(0)) -> Turn:
    turn, _ = imports.begin("key1", name, NOW + now)
    assert turn is not None
    return turn


def refusal_at(line: int) -> RefusedLine:
    return RefusedLine(line, f"ev-{line}", '{"status":422}')


def test_what_was_settled_is_there_for_the_next_process(home: Home) -> None:
    run = Run(accepted=7, duplicates=2, rejected=1, position=99, next_line=12)
    imports = opened(home)
    imports.record(begun(imports), run, [refusal_at(5)], NOW)
    imports.close()
    again = opened(home)
    assert again.find("key1", "backfill", NOW) == ("receiving", run)
    assert again.find("key1", "backfill", NOW + LEASE) == ("interrupted", run)
    assert again.errors("key1", "backfill", 0, 10) == [refusal_at(5)]
    assert run.lines == 10


def test_one_has_the_turn_until_it_is_given_back_or_not_heard_of(home: Home) -> None:
    imports, other = opened(home), opened(home)
    turn = begun(imports)
    with pytest.raises(Refused, match="request-in-progress"):
        other.begin("key1", "backfill", NOW + LEASE / 2)
    imports.record(turn, Run(next_line=8), [], NOW + LEASE / 2)
    with pytest.raises(Refused, match="request-in-progress"):
        other.begin("key1", "backfill", NOW + LEASE)
    imports.end(turn, NOW + LEASE, done=False)
    assert begun(other, now=LEASE).number == turn.number + 1


def test_who_lost_the_turn_changes_nothing_any_more(home: Home) -> None:
    imports = opened(home)
    frozen = begun(imports)
    second = begun(imports, now=LEASE)
    imports.record(second, Run(accepted=3, next_line=4), [], NOW + LEASE)
    with pytest.raises(Refused, match="request-in-progress"):
        imports.record(frozen, Run(accepted=1, next_line=2), [refusal_at(1)], NOW + LEASE)
    imports.end(frozen, NOW + LEASE, done=True)
    assert imports.find("key1", "backfill", NOW + LEASE) == ("receiving", Run(accepted=3, next_line=4))
    assert imports.errors("key1", "backfill", 0, 10) == []


def test_a_done_import_gives_no_turn_and_tells_how_it_ended(home: Home) -> None:
    imports = opened(home)
    turn, run = begun(imports), Run(accepted=3, position=3, next_line=4)
    imports.record(turn, run, [], NOW)
    imports.end(turn, NOW, done=True)
    assert imports.begin("key1", "backfill", NOW) == (None, run)
    assert imports.find("key1", "backfill", NOW) == ("done", run)


def test_whoever_starts_alone_waits_for_nobody(home: Home) -> None:
    imports = opened(home)
    begun(imports)
    imports.release()
    assert imports.find("key1", "backfill", NOW) == ("interrupted", Run())
    assert begun(imports)


def test_the_same_name_of_another_credential_is_another_import(home: Home) -> None:
    imports = opened(home)
    imports.record(begun(imports), Run(rejected=1, next_line=2), [refusal_at(1)], NOW)
    assert imports.find("key2", "backfill", NOW) is None
    assert imports.errors("key2", "backfill", 0, 10) == []
    assert imports.begin("key2", "backfill", NOW)[1] == Run()


def test_refused_lines_come_in_order_and_page_by_page(home: Home) -> None:
    imports = opened(home)
    turn = begun(imports)
    imports.record(turn, Run(rejected=3, next_line=400), [refusal_at(line) for line in (7, 30, 200)], NOW)
    imports.record(turn, Run(rejected=4, next_line=2_000), [RefusedLine(1_999, None, "{}")], NOW)
    assert [one.line for one in imports.errors("key1", "backfill", 0, 3)] == [7, 30, 200]
    assert imports.errors("key1", "backfill", 200, 3) == [RefusedLine(1_999, None, "{}")]


def test_of_a_hopeless_file_only_the_first_refusals_are_kept(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(imports_, "ERRORS_KEPT", 5)
    imports = opened(home)
    turn, run = begun(imports), Run()
    for start in (1, 4, 7):
        run = replace(run, rejected=run.rejected + 3, next_line=start + 3)
        imports.record(turn, run, [refusal_at(line) for line in range(start, start + 3)], NOW)
    assert [one.line for one in imports.errors("key1", "backfill", 0, 10)] == [1, 2, 3, 4, 5]
    assert imports.find("key1", "backfill", NOW) == ("receiving", run)


def test_an_import_is_forgotten_with_its_refusals_when_nothing_was_done_to_it_for_long(home: Home) -> None:
    imports = opened(home)
    imports.record(begun(imports), Run(rejected=1, next_line=2), [refusal_at(1)], NOW)
    imports.record(begun(imports, "younger"), Run(rejected=1, next_line=2), [refusal_at(1)], NOW + MINUTE)
    begun(imports, "today", KEPT_FOR + MINUTE)
    assert imports.find("key1", "backfill", NOW) is None
    assert imports.errors("key1", "backfill", 0, 10) == []
    assert imports.errors("key1", "younger", 0, 10) == [refusal_at(1)]
