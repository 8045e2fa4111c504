"""A replay: the history of a network is taken in again and judged anew; nothing is stored or sent.

What record systems and therapists said is taken as the log has it. What the alerts themselves put there is left out
and made anew, at the instants at which the live service looks at a case: when something about it was received, and
when it is due by the clock. Under the policy that was in force the same alert events follow as on the log.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from functools import partial
from itertools import groupby
from typing import TypeAlias

from contracts.data import ClientMergedData
from contracts.events import ClientMerged, EventRetracted, NormsAdopted
from contracts.policies import Policy
from services.eventlog.ports import Recorded, Unread
from services.projections.fold import AlertEvent
from services.projections.known import remaining
from services.projections.norms import NormSet, norm_set
from services.whatif.case import Heard
from services.whatif.history import History
from services.whatif.life import Life, Replayed

Along: TypeAlias = Callable[[Sequence[Recorded | Unread]], Iterable[Recorded | Unread]]
"""Walks through the events, for somebody who waits."""


def replay(history: History, policies: Sequence[Policy], along: Along = iter) -> list[Replayed]:
    """What the live service would have done over ``history`` under each of ``policies``.

    A letter counts as delivered when the log says that it was, if it says so before the live service would have given
    it up; and else at once.
    """
    known = _Known()
    lives = [Life(history, policy, known.heard, known.adopted) for policy in policies]
    for now, received in _together(along(history.recorded)):
        for life in lives:
            life.wait_until(now)
        for recorded in received:
            _take(recorded, now, known, lives)
        for life in lives:
            life.settle(now)
    for life in lives:
        life.wait_until(history.end)
    return [life.done for life in lives]


class _Known:
    """What is the same under every policy."""

    def __init__(self) -> None:
        self.adopted: dict[str, NormSet] = {}
        self.heard: Mapping[str, Heard] = defaultdict(partial(Heard, self._person))
        self._merged: dict[str, str] = {}

    def merge(self, merged: ClientMergedData) -> None:
        self._merged[merged.from_ref] = max(merged.into_ref, self._merged.get(merged.from_ref, ""))
        for heard in self.heard.values():
            heard.forget()

    def _person(self, client_ref: str) -> str:
        return remaining(client_ref, self._merged)


def _take(recorded: Recorded | Unread, now: datetime, known: _Known, lives: Sequence[Life]) -> None:
    if isinstance(recorded, Unread):
        known.heard[recorded.case_ref].hears(recorded)
        for life in lives:
            life.touch(recorded.case_ref)
        return
    event = recorded.event
    if isinstance(event, NormsAdopted):
        known.adopted.setdefault(event.data.version, norm_set(event.data))
    elif isinstance(event, ClientMerged):
        known.merge(event.data)
    elif isinstance(event, AlertEvent):
        for life in lives:
            life.settle(now)  # it followed from what was received before, if only at the same instant
            life.hear(event)
    else:
        matters = known.heard[event.case_ref].hears(event)
        for life in lives:
            if isinstance(event, EventRetracted):
                life.hear(event)
            life.touch(event.case_ref, matters=matters)


def _together(events: Iterable[Recorded | Unread]) -> Iterator[tuple[datetime, Iterable[Recorded | Unread]]]:
    """What was received at one instant; a clock that went back counts as one that stood still."""
    latest: datetime | None = None

    def instant(recorded: Recorded | Unread) -> datetime:
        nonlocal latest
        latest = recorded.received if latest is None else max(latest, recorded.received)
        return latest

    return groupby(events, key=instant)
