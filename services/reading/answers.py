"""What a reader of the API is given of a course, a caseload and a summary: all but the client's own words.

A statement is shown on the therapist's case page only; here stands whether there is one.
"""

from datetime import date, datetime
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from services.projections.change import Change
from services.projections.course import Assignment, Missed, Point, Session, Task, Trace
from services.projections.therapist import Figure


class Answer(BaseModel):
    model_config = ConfigDict(from_attributes=True, frozen=True)


class InstrumentName(Answer):
    key: str
    version: str
    measures: Literal["outcome", "alliance"] = Field(validation_alias="construct")
    higher_is_better: bool
    reliable_change: float | None


class SeriesAnswer(Answer):
    instrument: InstrumentName
    respondent: str
    points: tuple[Point, ...]
    change: Change


class RenegotiationAnswer(Answer):
    at: datetime
    session: int
    change: str
    trigger: str
    initiated_by: str
    previous_task_ref: str | None
    task_ref: str
    task_code: str | None
    agreement: float | None
    statement_present: bool
    outcome: Trace
    alliance: Trace


class PreferenceAnswer(Answer):
    at: datetime
    kind: str
    domain: str
    stance: str | None
    strength: float | None
    client_confirmed: bool | None
    revisions: int
    statement_present: bool


class AlertAnswer(Answer):
    ref: str
    reason: str
    open: bool
    raised_at: datetime
    evidence: dict[str, float | None]
    notified_at: datetime | None
    suppressed: str | None
    opened_at: datetime | None
    acknowledged_at: datetime | None
    action: str | None
    snoozed_at: datetime | None
    snoozed_until: datetime | None
    escalated_at: datetime | None
    resolved_at: datetime | None
    resolved_how: str | None


class CourseAnswer(Answer):
    """One episode of care, as services/projections/course.py describes it."""

    case_ref: str
    clinic: str
    client_ref: str | None
    is_open: bool
    opened_on: date | None
    closed_on: date | None
    ending: str | None
    assignments: tuple[Assignment, ...]
    sessions: tuple[Session, ...]
    missed: tuple[Missed, ...]
    declined: int
    series: tuple[SeriesAnswer, ...]
    tasks: tuple[Task, ...]
    renegotiations: tuple[RenegotiationAnswer, ...]
    preferences: tuple[PreferenceAnswer, ...]
    withdrawn: frozenset[str]
    alerts: tuple[AlertAnswer, ...]
    flags: tuple[str, ...]
    pending: tuple[str, ...]


class CaseloadEntry(Answer):
    """A case in short; ``change`` is that of the series it is judged by, ``open_alerts`` their reasons."""

    case_ref: str
    clinic: str
    sessions: int
    last_session_at: datetime | None
    instrument: str | None
    change: Change | None
    open_alerts: tuple[str, ...]
    flags: tuple[str, ...]
    pending: tuple[str, ...]


class CaseloadAnswer(Answer):
    therapist_ref: str
    cases: tuple[CaseloadEntry, ...]


class SummaryAnswer(Answer):
    """A therapist's figures beside the network's; see services/projections/therapist.py for how they are made."""

    therapist_ref: str
    open_cases: int
    closed_cases: int
    figures: tuple[Figure, ...]
