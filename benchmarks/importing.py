"""Files of events: an import beside batch posts of the same kind of events, and the memory that a long one takes."""

import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Final

import httpx

from benchmarks.answering import Answering
from benchmarks.made_up import posts
from benchmarks.measured import Compared, Found, Informed, Tell, in_turns
from benchmarks.posting import PATIENCE_SECONDS, network_in
from services import wiring

BATCH: Final = 1_000
CASES: Final = 500
SESSIONS: Final = 16


@dataclass(frozen=True, slots=True)
class Size:
    events: int = 20_000
    """Of each measurement."""
    repetitions: int = 7


@dataclass(frozen=True, slots=True)
class Long:
    size: int = 1_000_000_000
    """Bytes of the file."""


class _Subject:
    """A served Resonance, and events that it does not have yet."""

    def __init__(self, stack: ExitStack) -> None:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="resonance-bench-")))
        key = network_in(folder)
        self._server = stack.enter_context(Answering("benchmarks.server", "resonance", str(folder)))
        self._events = posts(wiring.utc_now(), CASES, SESSIONS)
        url = f"http://127.0.0.1:{self._server.ask()['port']}"
        headers = {"Authorization": f"Bearer {key}"}
        self._client = stack.enter_context(httpx.Client(base_url=url, headers=headers, timeout=600))

    def batches(self, events: int) -> float:
        """Posted one batch after the other; events a second."""
        lines = list(islice(self._events, events))
        bodies = [b"[" + b",".join(lines[at : at + BATCH]) + b"]" for at in range(0, events, BATCH)]
        kind = {"Content-Type": "application/cloudevents-batch+json"}
        began = time.perf_counter()
        for body in bodies:
            self._accepted(self._client.post("/v1/events", content=body, headers=kind), BATCH)
        return self._rate(events, began)

    def file(self, events: int) -> float:
        """Imported; events a second."""
        lines = list(islice(self._events, events))
        bodies = [b"\n".join(lines[at : at + BATCH]) + b"\n" for at in range(0, events, BATCH)]
        began = time.perf_counter()
        self._accepted(self._imported(iter(bodies)), events)
        return self._rate(events, began)

    def long(self, size: int, tell: Tell) -> tuple[int, list[int]]:
        """One file of ``size`` bytes: its events, and megabytes in RAM at its beginning and after each tenth."""
        memory = [self._memory()]
        events = 0

        def body() -> Iterator[bytes]:
            nonlocal events
            sent = 0
            while sent < size:
                lines = list(islice(self._events, BATCH))
                piece = b"\n".join(lines) + b"\n"
                events += len(lines)
                sent += len(piece)
                if sent * 10 // size >= len(memory):
                    memory.append(self._memory())
                    tell(f"{len(memory) - 1} of 10 tenths, {memory[-1]} MB")
                yield piece

        self._accepted(self._imported(body()), events)
        return events, [*memory, self._memory()]

    def _imported(self, body: Iterator[bytes]) -> httpx.Response:
        return self._client.post("/v1/imports", content=body, headers={"Content-Type": "application/x-ndjson"})

    def _accepted(self, answer: httpx.Response, events: int) -> None:
        if answer.status_code not in {200, 201} or answer.json()["accepted"] != events:
            raise RuntimeError(f"the server answered {answer.status_code}")

    def _rate(self, events: int, began: float) -> float:
        took = time.perf_counter() - began
        while not self._server.ask()["done"]:  # what follows would take the processor from the next
            if time.perf_counter() - began > PATIENCE_SECONDS:
                raise TimeoutError("the server did not finish what followed from the events")
            time.sleep(0.05)
        return events / took

    def _memory(self) -> int:
        lines = Path(f"/proc/{self._server.pid}/status").read_text("utf-8").splitlines()
        return next(int(line.split()[1]) // 1024 for line in lines if line.startswith("VmRSS:"))


def importing(size: Size, tell: Tell) -> Found:
    with ExitStack() as stack:
        subject = _Subject(stack)
        subject.batches(BATCH)
        subject.file(BATCH)  # both are warm now
        subjects = {"import": partial(subject.file, size.events), "batches": partial(subject.batches, size.events)}
        runs = in_turns(subjects, size.repetitions, tell)
    against = "batches of 1,000 one after the other"
    return [Compared("NDJSON import", against, "events/s", runs["import"], runs["batches"], 1.0)]


def importing_long(size: Long, tell: Tell) -> Found:
    with ExitStack() as stack:
        began = time.perf_counter()
        events, memory = _Subject(stack).long(size.size, tell)
        took = time.perf_counter() - began
    what = f"import of {size.size / 1e9:.1f} GB, {events:,} events in {took:.0f} s: MB before, after each tenth, after"
    return [Informed(what, " ".join(map(str, memory)))]
