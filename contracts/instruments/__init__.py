"""The instruments: what a score of each means, read from the TOML files beside this module.

A file describes one instrument; what a ``[[versions]]`` table states (age band, form) replaces what the file states.
Every number stands beside its source, as ``{ value = …, source = "…" }``. A number that nobody has established is the
word ``unknown``; leaving it out is refused, so that a gap is always a statement. No wording of any item is kept.
"""

import tomllib
from collections.abc import Mapping
from functools import cache, cached_property
from importlib.resources import files
from types import MappingProxyType
from typing import Annotated, Any, Final, Literal

from pydantic import ConfigDict, Field, StringConstraints
from pydantic.dataclasses import dataclass

from contracts.data import Closed, Code, Respondent

Said = Annotated[str, StringConstraints(pattern=r"\S")]
_listed: Final = Field(strict=False)  # TOML knows lists, no tuples

_NUMBERS: Final = {
    "cutoff": {"outcome", "alliance"},
    "reliable_change": {"outcome", "alliance"},
    "high_start": {"outcome"},
    "item_concern": {"alliance"},
}
"""The numbers that instruments of these constructs have to state."""
Theme = Literal["relationship", "goals", "approach"]
"""What the parts of an alliance measure ask about: Bordin's bond, goals and tasks, as the SRS names them."""


class Scale(Closed):
    """The closed range of a score in points; ``step`` is the smallest difference, None where any value can come up.

    ``about`` is what a part of an alliance measure asks about; None for the whole, and on other measures.
    """

    name: Code
    minimum: float
    maximum: float
    step: float | None = None
    about: Theme | None = None

    @property
    def width(self) -> float:
        """From the lowest to the highest score."""
        return self.maximum - self.minimum

    @cached_property
    def points(self) -> frozenset[float]:
        """Every score that there is, as a decimal fraction is read; none where any value can come up."""
        if self.step is None:
            return frozenset()
        steps = range(round(self.width / self.step) + 1)
        return frozenset(round(self.minimum + step * self.step, 6) for step in steps)


class Cutoff(Closed):
    """Where the functional range begins, on which side of ``value`` it lies, and whether ``value`` belongs to it."""

    value: float
    functional: Literal["at_or_above", "above", "at_or_below", "below"]
    source: Said


class Sample(Closed):
    """The mean and the standard deviation of a group's totals, in points."""

    mean: float
    deviation: Annotated[float, Field(gt=0)]
    source: Said


# A dataclass, because a pydantic model already has a method named construct.
@dataclass(frozen=True, kw_only=True, config=ConfigDict(strict=True, extra="forbid", allow_inf_nan=False))
class Instrument:
    """One version of an instrument. Numbers are points; None means unknown.

    ``items`` are the scales that sum to the total: all of them are sent, or none. ``subscales`` may come besides it.
    ``reliable_change`` was computed at ``reliable_change_confidence``: 0.95 (Jacobson & Truax's 1.96) where its source
    names none, None where it is a rule of thumb. ``reliability`` (0 to 1) and the two samples, of clients and of people
    who are well, are what else Jacobson & Truax compute with.
    A first score beyond ``high_start``, in the direction of better, has no expected course. An alliance item below
    ``item_concern`` prompts a check-in.
    """

    key: Code
    version: Code
    name: Said
    construct: Literal["outcome", "alliance"]
    higher_is_better: bool
    respondents: Annotated[tuple[Respondent, ...], _listed]
    total: Scale
    items: Annotated[tuple[Scale, ...], _listed] = ()
    subscales: Annotated[tuple[Scale, ...], _listed] = ()
    scales_source: Said
    cutoff: Cutoff | None
    reliable_change: float | None
    reliable_change_source: Said | None = None
    reliable_change_confidence: Annotated[float, Field(gt=0, lt=1)] | None = 0.95
    reliability: Annotated[float, Field(gt=0, lt=1)] | None = None
    reliability_source: Said | None = None
    clinical_sample: Sample | None = None
    functional_sample: Sample | None = None
    high_start: float | None = None
    high_start_source: Said | None = None
    item_concern: float | None = None
    item_concern_source: Said | None = None
    licence: Said
    notes: Annotated[tuple[Said, ...], _listed] = ()

    @property
    def sign(self) -> Literal[1, -1]:
        """What a difference is multiplied with so that positive means better."""
        return 1 if self.higher_is_better else -1

    @cached_property
    def scales(self) -> Mapping[str, Scale]:
        """Every scale by its name."""
        return {scale.name: scale for scale in (self.total, *self.parts)}

    @property
    def parts(self) -> tuple[Scale, ...]:
        """The scales beside the total."""
        return self.items + self.subscales

    def functional(self, value: float) -> bool | None:
        """Whether a total of ``value`` lies in the functional range; None where the cutoff is unknown."""
        if self.cutoff is None:
            return None
        match self.cutoff.functional:
            case "at_or_above":
                return value >= self.cutoff.value
            case "above":
                return value > self.cutoff.value
            case "at_or_below":
                return value <= self.cutoff.value
            case "below":
                return value < self.cutoff.value


@cache
def catalogue() -> Mapping[tuple[str, str], Instrument]:
    """Every instrument by its key and version. Raises as ``read``, and ValueError where two say the same."""
    found: dict[tuple[str, str], Instrument] = {}
    for file in sorted(files(__name__).iterdir(), key=lambda file: file.name):
        if file.name.endswith(".toml"):
            for instrument in read(file.read_text("utf-8")):
                if (instrument.key, instrument.version) in found:
                    raise ValueError(f"{instrument.key} {instrument.version} is described twice")
                found[instrument.key, instrument.version] = instrument
    return MappingProxyType(found)


def read(text: str) -> list[Instrument]:
    """The versions that TOML ``text`` describes. Raises ValueError where one is wrong, KeyError where there is none."""
    document = tomllib.loads(text)
    versions = document.pop("versions")
    return [_instrument(document | version) for version in versions]


def _instrument(table: dict[str, Any]) -> Instrument:
    bare = dict(table)
    for name, constructs in _NUMBERS.items():
        if name in table or table.get("construct") in constructs:
            bare |= _split(name, table.get(name))
    if "reliability" in table:
        bare |= _split("reliability", table["reliability"])
    return Instrument(**bare)


def _split(name: str, entry: object) -> dict[str, object]:
    match entry:
        case "unknown":
            return {name: None}
        case dict() if name == "cutoff":
            return {name: entry}
        case {"value": value, "source": source, "confidence": confidence, **rest} if (
            name == "reliable_change" and not rest
        ):
            known = None if confidence == "unknown" else confidence
            return {name: value, f"{name}_source": source, f"{name}_confidence": known}
        case {"value": value, "source": source, **rest} if not rest:
            return {name: value, f"{name}_source": source}
        case _:
            raise ValueError(f"{name} needs a value and its source, or the word unknown")
