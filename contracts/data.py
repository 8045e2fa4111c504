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
    model_validator,
)

from contracts.wire import NO_CONTROLS

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
Statement = Annotated[
    str,
    AfterValidator(_plain_text),
    StringConstraints(min_length=1, max_length=STATEMENT_LIMIT),
    Field(json_schema_extra={"pattern": NO_CONTROLS}),
]
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
    """One filled-in measure: its total, or all of its items (both have to fit the instrument)."""

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
