"""Figures as plain values: what is told of a therapist beside the network, and of alliance and outcome in it."""

from dataclasses import dataclass
from typing import Literal, TypeAlias

from services.figures.survival import Waiting

Interval: TypeAlias = tuple[float, float]
Measure: TypeAlias = Literal[
    "outcome",
    "deteriorated",
    "unplanned_endings",
    "alliance",
    "early_alliance",
    "alliance_growth",
    "ruptures_repaired",
    "completeness",
]
Standing: TypeAlias = Literal["not_enough_data", "few_therapists", "all_alike", "early", "settled"]


@dataclass(frozen=True, slots=True)
class Figure:
    """One view of one therapist's closed cases.

    ``outcome`` is the last score against the one that the first score lets expect in this network, in points, positive
    is better, for cases that began in the clinical range: 0 is as expected. ``alliance`` and ``early_alliance`` are
    points, ``alliance_growth`` is points a session, ``completeness`` is the share of sessions with an outcome score;
    all of these are means over ``n`` cases. The others are shares of ``n`` cases, or ruptures. ``network`` is the
    network's mean or share. ``estimate`` is the therapist's, drawn towards it, with its intervals; ``funnel95`` and
    ``funnel998`` are where 95 and 99.8 % of therapists with ``n`` are expected. All are ``None`` unless ``standing`` is
    ``early`` or ``settled``. ``distinguishable``: the 95 % interval leaves out the network's.
    """

    measure: Measure
    instrument: str | None
    version: str | None
    n: int
    standing: Standing
    observed: float | None = None
    network: float | None = None
    estimate: float | None = None
    interval80: Interval | None = None
    interval95: Interval | None = None
    reliability: float | None = None
    distinguishable: bool | None = None
    funnel95: Interval | None = None
    funnel998: Interval | None = None


@dataclass(frozen=True, slots=True)
class Slope:
    """Points of outcome, towards better, that go with a point of alliance, and the 95 % interval."""

    value: float
    interval95: Interval


@dataclass(frozen=True, slots=True)
class Split:
    """The relation over ``cases`` of ``therapists``, on the pair of instruments that most cases have."""

    outcome: tuple[str, str]
    alliance: tuple[str, str]
    cases: int
    therapists: int
    within: Slope
    between: Slope


@dataclass(frozen=True, slots=True)
class Summary:
    """``alerts``: how many of the therapist's cases had an alert about a stall.

    ``renegotiation`` is how long it took from there to a renegotiation; ``None`` below the floor of such cases.
    """

    figures: tuple[Figure, ...]
    alerts: int
    renegotiation: Waiting | None
    alliance_and_outcome: Split | None
