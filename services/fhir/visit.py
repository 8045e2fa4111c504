"""Encounter and Appointment -> session.held, session.missed."""

from datetime import datetime
from typing import Any, Final

from contracts.events import SessionHeld, SessionMissed
from services.fhir.context import Context, Discarded, Translated
from services.fhir.making import made, retracted, unless_said, version
from services.fhir.origin import Origin, Sender, client_of, episode_of, origin
from services.fhir.references import id_of, name_of, named
from services.fhir.values import Element, codings, instant, part, parts, refused, text

_VIRTUAL: Final = ("http://terminology.hl7.org/CodeSystem/v3-ActCode", "VR")
_REASONS: Final = "http://terminology.hl7.org/CodeSystem/appointment-cancellation-reason"
_MINUTES: Final = {"s": 1 / 60, "min": 1.0, "h": 60.0}
"""By the UCUM code of a Duration."""


def encounter(resource: Element, context: Context) -> Translated | Discarded:
    """What an Encounter tells of: held where it is finished, missed where it was cancelled. Raises Refused."""
    status = resource["status"]
    if status not in {"finished", "cancelled", "entered-in-error"}:
        return Discarded("status")
    period = part(resource, "period")
    begin = instant(period, "start", "/period")
    sender = Sender(
        resource,
        "/subject",
        begin or context.now,
        client_of(resource, "subject", context),
        episode=next((episode_of(one, context) for _, one in parts(resource, "episodeOfCare")), None),
        organizations=[("/serviceProvider", resource.get("serviceProvider"))],
    )
    if status == "entered-in-error":
        return Translated(retracted(sender, context))
    if begin is None:
        raise refused("/period/start", "missing")
    whence = origin(sender, context)
    session = _session(resource, whence, context)
    if status == "cancelled":
        return _missed(session, begin, "client_cancel", "/period/start", whence, context, resource)
    kind = part(resource, "class")
    content = {
        "session_ref": session,
        "started_at": begin,
        "minutes": _minutes(resource, begin),
        "channel": "video" if (kind.get("system"), kind.get("code")) == _VIRTUAL else "in_person",
    }
    length = "/length/value" if "length" in resource else "/period/end"
    whence = whence._replace(places={**whence.places, "/data/started_at": "/period/start", "/data/minutes": length})
    event = made(SessionHeld, content, whence, (begin, "/period/start"), context)
    return Translated((event,), id_of(session))


def appointment(resource: Element, context: Context) -> Translated | Discarded:
    """What an Appointment tells of: a session that was missed. Raises Refused."""
    status = resource["status"]
    if status not in {"noshow", "cancelled", "entered-in-error"}:
        return Discarded("status")
    begin = instant(resource, "start")
    place, client = _participant(resource, context)
    sender = Sender(resource, place, begin or context.now, client)
    if status == "entered-in-error":
        return Translated(retracted(sender, context))
    if begin is None:
        raise refused("/start", "missing")
    whence = origin(sender, context)
    kind = "no_show" if status == "noshow" else _cancelled_by(resource)
    return _missed(_session(resource, whence, context), begin, kind, "/start", whence, context, resource)


def _missed(
    session: str, begin: datetime, kind: str, place: str, whence: Origin, context: Context, resource: Element
) -> Translated:
    """``session.missed``; its time is that of the session, or for one that lies ahead when the resource was written."""
    content: dict[str, Any] = {"session_ref": session, "scheduled_for": begin, "kind": kind}
    whence = whence._replace(places={**whence.places, "/data/scheduled_for": place})
    at = begin if begin <= context.now else min(context.now, (version(resource) or (context.now, ""))[0])
    event = made(SessionMissed, content, whence, (at, place), context)
    return Translated((unless_said(event, context),), id_of(session))


def _session(resource: Element, whence: Origin, context: Context) -> str:
    found = named(name_of(resource), ("Encounter", "Appointment"))
    name = found.name if found is not None else f"{whence.key.source}|{whence.key.id}"
    return context.pseudonym("Encounter", name)


def _minutes(resource: Element, begin: datetime) -> int:
    """How long it took: its ``length``, which may leave out breaks, else its period. At least a minute."""
    length = part(resource, "length")
    if length:
        unit = _MINUTES.get(text(length, "code") or "")
        value = length.get("value")
        if unit is None or length.get("comparator") is not None:
            raise refused("/length/code", "unit")
        if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value < 10**6:
            raise refused("/length/value", "range")
        return max(1, round(value * unit))
    end = instant(part(resource, "period"), "end", "/period")
    if end is None:
        raise refused("/period/end", "missing")
    if end < begin:
        raise refused("/period/end", "range")
    return max(1, round((end - begin).total_seconds() / 60))


def _participant(resource: Element, context: Context) -> tuple[str, str]:
    for index, one in parts(resource, "participant"):
        if named(one.get("actor"), ("Patient",), sure=True) is not None:
            return f"/participant/{index}/actor", client_of(one, "actor", context)
    raise refused("/participant", "not_a_patient")


def _cancelled_by(resource: Element) -> str:
    """Who cancelled, by the reason; without one it is taken for the client, who does so most often."""
    reasons = [code for system, code in codings(part(resource, "cancelationReason")) if system == _REASONS]
    if reasons and not reasons[0].startswith(("pat", "other", "oth-")):
        return "clinic_cancel"
    return "client_cancel"
