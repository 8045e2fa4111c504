"""Resources of one request, each on its way to a verdict: events, already there, rightly not stored, or refused.

In a bundle others are referred to by what stands for them there, ``urn:uuid:…``. Such a reference is exchanged for one
that is the same whenever the bundle is sent again: to the case or session that the entry tells of, or to the entry's
identifier.
"""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any, Final, NamedTuple, TypeAlias

from pydantic import ValidationError

from contracts.data import EventKey
from contracts.events import AnyCaseEvent, CaseEvent
from contracts.fhir import Codes
from contracts.instruments import Instrument
from services.access.credential import Credential
from services.access.problems import Fault, Problem, Refused, problem
from services.fhir.context import Context, Discarded, Translated
from services.fhir.found import kinds_of
from services.fhir.known import Known
from services.fhir.references import Pseudonyms, name_of
from services.fhir.render import id_at
from services.fhir.translate import TOLERATED, translate

Element: TypeAlias = Mapping[str, Any]
References: TypeAlias = Mapping[str, Element]
"""What stands for an entry -> the Reference to put in its place."""

_FIRST: Final = ("EpisodeOfCare", "Encounter", "Appointment")
"""What others refer to is translated before them, in this order."""


class Entry(NamedTuple):
    """A resource that is to be created. ``place`` is its FHIRPath, ``name`` what stands for it in its bundle."""

    resource: Element
    kind: str
    place: str
    identifier: EventKey | None = None
    """What ``If-None-Exist`` names."""
    name: str | None = None
    keeps_id: bool = False
    """Whether its id is the one that it has in the sender's system (PUT) and not one that is to be given (POST)."""


class Existing(NamedTuple):
    """``If-None-Exist`` found it."""

    event: AnyCaseEvent
    position: int


Verdict: TypeAlias = Translated | Discarded | Existing | Problem


@dataclass(frozen=True, slots=True)
class Desk:
    """What resources of one request are looked at with."""

    credential: Credential
    catalogue: Mapping[tuple[str, str], Instrument]
    codes: Codes
    pseudonyms: Pseudonyms

    def verdicts(self, entries: Sequence[Entry], known: Known, now: datetime) -> list[Verdict]:
        """A verdict for each entry, in order. Raises Behind."""
        known.look_up({key for entry in entries if (key := self._identity(entry)) is not None})
        references: dict[str, Element] = {}
        found: dict[int, Verdict] = {}
        for index in sorted(range(len(entries)), key=lambda index: _rank(entries[index].kind)):
            entry = entries[index]
            found[index] = verdict = self._verdict(entry, references, known, now)
            known.learn(_events(verdict))
            if entry.name is not None and (entry.kind in TOLERATED or entry.kind in _FIRST):
                reference = _reference(entry, verdict)
                references |= {entry.name: reference} if reference is not None else {}
        return [found[index] for index in range(len(entries))]

    def _identity(self, entry: Entry) -> EventKey | None:
        """The one that translating it will ask the log for, as far as that can be told."""
        if entry.identifier is not None or entry.kind in TOLERATED:
            return entry.identifier
        listed = entry.resource.get("identifier")
        for one in listed if isinstance(listed, list) else [listed]:
            if isinstance(one, dict):
                with suppress(ValidationError):
                    key = EventKey.model_validate({"source": one.get("system"), "id": one.get("value")})
                    if self.credential.speaks_for_source(key.source):
                        return key
        return None

    def _verdict(self, entry: Entry, references: References, known: Known, now: datetime) -> Verdict:
        if entry.kind in TOLERATED:
            return Discarded("context")
        try:
            self.credential.require_create(entry.kind)
            there = known.visible(entry.identifier) if entry.identifier is not None else None
            if there is not None and isinstance(there.event, CaseEvent):
                of_its_type = entry.kind in kinds_of(there.event)
                return Existing(there.event, there.position) if of_its_type else conflict()
            context = Context(
                credential=self.credential,
                now=now,
                catalogue=self.catalogue,
                codes=self.codes,
                pseudonym=self.pseudonyms,
                case_of=known.case_of,
                stored=known.stored,
                therapist_of=partial(known.therapist_of, now=now),
                identifier=entry.identifier,
            )
            return translate(resolved(entry.resource, references), context)
        except Refused as refused:
            return refused.problem


def conflict() -> Problem:
    return problem("event-id-conflict", Fault("/identifier", "conflict"))


def _rank(kind: str) -> int:
    if kind in TOLERATED:
        return 0
    return 1 + (_FIRST.index(kind) if kind in _FIRST else len(_FIRST))


def _events(verdict: Verdict) -> Sequence[AnyCaseEvent]:
    """What an entry tells of, or told of when it was stored."""
    if isinstance(verdict, Translated):
        return verdict.events
    return [verdict.event] if isinstance(verdict, Existing) else []


def _reference(entry: Entry, verdict: Verdict) -> Element | None:
    """A Reference to ``entry`` that is the same whenever it is sent, if anything else can refer to it."""
    if isinstance(verdict, Translated):
        return None if verdict.name is None else {"reference": f"{entry.kind}/{verdict.name}"}
    if isinstance(verdict, Existing):
        return {"reference": f"{entry.kind}/{id_at(verdict.position, verdict.event, entry.kind)}"}
    if entry.kind in TOLERATED and not entry.keeps_id:
        return name_of({**entry.resource, "id": None}) or name_of(entry.resource)
    return name_of(entry.resource)  # were it accepted, it would be known by that


def resolved(resource: Element, references: References) -> Element:
    """``resource`` with every reference exchanged that ``references`` knows."""
    found: Element = _resolved(resource, references) if references else resource
    return found


def _resolved(element: Any, references: References) -> Any:
    if isinstance(element, list):
        return [_resolved(one, references) for one in element]
    if not isinstance(element, dict):
        return element
    name = element.get("reference")
    if isinstance(name, str):
        return references.get(name, element)
    return {key: _resolved(value, references) for key, value in element.items()}
