"""Posts an NDJSON file of events to a running Resonance, batch by batch, and says what became of them.

Nothing is remembered between runs: the log knows what it has, so a file can be sent again from any line on. Only
counts and problem codes are shown, never what a line holds.
"""

import json
import re
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Literal, NamedTuple

import httpx
from pydantic import BaseModel, ValidationError
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn

BATCH: Final = 500
_BATCH_BYTES: Final = 3 * 2**20
_TRIES: Final = 8
_LONGEST_PAUSE: Final = 30.0
_PASSING: Final = {429, 500, 502, 503, 504}


@dataclass(slots=True)
class Summary:
    """What became of the events; ``problems`` counts the rejected ones by problem code."""

    accepted: int = 0
    duplicates: int = 0
    problems: Counter[str] = field(default_factory=Counter)

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
        return "\n".join([self.line(), *(f"{count:>9,}  {code}" for code, count in self.problems.most_common())])


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


class _Problem(BaseModel):
    type: str = ""

    @property
    def code(self) -> str:
        """The last part of the problem's type, as ``score-out-of-range``; never anything that was sent."""
        slug = re.search(r"([a-z][a-z0-9-]{0,63})/?$", self.type)
        return slug[1] if slug else "unknown"


class _Result(BaseModel):
    index: int
    status: Literal["accepted", "duplicate", "rejected"]
    retryable: bool = False
    problem: _Problem = _Problem()


class _Answer(BaseModel):
    results: list[_Result]


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
    with ExitStack() as stack:
        size: int | None = None
        if isinstance(source, Path):
            size = source.stat().st_size
            source = stack.enter_context(source.open("rb"))
        bar = stack.enter_context(_progress(console or Console(stderr=True)))
        task = bar.add_task("", total=size, counts="")
        headers = {"authorization": f"Bearer {key}", "content-type": "application/cloudevents-batch+json"}
        client = stack.enter_context(httpx.Client(base_url=url, headers=headers, timeout=60, transport=transport))
        delivery = _Delivery(client, pause)
        for lines in _batches(_lines(source, from_line), batch):
            delivery.send(lines)
            bar.update(task, completed=lines[-1].end, counts=delivery.summary.line())
        return delivery.summary


class _Delivery:
    def __init__(self, client: httpx.Client, pause: Callable[[float], None]) -> None:
        self.summary = Summary()
        self._client = client
        self._pause = pause

    def send(self, lines: list[_Line]) -> None:
        """Sends ``lines`` until each is accepted, there already or rejected for good."""
        waiting = [line for line in lines if self._is_json(line)]
        for attempt in range(_TRIES):
            if not waiting:
                return
            response = self._post(waiting)
            if response is not None and response.status_code not in _PASSING:
                if _unreadable(response):
                    self._halve(waiting, _problem(response))
                    return
                waiting = self._count(waiting, response)
            if waiting and attempt < _TRIES - 1:
                self._pause(_patience(response, attempt))
        if waiting:
            raise Stopped(f"no answer in {_TRIES} attempts", waiting[0].number, self.summary)

    def _is_json(self, line: _Line) -> bool:
        """Whether the line can stand in a JSON array without changing where its neighbours begin."""
        try:
            json.loads(line.text)
        except (ValueError, RecursionError):
            self.summary.problems["malformed-json"] += 1
            return False
        return True

    def _post(self, lines: list[_Line]) -> httpx.Response | None:
        body = b"[" + b",".join(line.text for line in lines) + b"]"
        try:
            return self._client.post("/v1/events", content=body)
        except (httpx.UnsupportedProtocol, httpx.LocalProtocolError):
            # Without its cause, which can hold the key.
            raise Stopped("the address or the key cannot be used", lines[0].number, self.summary) from None
        except httpx.TransportError:
            return None

    def _halve(self, lines: list[_Line], problem: str) -> None:
        """The batch was refused as a whole and nothing of it is stored: smaller ones show which line is to blame."""
        if len(lines) == 1:
            self.summary.problems[problem] += 1
            return
        self.send(lines[: len(lines) // 2])
        self.send(lines[len(lines) // 2 :])

    def _count(self, lines: list[_Line], response: httpx.Response) -> list[_Line]:
        """Counts what is settled, and returns what is to be sent again."""
        if response.status_code not in (200, 207):
            why = f"the server answers {response.status_code} {_problem(response)}"
            raise Stopped(why, lines[0].number, self.summary)
        try:
            results = _Answer.model_validate_json(response.content).results
        except ValidationError:
            results = []
        if [result.index for result in results] != list(range(len(lines))):
            raise Stopped("the server does not answer for each event", lines[0].number, self.summary)
        again: list[_Line] = []
        for line, result in zip(lines, results, strict=True):
            if result.status == "accepted":
                self.summary.accepted += 1
            elif result.status == "duplicate":
                self.summary.duplicates += 1
            elif result.retryable:
                again.append(line)
            else:
                self.summary.problems[result.problem.code] += 1
        return again


def _lines(source: Iterable[bytes], from_line: int) -> Iterator[_Line]:
    end = 0
    for number, text in enumerate(source, 1):
        end += len(text)
        if number >= from_line and text.strip():
            yield _Line(number, end, text.strip())


def _batches(lines: Iterable[_Line], batch: int) -> Iterator[list[_Line]]:
    """At most ``batch`` lines and 3 MiB at a time, as the server takes 4; a single line may be larger."""
    waiting: list[_Line] = []
    size = 0
    for line in lines:
        if waiting and (len(waiting) >= batch or size + len(line.text) > _BATCH_BYTES):
            yield waiting
            waiting, size = [], 0
        waiting.append(line)
        size += len(line.text) + 1
    if waiting:
        yield waiting


def _patience(response: httpx.Response | None, attempt: int) -> float:
    """Seconds until the next attempt: what the server asks for (RFC 9110, section 10.2.3), or 0.5, 1, 2 ... 30."""
    asked = response.headers.get("retry-after", "") if response is not None else ""
    return float(asked) if asked.isascii() and asked.isdigit() else min(0.5 * 2.0**attempt, _LONGEST_PAUSE)


def _unreadable(response: httpx.Response) -> bool:
    """Whether the batch was refused as a whole for what is in it."""
    too_large = response.status_code == httpx.codes.REQUEST_ENTITY_TOO_LARGE
    return too_large or (response.is_client_error and _problem(response) == "malformed-json")


def _problem(response: httpx.Response) -> str:
    try:
        return _Problem.model_validate_json(response.content).code
    except ValidationError:
        return "unknown"


def _progress(console: Console) -> Progress:
    return Progress(BarColumn(), TaskProgressColumn(), TextColumn("{task.fields[counts]}"), console=console)
