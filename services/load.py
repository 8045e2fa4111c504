"""Posts an NDJSON file of events to a running Resonance, batch by batch, and says what became of them.

Nothing is remembered between runs: the log knows what it has, so a file can be sent again from any line on. Only
counts and problem codes are shown, never what a line holds.
"""

import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

import httpx
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn

from services.client import BATCH, BATCH_BYTES, Client, Failed, Result


@dataclass(slots=True)
class Summary:
    """What became of the events; ``problems`` counts the rejected ones by problem code."""

    accepted: int = 0
    duplicates: int = 0
    problems: Counter[str] = field(default_factory=Counter)

    def count(self, results: Iterable[Result]) -> None:
        for result in results:
            self.accepted += result.status == "accepted"
            self.duplicates += result.status == "duplicate"
            if result.status == "rejected":
                self.problems[result.problem.code] += 1

    @property
    def rejected(self) -> int:
        return self.problems.total()

    @property
    def exit_code(self) -> int:
        """0 where everything that was sent is on the log, 1 where anything was rejected."""
        return 1 if self.rejected else 0

    def line(self) -> str:
        return f"{self.accepted:,} accepted, {self.duplicates:,} already there, {self.rejected:,} rejected"

    def report(self) -> str:
        """The line, and a line for each problem code, the most frequent first."""
        found = sorted(self.problems.items(), key=lambda problem: (-problem[1], problem[0]))
        return "\n".join([self.line(), *(f"{count:>9,}  {code}" for code, count in found)])


class Stopped(Exception):
    """The server refuses, or stays out of reach. ``line`` is the first whose fate is unknown, ``summary`` the rest."""

    def __init__(self, why: str, line: int, summary: Summary) -> None:
        super().__init__(f"{why}; go on with --from-line {line}")
        self.line = line
        self.summary = summary


class _Line(NamedTuple):
    number: int
    """From 1, as editors count."""
    end: int
    """Bytes of the file up to its end."""
    text: bytes


def load(
    source: Path | Iterable[bytes],
    url: str,
    key: str,
    *,
    batch: int = BATCH,
    from_line: int = 1,
    console: Console | None = None,
    transport: httpx.BaseTransport | None = None,
    pause: Callable[[float], None] = time.sleep,
) -> Summary:
    """Posts the events of ``source``, one a line and in their order, to ``url`` with the API key ``key``.

    What meets 429, 500, 502, 503, 504 or a network error is sent again after ``Retry-After`` or a doubling pause, eight
    times at most. Lines before ``from_line`` and empty lines are passed over. A progress bar goes to ``console``,
    by default standard error. Raises Stopped, and OSError where the file cannot be read.
    """
    summary = Summary()
    with ExitStack() as stack:
        size: int | None = None
        if isinstance(source, Path):
            size = source.stat().st_size
            source = stack.enter_context(source.open("rb"))
        bar = stack.enter_context(_progress(console or Console(stderr=True)))
        task = bar.add_task("", total=size, counts="")
        client = stack.enter_context(Client(url, key, transport=transport, pause=pause))
        for lines in _batches(_lines(source, from_line), batch):
            _send(client, lines, summary)
            bar.update(task, completed=lines[-1].end, counts=summary.line())
    return summary


def import_file(source: Path, url: str, key: str, name: str) -> Summary:
    """Sends the whole file as the import ``name``, or goes on with that. Raises Failed, and OSError as above."""
    with Client(url, key) as client:
        status = client.import_file(source, name)
        problems = Counter(error.problem.code for error in client.import_errors(name))
    problems["unknown"] += status.rejected - problems.total()  # a service keeps only so many
    return Summary(status.accepted, status.duplicates, +problems)


def _send(client: Client, lines: Sequence[_Line], summary: Summary) -> None:
    try:
        summary.count(client.post_batch([line.text for line in lines]))
    except Failed as failed:
        summary.count(result for result in failed.results if result is not None)
        unknown = next(line.number for line, result in zip(lines, failed.results, strict=True) if result is None)
        raise Stopped(failed.why, unknown, summary) from None  # without its cause, which can hold the key


def _lines(source: Iterable[bytes], from_line: int) -> Iterator[_Line]:
    end = 0
    for number, text in enumerate(source, 1):
        end += len(text)
        if number >= from_line and text.strip():
            yield _Line(number, end, text.strip())


def _batches(lines: Iterable[_Line], batch: int) -> Iterator[list[_Line]]:
    """At most ``batch`` lines and ``BATCH_BYTES`` at a time; a single line may be larger."""
    waiting: list[_Line] = []
    size = 0
    for line in lines:
        if waiting and (len(waiting) >= batch or size + len(line.text) > BATCH_BYTES):
            yield waiting
            waiting, size = [], 0
        waiting.append(line)
        size += len(line.text) + 1
    if waiting:
        yield waiting


def _progress(console: Console) -> Progress:
    return Progress(BarColumn(), TaskProgressColumn(), TextColumn("{task.fields[counts]}"), console=console)
