"""From verdicts to what became of each resource: its events are put on the log, one by one or all or nothing."""

import asyncio
from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple, TypeAlias

from contracts.data import EventKey
from contracts.events import AnyCaseEvent
from services.access.problems import Problem, Refused
from services.eventlog.ports import Appended, Conflicting
from services.fhir.context import Discarded, Translated
from services.fhir.entries import Existing, Verdict, conflict
from services.ingest.commit import Committer, Outcome
from services.ingest.door import refusal_of


class Stored(NamedTuple):
    """It stands on the log: since now, where ``fresh``. ``position`` is that of its first event."""

    position: int
    fresh: bool
    events: tuple[AnyCaseEvent, ...]
    new: tuple[AnyCaseEvent, ...] = ()
    """Those that were not there before."""
    last: int = 0
    """The position of the last of them."""


Settled: TypeAlias = Stored | Discarded | Problem


async def each(verdicts: Sequence[Verdict], committer: Committer) -> list[Settled]:
    """Settles every resource by itself. The events of one resource are stored together or not at all."""
    told = {index: verdict.events for index, verdict in enumerate(verdicts) if isinstance(verdict, Translated)}
    alone = [index for index, events in told.items() if len(events) == 1]
    waiting = {index: _submitted(committer, events, whole=True) for index, events in told.items() if len(events) > 1}
    single = _submitted(committer, [told[index][0] for index in alone], whole=False)
    outcomes = {index: [outcome] for index, outcome in zip(alone, await single, strict=True)}
    for index, several in waiting.items():
        outcomes[index] = await several
    return [settled(verdict, outcomes.get(index, [])) for index, verdict in enumerate(verdicts)]


async def whole(verdicts: Sequence[Verdict], committer: Committer) -> list[Settled] | dict[int, Problem]:
    """Settles all of them or none; then it says why, by the number of the resource. None of them is refused before."""
    told = [(index, event) for index, one in enumerate(verdicts) if isinstance(one, Translated) for event in one.events]
    outcomes = await _submitted(committer, [event for _, event in told], whole=True)
    error = outcomes[0] if outcomes else None
    if isinstance(error, Conflicting):
        return {told[place][0]: conflict() for place in error.places}
    if isinstance(error, Exception):
        return {told[0][0]: refusal_of(error)}
    rest = iter(outcomes)
    return [settled(one, [next(rest) for _ in one.events] if isinstance(one, Translated) else []) for one in verdicts]


def twice(verdicts: Sequence[Verdict]) -> list[int]:
    """The numbers of the resources that tell of an event that another tells of as well."""
    keys: list[set[EventKey]] = [
        {event.key for event in one.events} if isinstance(one, Translated) else set() for one in verdicts
    ]
    counted = Counter(key for some in keys for key in some)
    return [index for index, some in enumerate(keys) if any(counted[key] > 1 for key in some)]


def settled(verdict: Verdict, outcomes: Sequence[Outcome]) -> Settled:
    """What became of one resource, with the outcomes of its events."""
    if isinstance(verdict, Existing):
        return Stored(verdict.position, False, (verdict.event,), (), verdict.position)
    if not isinstance(verdict, Translated):
        return verdict
    stored: list[Appended] = []
    for outcome in outcomes:
        if isinstance(outcome, Conflicting) or (isinstance(outcome, Appended) and outcome.conflict):
            return conflict()
        if not isinstance(outcome, Appended):
            return refusal_of(outcome)
        stored.append(outcome)
    new = tuple(event for event, one in zip(verdict.events, stored, strict=True) if not one.duplicate)
    return Stored(stored[0].position, bool(new), verdict.events, new, max(one.position for one in stored))


def _submitted(committer: Committer, events: Sequence[AnyCaseEvent], *, whole: bool) -> "asyncio.Future[list[Outcome]]":
    """The outcomes, also where there is no room for the events: then that is theirs."""
    try:
        if events:
            return committer.submit(events, whole=whole)
        outcomes: list[Outcome] = []
    except Refused as refused:
        outcomes = [refused] * len(events)
    found: asyncio.Future[list[Outcome]] = asyncio.get_running_loop().create_future()
    found.set_result(outcomes)
    return found
