"""The events of a case: a CloudEvents 1.0 envelope around each payload, and the one registry of their types.

An event says what happened in or around a session. It never changes once it is on the log; what was wrong is
corrected or retracted by a further event. Types are named ``resonance.<noun>.<past participle>.v<major>``.
Source of the envelope: CloudEvents 1.0.2, https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/spec.md
"""

from typing import Annotated, Final, Literal, Self, TypeAlias, get_args

from pydantic import Discriminator, FailFast, StringConstraints, TypeAdapter, ValidationInfo, model_validator

from contracts.agreement import PreferenceRecordedData, TaskAgreedData, TaskEndedData, TaskRenegotiatedData
from contracts.alerts import (
    AlertAcknowledgedData,
    AlertEscalatedData,
    AlertNotifiedData,
    AlertOpenedData,
    AlertRaisedData,
    AlertResolvedData,
    AlertSnoozedData,
    AlertSuppressedData,
)
from contracts.data import (
    CaseClosedData,
    CaseOpenedData,
    CaseReopenedData,
    CaseSubject,
    ClientMergedData,
    ClientSubject,
    Closed,
    ConsentChangedData,
    EventId,
    EventKey,
    EventRetractedData,
    Instant,
    MeasureCorrectedData,
    MeasureDeclinedData,
    MeasureRecordedData,
    Ref,
    SessionHeldData,
    SessionMissedData,
    Source,
    TherapistAssignedData,
)
from contracts.norms import NormsAdoptedData


class Envelope(Closed):
    """CloudEvents 1.0 context attributes; ``rsnclinic`` is our extension: the clinic in which it happened.

    Only what concerns the network as a whole has none.
    """

    specversion: Literal["1.0"] = "1.0"
    id: EventId
    source: Source
    time: Instant
    rsnclinic: Ref | None = None
    recordedtime: Instant | None = None
    datacontenttype: Literal["application/json"] | None = None
    dataschema: Annotated[str, StringConstraints(max_length=256, pattern=r"^[!-~]+$")] | None = None
    correlationid: EventId | None = None
    causationid: EventId | None = None
    traceparent: (
        Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}$")] | None
    ) = None
    dataregulation: Literal["42CFRPart2"] | None = None

    @model_validator(mode="after")
    def _states_its_version(self, info: ValidationInfo) -> Self:
        if info.mode == "json" and "specversion" not in self.model_fields_set:
            raise ValueError("specversion is required")
        return self

    @property
    def key(self) -> EventKey:
        return EventKey(source=self.source, id=self.id)


class CaseEvent(Envelope):
    """An event whose subject is a case: an episode of care."""

    rsnclinic: Ref
    subject: CaseSubject

    @property
    def case_ref(self) -> str:
        return self.subject.removeprefix("case/")


class CaseOpened(CaseEvent):
    type: Literal["resonance.case.opened.v1"] = "resonance.case.opened.v1"
    data: CaseOpenedData


class CaseClosed(CaseEvent):
    type: Literal["resonance.case.closed.v1"] = "resonance.case.closed.v1"
    data: CaseClosedData


class CaseReopened(CaseEvent):
    type: Literal["resonance.case.reopened.v1"] = "resonance.case.reopened.v1"
    data: CaseReopenedData


class TherapistAssigned(CaseEvent):
    type: Literal["resonance.therapist.assigned.v1"] = "resonance.therapist.assigned.v1"
    data: TherapistAssignedData


class SessionHeld(CaseEvent):
    type: Literal["resonance.session.held.v1"] = "resonance.session.held.v1"
    data: SessionHeldData


class SessionMissed(CaseEvent):
    type: Literal["resonance.session.missed.v1"] = "resonance.session.missed.v1"
    data: SessionMissedData


class MeasureRecorded(CaseEvent):
    type: Literal["resonance.measure.recorded.v1"] = "resonance.measure.recorded.v1"
    data: MeasureRecordedData


class MeasureCorrected(CaseEvent):
    type: Literal["resonance.measure.corrected.v1"] = "resonance.measure.corrected.v1"
    data: MeasureCorrectedData


class MeasureDeclined(CaseEvent):
    type: Literal["resonance.measure.declined.v1"] = "resonance.measure.declined.v1"
    data: MeasureDeclinedData


class PreferenceRecorded(CaseEvent):
    type: Literal["resonance.preference.recorded.v1"] = "resonance.preference.recorded.v1"
    data: PreferenceRecordedData


class TaskAgreed(CaseEvent):
    type: Literal["resonance.task.agreed.v1"] = "resonance.task.agreed.v1"
    data: TaskAgreedData


class TaskRenegotiated(CaseEvent):
    type: Literal["resonance.task.renegotiated.v1"] = "resonance.task.renegotiated.v1"
    data: TaskRenegotiatedData


