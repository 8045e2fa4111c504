"""What an event says: the closed, frozen payload models and the scalar types they are made of.

Every payload refuses unknown fields, and takes JSON types as they are: no text for a number, no 1 for true.
Instants are kept as instants (UTC); a date that must keep its day in every zone is sent as a date.
"""

import re
import unicodedata
from datetime import UTC, date, datetime
from typing import Annotated, Final, Literal, Self

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StringConstraints,
    ValidationInfo,
    field_validator,
    model_validator,
)

REFERENCE: Final = r"[a-z]{1,4}_[A-Za-z0-9]{2,64}"
STATEMENT_LIMIT: Final = 2_000


_DAY: Final = re.compile(r"\d{4}-\d\d-\d\d")
_INSTANT: Final = re.compile(r"\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(\.\d+)?([Zz]|[+-]\d\d:\d\d)")


def _day(value: object) -> object:
    if isinstance(value, date) or (isinstance(value, str) and _DAY.fullmatch(value)):
        return value
    raise ValueError("not an RFC 3339 date")


def _instant(value: object) -> object:
    if isinstance(value, datetime) or (isinstance(value, str) and _INSTANT.fullmatch(value)):
        return value
    raise ValueError("not an RFC 3339 date-time")


def _utc(instant: datetime) -> datetime:
    try:
        return instant.astimezone(UTC)
    except OverflowError:
        raise ValueError("outside the calendar") from None


def _plain_text(text: str) -> str:
    text = unicodedata.normalize("NFC", text)
    if any(unicodedata.category(character) == "Cc" and character != "\n" for character in text):
        raise ValueError("control characters other than newline are not accepted")
    return text


Ref = Annotated[str, StringConstraints(pattern=rf"^{REFERENCE}$")]
"""An opaque reference with a short prefix, as ``ca_8d2fQ4``: names, mail addresses and plain numbers do not fit."""
CaseSubject = Annotated[str, StringConstraints(pattern=rf"^case/{REFERENCE}$")]
ClientSubject = Annotated[str, StringConstraints(pattern=rf"^client/{REFERENCE}$")]
EventId = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9._:-]{1,128}$")]
Source = Annotated[str, StringConstraints(pattern=r"^urn:[a-z0-9]{1,32}:[a-z0-9:._-]{1,128}$")]
Code = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,63}$")]
# Lax for pydantic, as a value that a validator has seen no longer counts as JSON; _rfc3339 keeps it strict.
Instant = Annotated[AwareDatetime, Field(strict=False), BeforeValidator(_instant), AfterValidator(_utc)]
Day = Annotated[date, Field(strict=False), BeforeValidator(_day)]
Rating = Annotated[float, Field(ge=0, le=10)]
"""A client's rating from 0 to 10."""
Statement = Annotated[str, AfterValidator(_plain_text), StringConstraints(min_length=1, max_length=STATEMENT_LIMIT)]
"""Free text, at most 2,000 characters: the client's wish, or the reason for a change. Only the case page shows it."""

Respondent = Literal["client", "caretaker", "parent", "teacher", "therapist"]
AlertReason = Literal[
    "deteriorating",
    "stalled",
    "stalled_not_renegotiated",
    "renegotiated_no_change",
    "alliance_rupture_unrepaired",
    "silent",
    "unmeasured",
]
"""Why someone should look at a case. The same name stands in the event, the log line, the metric and the test."""


class Closed(BaseModel):
    """Frozen, strictly typed, and without room for a field nobody agreed on."""

    model_config = ConfigDict(frozen=True, strict=True, extra="forbid", allow_inf_nan=False)


class EventKey(Closed):
    """Which event is meant: CloudEvents' ``source`` and ``id``, unique together within a network."""

    source: Source
    id: EventId


class InstrumentUse(Closed):
    """Which instrument was filled in; ``version`` is the age band or the form, as the instrument's file lists it."""

    key: Code
    version: Code
    language: Annotated[str, StringConstraints(pattern=r"^[a-z]{2,3}(-[A-Z]{2})?$")] | None = None


class Score(Closed):
    """One scale's value in the instrument's own unit."""

    scale: Code
    value: float


class CaseOpenedData(Closed):
    client_ref: Ref
    therapist_ref: Ref
    opened_on: Day
    modality: Literal["individual", "couple", "family", "group"] = "individual"
    setting: Literal["outpatient", "day", "inpatient", "remote", "school", "other"] = "outpatient"


class CaseClosedData(Closed):
    closed_on: Day
    ending: Literal["agreed", "client_stopped", "therapist_stopped", "referred", "lost_contact", "administrative"]


class CaseReopenedData(Closed):
    reason: Literal["client_returned", "closed_in_error", "referred_back", "other"]


class TherapistAssignedData(Closed):
    therapist_ref: Ref
    role: Literal["primary", "co", "supervisor"]
    effective_from: Instant


