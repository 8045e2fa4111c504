"""The tree in ARCHITECTURE.md is true: it lists what is there, with a purpose each, and nothing else."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent
TEXT = (ROOT / "ARCHITECTURE.md").read_text()
PAGES = sorted(str(path.relative_to(ROOT)) for path in [*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")])
ENTRY = re.compile(r"(?P<indent> *)(?P<name>\S+)(?: +(?P<purpose>\S.*))?")


def tree(text: str) -> dict[str, str]:
    """Path -> purpose, from the fenced block below the heading; two spaces a level, a folder ends in a slash."""
    block = text.partition("\n## The tree\n")[2].partition("```\n")[2].partition("\n```")[0]
    entries: dict[str, str] = {}
    above: list[str] = []
    for line in block.splitlines():
        entry = ENTRY.fullmatch(line)
        assert entry, f"not a line of a tree: {line!r}"
        depth = len(entry["indent"]) // 2
        above[depth:] = [entry["name"]]
        entries["".join(above)] = entry["purpose"] or ""
    return entries


def rooms() -> set[str]:
    """Every folder and Python file of the code, and the first level of the tests."""
    found = {f"{folder}/" for folder in ("contracts", "services", "benchmarks", "tests") if (ROOT / folder).is_dir()}
    for folder in sorted(found):
        for path in (ROOT / folder).glob("*" if folder == "tests/" else "**/*"):
            place = path.relative_to(ROOT)
            if "__pycache__" in place.parts or place.parts[:2] == ("contracts", "released"):
                continue  # a release is as the contracts were
            if path.is_dir():
                found.add(f"{place}/")
            elif path.suffix == ".py" and path.name != "__init__.py":
                found.add(str(place))
    return found


def test_every_room_is_on_the_map() -> None:
    assert sorted(rooms() - tree(TEXT).keys()) == []


def test_nothing_is_on_the_map_that_is_not_there() -> None:
    assert [place for place in tree(TEXT) if not (ROOT / place).exists()] == []


def test_every_entry_says_what_it_is_for() -> None:
    assert [place for place, purpose in tree(TEXT).items() if not purpose] == []


@pytest.mark.parametrize("page", PAGES)
def test_every_place_that_a_page_speaks_of_is_there(page: str) -> None:
    text = (ROOT / page).read_text()
    linked = {(ROOT / page).parent / link for link in re.findall(r"\]\(([^)#:]+)\)", text)}
    named = {ROOT / place for place in re.findall(r"`((?:contracts|services|tests|tools|docs|infra)/[^`*<{ ]*)`", text)}
    assert sorted(str(place.relative_to(ROOT)) for place in linked | named if not place.exists()) == []
