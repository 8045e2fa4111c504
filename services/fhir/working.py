"""One request to create, from its body to what became of each resource: read, judged, counted, stored."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Protocol

import jiter
from starlette.concurrency import run_in_threadpool

from contracts.data import EventKey
from services.access.problems import Fault, Problem, Refused, problem
from services.fhir.answers import Became
from services.fhir.bundle import Misfit, bundle
from services.fhir.context import Discarded, Translated
from services.fhir.entries import Desk, Entry, Existing, Verdict
from services.fhir.known import Behind, Known, NetworkKnown
from services.fhir.settling import Settled, Stored, already, conflict, each, twice, whole
from services.fhir.values import refused
from services.ingest.commit import Committer
from services.ingest.door import Magic
from services.ingest.reading import read_value

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
        [verdict] = await self._verdicts([Entry(resource, kind, kind, identifier)])
        self.count(_weight(verdict) - 1)  # the request itself was counted before it was read
        [settled] = await each([verdict], self.network.committer)
        if isinstance(settled, Problem) and settled.slug == "event-id-conflict" and identifier is not None:
            settled = await run_in_threadpool(self._there, identifier, kind)  # somebody else was faster
        if isinstance(settled, Problem):
            raise Refused(settled)
        return settled

    async def bundle(self, body: bytes) -> tuple[str, list[Became]]:
        """How the bundle in ``body`` was worked on, and what became of its entries. Raises Refused, Failed."""
        read = await run_in_threadpool(document, body)
        how, entries = bundle(read)
        verdicts = iter(await self._verdicts([entry for entry in entries if isinstance(entry, Entry)]))
        judged = [entry.problem if isinstance(entry, Misfit) else next(verdicts) for entry in entries]
        settled = await (self._transaction(entries, judged) if how == "transaction" else self._batch(judged))
        kinds = ["" if isinstance(entry, Misfit) else entry.kind for entry in entries]
        return how, [Became(kind, entry.place, one) for kind, entry, one in zip(kinds, entries, settled, strict=True)]

    async def _batch(self, verdicts: Sequence[Verdict]) -> list[Settled]:
        self.count(sum(map(_weight, verdicts)))
        found = await each(verdicts, self.network.committer)
        problems = [one for one in found if isinstance(one, Problem)]
        if found and len(problems) == len(found) and all(one.retryable for one in problems):
            raise Refused(problems[0])
        return found

    async def _transaction(self, entries: Sequence[Entry | Misfit], verdicts: Sequence[Verdict]) -> list[Settled]:
        wrong = {index: one for index, one in enumerate(verdicts) if isinstance(one, Problem)}
        wrong = wrong or dict.fromkeys(twice(verdicts), problem("validation", Fault("/identifier", "duplicate")))
        if not wrong:
            self.count(sum(map(_weight, verdicts)))
            found = await whole(verdicts, self.network.committer)
            if isinstance(found, list):
                return found
            wrong = found
        raise Failed([(one, entries[index].place) for index, one in wrong.items()])

    async def _verdicts(self, entries: Sequence[Entry]) -> list[Verdict]:
        """Waits once, off the threads, where the views may have yet to show a case."""
        try:
            return await run_in_threadpool(self._judged, entries, patient=True)
        except Behind as behind:
            await self.network.applied.reached(behind.position, WAIT_SECONDS)
            return await run_in_threadpool(self._judged, entries, patient=False)

    def _judged(self, entries: Sequence[Entry], *, patient: bool) -> list[Verdict]:
        known = Known(self.network, self.desk.credential, patient=patient)
        verdicts = self.desk.verdicts(entries, known, self.network.clock())
        magic = self.network.magic
        if magic is None:
            return verdicts
        return [(isinstance(one, Translated) and magic(one.events[0])) or one for one in verdicts]

    def _there(self, identifier: EventKey, kind: str) -> Settled:
        found = Known(self.network, self.desk.credential, patient=False).visible(identifier)
        return conflict() if found is None else already(Existing(found, kind))


def _weight(verdict: Verdict) -> int:
    """How many events of the quota a resource takes: what is not stored counts as one."""
    return len(verdict.events) if isinstance(verdict, Translated) else 1


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
