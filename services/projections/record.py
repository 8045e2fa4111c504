"""The record of one case: a set of events that grows in any order and is read in one.

A record is a set, so taking in an event is commutative and idempotent: every permutation and repetition of the same
events gives the same record, and with it the same course. What was corrected or retracted is left out on reading.
"""

from collections.abc import Iterable
from datetime import datetime
from operator import itemgetter
from typing import NamedTuple, TypeAlias

from contracts.events import OWN_SOURCES, AnyCaseEvent, EventRetracted, MeasureCorrected, MeasureRecorded

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
    A retraction is final: what should count again is sent again under a new id. Nobody amends what is neither of
    their source nor of their clinic.
    """
    told = [event for event in record.values() if isinstance(event, EventRetracted | MeasureCorrected)]
    if not told:
        return Standing(sorted(record.values(), key=lambda event: _order(event, event.time)), frozenset(), None)
    amendments = [event for event in told if _may_amend(event, record.get(_amended(event)))]
    out = retracted(record)
    replaced: dict[Key, MeasureCorrected] = {}
    for amendment in sorted(amendments, key=charted):
        if isinstance(amendment, MeasureCorrected) and (amendment.source, amendment.id) not in out:
            replaced[_amended(amendment)] = amendment
    events: list[tuple[Order, AnyCaseEvent]] = []
    for key, event in record.items():
        if key in out or isinstance(event, EventRetracted | MeasureCorrected):
            continue
        holds = _last_correction(event, replaced) if isinstance(event, MeasureRecorded) else event
        events.append((_order(event, holds.time), holds))
    pending = frozenset((out | replaced.keys()) - record.keys())
    in_order = [event for _, event in sorted(events, key=itemgetter(0))]
    return Standing(in_order, pending, max((charted(event)[0] for event in amendments), default=None))


def retracted(record: Record) -> frozenset[Key]:
    """What is not to count, whether it has arrived or not."""
    return frozenset(
        target
        for event in record.values()
        if isinstance(event, EventRetracted) and _may_amend(event, record.get(target := _amended(event)))
    )


def _amended(event: EventRetracted | MeasureCorrected) -> Key:
    named = event.data.target if isinstance(event, EventRetracted) else event.data.supersedes
    return named.source, named.id


def _may_amend(event: EventRetracted | MeasureCorrected, target: AnyCaseEvent | None) -> bool:
    """What has not arrived yet may turn out to be of another clinic and source; then it was never amended."""
    return target is None or event.source in {target.source, *OWN_SOURCES} or event.rsnclinic == target.rsnclinic


def _last_correction(measure: MeasureRecorded, replaced: dict[Key, MeasureCorrected]) -> AnyCaseEvent:
    # No loop is possible: an event replaces one other, and a recorded measure replaces none.
    current: MeasureRecorded | MeasureCorrected = measure
    while correction := replaced.get((current.source, current.id)):
        current = correction
    return current


def charted(event: AnyCaseEvent) -> tuple[datetime, str, str]:
    """When an event was written down, and its key."""
    return event.recordedtime or event.time, event.source, event.id


def _order(event: AnyCaseEvent, time: datetime) -> Order:
    """The place of what ``event`` told first and what happened at ``time``: a correction moves nothing else."""
    return time, event.recordedtime or time, event.source, event.id