class SessionHeldData(Closed):
    session_ref: Ref
    started_at: Instant
    minutes: Annotated[int, Field(ge=1, le=1440)]
    format: Literal["individual", "couple", "family", "group"] = "individual"
    channel: Literal["in_person", "video", "phone", "text"] = "in_person"


class SessionMissedData(Closed):
    session_ref: Ref
    scheduled_for: Instant
    kind: Literal["no_show", "late_cancel", "client_cancel", "clinic_cancel"]


class MeasureRecordedData(Closed):
    """One filled-in measure: its total, or all of its items (services/ingest checks both against the instrument)."""

    measurement_ref: Ref
    session_ref: Ref | None = None
    client_ref: Ref | None = None
    instrument: InstrumentUse
    timing: Literal["before_session", "after_session", "between_sessions"] = "before_session"
    respondent: Respondent = "client"
    mode: Literal["tablet", "phone", "web", "paper", "interview"] | None = None
    completion: Literal["complete"] = "complete"
    scores: Annotated[tuple[Score, ...], Field(min_length=1, max_length=64)]
    occurred_on: Day | None = None
    time_precision: Literal["day"] | None = None


class MeasureCorrectedData(MeasureRecordedData):
    """The full replacement of an earlier measure."""

    supersedes: EventKey
    reason: Literal["redone", "entered_in_error", "rescored", "other"] = "other"


class MeasureDeclinedData(Closed):
    session_ref: Ref | None = None
    instrument: InstrumentUse
    respondent: Respondent = "client"
    reason: Literal["declined", "not_offered", "unable", "language"]


class ActivityPreferences(Closed):
    """C-NIP scale scores: four bipolar scales (Cooper & Norcross 2016)."""

    directiveness: Annotated[int, Field(ge=-15, le=15)] | None = None
    emotional_intensity: Annotated[int, Field(ge=-15, le=15)] | None = None
    past_orientation: Annotated[int, Field(ge=-9, le=9)] | None = None
    warm_support: Annotated[int, Field(ge=-15, le=15)] | None = None


ASPECTS: Final[dict[str, tuple[str, ...]]] = {
    "helped_before": ("helped", "did_not_help"),
    "pace": ("pace", "dose", "format", "people"),
    "therapist": ("wished_for", "unwanted"),
    "treatment": ("wished_for", "unwanted"),
    "hope": ("hope", "credibility"),
    "review": ("how", "when"),
}
"""What an entry of these domains can be about; an entry of any other domain is about the whole of it."""


class PreferenceRecordedData(Closed):
    """One entry of the client's preferences and theory of change.

    A later entry of the same domain and aspect supersedes it; goals stand beside each other by ``goal_ref``.
    ``strength`` is how strong the wish is; of hope how much there is, of a goal how far it is reached. ``areas`` are
    those of the client's life that a reason for service is about, as the outcome scale divides it.
    """

    kind: Literal["preference", "theory_of_change"]
    domain: Literal[
        "reason_for_service",
        "cause",
        "change",
        "helped_before",
        "role",
        "pace",
        "activity",
        "therapist",
        "treatment",
        "hope",
        "goal",
        "culture",
        "review",
    ]
    aspect: (
        Literal[
            "helped",
            "did_not_help",
            "pace",
            "dose",
            "format",
            "people",
            "wished_for",
            "unwanted",
            "hope",
            "credibility",
            "how",
            "when",
        ]
        | None
    ) = None
    goal_ref: Ref | None = None
    areas: Annotated[tuple[Literal["individual", "interpersonal", "social", "overall"], ...], Field(max_length=4)] = ()
    stance: Code | None = None
    strength: Rating | None = None
    activity: ActivityPreferences | None = None
    elicited_in: Ref | None = None
    asked_by: Ref | None = None
    client_confirmed: bool | None = None
    statement: Statement | None = None

    @field_validator("aspect")
    @classmethod
    def _of_its_domain(cls, aspect: str | None, known: ValidationInfo) -> str | None:
        if aspect is not None and aspect not in ASPECTS.get(known.data.get("domain", ""), ()):
            raise ValueError("not an aspect of this domain")
        return aspect


class TaskAgreedData(Closed):
    """What client and therapist agreed to do (Bordin's task); ``fit`` is the client's rating of how it fits.

    ``goal_ref`` is the goal that it serves. Who ``agreed_by`` leaves out did not agree.
    """

    task_ref: Ref
    task_code: Code
    goal_ref: Ref | None = None
    agreed_by: Literal["client", "therapist", "both"] = "both"
    session_ref: Ref | None = None
    fit: Rating | None = None


