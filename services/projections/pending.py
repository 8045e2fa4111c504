"""What a case still waits for: which events name something that has not arrived (yet), so that it can be sent."""

import json
from collections.abc import Iterable
from typing import Final, NamedTuple

from contracts.events import (
    OWN_SOURCES,
    AlertAcknowledged,
    AlertOpened,
    AlertRaised,
    AlertSnoozed,
    EventRetracted,
    MeasureCorrected,
    TaskAgreed,
    TaskEnded,
    TaskRenegotiated,
)
from services.projections.course import Course
from services.projections.loop import tasks
from services.projections.record import Key, Record, retracted, standing

_OF_TASKS: Final = TaskAgreed | TaskRenegotiated | TaskEnded
_OF_ALERTS: Final = AlertOpened | AlertAcknowledged | AlertSnoozed


class Missing(NamedTuple):
    """One reference that leads nowhere. ``what`` is one of the words of ``Course.pending``."""

    what: str
    source: str
    """Of the events that refer to it."""
    id: str | None = None
    """The event that refers to it; ``None`` for ``case``, which every event refers to."""
    target: Key | None = None
    """The event that an ``amended_event`` should be."""


class Waits(NamedTuple):
    """A case, and what it waits for."""

    case_ref: str
    clinic: str
    missing: tuple[Missing, ...]


def missing(record: Record, course: Course) -> tuple[Missing, ...]:
    """What ``course``, folded from ``record``, waits for; by what is missing, and by the event that refers to it.

    Resonance's own events refer to what it has seen itself, and do not count.
    """
    if not course.pending:
        return ()
    out = retracted(record)
    events = standing(record).events
    found: list[Missing] = []
    if "case" in course.pending:
        found += (Missing("case", source) for source in {event.source for event in events})
    for event in record.values():
        if isinstance(event, EventRetracted):
            target = event.data.target.source, event.data.target.id
        elif isinstance(event, MeasureCorrected) and (event.source, event.id) not in out:
            target = event.data.supersedes.source, event.data.supersedes.id
        else:
            continue
        if target not in record:
            found.append(Missing("amended_event", event.source, event.id, target))
    _, astray = tasks([event for event in events if isinstance(event, _OF_TASKS)])
    found += (Missing("task", event.source, event.id) for event in astray)
    raised = {event.data.alert_ref for event in events if isinstance(event, AlertRaised)}
    found += (
        Missing("alert", event.source, event.id)
        for event in events
        if isinstance(event, _OF_ALERTS) and event.data.alert_ref not in raised
    )
    return tuple(
        sorted({one for one in found if one.source not in OWN_SOURCES}, key=lambda one: (*one[:2], one.id or ""))
    )


def spelt(found: Iterable[Missing]) -> str | None:
    """As it is kept in a table; ``None`` where there is nothing."""
    rows = list(found)
    return json.dumps(rows, separators=(",", ":")) if rows else None


def read(text: str) -> tuple[Missing, ...]:
    return tuple(
        Missing(what, source, name, (target[0], target[1]) if target else None)
        for what, source, name, target in json.loads(text)
    )
