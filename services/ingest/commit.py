"""Group commit: what arrives while one transaction is being written shares the next one.

No timer holds anyone back: a lone event is committed at once, and under load the groups grow by themselves.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from typing import NamedTuple, TypeAlias

from contracts.events import AnyEvent
from services.access.problems import Refused, problem
from services.eventlog.ports import Appended, Log, Rejected, Unavailable

Outcome: TypeAlias = Appended | Exception
"""Where an event stands on the log, or why it does not: Rejected, Unavailable, or a defect."""


class _Unit(NamedTuple):
    events: Sequence[AnyEvent]
    outcomes: asyncio.Future[list[Outcome]]
    whole: bool


class Committer:
    """Puts events on the log of one network, from one thread. All methods belong to the event loop.

    ``announce`` is told the last position after each transaction. Transactions hold ``group`` events, or one larger
    unit; at most ``room`` events wait. Whoever is in no hurry comes in only while half of it is free, so that files
    leave room to single events.
    """

    def __init__(
        self,
        log: Log,
        clock: Callable[[], datetime],
        announce: Callable[[int], object],
        *,
        group: int = 500,
        room: int = 5_000,
    ) -> None:
        self._log = log
        self._clock = clock
        self._announce = announce
        self._group = group
        self._room = room
        self._half = room // 2
        self._waiting: deque[_Unit] = deque()
        self._arrival = asyncio.Event()
        self._closing = False
        self._running: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begins to commit, until ``close``."""
        self._running = asyncio.get_running_loop().create_task(self._run())

    async def close(self) -> None:
        """Refuses what comes from now on, and returns when all that was waiting is on the log."""
        self._closing = True
        self._arrival.set()
        if self._running is not None:
            await self._running

    def submit(
        self, events: Sequence[AnyEvent], *, whole: bool = False, hurried: bool = True
    ) -> asyncio.Future[list[Outcome]]:
        """One outcome per event, in order, once they are on disk. Events of one call share a transaction.

        With ``whole`` none of them is stored where one of them may not be: then all have that error, which is
        Conflicting where another event has a key of theirs.

        Raises Refused (``temporary-reduced-capacity``) where too many wait already, and while closing.
        """
        if self._closing or self._room < max(len(events), 0 if hurried else self._half):
            raise Refused(problem("temporary-reduced-capacity"))
        unit = _Unit(events, asyncio.get_running_loop().create_future(), whole)
        self._room -= len(events)
        self._waiting.append(unit)
        self._arrival.set()
        return unit.outcomes

    async def _run(self) -> None:
        loop = asyncio.get_running_loop()
        try:
            with ThreadPoolExecutor(1, "commit") as thread:
                while units := await self._next_group():
                    events = [event for unit in units for event in unit.events]
                    whole = units[0].whole
                    self._settle(units, await loop.run_in_executor(thread, self._append, events, whole))
        finally:
            self._closing = True  # whatever ended this, nobody shall wait in vain

    async def _next_group(self) -> list[_Unit]:
        """What waits, as soon as there is something, as far as it fits; nothing once all is done and we are closing.

        What is to be stored whole is a group of its own, or it would fail its neighbours.
        """
        await self._arrival.wait()
        units: list[_Unit] = []
        size = 0
        while self._waiting and (not units or self._joins(self._waiting[0], units[0], size)):
            units.append(self._waiting.popleft())
            size += len(units[-1].events)
        if not self._waiting and not self._closing:
            self._arrival.clear()
        return units

    def _joins(self, unit: _Unit, first: _Unit, size: int) -> bool:
        return not (unit.whole or first.whole) and size + len(unit.events) <= self._group

    def _settle(self, units: Sequence[_Unit], outcomes: Sequence[Outcome]) -> None:
        self._room += len(outcomes)
        stored = [outcome.position for outcome in outcomes if isinstance(outcome, Appended)]
        if stored:
            self._announce(max(stored))
        rest = iter(outcomes)
        for unit in units:
            own = [next(rest) for _ in unit.events]
            if not unit.outcomes.done():  # its client may have gone
                unit.outcomes.set_result(own)

    def _append(self, events: Sequence[AnyEvent], whole: bool = False) -> list[Outcome]:
        """Runs in the writing thread."""
        try:
            return [*self._log.append(events, self._clock(), whole=whole)]
        except Rejected as error:
            return self._one_by_one(events) if len(events) > 1 and not whole else [error] * len(events)
        except Exception as error:  # noqa: BLE001 - a defect of the log fails this group, and not the committer
            return [error] * len(events)

    def _one_by_one(self, events: Sequence[AnyEvent]) -> list[Outcome]:
        """So that a bad event never fails its neighbours; an outage, though, ends the attempt for all that remain."""
        outcomes: list[Outcome] = []
        for event in events:
            outcomes += self._append([event])
            if isinstance(outcomes[-1], Unavailable):
                return outcomes + [outcomes[-1]] * (len(events) - len(outcomes))
        return outcomes
