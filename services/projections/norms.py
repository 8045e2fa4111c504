"""Norm sets: quantiles of gain by intake and session, from the network's own cases, and never borrowed.

Below the smallest cell there is no band, and whoever asks is told so. The gain is the smoothed one of
services/projections/change.py. Cases that stay long change more slowly (Baldwin 2009): a band speaks about those
still attending at that session, not about everybody who began.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import blake2b
from math import inf
from statistics import quantiles
from typing import ClassVar

from pydantic import ConfigDict

from contracts.policies import Norms as Rules
from services.projections.change import smoothed_gains
from services.projections.course import Series


@dataclass(frozen=True, slots=True)
class Band:
    """Quantiles of gain among ``n`` cases of one intake band at one session; in points, positive is better."""

    __pydantic_config__: ClassVar = ConfigDict(ser_json_inf_nan="strings")  # the outer bands are open-ended

    intake_from: float
    intake_below: float
    session: int
    n: int
    q10: float
    q25: float
    q50: float
    q75: float


@dataclass(frozen=True, slots=True)
class NormSet:
    """Bands by instrument, version and respondent. ``version`` is a digest of the content."""

    version: str
    effective_from: datetime
    last_session: int
    bands: dict[str, tuple[Band, ...]]

    def band(self, series: Series, session: int) -> Band | None:
        """The band for the case's first score at ``session``; ``None`` where too few cases are known."""
        intake = series.values[0]
        session = min(session, self.last_session)
        for band in self.bands.get(kind(series), ()):
            if band.session == session and band.intake_from <= intake < band.intake_below:
                return band
        return None


def kind(series: Series) -> str:
    return f"{series.instrument.key}/{series.instrument.version}/{series.respondent}"


def in_force(norm_sets: Iterable[NormSet], start: datetime) -> NormSet | None:
    """The norm set that a case beginning at ``start`` keeps: the latest in force by then."""
    known = [one for one in norm_sets if one.effective_from <= start]
    return max(known, key=lambda one: one.effective_from, default=None)


def fit(series: Iterable[Series], rules: Rules, effective_from: datetime) -> NormSet:
    """The norm set of ``series`` (one per case, at least two scores each; others are left out)."""
    gains: dict[str, dict[int, list[tuple[float, float]]]] = defaultdict(lambda: defaultdict(list))
    for one in series:
        if len(one.points) < 2:
            continue
        cells: dict[int, float] = {}
        for point, gain in zip(one.points, smoothed_gains(one.values, one.instrument.sign), strict=True):
            cells[min(point.session, rules.last_session)] = gain  # a case counts once in a cell
        for session, gain in cells.items():
            gains[kind(one)][session].append((one.values[0], gain))
    bands = {
        name: tuple(band for session in sorted(cells) for band in _bands(session, cells[session], rules))
        for name, cells in sorted(gains.items())
    }
    digest = blake2b(repr((effective_from.isoformat(), bands)).encode(), digest_size=6).hexdigest()
    return NormSet(digest, effective_from, rules.last_session, bands)


def _bands(session: int, cases: Iterable[tuple[float, float]], rules: Rules) -> list[Band]:
    """Intake bands from the lowest up, each as wide as it must be to hold enough cases; a rest joins the last."""
    steps: dict[float, list[float]] = defaultdict(list)
    for intake, gain in cases:
        steps[intake // rules.band_width].append(gain)
    groups: list[tuple[float, list[float]]] = []
    waiting: list[float] = []
    for step in sorted(steps):
        waiting += steps[step]
        if len(waiting) >= rules.smallest_cell:
            groups.append(((step + 1) * rules.band_width, waiting))
            waiting = []
    if not groups:
        return []
    groups[-1] = (inf, groups[-1][1] + waiting)
    starts = [-inf, *(below for below, _ in groups)]
    return [_band(start, below, session, gains) for start, (below, gains) in zip(starts, groups, strict=False)]


def _band(intake_from: float, intake_below: float, session: int, gains: Sequence[float]) -> Band:
    cuts = quantiles(gains, n=20, method="inclusive")
    q10, q25, q50, q75 = (round(cuts[place], 2) for place in (1, 4, 9, 14))
    return Band(intake_from, intake_below, session, len(gains), q10, q25, q50, q75)
