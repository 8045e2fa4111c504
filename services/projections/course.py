"""The course of a case: what its events add up to, as plain frozen values.

Nothing here depends on the present moment or on a policy: the same events always give the same course.
Instants are in UTC; scores are in the instrument's own points; sessions count from 1.
"""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Literal, TypeAlias

from contracts.agreement import ActivityPreferences
from contracts.data import AlertReason
from contracts.instruments import Instrument
from services.projections.change import Change

Flag: TypeAlias = Literal[
    "sawtooth",
    "first_score_high",
    "same_outcome_scores",
    "alliance_uninformative",
    "several_respondents",
    "several_clients",
    "another_client",
    "two_scores_in_a_session",
    "measures_skipped",
]
"""A named doubt about the data of a case; services/projections/quality.py says when each holds."""


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
    """One score. ``session`` is the number of the session it belongs to; ``items`` are its parts, where they came.

    ``on`` is the day, where no more is known of its time: ``at`` is then any instant of it, not to be shown as such.
    """

    at: datetime
    session: int
    value: float
    items: dict[str, float]
    on: date | None = None


@dataclass(frozen=True, slots=True)
class Series:
    """Scores of one instrument by one kind of respondent, oldest first; never mixed with another's.

    ``client_ref`` names another client of a couple, family or group; it is ``None`` for the one the case is about.
    """

    instrument: Instrument
    respondent: str
    points: tuple[Point, ...]
    change: Change
    client_ref: str | None = None

    @property
    def values(self) -> list[float]:
        return [point.value for point in self.points]

    @property
    def own(self) -> bool:
        """Whether the client whom the case is about gave the scores."""
        return self.respondent == "client" and self.client_ref is None


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
    """What client and therapist agreed to do, from ``since`` until ``until``; in force where that is ``None``.

    Who agreed, who wanted it so and how much the client agrees (0-10) are those of the last talk about it; the client's
    rating of its ``fit`` (0-10) and the goal that it serves are the last ones given.
    """

    ref: str
    code: str | None
    since: datetime
    talked_at: datetime
    """When it was last agreed on or renegotiated."""
    until: datetime | None = None
    ended: str | None = None
    fit: float | None = None
    goal_ref: str | None = None
    agreed_by: str | None = None
    initiated_by: str | None = None
    """Who wanted the renegotiation; ``None`` where the task was agreed on and not renegotiated since."""
    agreement: float | None = None
    replaces: str | None = None
    replaced_by: str | None = None


@dataclass(frozen=True, slots=True)
class Trace:
    """One series around a moment: its last two scores up to it and the next ones after it, oldest first.

    ``moved`` compares the two; it tells what followed, not why.
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
    reason: str | None
    agreed_by: str | None
    agreement: float | None
    fit: float | None
    statement: str | None
    outcome: Trace
    alliance: Trace

    @property
    def statement_present(self) -> bool:
        return self.statement is not None


@dataclass(frozen=True, slots=True)
class Preference:
    """One entry of the client's preferences and theory of change, from ``at`` until ``until``; in force without that.

    ``revisions`` counts the entries of its domain, aspect and goal before it; ``changed`` tells whether it says
    something else than the one before. services/projections/preferences.py says what supersedes what.
    """

    at: datetime
    until: datetime | None
    kind: Literal["preference", "theory_of_change"]
    domain: str
    aspect: str | None
    goal_ref: str | None
    areas: tuple[str, ...]
    stance: str | None
    strength: float | None
    activity: ActivityPreferences | None
    elicited_in: str | None
    asked_by: str | None
    client_confirmed: bool | None
    statement: str | None
    revisions: int
    changed: bool

    @property
    def statement_present(self) -> bool:
        return self.statement is not None

    def holds(self, now: datetime) -> bool:
        return self.at <= now and (self.until is None or now < self.until)


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
    clinics: frozenset[str]
    """All that say they opened it, or that told of it before it was opened. Who reads it speaks for each of them, so
    that nobody comes to see a case by telling of it."""
    client_ref: str | None
    opened_on: date | None
    closed_on: date | None
    ending: str | None
    first_at: datetime
    assignments: tuple[Assignment, ...]
    sessions: tuple[Session, ...]
    missed: tuple[Missed, ...]
    declined: int
    series: tuple[Series, ...]
    tasks: tuple[Task, ...]
    renegotiations: tuple[Renegotiation, ...]
    preferences: tuple[Preference, ...]
    """Every entry, superseded ones too, oldest first."""
    withdrawn: frozenset[str]
    """Purposes for which the client has withdrawn consent."""
    alerts: tuple[Alert, ...]
    flags: tuple[Flag, ...]
    """Named doubts about the data, to be looked at before any judgement."""
    pending: tuple[str, ...]
    """What the events refer to and what has not arrived (yet): ``case``, ``amended_event``, ``task``, ``alert``."""
    amended_at: datetime | None

    @property
    def is_open(self) -> bool:
        return self.closed_on is None

    @property
    def outcome(self) -> Series | None:
        """The series the case is judged by: the client's one with most scores, of those whose reliable change is known.

        Where it is known of none, the one with most scores.
        """
        return most(self.series, "outcome")

    @property
    def outcomes(self) -> tuple[Series, ...]:
        """Every outcome series of the client's own."""
        return tuple(one for one in self.series if one.instrument.construct == "outcome" and one.own)

    @property
    def alliance(self) -> Series | None:
        return most(self.series, "alliance")

    def therapist(self, now: datetime) -> str | None:
        """Who is primarily responsible at ``now``."""
        held = [entry for entry in self.assignments if entry.role == "primary" and entry.holds(now)]
        return held[-1].therapist_ref if held else None


def most(series: tuple[Series, ...], construct: str) -> Series | None:
    """The client's own series to go by; one without a known reliable change comes last, as nothing is judged by it."""
    own = [one for one in series if one.instrument.construct == construct and one.own]
    return max(own, key=_weight, default=None)


def _weight(series: Series) -> tuple[bool, int, str, str]:
    instrument = series.instrument
    return instrument.reliable_change is not None, len(series.points), instrument.key, instrument.version
