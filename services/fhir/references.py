"""From references between resources to our opaque ones: what is ours comes back as it was, all else gets a pseudonym.

A pseudonym is a keyed hash (HMAC-SHA-256) under the network's secret, so that nobody who lacks it can tell whether a
record number is the one behind a reference. What is hashed is the reference as it stands: ``Patient/12``, or the whole
``https://ehr.example/fhir/Patient/12`` where it is absolute, so that two record systems with a patient 12 are kept
apart where they name themselves.
"""

import hmac
import re
from collections.abc import Collection, Mapping
from types import MappingProxyType
from typing import Any, Final, NamedTuple

from services.fhir.context import Kind

_LITERAL: Final = re.compile(
    r"(?P<base>https?://[^\s?#]{1,512}/)?(?P<type>[A-Z][A-Za-z]{1,63})/(?P<id>[A-Za-z0-9.-]{1,64})"
    r"(?:/_history/[A-Za-z0-9.-]{1,64})?"
)
_URN: Final = re.compile(r"urn:(?:uuid|oid):[A-Za-z0-9.-]{1,128}")
_SEARCH: Final = re.compile(r"(?P<type>[A-Z][A-Za-z]{1,63})\?identifier=(?P<token>[^|&,\s]{1,512}\|[^|&,\s]{1,512})")
"""A conditional reference: whoever bears the identifier."""
_MOST: Final = 512
"""Characters of an identifier's system, and of its value."""

_PREFIXES: Final[Mapping[Kind, str]] = MappingProxyType(
    {
        "Patient": "c",
        "Practitioner": "th",
        "EpisodeOfCare": "ca",
        "Encounter": "se",
        "Organization": "cl",
        "Observation": "ms",
    }
)
_OURS: Final = {
    kind: re.compile(rf"(?:.*/)?(?:[0-9]{{1,19}}\.)?{prefix}-([A-Za-z0-9]{{2,64}})")
    for kind, prefix in _PREFIXES.items()
}
"""An id of ours; before it can stand the position at which it was stored (``render.id_at``)."""
_TYPES: Final[Mapping[str, Kind]] = {
    "Patient": "Patient",
    "Practitioner": "Practitioner",
    "PractitionerRole": "Practitioner",
    "EpisodeOfCare": "EpisodeOfCare",
    "Encounter": "Encounter",
    "Appointment": "Encounter",
    "Organization": "Organization",
}
"""The kind of thing that a resource of each type stands for; an appointment is the session that it is for."""


class Named(NamedTuple):
    """What a Reference points to: its kind, and the name under which its pseudonym is made."""

    kind: Kind
    name: str


class Pseudonyms:
    """The references of one network. Any thread may use it."""

    def __init__(self, secret: bytes) -> None:
        self._key = hmac.digest(secret, b"resonance fhir references", "sha256")

    def __call__(self, kind: Kind, name: str) -> str:
        """Our reference (``c_…``) for what bears ``name`` elsewhere; an id of ours, ``c-Zk81qP``, is itself."""
        own = _OURS[kind].fullmatch(name)
        found = own[1] if own else hmac.digest(self._key, name.encode("utf-8", "replace"), "sha256").hex()[:32]
        return f"{_PREFIXES[kind]}_{found}"


def id_of(reference: str) -> str:
    """The id of a FHIR resource for one of our references: FHIR has no underscore in ids."""
    return reference.replace("_", "-")


def named(reference: object, types: Collection[str], *, sure: bool = False) -> Named | None:
    """What ``reference`` points to where it is of one of ``types``; None where it is of another, or says too little.

    ``sure`` asks for a type that is written down; else what tells none is taken for the first of ``types``.
    """
    if not isinstance(reference, Mapping):
        return None
    literal, kind = reference.get("reference"), reference.get("type")
    found = _LITERAL.fullmatch(literal) if isinstance(literal, str) else None
    if found is not None:
        name = f"{found['base'] or ''}{found['type']}/{found['id']}"
        return Named(_TYPES[found["type"]], name) if found["type"] in types else None
    if isinstance(literal, str):
        search = _SEARCH.fullmatch(literal)
        if search is not None:
            return Named(_TYPES[search["type"]], search["token"]) if search["type"] in types else None
        other = literal if _URN.fullmatch(literal) else None
    else:
        other = _token(reference.get("identifier"))
    if other is None or (kind is None and sure) or (kind is not None and kind not in types):
        return None
    return Named(_TYPES[kind or next(iter(types))], other)


def name_of(resource: Mapping[str, Any]) -> dict[str, Any] | None:
    """How others refer to ``resource``: a Reference by its type and id, else by its first identifier; or None."""
    kind, own = resource.get("resourceType"), resource.get("id")
    if isinstance(kind, str) and isinstance(own, str) and _LITERAL.fullmatch(f"{kind}/{own}"):
        return {"reference": f"{kind}/{own}"}
    identifiers = resource.get("identifier")
    for one in identifiers if isinstance(identifiers, list) else [identifiers]:
        if isinstance(kind, str) and isinstance(one, Mapping) and _token(one) is not None:
            return {"type": kind, "identifier": {"system": one["system"], "value": one["value"]}}
    return None


def _token(identifier: object) -> str | None:
    """An identifier as one text, ``system|value``."""
    if not isinstance(identifier, Mapping):
        return None
    system, value = identifier.get("system"), identifier.get("value")
    if not isinstance(system, str) or not isinstance(value, str) or not value:
        return None
    return f"{system}|{value}" if len(system) <= _MOST and len(value) <= _MOST else None
