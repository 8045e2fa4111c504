"""The clinics of a made-up network, each with its own habits of measuring, and the therapists who work there."""

from dataclasses import dataclass
from random import Random
from string import ascii_letters, digits
from typing import Final, Literal
from zoneinfo import ZoneInfo

from services.simulation.latent import Effects, draw_caseload, draw_effects
from services.simulation.spec import Spec

_ALPHABET: Final = ascii_letters + digits
_ZONES: Final = ("Europe/Copenhagen", "Europe/Berlin", "Europe/London")
_MODES: Final[tuple[Literal["tablet", "web", "paper"], ...]] = ("tablet", "web", "paper")
# Plants and birds: nobody's name, and told apart at a glance.
_FIRST: Final = ("Alder", "Aspen", "Bryony", "Clover", "Fern", "Hazel", "Heather", "Juniper", "Linden", "Rowan")
_LAST: Final = ("Bunting", "Dunlin", "Finch", "Lapwing", "Curlew", "Kestrel", "Plover", "Siskin", "Teal", "Wren")


@dataclass(frozen=True, slots=True)
class Clinic:
    ref: str
    zone: ZoneInfo
    mode: Literal["tablet", "web", "paper"]
    items: bool
    """Whether items are posted; if not, totals only."""
    phq9: bool
    """Whether the PHQ-9 is filled in too, every fourth session."""
    missed: float
    """Share of appointments that come to nothing."""
    unmeasured: float
    """Share of sessions without a given measure."""


@dataclass(frozen=True, slots=True)
class Therapist:
    ref: str
    name: str
    """Made up; unique in the network. In no event."""
    clinic: Clinic
    supervisor: str | None
    """Reference of the colleague who supervises them; the first of each clinic supervises the others."""
    effects: Effects
    caseload: int
    """How many clients they see next to the others, not how many they get."""
    habit: float
    """Chance that they renegotiate the task at a session of poor gain."""


def draw_ref(rng: Random, prefix: str) -> str:
    """An opaque reference: ``prefix``, an underscore, and twelve letters and digits that mean nothing."""
    return f"{prefix}_{''.join(rng.choices(_ALPHABET, k=12))}"


def draw_clinics(spec: Spec) -> list[Clinic]:
    rng = spec.stream("clinics")
    return [
        Clinic(
            ref=draw_ref(rng, "cl"),
            zone=ZoneInfo(_ZONES[number % len(_ZONES)]),
            mode=_MODES[number % len(_MODES)],
            items=number % 3 != 1,
            phq9=number == 0,
            missed=rng.uniform(0.2, 0.3),
            unmeasured=rng.uniform(0.04, 0.2),
        )
        for number in range(spec.clinics)
    ]


def draw_therapists(spec: Spec, clinics: list[Clinic]) -> list[Therapist]:
    """Dealt out to the clinics in turn. About half renegotiate often, the others rarely, whatever their effects."""
    rng = spec.stream("therapists")
    therapists: list[Therapist] = []
    for number in range(spec.therapists):
        place = number % len(clinics)
        therapists.append(
            Therapist(
                ref=draw_ref(rng, "th"),
                name=_name(number),
                clinic=clinics[place],
                supervisor=therapists[place].ref if number >= len(clinics) else None,
                effects=draw_effects(rng),
                caseload=draw_caseload(rng),
                habit=0.3 if rng.random() < 0.5 else 0.03,
            )
        )
    return therapists


def _name(number: int) -> str:
    first, last = _FIRST[number % 10], _LAST[(number + number // 10) % 10]
    return f"{first} {last}" + (f" {number // 100 + 1}" if number >= 100 else "")
