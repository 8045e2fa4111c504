"""One request to create, from its body to what became of each resource: read, judged, counted, stored."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Protocol

import jiter
from starlette.concurrency import run_in_threadpool

from contracts.data import EventKey
from services.access.problems import Fault, Problem, Refused, problem
from services.access.strict import read_value
from services.fhir.answers import Became
from services.fhir.bundle import How, Misfit, bundle
from services.fhir.context import Discarded, Translated
from services.fhir.entries import Desk, Entry, Verdict
from services.fhir.known import Behind, Known, NetworkKnown
from services.fhir.settling import Settled, Stored, each, twice, whole
from services.fhir.values import refused
from services.ingest.commit import Committer
from services.ingest.door import Magic

WAIT_SECONDS: Final = 2
"""How long a request of which a resource names no case waits for the views to show one."""


class NetworkFhir(NetworkKnown, Protocol):
    """The parts of one network that requests need."""

    @property
    def committer(self) -> Committer: ...

    @property
    def clock(self) -> Callable[[], datetime]: ...

    @property
    def magic(self) -> Magic | None: ...


class Failed(Exception):
    """A transaction of which nothing is stored: what is wrong, and the FHIRPath that each problem starts from."""

    def __init__(self, problems: Sequence[tuple[Problem, str]]) -> None:
        super().__init__("nothing of the transaction is stored")
        self.problems = problems


@dataclass(frozen=True, slots=True)
class Work:
    """One request's. ``count`` is told how many events are to be stored, and raises Refused where that is too many."""

    network: NetworkFhir
    desk: Desk
    count: Callable[[int], object]

    async def create(self, body: bytes, kind: str, identifier: EventKey | None) -> Stored | Discarded:
        """What became of the one resource that ``body`` holds. Raises Refused."""
        resource = await run_in_threadpool(document, body)
        if resource.get("resourceType") != kind:
            raise refused("/resourceType", "mismatch" if "resourceType" in resource else "missing")
        entries = [Entry(resource, kind, kind, identifier)]
        verdicts = await self._verdicts(entries)
        self.count(_weight(verdicts[0]) - 1)  # the request itself was counted before it was read
        [settled] = await self._each(entries, verdicts)
        if isinstance(settled, Problem):
            raise Refused(settled)
        return settled

    async def bundle(self, body: bytes) -> tuple[str, list[Became]]:
        """How the bundle in ``body`` was worked on, and what became of its entries. Raises Refused, Failed."""
        how, entries = await run_in_threadpool(_bundle, body)
        verdicts = await self._verdicts(entries)
        settled = await (self._transaction if how == "transaction" else self._batch)(entries, verdicts)
        kinds = ["" if isinstance(entry, Misfit) else entry.kind for entry in entries]
        return how, [Became(kind, entry.place, one) for kind, entry, one in zip(kinds, entries, settled, strict=True)]

    async def _batch(self, entries: Sequence[Entry | Misfit], verdicts: Sequence[Verdict]) -> list[Settled]:
        self.count(sum(map(_weight, verdicts)))
        found = await self._each(entries, verdicts)
        problems = [one for one in found if isinstance(one, Problem)]
        if found and len(problems) == len(found) and all(one.retryable for one in problems):
            raise Refused(problems[0])
        return found

    async def _transaction(self, entries: Sequence[Entry | Misfit], verdicts: Sequence[Verdict]) -> list[Settled]:
        found: dict[int, Problem] | list[Settled] = _wrong(verdicts)
        if not found:
            self.count(sum(map(_weight, verdicts)))
            found = await whole(verdicts, self.network.committer)
            if isinstance(found, dict) and any(map(_is_conflict, found.values())):
                verdicts = await run_in_threadpool(self._judged, entries, patient=False)  # as in _each
                found = _wrong(verdicts) or await whole(verdicts, self.network.committer)
        if isinstance(found, dict):
            raise Failed([(one, entries[index].place) for index, one in found.items()])
        return found

    async def _each(self, entries: Sequence[Entry | Misfit], verdicts: Sequence[Verdict]) -> list[Settled]:
        """What became of each. One that met another event of its identity is judged once more.

        Whoever sent the same at the same time may have been faster, and what is on the log then decides the case of the
        second, and whether it corrects it.
        """
        found = await each(verdicts, self.network.committer)
        told = [index for index, one in enumerate(verdicts) if isinstance(one, Translated)]
        late = [index for index in told if _is_conflict(found[index])]
        if late:
            verdicts = await run_in_threadpool(self._judged, entries, patient=False)
            again = await each([verdicts[index] for index in late], self.network.committer)
            for index, one in zip(late, again, strict=True):
                found[index] = one
        return found

    async def _verdicts(self, entries: Sequence[Entry | Misfit]) -> list[Verdict]:
        """Waits once, off the threads, where the views may have yet to show a case."""
        try:
            return await run_in_threadpool(self._judged, entries, patient=True)
        except Behind as behind:
            await self.network.applied.reached(behind.position, WAIT_SECONDS)
            return await run_in_threadpool(self._judged, entries, patient=False)

    def _judged(self, entries: Sequence[Entry | Misfit], *, patient: bool) -> list[Verdict]:
        known = Known(self.network, self.desk.credential, patient=patient)
        sent = [entry for entry in entries if isinstance(entry, Entry)]
        rest = iter(self.desk.verdicts(sent, known, self.network.clock()))
        verdicts = [next(rest) if isinstance(entry, Entry) else entry.problem for entry in entries]
        magic = self.network.magic
        if magic is None:
            return verdicts
        return [(isinstance(one, Translated) and magic(one.events[0])) or one for one in verdicts]


def _weight(verdict: Verdict) -> int:
    """How many events of the quota a resource takes: what is not stored counts as one."""
    return len(verdict.events) if isinstance(verdict, Translated) else 1


def _wrong(verdicts: Sequence[Verdict]) -> dict[int, Problem]:
    """Why a transaction cannot be stored, by the number of the entry."""
    found = {index: one for index, one in enumerate(verdicts) if isinstance(one, Problem)}
    return found or dict.fromkeys(twice(verdicts), problem("validation", Fault("/identifier", "duplicate")))


def _is_conflict(settled: Settled) -> bool:
    return isinstance(settled, Problem) and settled.slug == "event-id-conflict"


def _bundle(body: bytes) -> tuple[How, list[Entry | Misfit]]:
    return bundle(document(body))


def document(body: bytes) -> Mapping[str, Any]:
    """The JSON object that ``body`` holds, read as strictly as events are. Raises Refused."""
    try:
        found = jiter.from_json(body, allow_inf_nan=False, catch_duplicate_keys=True)
    except ValueError:
        read_value(body)  # says what is wrong, more exactly
        raise Refused(problem("malformed-json", Fault("", "depth"))) from None
    if not isinstance(found, dict):
        raise refused("", "type")
    return found
