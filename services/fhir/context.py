"""What a resource is translated with, and what comes of it: the words that the FHIR door and its translators share."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, NamedTuple, TypeAlias

from contracts.data import EventKey
from contracts.events import AnyCaseEvent
from contracts.fhir import Codes
from contracts.instruments import Instrument
from services.access.credential import Credential

Kind: TypeAlias = Literal["Patient", "Practitioner", "EpisodeOfCare", "Encounter", "Organization", "Observation"]
"""The kinds of things that events refer to, by the type of the resource that stands for them."""

Reason: TypeAlias = Literal["status", "panel", "item", "other_scale", "context"]
"""Why a resource is rightly not stored: it is not final, belongs to what is not kept, or is there for others' sake."""


class Translated(NamedTuple):
    """The events that a resource tells of, in their order: seldom more than one, never none.

    ``name`` is the id of what the first is about, under which other resources can refer to it (``ca-8d2fQ4`` for an
    EpisodeOfCare, ``se-551`` for an Encounter and an Appointment); None where nothing refers to it.
    """

    events: tuple[AnyCaseEvent, ...]
    name: str | None = None


class Discarded(NamedTuple):
    """Understood, and not to be stored."""

    reason: Reason


@dataclass(frozen=True, slots=True)
class Context:
    """Who sends a resource, when, and what is known already.

    ``case_of`` gives the case of a client at an instant, told the client's reference, that of the encounter (or None)
    and the instant; None where no case is known: then it is the client's own case, derived from the reference.
    ``stored`` gives the event that the log holds under a key. ``therapist_of`` gives the primary therapist of a case
    as far as the views know it. ``identifier`` is what ``If-None-Exist`` names, or None.
    """

    credential: Credential
    now: datetime
    catalogue: Mapping[tuple[str, str], Instrument]
    codes: Codes
    pseudonym: Callable[[Kind, str], str]
    """services.fhir.references.Pseudonyms of the network."""
    case_of: Callable[[str, str | None, datetime], str | None]
    stored: Callable[[EventKey], AnyCaseEvent | None]
    therapist_of: Callable[[str], str | None]
    identifier: EventKey | None = None
