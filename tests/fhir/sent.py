"""Resources as record systems send them, and what they are translated with: a network that knows what it is told."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final

from contracts.data import EventKey
from contracts.events import AnyCaseEvent
from contracts.fhir import Codes, codes
from contracts.instruments import catalogue
from services.access.credential import SCOPES, Credential
from services.access.problems import Fault, Problem, Refused
from services.fhir.context import Context, Discarded, Translated
from services.fhir.references import Pseudonyms
from services.fhir.translate import translate

SOURCE: Final = "urn:north:ehr"
NOW: Final = datetime(2026, 3, 10, 9, tzinfo=UTC)
LOINC: Final = "http://loinc.org"
UCUM: Final = "http://unitsofmeasure.org"
PHQ9: Final = "http://hl7.org/fhir/us/core/Questionnaire/phq-9-example"
ITEMS: Final = ("44250-9", "44255-8", "44259-0", "44254-1", "44251-7", "44258-2", "44252-5", "44253-3", "44260-8")
ANSWERS: Final = ("LA6568-5", "LA6569-3", "LA6570-1", "LA6571-9")
"""Worth 0, 1, 2 and 3 points."""
Resource = dict[str, Any]


@dataclass
class Known:
    """What the log and the views say."""

    events: dict[EventKey, AnyCaseEvent] = field(default_factory=dict)
    cases: dict[str, str] = field(default_factory=dict)
    therapists: dict[str, str] = field(default_factory=dict)
    clinics: frozenset[str] | None = frozenset({"cl_07"})
    sources: frozenset[str] | None = frozenset({SOURCE})
    codes: Codes = field(default_factory=codes)
    now: datetime = NOW

    def context(self, identifier: EventKey | None = None) -> Context:
        return Context(
            credential=Credential("key", "main", self.clinics, self.sources, frozenset(SCOPES)),
            now=self.now,
            catalogue=catalogue(),
            codes=self.codes,
            pseudonym=Pseudonyms(b"secret of the network"),
            case_of=lambda client, _encounter, _at: self.cases.get(client),
            stored=self.events.get,
            therapist_of=self.therapists.get,
            identifier=identifier,
        )

    def tell(self, resource: Resource, identifier: EventKey | None = None) -> list[AnyCaseEvent]:
        """What ``resource`` is translated to; from then on it is on the log."""
        found = translate(resource, self.context(identifier))
        assert isinstance(found, Translated)
        assert found.events
        for event in found.events:
            self.events.setdefault(event.key, event)
        return list(found.events)

    def one(self, resource: Resource) -> Any:
        """The same, where it is one event."""
        [event] = self.tell(resource)
        return event


def told(resource: Resource) -> Any:
    """The one event that a network that knows nothing makes of ``resource``."""
    return Known().one(resource)


def discarded(resource: Resource) -> str:
    found = translate(resource, Known().context())
    assert isinstance(found, Discarded)
    return found.reason


def problem(resource: Mapping[str, Any], known: Known | None = None, identifier: EventKey | None = None) -> Problem:
    """Why ``resource`` is refused."""
    try:
        found = translate(resource, (known or Known()).context(identifier))
    except Refused as refused:
        return refused.problem
    raise AssertionError(found)


def fault(resource: Mapping[str, Any], known: Known | None = None) -> tuple[str, Fault]:
    """The kind of the problem and the one place that is at fault."""
    found = problem(resource, known)
    [error] = found.errors
    return found.slug, error


def identifier(name: str = "o-1", system: str = SOURCE) -> Resource:
    return {"system": system, "value": name}


def observation(**changes: Any) -> Resource:
    """A PHQ-9 total of 12."""
    return {
        "resourceType": "Observation",
        "identifier": [identifier()],
        "status": "final",
        "code": {"coding": [{"system": LOINC, "code": "44261-6", "display": "words of LOINC"}], "text": "more words"},
        "subject": {"reference": "Patient/c-Zk81", "display": "Anna Beispiel"},
        "effectiveDateTime": "2026-03-02T16:05:00+01:00",
        "valueInteger": 12,
    } | changes


def without(resource: Resource, *names: str) -> Resource:
    return {name: value for name, value in resource.items() if name not in names}


def coded(code: str, system: str = LOINC) -> Resource:
    return {"coding": [{"system": system, "code": code}]}


def response(
    points: tuple[int, ...] = (2, 2, 2, 2, 1, 1, 2, 0, 0), total: float | None = 12, **changes: Any
) -> Resource:
    """A PHQ-9 as it was filled in, item by item, with the total that it declares."""
    items: list[Resource] = [
        {"linkId": f"/{item}", "answer": [{"valueCoding": {"system": LOINC, "code": ANSWERS[one]}}]}
        for item, one in zip(ITEMS, points, strict=False)
    ]
    if total is not None:
        items.append({"linkId": "/44261-6", "answer": [{"valueDecimal": total}]})
    return {
        "resourceType": "QuestionnaireResponse",
        "identifier": identifier(),
        "questionnaire": f"{PHQ9}|6.1.0",
        "status": "completed",
        "subject": {"reference": "Patient/c-Zk81"},
        "authored": "2026-03-02T16:05:00+01:00",
        "item": items,
    } | changes


def encounter(**changes: Any) -> Resource:
    return {
        "resourceType": "Encounter",
        "id": "enc-77",
        "identifier": [identifier("e-1")],
        "status": "finished",
        "class": {"system": "http://terminology.hl7.org/CodeSystem/v3-ActCode", "code": "AMB"},
        "subject": {"reference": "Patient/c-Zk81"},
        "period": {"start": "2026-03-02T15:10:00+01:00", "end": "2026-03-02T16:00:00+01:00"},
    } | changes


def appointment(**changes: Any) -> Resource:
    return {
        "resourceType": "Appointment",
        "identifier": [identifier("a-1")],
        "status": "noshow",
        "start": "2026-03-09T15:10:00+01:00",
        "participant": [
            {"actor": {"reference": "Practitioner/th-12ab"}, "status": "accepted"},
            {"actor": {"reference": "Patient/c-Zk81"}, "status": "accepted"},
        ],
    } | changes


def episode(**changes: Any) -> Resource:
    return {
        "resourceType": "EpisodeOfCare",
        "id": "ca-8d2fQ4",
        "identifier": [identifier("ep-1")],
        "status": "active",
        "patient": {"reference": "Patient/c-Zk81"},
        "careManager": {"reference": "Practitioner/th-12ab"},
        "period": {"start": "2026-01-12"},
    } | changes


def care_team(**changes: Any) -> Resource:
    role = {"coding": [{"system": "urn:resonance:fhir:resonance-role", "code": "supervisor"}]}
    return {
        "resourceType": "CareTeam",
        "identifier": [identifier("t-1")],
        "status": "active",
        "subject": {"reference": "Patient/c-Zk81"},
        "participant": [
            {"member": {"reference": "Practitioner/th-99zz"}, "role": [role]},
            {"member": {"reference": "Patient/c-Zk81"}},
        ],
        "period": {"start": "2026-03-01"},
    } | changes
