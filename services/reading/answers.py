"""What a reader of the API is given of a course, a decision, a caseload and a summary: all but the client's own words.

A statement is shown on the therapist's case page only; here stands whether there is one.
"""

from datetime import date, datetime
from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, Field

from contracts.agreement import ActivityPreferences
from contracts.data import AlertReason
from contracts.policies import Policy
from contracts.preferences import inventory
from services.alerts.decide import Decision, Moment, Route, Status
from services.figures.figure import Figure, Split
from services.figures.survival import Waiting
from services.projections.agreement import Agreement, agreement
from services.projections.change import Change
from services.projections.conversation import AllianceReading, alliance_reading
from services.projections.course import Assignment, Course, Missed, Point, Session, Task, Trace
from services.projections.litmus import Litmus, litmus
from services.projections.norms import NormSet


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
    client_ref: str | None
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
    reason: str | None
    agreed_by: str | None
    agreement: float | None
    fit: float | None
    statement_present: bool
    outcome: Trace
    alliance: Trace


class PreferenceAnswer(Answer):
    """An entry in force until ``until``, or still; superseded ones are told too."""

    at: datetime
    until: datetime | None
    kind: str
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
    """One episode of care, as all that was posted of it adds up.

    ``agreement`` names what is worth a question to the client, ``litmus`` what went along with each task, ``alliance``
    what the client's alliance scores say.
    """

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
    agreement: Agreement
    litmus: tuple[Litmus, ...]
    alliance: AllianceReading | None
    withdrawn: frozenset[str]
    alerts: tuple[AlertAnswer, ...]
    flags: tuple[str, ...]
    pending: tuple[str, ...]

    @classmethod
    def of(cls, course: Course, policy: Policy, client_ref: str | None) -> Self:
        """``client_ref`` is the reference that remains of the client, where two were merged."""
        rules = policy.agreement
        told: dict[str, object] = {
            "client_ref": client_ref,
            "agreement": agreement(course, rules, inventory().scales),
            "alliance": alliance_reading(course, policy.alliance),
            "litmus": [litmus(course, task, rules.litmus_scores) for task in course.tasks],
        }
        return cls.model_validate(told | {name: getattr(course, name) for name in cls.model_fields.keys() - told})


class ReasonAnswer(Answer):
    """Why someone should know, and the numbers that it rests on; ``at`` is when the newest of them was recorded."""

    name: AlertReason
    at: datetime
    instrument: str | None
    evidence: dict[str, float | None]


class PolicyName(Answer):
    key: str
    version: int


class DecisionAnswer(Answer):
    """Where a case stands at ``at``; ``due_at`` is when that next changes by itself.

    ``policy`` and ``norms_version`` say by which thresholds and which norm set; null where there is none yet.
    """

    case_ref: str
    at: datetime
    status: Status
    reasons: tuple[ReasonAnswer, ...]
    evidence: dict[str, float | None]
    moment: Moment | None
    route: Route | None
    due_at: datetime | None
    policy: PolicyName
    norms_version: str | None
    flags: tuple[str, ...]

    @classmethod
    def of(cls, course: Course, decision: Decision, policy: Policy, norms: NormSet | None, at: datetime) -> Self:
        return cls(
            case_ref=course.case_ref,
            at=at,
            status=decision.status,
            reasons=tuple(ReasonAnswer.model_validate(reason) for reason in decision.reasons),
            evidence=decision.evidence,
            moment=decision.moment,
            route=decision.route,
            due_at=decision.due_at,
            policy=PolicyName.model_validate(policy),
            norms_version=norms.version if norms else None,
            flags=course.flags,
        )


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

    @classmethod
    def of(cls, course: Course) -> Self:
        series = course.outcome
        return cls(
            case_ref=course.case_ref,
            clinic=course.clinic,
            sessions=len(course.sessions),
            last_session_at=course.sessions[-1].at if course.sessions else None,
            instrument=series.instrument.key if series else None,
            change=series.change if series else None,
            open_alerts=tuple(alert.reason for alert in course.alerts if alert.open),
            flags=course.flags,
            pending=course.pending,
        )


class CaseloadAnswer(Answer):
    therapist_ref: str
    cases: tuple[CaseloadEntry, ...]


class SummaryAnswer(Answer):
    """A therapist's figures beside the network's."""

    therapist_ref: str
    open_cases: int
    closed_cases: int
    figures: tuple[Figure, ...]
    alerts: int
    renegotiation: Waiting | None
    alliance_and_outcome: Split | None
