"""Events -> the resource that an answer shows: what was kept of the one that was sent, and nothing else.

References are ours (``Patient/c-Zk81qP``) and come back as they are; a statement is said to be there and not shown.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from typing import Any, Final

from contracts.data import EventKey, MeasureRecordedData
from contracts.events import (
    AnyCaseEvent,
    CaseClosed,
    CaseOpened,
    EventRetracted,
    MeasureCorrected,
    MeasureDeclined,
    MeasureRecorded,
    PreferenceRecorded,
    SessionHeld,
    SessionMissed,
    TherapistAssigned,
)
from contracts.fhir import ROLES, SCALES, STANCES, questionnaire_of
from services.fhir.origin import EPISODE
from services.fhir.references import id_of
from services.fhir.values import UCUM

_ABSENT: Final = "http://terminology.hl7.org/CodeSystem/data-absent-reason"
_MASKED: Final = {
    "extension": [{"url": "http://hl7.org/fhir/StructureDefinition/data-absent-reason", "valueCode": "masked"}]
}
"""In place of an element that FHIR asks for and no event keeps."""
_ACT: Final = "http://terminology.hl7.org/CodeSystem/v3-ActCode"
_LONGEST: Final = 64
"""Characters of an id."""
_REQUIRED: Final[Mapping[str, Mapping[str, Any]]] = {
    "Appointment": {"participant": [{"type": [_MASKED], "status": "needs-action"}]},
    "CareTeam": {},
    "Encounter": {"class": {"system": _ACT, "code": "AMB"}},
    "EpisodeOfCare": {"patient": _MASKED},
    "Observation": {"code": _MASKED},
    "QuestionnaireResponse": {},
}
_ORGANIZATION: Final[Mapping[str, Callable[[dict[str, str]], dict[str, Any]]]] = {
    "Appointment": lambda _: {},  # it has no place for it
    "CareTeam": lambda clinic: {"managingOrganization": [clinic]},
    "Encounter": lambda clinic: {"serviceProvider": clinic},
    "EpisodeOfCare": lambda clinic: {"managingOrganization": clinic},
    "Observation": lambda clinic: {"performer": [clinic]},
    "QuestionnaireResponse": lambda clinic: {"author": clinic},
}


def render(events: Sequence[AnyCaseEvent], kind: str, position: int) -> dict[str, Any]:
    """The resource of the type ``kind`` that ``events``, the first at ``position``, were made of."""
    key = _key(events[0])
    identifier = {"system": key.source, "value": key.id}
    shown: dict[str, Any] = {
        "resourceType": kind,
        "id": id_at(position, events[0], kind),
        "identifier": identifier if kind == "QuestionnaireResponse" else [identifier],
        **_REQUIRED[kind],
        **_ORGANIZATION[kind](_reference("Organization", events[0].rsnclinic)),
    }
    if kind != "EpisodeOfCare":
        case = _reference("EpisodeOfCare", events[0].case_ref)
        shown |= {"episodeOfCare": [case]} if kind == "Encounter" else _extended(case)
    for event in events:
        told = _told(event, kind)
        shown |= told | ({"period": shown["period"] | told["period"]} if "period" in shown and "period" in told else {})
    return shown


def id_at(position: int, first: AnyCaseEvent, kind: str) -> str:
    """The id of the resource of the type ``kind`` whose ``first`` event stands at ``position``.

    What others can refer to bears its case or session as well, so that ``EpisodeOfCare/12.ca-8d2fQ4``, as clients refer
    to what it has stored, means that very case.
    """
    about = first.case_ref if kind == "EpisodeOfCare" else None
    if isinstance(first, SessionHeld | SessionMissed):
        about = first.data.session_ref
    whole = f"{position}.{id_of(about)}" if about else str(position)
    return whole if len(whole) <= _LONGEST else str(position)


def _key(event: AnyCaseEvent) -> EventKey:
    match event:
        case MeasureCorrected():
            return event.data.supersedes
        case EventRetracted():
            return event.data.target
        case _:
            return event.key


def _told(event: AnyCaseEvent, kind: str) -> dict[str, Any]:
    """What the resource says because of ``event``."""
    match event:
        case MeasureRecorded() | MeasureCorrected():
            return _response(event) if kind == "QuestionnaireResponse" else _observation(event)
        case MeasureDeclined():
            instrument = event.data.instrument
            return {
                "status": "stopped",
                "questionnaire": questionnaire_of(instrument.key, instrument.version),
                "authored": event.time.isoformat(),
                **_encounter(event.data.session_ref),
            }
        case PreferenceRecorded():
            absent = {"dataAbsentReason": {"coding": [{"system": _ABSENT, "code": "masked"}]}}
            return {
                "status": "final",
                "code": {"coding": [{"system": STANCES, "code": event.data.stance}]},
                "effectiveDateTime": event.time.isoformat(),
                **(absent if event.data.statement else {}),
            }
        case SessionHeld():
            return _held(event)
        case SessionMissed():
            return _missed(event, kind)
        case CaseOpened():
            return {
                "status": "active",
                "patient": _reference("Patient", event.data.client_ref),
                "careManager": _reference("Practitioner", event.data.therapist_ref),
                "period": {"start": event.data.opened_on.isoformat()},
            }
        case CaseClosed():
            finished = "cancelled" if event.data.ending == "administrative" else "finished"
            return {"status": finished, "period": {"end": event.data.closed_on.isoformat()}}
        case TherapistAssigned():
            return _assigned(event, kind)
        case _:
            return {"status": "entered-in-error"}


def _observation(event: MeasureRecorded | MeasureCorrected) -> dict[str, Any]:
    """Its first score is the total; the others are components."""
    data, use = event.data, event.data.instrument
    first, *others = [
        {
            "code": {"coding": [{"system": SCALES, "code": f"{use.key}-{use.version}-{score.scale}"}]},
            "valueQuantity": {"value": score.value, "system": UCUM, "code": "{score}"},
        }
        for score in data.scores
    ]
    issued = {"issued": event.recordedtime.isoformat()} if event.recordedtime else {}
    components = {"component": others} if others else {}
    status = "corrected" if isinstance(event, MeasureCorrected) else "final"
    return {"status": status, "effectiveDateTime": _when(event), **_who(data), **issued, **first, **components}


def _response(event: MeasureRecorded | MeasureCorrected) -> dict[str, Any]:
    data, use = event.data, event.data.instrument
    items = [{"linkId": score.scale, "answer": [{"valueDecimal": score.value}]} for score in data.scores]
    return {
        "status": "amended" if isinstance(event, MeasureCorrected) else "completed",
        "questionnaire": questionnaire_of(use.key, use.version),
        "authored": _when(event),
        "item": items,
        **_who(data),
    }


def _held(event: SessionHeld) -> dict[str, Any]:
    data = event.data
    end = data.started_at + timedelta(minutes=data.minutes)
    return {
        "status": "finished",
        "class": {"system": _ACT, "code": "AMB" if data.channel == "in_person" else "VR"},
        "period": {"start": data.started_at.isoformat(), "end": end.isoformat()},
    }


def _missed(event: SessionMissed, kind: str) -> dict[str, Any]:
    begin = event.data.scheduled_for.isoformat()
    if kind == "Encounter":
        return {"status": "cancelled", "period": {"start": begin}}
    if event.data.kind == "no_show":
        return {"status": "noshow", "start": begin}
    system = "http://terminology.hl7.org/CodeSystem/appointment-cancellation-reason"
    reason = {"system": system, "code": "prov" if event.data.kind == "clinic_cancel" else "pat"}
    return {"status": "cancelled", "start": begin, "cancelationReason": {"coding": [reason]}}


def _assigned(event: TherapistAssigned, kind: str) -> dict[str, Any]:
    therapist = _reference("Practitioner", event.data.therapist_ref)
    if kind == "EpisodeOfCare":
        return {"status": "active", "careManager": therapist}
    role = {"coding": [{"system": ROLES, "code": event.data.role}]}
    begin = {"start": event.data.effective_from.isoformat()}
    return {"status": "active", "participant": [{"role": [role], "member": therapist}], "period": begin}


def _when(event: MeasureRecorded | MeasureCorrected) -> str:
    return event.data.occurred_on.isoformat() if event.data.occurred_on else event.time.isoformat()


def _who(data: MeasureRecordedData) -> dict[str, Any]:
    client = {"subject": _reference("Patient", data.client_ref)} if data.client_ref else {}
    return client | _encounter(data.session_ref)


def _encounter(session: str | None) -> dict[str, Any]:
    return {"encounter": _reference("Encounter", session)} if session else {}


def _extended(case: dict[str, str]) -> dict[str, Any]:
    return {"extension": [{"url": EPISODE, "valueReference": case}]}


def _reference(kind: str, reference: str) -> dict[str, str]:
    return {"reference": f"{kind}/{id_of(reference)}"}
