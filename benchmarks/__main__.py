"""``make bench``: measures, prints each figure beside its baseline of the same run, and writes RESULTS.md."""

import argparse
import platform
import sqlite3
import sys
from collections.abc import Callable, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Final

from benchmarks import accepting, enduring, importing, posting, relaying, storing, trying
from benchmarks.measured import Compared, Found, Informed, Tell
from services.serving import tune

RESULTS: Final = Path(__file__).with_name("RESULTS.md")
WHOLE: Final = (posting.Size(), storing.Size(), relaying.Size(), trying.Size(), importing.Size(), accepting.Size())
TINY: Final = (
    posting.Size(seconds=0.2, repetitions=1),
    storing.Size(events=1_000, repetitions=1, cases=200, few=50, touched=10),
    relaying.Size(events=6_000, repetitions=1, one_by_one=50, per_second=50, seconds=2),
    trying.Size(cases=40, weeks=8, repetitions=1),
    importing.Size(events=2_000, repetitions=1),
    accepting.Size(events=2_000, observations=100, repetitions=1),
)

NAMES: Final = (
    *("accepting", "translating", "posting", "storing", "following", "deciding", "trying", "relaying", "importing"),
)
ALONE: Final = ("enduring", "importing-long")
"""Those that take long, and run only where they are named."""


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="benchmarks", description="Ratios against baselines of the same run.")
    parser.add_argument("--tiny", action="store_true", help="shows that it works, and means nothing; writes no file")
    parser.add_argument("--only", choices=(*NAMES, *ALONE))
    parser.add_argument("--events", type=int, default=5_000_000, help="of --only enduring, which runs by itself only")
    parser.add_argument("--bytes", type=int, default=10**9, help="of --only importing-long, which does so too")
    asked = parser.parse_args(arguments)
    post, store, relay, whatif, file, accept = TINY if asked.tiny else WHOLE
    benches: dict[str, Callable[[Tell], Found]] = {
        "storing": lambda tell: storing.storing(store, tell),
        "following": lambda tell: storing.following(store, tell),
        "deciding": lambda tell: storing.deciding(store, tell),
        "trying": lambda tell: trying.trying(whatif, tell),
        "posting": lambda tell: posting.posting(post, tell),
        "relaying": lambda tell: relaying.relaying(relay, tell),
        "importing": lambda tell: importing.importing(file, tell),
        "accepting": lambda tell: accepting.accepting(accept, tell),
        "translating": lambda tell: accepting.translating(accept, tell),
    }
    if asked.only == "enduring":
        benches = {"enduring": lambda tell: enduring.enduring(enduring.Size(asked.events), tell)}
    if asked.only == "importing-long":
        benches = {"importing-long": lambda tell: importing.importing_long(importing.Long(asked.bytes), tell)}
    found: list[Compared | Informed] = []
    for name, bench in benches.items():
        if asked.only in (None, name):
            for figure in bench(lambda doing, name=name: print(f"  {name}: {doing}", file=sys.stderr)):  # type: ignore[misc]  # mypy cannot type a default of a lambda
                print(figure.line(), flush=True)
                found.append(figure)
    if not asked.tiny and asked.only is None:
        RESULTS.write_text(results(found), "utf-8")
    return 0


def results(found: Found) -> str:
    parts = ("fastapi", "uvicorn", "pydantic", "eventsourcing")
    versions = ", ".join(f"{part} {version(part)}" for part in parts)
    head = [
        "# Results",
        "",
        "Written by `make bench`. Only the ratios mean something: each is the median over repetitions in which both",
        "sides were measured one right after the other, with the smallest and largest beside it.",
        "",
        f"Python {platform.python_version()}, SQLite {sqlite3.sqlite_version}, {versions}.",
        "",
    ]
    lines = [f"- {figure.line()}{_note(figure)}" for figure in found]
    return "\n".join([*head, *lines, ""])


def _note(figure: Compared | Informed) -> str:
    return f". {figure.note}" if isinstance(figure, Compared) and figure.note else ""


if __name__ == "__main__":
    tune()  # as the processes are that are measured here
    sys.exit(main())