class TaskEnded(CaseEvent):
    type: Literal["resonance.task.ended.v1"] = "resonance.task.ended.v1"
    data: TaskEndedData


class EventRetracted(CaseEvent):
    type: Literal["resonance.event.retracted.v1"] = "resonance.event.retracted.v1"
    data: EventRetractedData


class ConsentChanged(CaseEvent):
    type: Literal["resonance.consent.changed.v1"] = "resonance.consent.changed.v1"
    data: ConsentChangedData


class AlertRaised(CaseEvent):
    type: Literal["resonance.alert.raised.v1"] = "resonance.alert.raised.v1"
    data: AlertRaisedData


class AlertNotified(CaseEvent):
    type: Literal["resonance.alert.notified.v1"] = "resonance.alert.notified.v1"
    data: AlertNotifiedData


class AlertSuppressed(CaseEvent):
    type: Literal["resonance.alert.suppressed.v1"] = "resonance.alert.suppressed.v1"
    data: AlertSuppressedData


class AlertOpened(CaseEvent):
    type: Literal["resonance.alert.opened.v1"] = "resonance.alert.opened.v1"
    data: AlertOpenedData


class AlertAcknowledged(CaseEvent):
    type: Literal["resonance.alert.acknowledged.v1"] = "resonance.alert.acknowledged.v1"
    data: AlertAcknowledgedData


class AlertSnoozed(CaseEvent):
    type: Literal["resonance.alert.snoozed.v1"] = "resonance.alert.snoozed.v1"
    data: AlertSnoozedData


class AlertEscalated(CaseEvent):
    type: Literal["resonance.alert.escalated.v1"] = "resonance.alert.escalated.v1"
    data: AlertEscalatedData


class AlertResolved(CaseEvent):
    type: Literal["resonance.alert.resolved.v1"] = "resonance.alert.resolved.v1"
    data: AlertResolvedData


class ClientMerged(Envelope):
    """Two references were one person; the only event whose subject is a client."""

    type: Literal["resonance.client.merged.v1"] = "resonance.client.merged.v1"
    rsnclinic: Ref
    subject: ClientSubject
    data: ClientMergedData


class NormsAdopted(Envelope):
    """A norm set is in force from now on; the only event of no clinic, as it concerns the network as a whole."""

    type: Literal["resonance.norms.adopted.v1"] = "resonance.norms.adopted.v1"
    rsnclinic: None = None
    subject: Literal["network"]
    data: NormsAdoptedData


AnyCaseEvent: TypeAlias = (
    CaseOpened
    | CaseClosed
    | CaseReopened
    | TherapistAssigned
    | SessionHeld
    | SessionMissed
    | MeasureRecorded
    | MeasureCorrected
    | MeasureDeclined
    | PreferenceRecorded
    | TaskAgreed
    | TaskRenegotiated
    | TaskEnded
    | EventRetracted
    | ConsentChanged
    | AlertRaised
    | AlertNotified
    | AlertSuppressed
    | AlertOpened
    | AlertAcknowledged
    | AlertSnoozed
    | AlertEscalated
    | AlertResolved
)
"""An event of one case. A fold matches on it exhaustively, so that a new type names every fold it concerns."""

AnyEvent: TypeAlias = AnyCaseEvent | ClientMerged | NormsAdopted

EVENT_TYPES: Final[dict[str, type[AnyEvent]]] = {
    model.model_fields["type"].default: model for model in get_args(AnyEvent)
}
"""The closed registry: an event of any other type is refused, never looked up elsewhere."""

OWN_SOURCE: Final = "urn:resonance:alerts"
"""The source of the events about cases that Resonance itself appends."""

NORMS_SOURCE: Final = "urn:resonance:norms"
"""The source of the norm sets that it adopts."""

OWN_SOURCES: Final = frozenset({OWN_SOURCE, NORMS_SOURCE})
"""Nobody else may send from these."""

_Told: TypeAlias = Annotated[AnyEvent, Discriminator("type")]
_adapter: Final[TypeAdapter[AnyEvent]] = TypeAdapter(_Told)
_several: Final[TypeAdapter[list[AnyEvent]]] = TypeAdapter(Annotated[list[_Told], FailFast()])


def parse(state: bytes | str) -> AnyEvent:
    """The event that ``state``, one CloudEvent in JSON, holds.

    Raises pydantic.ValidationError where it is none; its text can hold what was sent, so it must not be shown.
    """
    return _adapter.validate_json(state)


def parse_array(states: bytes | str) -> list[AnyEvent]:
    """The events of ``states``, a JSON array of CloudEvents. Raises as ``parse``, with the first fault only."""
    return _several.validate_json(states)


def canonical(event: AnyEvent) -> bytes:
    """The one JSON spelling of ``event``: equal events have equal bytes, however they were written when sent."""
    return event.__pydantic_serializer__.to_json(event, exclude_none=True)
