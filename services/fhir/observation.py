"""Observation -> measure.recorded, or preference.recorded: by its codes alone, never by a display or a text.

Kept are the total of an instrument and those of its parts that are scales of its own; items, panels and what is
not final are not stored. What was amended becomes a correction, what was entered in error a retraction.
"""

from collections.abc import Iterator
from datetime import datetime
from typing import Final

from contracts.events import PreferenceRecorded
from contracts.fhir import Dropped, Meaning, Scored, Wish
from services.fhir.context import Context, Discarded, Translated
from services.fhir.making import charted, following, made, retracted
from services.fhir.measure import Scores, recorded
from services.fhir.origin import Sender, client_of, origin, session_of
from services.fhir.values import Element, Moment, codings, moment, part, parts, refused, score, text

_NOT_FINAL: Final = frozenset({"registered", "preliminary", "cancelled", "unknown"})
_TIMES: Final = (
    ("", "effectiveDateTime"),
    ("", "effectiveInstant"),
    ("effectivePeriod", "end"),
    ("effectivePeriod", "start"),
)


def translate(resource: Element, context: Context) -> Translated | Discarded:
    """The event that an Observation tells of. Raises Refused."""
    if resource["status"] in _NOT_FINAL:
        return Discarded("status")
    meaning = _meaning(resource, context)
    if isinstance(meaning, Dropped):
        return Discarded(meaning.reason)
    if isinstance(meaning, Scored) and _instrument_total(meaning, context) != meaning.scale:
        return Discarded("item")  # a part says nothing without the whole
    when, place = _effective(resource, context)
    sender = Sender(
        resource,
        "/subject",
        when.at,
        client_of(resource, "subject", context),
        session_of(resource.get("encounter"), context),
        organizations=[(f"/performer/{index}", one) for index, one in parts(resource, "performer")],
    )
    if resource["status"] == "entered-in-error":
        return Translated(retracted(sender, context))
    amended = resource["status"] in {"amended", "corrected"}
    if isinstance(meaning, Wish):
        return Translated((_wish(meaning, sender, (when.at, place), context, amended=amended),))
    scores = Scores(meaning.instrument, meaning.version, list(_scores(resource, meaning, context)))
    return Translated((recorded(scores, sender, (when, place), context, amended=amended),))


def _meaning(resource: Element, context: Context) -> Meaning:
    """What the codes say; what is known to be dropped outweighs all else."""
    found = {context.codes.meanings.get(coding): None for coding in codings(part(resource, "code"))}
    known = [meaning for meaning in found if meaning is not None]
    dropped = [meaning for meaning in known if isinstance(meaning, Dropped)]
    if dropped:
        return dropped[0]
    if not known and resource.get("hasMember"):
        return Dropped("panel")
    if not known:
        raise refused("/code", "unknown_code" if found else "missing", "unknown-instrument")
    if len(known) > 1:
        raise refused("/code", "ambiguous")
    return known[0]


def _instrument_total(meaning: Scored, context: Context) -> str:
    return context.catalogue[meaning.instrument, meaning.version].total.name


def _effective(resource: Element, context: Context) -> tuple[Moment, str]:
    for outer, name in _TIMES:
        place = f"/{outer}" if outer else ""
        found = moment(part(resource, outer) if outer else resource, name, place)
        if found is not None:
            return found, f"{place}/{name}"
    if resource["status"] == "entered-in-error":
        return Moment(context.now, None), ""
    raise refused("/effectiveDateTime", "missing")


def _scores(resource: Element, meaning: Scored, context: Context) -> Iterator[tuple[str, float, str]]:
    """The total, and what else of the same instrument its components hold; whatever is no scale of it is dropped."""
    total = score(resource, "")
    if total is None:
        raise refused("", "value_missing")
    yield meaning.scale, *total
    for index, component in parts(resource, "component"):
        for coding in codings(part(component, "code")):
            one = context.codes.meanings.get(coding)
            if isinstance(one, Scored) and one[:2] == meaning[:2]:
                value = score(component, f"/component/{index}")
                if value is not None:
                    yield one.scale, *value
                break


def _wish(
    meaning: Wish, sender: Sender, at: tuple[datetime, str], context: Context, *, amended: bool
) -> PreferenceRecorded:
    """An entry; one that was amended is a further entry, which supersedes it as any later one does."""
    statement = text(sender.resource, "valueString")
    if statement is None:
        raise refused("", "value_missing")
    whence = origin(sender, context)
    whence = whence._replace(places={**whence.places, "/data/statement": "/valueString"})
    content = {**meaning.model_dump(exclude={"code"}), "statement": statement}
    written = charted(sender.resource, amended=amended)
    first = made(PreferenceRecorded, content, whence, at, context, written)
    key = following(first, sender.resource, context) if amended else None
    return first if key is None else made(PreferenceRecorded, content, whence._replace(key=key), at, context, written)
