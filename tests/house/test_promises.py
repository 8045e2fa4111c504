"""Every promise to record systems is held by a test that is there, or says why it is not kept yet."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent
PAGE = (ROOT / "docs" / "promises.md").read_text("utf-8")
LATER = {12, 19, 21, 38, 39, 40}
"""Those of which a part, or all, belongs to later work."""


def promises() -> Iterator[tuple[int, str]]:
    """Each number with what stands below it."""
    for part in re.split(r"^(?=\d+\. )", PAGE, flags=re.MULTILINE)[1:]:
        number, _, rest = part.partition(". ")
        yield int(number), rest


def defined_in(module: Path) -> set[str]:
    return {node.name for node in ast.parse(module.read_text("utf-8")).body if isinstance(node, ast.FunctionDef)}


def named(text: str) -> list[tuple[str, str]]:
    """File and name of each test."""
    return [(path, name) for name, path in re.findall(r"\[(\w+)\]\(\.\./(tests/[\w/]+\.py)\)", text)]


def test_each_of_the_45_promises_is_made_once_and_in_order() -> None:
    assert [number for number, _ in promises()] == list(range(1, 46))


def test_a_promise_names_its_tests_or_the_reason_why_it_has_none() -> None:
    assert {number for number, text in promises() if "- later: " in text} == LATER
    assert {number for number, text in promises() if not named(text)} <= LATER
    lines = [line.strip() for line in PAGE.splitlines() if line.lstrip().startswith("- ")]
    assert [line for line in lines if not re.fullmatch(r"- (\[test_\w+\]\(\S+\)|later: .+)", line)] == []


def test_every_test_that_a_promise_names_is_there() -> None:
    missing = [
        f"{path}::{name}"
        for path, name in named(PAGE)
        if not (ROOT / path).exists() or name not in defined_in(ROOT / path) or not name.startswith("test_")
    ]
    assert missing == []
