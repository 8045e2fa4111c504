"""May this event happen? Takes the bytes that a record system sent; gives the event, or the exact reason against it.

A refusal names its place and a code, and repeats nothing of what was sent.
"""

from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime, time, timedelta
from typing import Final, NamedTuple

from pydantic import ValidationError

from contracts.events import (
    EVENT_TYPES,
    OWN_SOURCES,
    AlertEscalated,
    AlertNotified,
    AlertRaised,
    AlertResolved,
    AlertSuppressed,
    AnyEvent,
    CaseClosed,
    CaseOpened,
    ConsentChanged,
    MeasureCorrected,
    MeasureRecorded,
    NormsAdopted,
    SessionHeld,
    SessionMissed,
    TherapistAssigned,
    parse,
)
from contracts.instruments import Instrument
from services.access.credential import Credential
from services.access.faults import unfit
from services.access.problems import Fault, Problem, Refused, Slug, combined, problem
from services.ingest.measures import measure_faults
from services.ingest.reading import read_array, read_value

EVENT_LIMIT: Final = 64 * 1024
"""Bytes of one event."""
BATCH_LIMIT: Final = 4 * 1024 * 1024
"""Bytes of a batch."""
MOST_EVENTS: Final = 1_000
"""Events of a batch."""
EARLIEST: Final = datetime(1990, 1, 1, tzinfo=UTC)
AHEAD: Final = timedelta(hours=24)
"""How far a clock elsewhere may run ahead of ours."""

RESERVED: Final = frozenset(
    name
    for name, model in EVENT_TYPES.items()
    if model in {AlertRaised, AlertNotified, AlertSuppressed, AlertEscalated, AlertResolved, NormsAdopted}
)
"""Types of events that only Resonance itself appends."""

_DATES: Final[Mapping[type[AnyEvent], str]] = {
    CaseOpened: "opened_on",
    CaseClosed: "closed_on",
    TherapistAssigned: "effective_from",
    SessionHeld: "started_at",
    SessionMissed: "scheduled_for",
    MeasureRecorded: "occurred_on",
    MeasureCorrected: "occurred_on",
    ConsentChanged: "effective_from",
}
_MAY_LIE_AHEAD: Final = frozenset({"effective_from", "scheduled_for"})
_EASTMOST: Final = timedelta(hours=14)
"""The first zone in which a day begins is so far ahead of UTC."""
_FOREVER: Final = datetime.max.replace(tzinfo=UTC)


class Refusal(NamedTuple):
    """One event of a batch that may not happen; ``id`` is its CloudEvents id where it bears a well-formed one."""

    id: str | None
    problem: Problem


def accept(
    body: bytes, catalogue: Mapping[tuple[str, str], Instrument], credential: Credential, now: datetime
) -> AnyEvent:
    """The event that ``body`` holds. Raises Refused with the problem, its pointers and codes."""
    return _accepted(read_value(body), catalogue, credential, now)


def accept_batch(
    body: bytes, catalogue: Mapping[tuple[str, str], Instrument], credential: Credential, now: datetime
) -> list[AnyEvent | Refusal]:
    """Each event of the array, in order, or why it may not happen: a bad one never fails its neighbours.

    Raises Refused where the whole body is no JSON array, or holds more than ``MOST_EVENTS``.
    """
    items = read_array(body, MOST_EVENTS + 1)
    if len(items) > MOST_EVENTS:
        raise Refused(problem("batch-too-large", detail=f"A batch holds at most {MOST_EVENTS} events."))
    found: list[AnyEvent | Refusal] = []
    for item in items:
        try:
            if item.unread is not None:
                raise Refused(item.unread)
            found.append(_accepted(item.text, catalogue, credential, now))
        except Refused as refused:
            found.append(Refusal(item.id, refused.problem))
    return found


def _accepted(
    text: str, catalogue: Mapping[tuple[str, str], Instrument], credential: Credential, now: datetime
) -> AnyEvent:
    if len(text) > EVENT_LIMIT or (not text.isascii() and len(text.encode()) > EVENT_LIMIT):
        raise Refused(problem("body-too-large", detail=f"An event has at most {EVENT_LIMIT} bytes."))
    try:
        event = parse(text)
    except ValidationError as error:
        raise Refused(unfit(error, outer=1)) from None  # the first step names the member of the union, the event's type
    if event.type in RESERVED:
        raise Refused(problem("unknown-event-type", Fault("/type", "reserved")))
    if event.source in OWN_SOURCES or not credential.speaks_for_source(event.source):
        raise Refused(problem("source-not-allowed", Fault("/source", "not_allowed")))
    if not credential.speaks_for_clinic(event.rsnclinic):
        raise Refused(problem("clinic-not-allowed", Fault("/rsnclinic", "not_allowed")))
    found = [*_time_faults(event, now), *measure_faults(event, catalogue)]
    if found:
        raise Refused(combined(found))
    return event


def _time_faults(event: AnyEvent, now: datetime) -> Iterator[tuple[Slug, Fault]]:
    latest = now + AHEAD
    yield from _instant_faults("/time", event.time, latest)
    if event.recordedtime is not None:
        yield from _instant_faults("/recordedtime", event.recordedtime, latest)
    name = _DATES.get(type(event))
    value = getattr(event.data, name) if name else None
    if isinstance(value, datetime):
        yield from _instant_faults(f"/data/{name}", value, _FOREVER if name in _MAY_LIE_AHEAD else latest)
    elif isinstance(value, date):
        yield from _instant_faults(f"/data/{name}", datetime.combine(value, time(), UTC), latest + _EASTMOST)


def _instant_faults(pointer: str, instant: datetime, latest: datetime) -> Iterator[tuple[Slug, Fault]]:
    if instant < EARLIEST:
        yield "time-out-of-range", Fault(pointer, "before_1990")
    elif instant > latest:
        yield "time-out-of-range", Fault(pointer, "in_the_future")
