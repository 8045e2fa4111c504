"""The written rules and the code: every function and every test that docs/clinical-rules.md names is there."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent
RULES = (ROOT / "docs" / "clinical-rules.md").read_text("utf-8")
COLUMNS = re.compile(r"`([^`]+)`")


def names(module: Path) -> Iterator[str]:
    """What a module defines at its top level, and the tests in it."""
    for node in ast.parse(module.read_text("utf-8")).body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            yield node.name


FUNCTIONS = {f"{path.stem}.{name}" for path in (ROOT / "services").rglob("*.py") for name in names(path)}
TESTS = {name for path in (ROOT / "tests").rglob("test_*.py") for name in (path.name, *names(path))}


def cells(column: str) -> list[str]:
    """What stands in backticks in a column of the tables that have one of that name."""
    found: list[str] = []
    place: int | None = None
    for line in RULES.splitlines():
        row = [cell.strip() for cell in line.strip("| ").split(" | ")] if line.startswith("|") else []
        if not row:
            place = None
        elif column in row:
            place = row.index(column)
        elif place is not None and place < len(row):
            found += COLUMNS.findall(row[place])
    return found


@pytest.mark.parametrize("column, known", [("Function", FUNCTIONS), ("Test", TESTS)])
def test_every_function_and_test_that_the_rules_name_is_there(column: str, known: set[str]) -> None:
    assert len(cells(column)) > 20
    assert [name for name in cells(column) if name not in known] == []


def test_no_test_or_function_is_named_in_passing_that_is_not_there() -> None:
    spoken = set(COLUMNS.findall(RULES))
    assert [name for name in sorted(spoken) if name.startswith("test_") and name not in TESTS] == []
    modules = {name.partition(".")[0] for name in FUNCTIONS}
    called = {name for name in spoken if re.fullmatch(r"[a-z_]+\._?[a-z_]+", name) and not name.endswith(".py")}
    assert [name for name in sorted(called) if name.partition(".")[0] in modules and name not in FUNCTIONS] == []
