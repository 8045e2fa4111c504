"""The command of every tool that writes one file of contracts/ from the code, or says that it is out of date."""

from argparse import ArgumentParser
from collections.abc import Callable, Sequence
from pathlib import Path


def command(arguments: Sequence[str], name: str, description: str, path: Path, text: Callable[[], str]) -> str | None:
    """Runs it as ``python -m tools.<name>``; returns what to complain about, or None."""
    parser = ArgumentParser(prog=f"python -m tools.{name}", description=description)
    parser.add_argument("--check", action="store_true", help="write nothing; fail where the file is out of date")
    if not parser.parse_args(arguments).check:
        path.parent.mkdir(exist_ok=True)
        path.write_text(text(), "utf-8")
        return None
    found = path.read_text("utf-8") if path.exists() else ""
    return None if found == text() else f"out of date: {path.name}; python -m tools.{name} writes it"
