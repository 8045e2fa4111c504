"""Makes the events that a resource tells of, by the rules that events of record systems are held to in general.

What is wrong with an event is told as what is wrong with the resource (services/fhir/placing.py).
"""

from collections.abc import Mapping
from datetime import datetime
from functools import cache
from typing import Any, Final, TypeVar

from contracts.data import Closed, EventKey
from contracts.events import AnyCaseEvent, CaseEvent, EventRetracted, canonical
from services.access.problems import Refused
from services.fhir.context import Context
from services.fhir.origin import Origin, Sender, on_record, origin, placed
from services.fhir.placing import fitting, moved
from services.fhir.values import Element, moment, part, refused
from services.ingest.accept import refusal

_LONGEST: Final = 96
"""Characters of an id that those derived from it begin with."""

CaseEventT = TypeVar("CaseEventT", bound=CaseEvent)


def made(
    model: type[CaseEventT],
    content: Mapping[str, Any],
    whence: Origin,
    at: tuple[datetime, str],
    context: Context,
    recorded: datetime | None = None,
) -> CaseEventT:
    """The event, accepted. ``at`` is its time and the pointer to where the resource tells it. Raises Refused."""
    places = {**whence.places, "/time": at[1]}
    try:
        payload = fitting(_data(model), content, "/data")
        envelope = {
            "source": whence.key.source,
            "id": whence.key.id,
            "time": at[0],
            "recordedtime": recorded,
            "rsnclinic": whence.clinic,
            "subject": f"case/{whence.case}",
            "data": payload,
        }
        event = fitting(model, envelope)
        found = refusal(event, context.catalogue, context.credential, context.now)  # type: ignore[arg-type]  # every CaseEvent there is belongs to AnyEvent
        if found is not None:
            raise Refused(found)
    except Refused as error:
        raise Refused(moved(error.problem, places)) from None
    return event


def retracted(sender: Sender, context: Context, *names: str) -> tuple[AnyCaseEvent, ...]:
    """What takes back the event of a resource that was entered in error, and those derived from it as ``names``."""
    whence = placed(origin(sender, context), context)
    keys = [whence.key]
    keys += [key for name in names if on_record(key := derived(whence.key, name, "", context), context) is not None]
    return tuple(_retraction(key, sender, whence, context) for key in keys)


def _retraction(target: EventKey, sender: Sender, whence: Origin, context: Context) -> AnyCaseEvent:
    whence = whence._replace(key=derived(target, "retracted", "", context))
    at = version(sender.resource) or (context.now, "")
    return unless_said(
        made(EventRetracted, {"target": target, "reason": "entered_in_error"}, whence, at, context), context
    )


def unless_said(event: CaseEventT, context: Context) -> CaseEventT:
    """``event``; or what says the same already, where they differ in when it was told of alone."""
    before = on_record(event.key, context)
    if isinstance(before, type(event)):
        again = before.model_copy(update={"time": event.time, "recordedtime": event.recordedtime})
        return before if again == event else event
    return event


def derived(key: EventKey, name: str, content: str, context: Context) -> EventKey:
    """The key of a further event of the resource that ``key`` names: the same for the same ``content``.

    It holds a keyed hash, as a score could be found from an unkeyed one by trying.
    """
    digest = context.pseudonym("Observation", f"{key.source}|{key.id}|{name}|{content}").partition("_")[2][:16]
    return EventKey(source=key.source, id=f"{key.id[:_LONGEST]}.{name}.{digest}")


def charted(resource: Element, *, amended: bool) -> datetime | None:
    """When it was written down. A version's own date counts for what was ``amended`` only, as it changes by itself."""
    found = version(resource) if amended or resource.get("issued") is not None else None
    return None if found is None else found[0]


def following(first: AnyCaseEvent, resource: Element, context: Context) -> EventKey | None:
    """The key of what corrects ``first``, an amended resource's event, where another one is on record; else None.

    Which of several corrections holds is told by when each was written, so a resource that does not say it is refused.
    """
    before = on_record(first.key, context)
    if before is None or before == first:
        return None
    if version(resource) is None:
        raise refused(
            "/meta/lastUpdated" if resource["resourceType"] == "QuestionnaireResponse" else "/issued", "missing"
        )
    return derived(first.key, "corrected", canonical(first).decode(), context)


def version(resource: Element) -> tuple[datetime, str] | None:
    """When this version of ``resource`` was written, and where it says so; None where it does not."""
    issued = moment(resource, "issued")
    if issued is not None:
        return issued.at, "/issued"
    updated = moment(part(resource, "meta"), "lastUpdated", "/meta")
    return None if updated is None else (updated.at, "/meta/lastUpdated")


@cache
def _data(model: type[CaseEvent]) -> type[Closed]:
    found: type[Closed] = model.model_fields["data"].annotation  # type: ignore[assignment]
    return found
