"""EpisodeOfCare and CareTeam -> case.opened, case.closed, therapist.assigned.

An episode of care is a case. The same one is sent again and again as it goes on, under one identifier: the opening is
the event of that identifier, and what follows bears ids that are derived from it.
"""

from collections.abc import Iterator
from datetime import UTC, date, datetime, time
from typing import Any, Final, NamedTuple

from contracts.events import AnyCaseEvent, CaseClosed, CaseOpened, TherapistAssigned
from services.fhir.context import Context, Discarded, Translated
from services.fhir.making import derived, made, retracted, unless_said, version
from services.fhir.origin import Origin, Sender, client_of, on_record, origin, placed, session_of
from services.fhir.references import id_of, name_of, named
from services.fhir.values import Element, Moment, codings, moment, part, parts, refused

_OVER: Final = frozenset({"finished", "cancelled"})
_THERAPISTS: Final = ("Practitioner", "PractitionerRole")


class _Episode(NamedTuple):
    """An EpisodeOfCare as far as it was read."""

    resource: Element
    whence: Origin
    client: str
    therapist: str | None
    """Who has it now, by the log and the views; None where the case is not known."""
    manager: str | None
    """Its careManager."""


class _Assigned(NamedTuple):
    therapist: str
    role: str
    since: datetime
    place: str


def episode(resource: Element, context: Context) -> Translated | Discarded:
    """What an EpisodeOfCare tells of.

    One that is over and was never sent before is opened and closed, so that years that lie behind can be sent as they
    are now; one that was withdrawn before anybody knew of it is nothing. Raises Refused.
    """
    status = resource["status"]
    if status not in _OVER | {"active", "entered-in-error"}:
        return Discarded("status")
    client = client_of(resource, "patient", context)
    case = _case(resource, context)
    begin = moment(part(resource, "period"), "start", "/period")
    clinic = [("/managingOrganization", resource.get("managingOrganization"))]
    at = context.now if begin is None else begin.at
    sender = Sender(resource, "/patient", at, client, episode=case, organizations=clinic)
    if status == "entered-in-error":
        return Translated(retracted(sender, context, "closed"))
    whence = origin(sender, context)
    stored = on_record(whence.key, context)
    known = context.therapist_of(whence.case)
    if known is None and isinstance(stored, CaseOpened):  # it is on the log, and the views have not come so far
        known = stored.data.therapist_ref
    found = _Episode(resource, whence, client, known, _manager(resource, context))
    if status == "cancelled" and known is None:
        return Discarded("status")
    events = [*_begun(found, begin, stored, context)]
    if status in _OVER:
        events.append(_closed(found, context))
    return Translated(tuple(events), id_of(whence.case))


def care_team(resource: Element, context: Context) -> Translated | Discarded:
    """Who works with a client from when on: of a CareTeam, the one participant whose role is known. Raises Refused."""
    if resource["status"] not in {"active", "entered-in-error"}:
        return Discarded("status")
    members = list(_members(resource, context))
    if len(members) != 1:
        raise refused("/participant", "several" if members else "unknown_code")
    [member] = members
    place = f"{member.place}/period"
    begin = moment(part(member.participant, "period"), "start", place)
    if begin is None:
        place = "/period"
        begin = moment(part(resource, "period"), "start", place)
    if begin is None:
        raise refused("/period/start", "missing")
    client, encounter = client_of(resource, "subject", context), session_of(resource.get("encounter"), context)
    clinics = [(f"/managingOrganization/{at}", one) for at, one in parts(resource, "managingOrganization")]
    sender = Sender(resource, "/subject", begin.at, client, encounter, organizations=clinics)
    if resource["status"] == "entered-in-error":
        return Translated(retracted(sender, context))
    assigned = _Assigned(member.therapist, member.role, _first_instant(begin), f"{place}/start")
    return Translated((_assign(assigned, _of_version(assigned, origin(sender, context), context), context),))


def _of_version(assigned: _Assigned, whence: Origin, context: Context) -> Origin:
    """A team that names another beginning than the one on record is a later version of it: it assigns anew."""
    before = on_record(whence.key, context)
    if not isinstance(before, TherapistAssigned) or before.data.effective_from == assigned.since:
        return whence
    content = f"{assigned.therapist} {assigned.role} {assigned.since.isoformat()}"
    return placed(whence, context)._replace(key=derived(whence.key, "assigned", content, context))


