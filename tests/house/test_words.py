"""The words of the house: every module opens with one, no place of a particular machine, no name that says nothing."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent
MADE_BY_TOOLS = {".git", ".venv", "__pycache__", "data", "dist"}
TEXTS = {"", ".css", ".html", ".js", ".json", ".lock", ".md", ".py", ".sh", ".sql", ".toml", ".txt", ".yaml", ".yml"}
# Written so that this file does not name them itself.
FORBIDDEN = re.compile(r"[/](work|root|tmp|Users)/|TO[D]O|FIX[M]E")
SAYS_NOTHING = {"base", "common", "core", "domain", "helpers", "manager", "misc", "models", "types", "util", "utils"}


def files(folder: Path = ROOT) -> Iterator[Path]:
    """What we wrote: no tool's folders, and no hidden folder but CI's."""
    for path in sorted(folder.iterdir()):
        if path.is_dir():
            if path.name not in MADE_BY_TOOLS and (not path.name.startswith(".") or path.name == ".ci"):
                yield from files(path)
        elif path.suffix in TEXTS and path.name != "LICENSE":
            yield path


def first_line(module: Path) -> str:
    return (ast.get_docstring(ast.parse(module.read_text())) or "").partition("\n")[0]


def test_every_module_opens_with_a_line_that_says_what_it_is_for() -> None:
    modules = [path for path in files() if path.suffix == ".py"]
    assert [str(module.relative_to(ROOT)) for module in modules if not first_line(module)] == []


def test_no_file_names_a_place_of_one_machine_or_leaves_work_for_later() -> None:
    found = [
        f"{path.relative_to(ROOT)}:{number}: {line.strip()}"
        for path in files()
        for number, line in enumerate(path.read_text().splitlines(), start=1)
        if FORBIDDEN.search(line)
    ]
    assert found == []


def test_no_folder_or_module_has_a_name_that_says_nothing() -> None:
    assert [str(path) for path in files() if SAYS_NOTHING & {*path.relative_to(ROOT).parts, path.stem}] == []
