"""A therapist's summary: outcome and alliance beside the network's, with n, shrunken means and intervals.

A mean over few cases is mostly chance, so each is drawn towards the network's mean by its reliability
(empirical Bayes: w = n·τ² / (n·τ² + σ²), posterior SD = τ·√(1 − w)); τ² and σ² come from a one-way analysis of
variance with unequal group sizes (Searle, Casella & McCulloch 1992, Variance Components, section 3.6).
Outcome is the last score against the one that the first score lets expect in this network (ordinary least squares),
positive is better. Only closed cases count. No ranks: a summary speaks about one therapist.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import sqrt
from statistics import fmean, linear_regression
from typing import Final, Literal, NamedTuple, TypeAlias

from contracts.instruments import Instrument
from contracts.policies import TherapistSummary as Rules

Z80: Final = 1.2816
Z95: Final = 1.9600
Measure: TypeAlias = Literal["outcome", "alliance"]
Standing: TypeAlias = Literal["not_enough_data", "early", "settled"]


class CaseOutcome(NamedTuple):
    """One case's numbers on one instrument, in its points."""

    therapist_ref: str
    is_open: bool
    instrument: str
    version: str
    scores: int
    first: float
    last: float
    mean: float


@dataclass(frozen=True, slots=True)
class Figure:
    """One number about one therapist on one instrument, in its points, as a difference from the network's mean.

    ``difference`` is the shrunken estimate and the intervals are its 80 % and 95 % ones; all are ``None`` while
    ``standing`` is ``not_enough_data``. ``distinguishable``: the 95 % interval leaves out the network's mean.
    """

    instrument: str
    version: str
    measure: Measure
    closed_cases: int
    standing: Standing
    difference: float | None = None
    interval80: tuple[float, float] | None = None
    interval95: tuple[float, float] | None = None
    reliability: float | None = None
    distinguishable: bool | None = None


class Components(NamedTuple):
    """Variance between therapists (``between``) and between the cases of one (``within``)."""

    between: float
    within: float


def figures(
    rows: Sequence[CaseOutcome], therapist_ref: str, rules: Rules, catalogue: Mapping[tuple[str, str], Instrument]
) -> tuple[Figure, ...]:
    """The therapist's figures, one per instrument that the therapist's cases were measured with."""
    grouped: dict[tuple[str, str], list[CaseOutcome]] = defaultdict(list)
    for row in rows:
        grouped[row.instrument, row.version].append(row)
    return tuple(
        _figure(catalogue[kind], cases, therapist_ref, rules)
        for kind, cases in sorted(grouped.items())
        if any(case.therapist_ref == therapist_ref for case in cases)
    )


def _figure(instrument: Instrument, cases: Sequence[CaseOutcome], therapist_ref: str, rules: Rules) -> Figure:
    closed = [case for case in cases if not case.is_open and (case.scores > 1 or instrument.construct == "alliance")]
    groups: dict[str, list[float]] = defaultdict(list)
    for case, value in zip(closed, _values(instrument, closed), strict=True):
        groups[case.therapist_ref].append(value)
    own = groups.get(therapist_ref, [])
    found = Figure(instrument.key, instrument.version, instrument.construct, len(own), "not_enough_data")
    parts = components(list(groups.values()))
    if len(own) < rules.floor or parts is None:
        return found
    reliability, estimate, spread = shrink(own, parts)
    low, high = estimate - Z95 * spread, estimate + Z95 * spread
    return Figure(
        instrument.key,
        instrument.version,
        instrument.construct,
        len(own),
        "early" if len(own) < rules.early_below else "settled",
        difference=round(estimate, 2),
        interval80=(round(estimate - Z80 * spread, 2), round(estimate + Z80 * spread, 2)),
        interval95=(round(low, 2), round(high, 2)),
        reliability=round(reliability, 2),
        distinguishable=low > 0 or high < 0,
    )


def _values(instrument: Instrument, cases: Sequence[CaseOutcome]) -> list[float]:
    """For each case how it differs from what the network lets expect; zero on average."""
    if not cases:
        return []
    if instrument.construct == "alliance":
        mean = fmean(case.mean for case in cases)
        return [instrument.sign * (case.mean - mean) for case in cases]
    firsts, lasts = [case.first for case in cases], [case.last for case in cases]
    if len(set(firsts)) < 2:
        mean = fmean(lasts)
        return [instrument.sign * (last - mean) for last in lasts]
    slope, intercept = linear_regression(firsts, lasts)
    return [instrument.sign * (case.last - intercept - slope * case.first) for case in cases]


def components(groups: Sequence[Sequence[float]]) -> Components | None:
    """The variance components of one-way groups; ``None`` with fewer than two groups or no spread inside any."""
    total = sum(len(group) for group in groups)
    if len(groups) < 2 or total <= len(groups):
        return None
    grand = sum(sum(group) for group in groups) / total
    means = [fmean(group) for group in groups]
    inside = sum((value - mean) ** 2 for group, mean in zip(groups, means, strict=True) for value in group)
    outside = sum(len(group) * (mean - grand) ** 2 for group, mean in zip(groups, means, strict=True))
    within = inside / (total - len(groups))
    size = (total - sum(len(group) ** 2 for group in groups) / total) / (len(groups) - 1)
    between = max(0.0, (outside / (len(groups) - 1) - within) / size)
    return Components(between, within) if within > 0 else None


def shrink(values: Sequence[float], parts: Components) -> tuple[float, float, float]:
    """(reliability, estimate, posterior SD) of one therapist's mean difference from the network's mean of zero."""
    n = len(values)
    reliability = n * parts.between / (n * parts.between + parts.within)
    return reliability, reliability * fmean(values), sqrt(parts.between * (1 - reliability))
