"""The record of one case: a set of events that grows in any order and is read in one.

A record is a set, so taking in an event is commutative and idempotent: every permutation and repetition of the same
events gives the same record, and with it the same course. What was corrected or retracted is left out on reading.
"""

from collections.abc import Iterable
from datetime import datetime
from operator import itemgetter
from typing import NamedTuple, TypeAlias

from contracts.data import EventKey
from contracts.events import AnyCaseEvent, EventRetracted, MeasureCorrected, MeasureRecorded

Key: TypeAlias = tuple[str, str]
Record: TypeAlias = dict[Key, AnyCaseEvent]
"""(source, id) -> event."""


Order: TypeAlias = tuple[datetime, datetime, str, str]


class Standing(NamedTuple):
    """What a record says once its corrections and retractions are taken into account."""

    events: list[AnyCaseEvent]
    """In clinical order: by the instant at which it happened, then by when it was first charted, then by key."""
    pending: frozenset[Key]
    """What a correction or retraction names and what has not arrived (yet)."""
    amended_at: datetime | None
    """The latest correction or retraction."""


def evolve(record: Record, event: AnyCaseEvent) -> None:
    """Takes ``event`` in. The log keeps a (source, id) once, so a second arrival changes nothing."""
    record.setdefault((event.source, event.id), event)


def record_of(events: Iterable[AnyCaseEvent]) -> Record:
    """The record that ``events`` of one case add up to, in whatever order they come."""
    record: Record = {}
    for event in events:
        evolve(record, event)
    return record


def standing(record: Record) -> Standing:
    """What holds now.

    A corrected measure is read as its last correction; of two corrections of one measure the later charted holds.
    Retracting a measure takes its corrections with it; retracting a correction brings back what it replaced.
    A retraction is final: what should count again is sent again under a new id.
    """
    amendments = [event for event in record.values() if isinstance(event, EventRetracted | MeasureCorrected)]
    if not amendments:
        return Standing(sorted(record.values(), key=lambda event: _order(event, event.time)), frozenset(), None)
    out = retracted(record)
    replaced: dict[Key, MeasureCorrected] = {}
    for amendment in sorted(amendments, key=charted):
        if isinstance(amendment, MeasureCorrected) and (amendment.source, amendment.id) not in out:
            replaced[_key(amendment.data.supersedes)] = amendment
    events: list[tuple[Order, AnyCaseEvent]] = []
    for key, event in record.items():
        if key in out or isinstance(event, EventRetracted | MeasureCorrected):
            continue
        holds = _last_correction(event, replaced) if isinstance(event, MeasureRecorded) else event
        events.append((_order(event, holds.time), holds))
    pending = frozenset((out | replaced.keys()) - record.keys())
    in_order = [event for _, event in sorted(events, key=itemgetter(0))]
    return Standing(in_order, pending, max(charted(event)[0] for event in amendments))


def retracted(record: Record) -> frozenset[Key]:
    """What is not to count, whether it has arrived or not."""
    return frozenset(_key(event.data.target) for event in record.values() if isinstance(event, EventRetracted))


def _last_correction(measure: MeasureRecorded, replaced: dict[Key, MeasureCorrected]) -> AnyCaseEvent:
    # No loop is possible: an event replaces one other, and a recorded measure replaces none.
    current: MeasureRecorded | MeasureCorrected = measure
    while correction := replaced.get((current.source, current.id)):
        current = correction
    return current


def _key(named: EventKey) -> Key:
    return named.source, named.id


def charted(event: AnyCaseEvent) -> tuple[datetime, str, str]:
    """When an event was written down, and its key."""
    return event.recordedtime or event.time, event.source, event.id


def _order(event: AnyCaseEvent, time: datetime) -> Order:
    """The place of what ``event`` told first and what happened at ``time``: a correction moves nothing else."""
    return time, event.recordedtime or time, event.source, event.id
