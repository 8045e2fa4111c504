"""Whose a resource is and where it belongs: the key of its event, its client, its clinic and its case.

A credential learns nothing by it of what another clinic has sent: that counts as not there.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final, NamedTuple

from contracts.data import EventKey
from contracts.events import AnyCaseEvent
from services.access.problems import Refused
from services.fhir.context import Context
from services.fhir.placing import Places, fitting, moved
from services.fhir.references import named
from services.fhir.values import Element, part, parts, refused, text

EPISODE: Final = "http://hl7.org/fhir/StructureDefinition/workflow-episodeOfCare"
"""The extension that names the episode of care in which something was done (FHIR R4)."""


class Origin(NamedTuple):
    """What the events of one resource have in common: their key, clinic and case, and where the resource says so."""

    key: EventKey
    clinic: str
    case: str
    places: Places


@dataclass(slots=True)
class Sender:
    """What a resource says of whom and where, as far as that has been read.

    ``subject`` is the pointer to the reference to the client, ``organizations`` are references to the clinic, if any.
    """

    resource: Element
    subject: str
    at: datetime
    client: str
    encounter: str | None = None
    episode: str | None = None
    organizations: Iterable[tuple[str, object]] = field(default=())


def origin(sender: Sender, context: Context) -> Origin:
    """Raises Refused where the resource bears no identity, or no clinic can be told."""
    key, places = _identity(sender.resource, context)
    clinic, place = _clinic(sender.organizations, context)
    case = sender.episode or _episode(sender.resource, context) or _case(sender, key, context)
    return Origin(key, clinic, case, {**places, "/rsnclinic": place, "/subject": sender.subject})


def client_of(resource: Element, name: str, context: Context) -> str:
    """Our reference for the patient that ``resource`` is about. Raises Refused where there is none."""
    reference = resource.get(name)
    if reference is None:
        raise refused(f"/{name}", "missing")
    found = named(reference, ("Patient",))
    if found is None:
        raise refused(f"/{name}", "not_a_patient")
    return context.pseudonym(found.kind, found.name)


def session_of(reference: object, context: Context) -> str | None:
    """Our reference for the encounter that ``reference`` points to, or None."""
    found = named(reference, ("Encounter", "Appointment"))
    return None if found is None else context.pseudonym(found.kind, found.name)


def episode_of(reference: object, context: Context) -> str | None:
    """Our reference for the case that is the episode of care that ``reference`` points to, or None."""
    found = named(reference, ("EpisodeOfCare",))
    return None if found is None else context.pseudonym(found.kind, found.name)


def on_record(key: EventKey, context: Context) -> AnyCaseEvent | None:
    """The event that the log holds under ``key``, where the credential speaks for its clinic."""
    found = context.stored(key)
    return found if found is not None and context.credential.speaks_for_clinic(found.rsnclinic) else None


def placed(whence: Origin, context: Context) -> Origin:
    """In the case of what is on record under its key: what corrects or retracts it counts in no other."""
    before = on_record(whence.key, context)
    return whence if before is None else whence._replace(case=before.case_ref)


def _identity(resource: Element, context: Context) -> tuple[EventKey, Places]:
    """The identifier of which the system is a source that the credential speaks for; the first of several."""
    listed = resource.get("identifier")
    given = [("/identifier", part(resource, "identifier"))] if isinstance(listed, dict) else []
    given += [(f"/identifier/{index}", one) for index, one in parts(resource, "identifier")]
    sources = [(place, one) for place, one in given if (text(one, "system") or "").startswith("urn:")]
    for place, one in sources:
        system = text(one, "system") or ""
        if context.identifier is not None or not context.credential.speaks_for_source(system):
            continue
        places = {"/source": f"{place}/system", "/id": f"{place}/value"}
        try:
            return fitting(EventKey, {"source": system, "id": text(one, "value")}), places
        except Refused as error:
            raise Refused(moved(error.problem, places)) from None
    if context.identifier is None and sources:
        raise refused(f"{sources[0][0]}/system", "not_allowed", "source-not-allowed")
    if context.identifier is None:
        raise refused("/identifier", "missing", "identifier-required")
    if not context.credential.speaks_for_source(context.identifier.source):
        raise refused("", "not_allowed", "source-not-allowed")
    return _conditional(sources, context.identifier)


def _conditional(sources: list[tuple[str, Element]], key: EventKey) -> tuple[EventKey, Places]:
    """What If-None-Exist names, unless the resource bears another identity of the same source."""
    for place, one in sources:
        if one.get("system") == key.source and one.get("value") != key.id:
            raise refused(f"{place}/value", "mismatch")
    return key, {}


def _clinic(organizations: Iterable[tuple[str, object]], context: Context) -> tuple[str, str]:
    for place, reference in organizations:
        found = named(reference, ("Organization",), sure=True)
        if found is not None:
            return context.pseudonym(found.kind, found.name), f"{place}/reference"
    clinics = context.credential.clinics
    if clinics is None or len(clinics) != 1:
        raise refused("", "clinic_missing")
    return next(iter(clinics)), ""


def _episode(resource: Element, context: Context) -> str | None:
    for _, one in parts(resource, "extension"):
        if one.get("url") == EPISODE:
            return episode_of(one.get("valueReference"), context)
    return None


def _case(sender: Sender, key: EventKey, context: Context) -> str:
    """What the log says of this resource, else what is known of the client, else the client's own case."""
    before = on_record(key, context)
    if before is not None:
        return before.case_ref
    known = context.case_of(sender.client, sender.encounter, sender.at)
    return known or context.pseudonym("EpisodeOfCare", f"client {sender.client}")
