"""The short way to the events in a body: half the time of the exact one, and no answer wherever there is any doubt.

pydantic reads the body once and keeps the last of several members of one name, of which it tells nothing. So that
there were none is shown by counting: as many names stand in the text as pydantic found.
"""

from collections.abc import Sequence
from typing import Final

from pydantic import ValidationError

from contracts.agreement import ActivityPreferences, PreferenceRecordedData
from contracts.data import EventRetractedData, MeasureCorrectedData, MeasureDeclinedData, MeasureRecordedData
from contracts.events import AnyEvent, parse, parse_array

_GAPS: Final = (b" ", b"\t", b"\n", b"\r")
_PAIR: Final = 2
"""A score has two names, and so has the key of an event."""
_WITH_OBJECTS: Final = frozenset(
    {MeasureRecordedData, MeasureCorrectedData, MeasureDeclinedData, EventRetractedData, PreferenceRecordedData}
)


def plain_event(body: bytes, limit: int) -> AnyEvent | None:
    """The event that ``body`` is, of at most ``limit`` bytes, or None where that takes an exact look."""
    if len(body) > limit:
        return None
    try:
        event = parse(body)
    except ValidationError:
        return None
    return event if _no_name_twice(body, _names(event)) else None


def plain_events(body: bytes, limit: int) -> Sequence[AnyEvent] | None:
    """The events of the array ``body``, each of at most ``limit`` bytes, or None where that takes an exact look."""
    try:
        events = parse_array(body)
    except ValidationError:
        return None
    return events if _no_name_twice(body, sum(map(_names, events))) and _none_above(limit, body) else None


def _names(event: AnyEvent) -> int:
    """How many names the objects of ``event`` bore when it was read, or fewer: objects of seldom kinds do not count."""
    data = event.data
    names = len(event.__pydantic_fields_set__) + len(data.__pydantic_fields_set__)
    if type(data) not in _WITH_OBJECTS:
        return names
    match data:
        case MeasureRecordedData():
            names += len(data.instrument.__pydantic_fields_set__) + _PAIR * len(data.scores)
            names += _PAIR if isinstance(data, MeasureCorrectedData) else 0
        case MeasureDeclinedData():
            names += len(data.instrument.__pydantic_fields_set__)
        case EventRetractedData():
            names += _PAIR
        case PreferenceRecordedData(activity=ActivityPreferences() as scores):
            names += len(scores.__pydantic_fields_set__)
        case _:
            pass
    return names


def _no_name_twice(body: bytes, names: int) -> bool:
    """Whether surely no object of ``body``, JSON in which ``names`` were found, bears a name twice.

    Without an escaped quotation mark each mark begins or ends a text. Without a gap before any colon, one follows each
    name at once. It may follow other marks as well, where a text begins with it: more may be counted, never fewer.
    """
    if b"\\" in body and b'\\"' in body:
        return False
    if any(gap in body and gap + b":" in body for gap in _GAPS):
        return False
    return body.count(b'":') == names


def _none_above(limit: int, body: bytes) -> bool:
    """Whether surely no event of the array ``body``, in which no name comes twice, has more than ``limit`` bytes.

    A larger one would fill one of these windows, where its ``specversion`` would then stand alone, or none would.
    """
    window, mark = limit // 2, b'"specversion":'
    return all(
        0 <= (first := body.find(mark, start, start + window)) < body.find(mark, first + 1, start + window)
        for start in range(0, len(body) - window + 1, window)
    )
