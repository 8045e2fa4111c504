"""The course of a case: what its events add up to, as plain frozen values.

Nothing here depends on the present moment or on a policy: the same events always give the same course.
Instants are in UTC; scores are in the instrument's own points; sessions count from 1.
"""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Literal

from contracts.data import ActivityPreferences, AlertReason
from contracts.instruments import Instrument
from services.projections.change import Change


@dataclass(frozen=True, slots=True)
class Session:
    ref: str
    at: datetime
    number: int


@dataclass(frozen=True, slots=True)
class Missed:
    at: datetime
    kind: Literal["no_show", "late_cancel", "client_cancel", "clinic_cancel"]


@dataclass(frozen=True, slots=True)
class Point:
    """One score. ``session`` is the number of the session it belongs to; ``items`` is empty for a total alone."""

    at: datetime
    session: int
    value: float
    items: dict[str, float]


@dataclass(frozen=True, slots=True)
class Series:
    """Scores of one instrument by one kind of respondent, oldest first; never mixed with another's."""

    instrument: Instrument
    respondent: str
    points: tuple[Point, ...]
    change: Change

    @property
    def values(self) -> list[float]:
        return [point.value for point in self.points]


@dataclass(frozen=True, slots=True)
class Assignment:
    """Who was responsible from ``since`` until (not including) ``until``; open-ended where that is ``None``."""

    therapist_ref: str
    role: Literal["primary", "co", "supervisor"]
    since: datetime
    until: datetime | None

    def holds(self, now: datetime) -> bool:
        return self.since <= now and (self.until is None or now < self.until)


@dataclass(frozen=True, slots=True)
class Task:
    """What client and therapist agreed to do, from ``since`` until ``until``; in force where that is ``None``."""

    ref: str
    code: str | None
    since: datetime
    until: datetime | None
    ended: str | None
    fit: float | None


@dataclass(frozen=True, slots=True)
class Trace:
    """One series around a moment: its last two scores up to it and the next ones after it, oldest first.

    ``moved`` compares the two as services/projections/loop.py says; it tells what followed, not why.
    """

    before: tuple[float, ...]
    after: tuple[float, ...]
    moved: float | None


@dataclass(frozen=True, slots=True)
class Renegotiation:
    """The agreement on a task was reopened with the client; ``session`` is the number of sessions held by then."""

    at: datetime
    session: int
    change: str
    trigger: str
    initiated_by: str
    previous_task_ref: str | None
    task_ref: str
    task_code: str | None
    agreement: float | None
    statement: str | None
    outcome: Trace
    alliance: Trace

    @property
    def statement_present(self) -> bool:
        return self.statement is not None


@dataclass(frozen=True, slots=True)
class Preference:
    """The entry of its domain that is in force; ``revisions`` counts the entries before it."""

    at: datetime
    kind: str
    domain: str
    stance: str | None
    strength: float | None
    activity: ActivityPreferences | None
    client_confirmed: bool | None
    statement: str | None
    revisions: int

    @property
    def statement_present(self) -> bool:
        return self.statement is not None


@dataclass(frozen=True, slots=True)
class Alert:
    """One alert and how it went; an instant is ``None`` where that has not happened."""

    ref: str
    reason: AlertReason
    raised_at: datetime
    evidence: dict[str, float | None]
    notified_at: datetime | None = None
    suppressed: str | None = None
    opened_at: datetime | None = None
    acknowledged_at: datetime | None = None
    action: str | None = None
    snoozed_at: datetime | None = None
    snoozed_until: datetime | None = None
    escalated_at: datetime | None = None
    resolved_at: datetime | None = None
    resolved_how: str | None = None

    @property
    def open(self) -> bool:
        return self.resolved_at is None


@dataclass(frozen=True, slots=True)
class Course:
    """One episode of care, whole."""

    case_ref: str
    clinic: str
    client_ref: str | None
    opened_on: date | None
    closed_on: date | None
    ending: str | None
    first_at: datetime
    last_at: datetime
    assignments: tuple[Assignment, ...]
    sessions: tuple[Session, ...]
    missed: tuple[Missed, ...]
    declined: int
    series: tuple[Series, ...]
    tasks: tuple[Task, ...]
    renegotiations: tuple[Renegotiation, ...]
    preferences: tuple[Preference, ...]
    withdrawn: frozenset[str]
    """Purposes for which the client has withdrawn consent."""
    alerts: tuple[Alert, ...]
    flags: tuple[str, ...]
    """Named doubts about the data, to be looked at before any judgement."""
    pending: tuple[str, ...]
    """What the events refer to and what has not arrived (yet): ``case``, ``amended_event``, ``task``, ``alert``."""
    amended_at: datetime | None

    @property
    def is_open(self) -> bool:
        return self.closed_on is None

    @property
    def outcome(self) -> Series | None:
        """The series the case is judged by: of the client's outcome series the one with most scores."""
        return most(self.series, "outcome")

    @property
    def alliance(self) -> Series | None:
        return most(self.series, "alliance")

    def therapist(self, now: datetime) -> str | None:
        """Who is primarily responsible at ``now``."""
        held = [entry for entry in self.assignments if entry.role == "primary" and entry.holds(now)]
        return held[-1].therapist_ref if held else None


def most(series: tuple[Series, ...], construct: str) -> Series | None:
    own = [one for one in series if one.instrument.construct == construct and one.respondent == "client"]
    return max(own, key=lambda one: (len(one.points), one.instrument.key, one.instrument.version), default=None)
