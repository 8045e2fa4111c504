"""Does an event lie in a time that can be: after 1990, and no further ahead than a clock elsewhere may run?"""

from collections.abc import Mapping
from datetime import UTC, date, datetime, time, timedelta
from typing import Final

from contracts.events import (
    AnyEvent,
    CaseClosed,
    CaseOpened,
    ConsentChanged,
    MeasureCorrected,
    MeasureRecorded,
    SessionHeld,
    SessionMissed,
    TherapistAssigned,
)
from services.access.problems import Fault, Slug

EARLIEST: Final = datetime(1990, 1, 1, tzinfo=UTC)
_FIRST_DAY: Final = EARLIEST.date()
AHEAD: Final = timedelta(hours=24)
"""How far a clock elsewhere may run ahead of ours."""
_EASTMOST: Final = timedelta(hours=14)
"""The first zone in which a day begins is so far ahead of UTC."""
_WESTMOST: Final = timedelta(hours=12)
"""The last zone in which a day ends is so far behind."""
_FOREVER: Final = datetime.max.replace(tzinfo=UTC)

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


def time_faults(event: AnyEvent, latest: datetime) -> list[tuple[Slug, Fault]]:
    """What is wrong with the times that ``event`` tells of, where what happened did so at ``latest``: now + AHEAD."""
    found: list[tuple[Slug, Fault]] = []
    if not EARLIEST <= event.time <= latest:
        found.append(_fault("/time", early=event.time < EARLIEST))
    if event.recordedtime is not None and not EARLIEST <= event.recordedtime <= latest:
        found.append(_fault("/recordedtime", early=event.recordedtime < EARLIEST))
    name = _DATES.get(type(event))
    value = getattr(event.data, name) if name else None
    if value is None:
        return found
    if isinstance(value, datetime):
        if not EARLIEST <= value <= (_FOREVER if name in _MAY_LIE_AHEAD else latest):
            found.append(_fault(f"/data/{name}", early=value < EARLIEST))
    elif not _FIRST_DAY <= value <= (latest + _EASTMOST).date():
        found.append(_fault(f"/data/{name}", early=value < _FIRST_DAY))
    elif name == "occurred_on" and not found and not _may_be_in(event.time, value):
        found.append(("time-out-of-range", Fault("/data/occurred_on", "another_day")))
    return found


def _may_be_in(instant: datetime, day: date) -> bool:
    """Whether ``instant`` lies in ``day`` in some zone: by then the day begins first, or ends last, on earth."""
    begins = datetime.combine(day, time(), UTC)
    return begins - _EASTMOST <= instant < begins + timedelta(days=1) + _WESTMOST


def _fault(pointer: str, *, early: bool) -> tuple[Slug, Fault]:
    return "time-out-of-range", Fault(pointer, "before_1990" if early else "in_the_future")
