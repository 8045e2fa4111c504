"""The codes that FHIR R4 allows where a binding is required: of the elements that are read, or that tell whether to.

Source: the definitions of the resources and of their value sets, https://hl7.org/fhir/R4/
"""

from collections.abc import Mapping
from typing import Final, TypeAlias

Binding: TypeAlias = tuple[tuple[str, ...], frozenset[str]]
"""The path of an element, through all entries of lists, and the codes that it may hold."""

_ENCOUNTER: Final = frozenset(
    {
        "planned",
        "arrived",
        "triaged",
        "in-progress",
        "onleave",
        "finished",
        "cancelled",
        "entered-in-error",
        "unknown",
    }
)
_EPISODE: Final = frozenset({"planned", "waitlist", "active", "onhold", "finished", "cancelled", "entered-in-error"})
_APPOINTMENT: Final = frozenset(
    {
        "proposed",
        "pending",
        "booked",
        "arrived",
        "fulfilled",
        "cancelled",
        "noshow",
        "entered-in-error",
        "checked-in",
        "waitlist",
    }
)
_OBSERVATION: Final = frozenset(
    {"registered", "preliminary", "final", "amended", "corrected", "cancelled", "entered-in-error", "unknown"}
)
_TEAM: Final = frozenset({"proposed", "active", "suspended", "inactive", "entered-in-error"})
_RESPONSE: Final = frozenset({"in-progress", "completed", "amended", "entered-in-error", "stopped"})
_COMPARATOR: Final = frozenset({"<", "<=", ">=", ">"})

COMMON: Final[tuple[Binding, ...]] = (
    (("identifier", "use"), frozenset({"usual", "official", "temp", "secondary", "old"})),
    (("text", "status"), frozenset({"generated", "extensions", "additional", "empty"})),
)
BINDINGS: Final[Mapping[str, tuple[Binding, ...]]] = {
    "Appointment": (
        (("status",), _APPOINTMENT),
        (("participant", "status"), frozenset({"accepted", "declined", "tentative", "needs-action"})),
        (("participant", "required"), frozenset({"required", "optional", "information-only"})),
    ),
    "CareTeam": ((("status",), _TEAM),),
    "Encounter": (
        (("status",), _ENCOUNTER),
        (("statusHistory", "status"), _ENCOUNTER),
        (("location", "status"), frozenset({"planned", "active", "reserved", "completed"})),
        (("length", "comparator"), _COMPARATOR),
    ),
    "EpisodeOfCare": ((("status",), _EPISODE), (("statusHistory", "status"), _EPISODE)),
    "Observation": (
        (("status",), _OBSERVATION),
        (("valueQuantity", "comparator"), _COMPARATOR),
        (("component", "valueQuantity", "comparator"), _COMPARATOR),
    ),
    "QuestionnaireResponse": ((("status",), _RESPONSE),),
}
