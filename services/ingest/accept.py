"""May this event happen? Takes the bytes that a record system sent; gives the event, or the exact reason against it.

A refusal names its place and a code, and repeats nothing of what was sent.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
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
    NormsAdopted,
    parse,
)
from contracts.instruments import Instrument
from services.access.credential import Credential
from services.access.faults import unfit
from services.access.problems import Fault, Problem, Refused, combined, problem
from services.access.strict import Item, read_array, read_item
from services.ingest.measures import measure_faults
from services.ingest.plain import plain_event, plain_events
from services.ingest.times import AHEAD, time_faults

EVENT_LIMIT: Final = 64 * 1024
"""Bytes of one event."""
BATCH_LIMIT: Final = 4 * 1024 * 1024
"""Bytes of a batch."""
MOST_EVENTS: Final = 1_000
"""Events of a batch."""
RESERVED: Final = frozenset(
    name
    for name, model in EVENT_TYPES.items()
    if model in {AlertRaised, AlertNotified, AlertSuppressed, AlertEscalated, AlertResolved, NormsAdopted}
)
"""Types of events that only Resonance itself appends."""


class Refusal(NamedTuple):
    """One event of several that may not happen; ``id`` is its CloudEvents id where it bears a well-formed one."""

    id: str | None
    problem: Problem


def accept(
    body: bytes, catalogue: Mapping[tuple[str, str], Instrument], credential: Credential, now: datetime
) -> AnyEvent:
    """The event that ``body`` holds. Raises Refused with the problem, its pointers and codes."""
    [found] = accept_lines([body], catalogue, credential, now)
    if isinstance(found, Refusal):
        raise Refused(found.problem)
    return found


def accept_lines(
    lines: Iterable[bytes], catalogue: Mapping[tuple[str, str], Instrument], credential: Credential, now: datetime
) -> list[AnyEvent | Refusal]:
    """The event that each line holds, in order, or why it may not happen."""
    read = [plain_event(line, EVENT_LIMIT) or exact(read_item(line)) for line in lines]
    return _allowed(read, catalogue, credential, now)


def accept_batch(
    body: bytes, catalogue: Mapping[tuple[str, str], Instrument], credential: Credential, now: datetime
) -> list[AnyEvent | Refusal]:
    """Each event of the array, in order, or why it may not happen: a bad one never fails its neighbours.

    Raises Refused where the whole body is no JSON array, or holds more than ``MOST_EVENTS``.
    """
    read: Sequence[AnyEvent | Refusal] | None = plain_events(body, EVENT_LIMIT)
    if read is None or len(read) > MOST_EVENTS:
        items = read_array(body, MOST_EVENTS + 1)
        if len(items) > MOST_EVENTS:
            raise Refused(problem("batch-too-large", detail=f"A batch holds at most {MOST_EVENTS} events."))
        read = [exact(item) for item in items]
    return _allowed(read, catalogue, credential, now)


def refusal(
    event: AnyEvent, catalogue: Mapping[tuple[str, str], Instrument], credential: Credential, now: datetime
) -> Problem | None:
    """Why ``event``, which fits its schema, may not happen; None where it may."""
    return _refusal(event, catalogue, credential, now + AHEAD)


def _allowed(
    read: Sequence[AnyEvent | Refusal],
    catalogue: Mapping[tuple[str, str], Instrument],
    credential: Credential,
    now: datetime,
) -> list[AnyEvent | Refusal]:
    found: list[AnyEvent | Refusal] = []
    latest = now + AHEAD
    for event in read:
        refused = None if isinstance(event, Refusal) else _refusal(event, catalogue, credential, latest)
        found.append(Refusal(event.id, refused) if refused else event)
    return found


def _refusal(
    event: AnyEvent, catalogue: Mapping[tuple[str, str], Instrument], credential: Credential, latest: datetime
) -> Problem | None:
    if event.type in RESERVED:
        return problem("unknown-event-type", Fault("/type", "reserved"))
    if event.source in OWN_SOURCES or not credential.speaks_for_source(event.source):
        return problem("source-not-allowed", Fault("/source", "not_allowed"))
    if not credential.speaks_for_clinic(event.rsnclinic):
        return problem("clinic-not-allowed", Fault("/rsnclinic", "not_allowed"))
    found = time_faults(event, latest)
    found += measure_faults(event, catalogue)
    return combined(found) if found else None


def exact(item: Item) -> AnyEvent | Refusal:
    """The event that ``item`` is, or what is wrong with it. The short way (plain.py) is one to the same event."""
    if item.unread is not None:
        return Refusal(item.id, item.unread)
    if len(item.text) > EVENT_LIMIT or (not item.text.isascii() and len(item.text.encode()) > EVENT_LIMIT):
        return Refusal(item.id, problem("body-too-large", detail=f"An event has at most {EVENT_LIMIT} bytes."))
    try:
        return parse(item.text)
    except ValidationError as error:
        return Refusal(item.id, unfit(error, outer=1))  # the first step names the member of the union, the event's type
