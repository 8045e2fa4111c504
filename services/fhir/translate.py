"""One resource of FHIR R4 -> the events that it tells of, or why it is not stored, or why it is refused.

Pure but for what it asks its Context: it keeps nothing, and what it gives was accepted by the rules of the native API.
"""

from collections.abc import Callable, Mapping
from typing import Any, Final

from services.fhir import episode, observation, response, visit
from services.fhir.context import Context, Discarded, Translated
from services.fhir.parsing import SUPPORTED, check
from services.fhir.values import refused

TOLERATED: Final = frozenset(
    {
        "Device",
        "Group",
        "HealthcareService",
        "Location",
        "Organization",
        "Patient",
        "Practitioner",
        "PractitionerRole",
        "Provenance",
        "Questionnaire",
        "RelatedPerson",
    }
)
"""Types of resources that a bundle may hold besides: they are what others refer to, and are neither read nor stored."""

_TRANSLATORS: Final[Mapping[str, Callable[[Mapping[str, Any], Context], Translated | Discarded]]] = {
    "Appointment": visit.appointment,
    "CareTeam": episode.care_team,
    "Encounter": visit.encounter,
    "EpisodeOfCare": episode.episode,
    "Observation": observation.translate,
    "QuestionnaireResponse": response.translate,
}


def translate(resource: Mapping[str, Any], context: Context) -> Translated | Discarded:
    """What ``resource``, a JSON object, tells of.

    Raises Refused, with pointers into the resource: ``validation`` for what is no such resource or says too little,
    ``unknown-instrument`` for a code that nobody listed, ``identifier-required``, and whatever the native API refuses.
    """
    kind = resource.get("resourceType")
    if not isinstance(kind, str) or kind not in SUPPORTED:
        raise refused("/resourceType", "missing" if kind is None else "not_supported")
    check(resource, kind)
    return _TRANSLATORS[kind](resource, context)
