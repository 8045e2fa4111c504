"""Reading: one resource by its id, which begins with the position of its event, or a search by its identifier."""

from typing import Final, TypeAlias

from contracts.data import EventKey
from contracts.events import (
    AnyCaseEvent,
    CaseClosed,
    CaseEvent,
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
from services.access.credential import Credential
from services.access.problems import Refused, problem
from services.eventlog.ports import Log, Recorded, Unreadable
from services.fhir.known import Known
from services.fhir.outcome import Resource
from services.fhir.parsing import SUPPORTED
from services.fhir.render import render

_LARGEST: Final = 2**63 - 1
Kinds: TypeAlias = frozenset[str]


def kinds_of(event: AnyCaseEvent) -> Kinds:
    """The types of resources that tell of such an event."""
    match event:
        case MeasureRecorded() | MeasureCorrected():
            return frozenset({"Observation", "QuestionnaireResponse"})
        case MeasureDeclined():
            return frozenset({"QuestionnaireResponse"})
        case PreferenceRecorded():
            return frozenset({"Observation"})
        case SessionHeld():
            return frozenset({"Encounter"})
        case SessionMissed():
            return frozenset({"Encounter", "Appointment"})
        case CaseOpened() | CaseClosed():
            return frozenset({"EpisodeOfCare"})
        case TherapistAssigned():
            return frozenset({"EpisodeOfCare", "CareTeam"})
        case EventRetracted():
            return SUPPORTED
        case _:
            return frozenset()


def shown(recorded: Recorded, kind: str) -> Resource | None:
    """What was recorded, as a resource of the type ``kind``; None where it is none."""
    event = recorded.event
    if not isinstance(event, CaseEvent) or kind not in kinds_of(event):
        return None
    return render([event], kind, recorded.position)


def read(log: Log, kind: str, name: str, credential: Credential) -> Resource:
    """The resource of the id ``name``, or at that position.

    Raises Refused (``not-found``), also for what is not this credential's.
    """
    number = name.partition(".")[0]
    position = int(number) if number.isascii() and number.isdigit() and len(number) < len(str(_LARGEST)) else 0
    found = _at(log, position) if position else None
    if found is not None and _is_theirs(found, credential):
        resource = shown(found, kind)
        if resource is not None and name in {resource["id"], number}:
            return resource
    raise Refused(problem("not-found"))


def search(known: Known, kind: str, key: EventKey | None) -> Resource:
    """The resources of the identity ``key``, which are one or none, as a Bundle."""
    found = known.visible(key) if key is not None else None
    resource = shown(found, kind) if found is not None else None
    entries = [] if resource is None else [{"resource": resource, "search": {"mode": "match"}}]
    return {"resourceType": "Bundle", "type": "searchset", "total": len(entries)} | (
        {"entry": entries} if entries else {}
    )


def _at(log: Log, position: int) -> Recorded | None:
    try:
        found = log.read(position - 1, 1)
    except Unreadable:  # by this release; a later one wrote it
        return None
    return found[0] if found and found[0].position == position else None


def _is_theirs(found: Recorded, credential: Credential) -> bool:
    event = found.event
    return credential.speaks_for_source(event.source) and credential.speaks_for_clinic(event.rsnclinic)