def _case(resource: Element, context: Context) -> str:
    found = named(name_of(resource), ("EpisodeOfCare",))
    key = context.identifier
    if found is None and key is None:
        raise refused("/identifier", "missing", "identifier-required")
    return context.pseudonym("EpisodeOfCare", found.name if found else f"{key and key.source}|{key and key.id}")


def _manager(resource: Element, context: Context) -> str | None:
    found = named(resource.get("careManager"), _THERAPISTS)
    return None if found is None else context.pseudonym(found.kind, found.name)


def _begun(
    found: _Episode, begin: Moment | None, stored: AnyCaseEvent | None, context: Context
) -> Iterator[AnyCaseEvent]:
    """That another therapist has it; else the opening, which may be said again, unless others told of it."""
    opened_by = stored.data.therapist_ref if isinstance(stored, CaseOpened) else None
    written = version(found.resource)
    if found.therapist and found.manager and found.manager not in {found.therapist, opened_by} and written is None:
        raise refused("/meta/lastUpdated", "missing")
    if found.therapist and found.manager and written is not None:
        key = derived(found.whence.key, "assigned", f"{found.manager} {written[0].isoformat()}", context)
        if found.manager != found.therapist or on_record(key, context) is not None:
            assigned = _Assigned(found.manager, "primary", *written)  # it counts from when this version was written
            yield _assign(assigned, found.whence._replace(key=key), context)
            return
    if opened_by is None and found.therapist is not None and found.resource["status"] in _OVER:
        return
    therapist = opened_by or found.manager
    if therapist is None:
        raise refused("/careManager", "missing")
    if begin is None:
        raise refused("/period/start", "missing")
    content = {"client_ref": found.client, "therapist_ref": therapist, "opened_on": _day(begin)}
    whence = found.whence._replace(places={**found.whence.places, "/data/opened_on": "/period/start"})
    yield made(CaseOpened, content, whence, (begin.at, "/period/start"), context)


def _closed(found: _Episode, context: Context) -> CaseClosed:
    """How it ended no EpisodeOfCare says: what was finished is taken for agreed."""
    end = moment(part(found.resource, "period"), "end", "/period")
    if end is None:
        raise refused("/period/end", "missing")
    ending = "agreed" if found.resource["status"] == "finished" else "administrative"
    key = derived(found.whence.key, "closed", "", context)
    whence = found.whence._replace(key=key, places={**found.whence.places, "/data/closed_on": "/period/end"})
    return made(CaseClosed, {"closed_on": _day(end), "ending": ending}, whence, (end.at, "/period/end"), context)


def _assign(assigned: _Assigned, whence: Origin, context: Context) -> AnyCaseEvent:
    content: dict[str, Any] = {
        "therapist_ref": assigned.therapist,
        "role": assigned.role,
        "effective_from": assigned.since,
    }
    whence = whence._replace(places={**whence.places, "/data/effective_from": assigned.place})
    at = min(assigned.since, context.now)  # it can lie ahead, and was told of now
    return unless_said(made(TherapistAssigned, content, whence, (at, assigned.place), context), context)


class _Member(NamedTuple):
    place: str
    participant: Element
    role: str
    therapist: str


def _members(resource: Element, context: Context) -> Iterator[_Member]:
    """The therapists among the participants whose role is known."""
    for index, one in parts(resource, "participant"):
        member = named(one.get("member"), _THERAPISTS)
        roles = {context.codes.roles.get(coding) for _, role in parts(one, "role") for coding in codings(role)} - {None}
        if member is not None and len(roles) == 1:
            yield _Member(f"/participant/{index}", one, str(roles.pop()), context.pseudonym(member.kind, member.name))


def _day(begin: Moment) -> date:
    """As it was written, in whichever zone."""
    return begin.day or begin.at.date()


def _first_instant(begin: Moment) -> datetime:
    return begin.at if begin.day is None else datetime.combine(begin.day, time(), UTC)