class TaskRenegotiatedData(Closed):
    """The agreement on a task was reopened with the client. ``task_ref`` is what holds from now on.

    ``trigger`` is what prompted the talk, ``reason`` why the agreement changed; ``agreement`` is how much the client
    agrees, ``fit`` how well they find the task to fit.
    """

    task_ref: Ref
    previous_task_ref: Ref | None = None
    task_code: Code | None = None
    initiated_by: Literal["client", "therapist", "both", "supervisor"]
    change: Literal["add", "replace", "drop", "intensity", "frequency", "homework", "focus"]
    trigger: Literal["score", "alliance", "client_request", "alert", "other"]
    reason: Literal["no_benefit", "alliance_low", "client_request", "goal_met", "risk", "other"] | None = None
    alert_ref: Ref | None = None
    goal_ref: Ref | None = None
    agreed_by: Literal["client", "therapist", "both"] | None = None
    agreement: Rating | None = None
    fit: Rating | None = None
    session_ref: Ref | None = None
    statement: Statement | None = None


class TaskEndedData(Closed):
    task_ref: Ref
    reason: Literal["no_benefit", "alliance_low", "client_request", "goal_met", "risk", "case_closed", "other"]


class EventRetractedData(Closed):
    target: EventKey
    reason: Literal["entered_in_error", "wrong_client", "duplicate", "consent"]


class ClientMergedData(Closed):
    from_ref: Ref
    into_ref: Ref

    @model_validator(mode="after")
    def _two_clients(self) -> Self:
        if self.from_ref == self.into_ref:
            raise ValueError("a client cannot be merged into itself")
        return self


class ConsentChangedData(Closed):
    purpose: Literal["feedback", "supervision", "quality", "research"]
    state: Literal["given", "withdrawn"]
    effective_from: Instant


class Evidence(Closed):
    """A named number that a decision rested on; ``None`` where it is unknown."""

    name: Code
    value: float | None = None


class AlertRaisedData(Closed):
    alert_ref: Ref
    reason: AlertReason
    therapist_ref: Ref | None = None
    policy: Code
    policy_version: int
    norms_version: str | None = None
    instrument: Code | None = None
    evidence: tuple[Evidence, ...] = ()


class AlertNotifiedData(Closed):
    alert_ref: Ref
    channel: Literal["email"]
    message_id: Annotated[str, StringConstraints(pattern=r"^<[A-Za-z0-9._-]{1,64}@[A-Za-z0-9.-]{1,255}>$")]


class AlertSuppressedData(Closed):
    alert_ref: Ref
    why: Literal["listed_only", "no_therapist", "no_address", "told_recently", "over_budget", "undeliverable"]


class AlertOpenedData(Closed):
    alert_ref: Ref
    by: Ref


class AlertAcknowledgedData(Closed):
    alert_ref: Ref
    by: Ref
    action: Literal["seen", "will_discuss", "task_kept", "not_a_signal"]


class AlertSnoozedData(Closed):
    """``until`` is an instant; without one, the alert sleeps until the next session that is held."""

    alert_ref: Ref
    by: Ref
    until: Instant | None = None


class AlertEscalatedData(Closed):
    alert_ref: Ref
    to: Ref


class AlertResolvedData(Closed):
    alert_ref: Ref
    how: Literal["by_score", "by_renegotiation", "by_session", "by_closing", "by_other_reason", "by_correction"]


class Curves(Closed):
    """Quantiles of smoothed gain by session among the cases of one intake band; in points, positive is better.

    All but the edges have one entry for each of ``sessions``. An edge that is missing is open; the last of a norm
    set's sessions stands for all later ones.
    """

    intake_from: float | None = None
    intake_below: float | None = None
    sessions: tuple[Annotated[int, Field(ge=1)], ...]
    cases: tuple[Annotated[int, Field(ge=1)], ...]
    q10: tuple[float, ...]
    q25: tuple[float, ...]
    q50: tuple[float, ...]
    q75: tuple[float, ...]

    @model_validator(mode="after")
    def _one_entry_for_each_session(self) -> Self:
        every = (self.cases, self.q10, self.q25, self.q50, self.q75)
        if {len(one) for one in every} != {len(self.sessions)}:
            raise ValueError("each curve has one entry for each session")
        return self


class GrowthModel(Closed):
    """score = level + pace * ln(session) + error, where level and pace differ between clients; more is better."""

    cases: Annotated[int, Field(ge=1)]
    level: float
    pace: float
    level_variance: Annotated[float, Field(gt=0)]
    covariance: float
    pace_variance: Annotated[float, Field(gt=0)]
    error_variance: Annotated[float, Field(gt=0)]

    @model_validator(mode="after")
    def _positive_definite(self) -> Self:
        if self.level_variance * self.pace_variance <= self.covariance**2:
            raise ValueError("the variances of level and pace are none with this covariance")
        return self


class KindNorms(Closed):
    """What holds for one instrument, version and respondent; without ``growth`` where too few cases were known."""

    instrument: Code
    version: Code
    respondent: Respondent
    bands: tuple[Curves, ...]
    growth: GrowthModel | None = None


class NormsAdoptedData(Closed):
    """A norm set that cases keep which begin from ``effective_from`` on; the policy is the one it was fitted under."""

    version: Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{12}$")]
    effective_from: Instant
    last_session: Annotated[int, Field(ge=1)]
    policy: Code
    policy_version: int
    kinds: tuple[KindNorms, ...]
