"""Fits norm sets: for each kind of series a growth model, and curves of gain by intake band over the sessions.

A band speaks of those still attending at a session, as they are the ones it is held against; those who stay long
change more slowly (Baldwin 2009), so it says nothing about everybody who began. The growth model uses every score of
everybody, see services/figures/growing.py.

A cell is an intake band at a session. Its quantiles are drawn towards what the growth model lets expect there, with
weight n / (n + shrinkage) for its own. The model is moved first by the mean departure of each band and of each session:
it knows neither who stays nor the edges of the scale, and is off on held-out cases as it stands. Then each curve is
smoothed (services/figures/smoothing.py), and where two would cross their values are exchanged.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from hashlib import blake2b
from itertools import pairwise
from math import floor, inf, log
from typing import Final, NamedTuple

import numpy as np

from contracts.policies import Norms as Rules
from services.figures.growing import Array, Gains, expected, grow
from services.figures.smoothing import one_turn
from services.projections.change import smoothed_gains
from services.projections.course import Series
from services.projections.growth import Growth
from services.projections.norms import Band, NormSet, kind

SHARES: Final = (0.1, 0.25, 0.5, 0.75)
"""Of cases that lie below each of the four curves."""
_SWEEPS: Final = 10


class Reached(NamedTuple):
    """What a case had reached at a session: the smoothed gain of its last score there. A case counts once in a cell."""

    session: int
    gain: float
    log: float
    """Mean of ln(session) of the two scores that it is smoothed over."""
    second: bool


def fit(series: Iterable[Series], rules: Rules, effective_from: datetime) -> NormSet:
    """The norm set of ``series`` (of one case and kind at most one; those with fewer than two scores are left out)."""
    kinds: dict[str, list[Series]] = defaultdict(list)
    for one in series:
        if len(one.points) > 1:
            kinds[kind(one)].append(one)
    growth = {name: found for name, cases in sorted(kinds.items()) if (found := grow(cases, rules.smallest_model))}
    bands = {name: _bands(cases, growth.get(name), rules) for name, cases in sorted(kinds.items())}
    digest = blake2b(repr((effective_from.isoformat(), bands, growth)).encode(), digest_size=6).hexdigest()
    return NormSet(digest, effective_from, rules.last_session, bands, growth)


def reached(series: Series, last_session: int) -> list[Reached]:
    """The gains of a series by session, from its second score on; later sessions count as ``last_session``."""
    cells: dict[int, Reached] = {}
    gains = smoothed_gains(series.values, series.instrument.sign)
    for place, (before, point) in enumerate(pairwise(series.points), 1):
        session = min(point.session, last_session)
        logs = (log(before.session) + log(point.session)) / 2
        cells[session] = Reached(session, gains[place], logs, place == 1)
    return list(cells.values())


def _bands(series: Sequence[Series], growth: Growth | None, rules: Rules) -> tuple[Band, ...]:
    edges = _edges([one.values[0] for one in series], rules)
    found = []
    for place, cells in _by_band(series, edges, rules).items():
        below = edges[place + 1] if place + 1 < len(edges) else inf
        found.append((edges[place], below, cells))
    if not found:
        return ()
    smooth = _quantiles([cells for _, _, cells in found], growth, rules)
    return tuple(
        Band(start, below, session, len(cells[session].gains), *(round(float(one), 2) for one in curves[session]))
        for (start, below, cells), curves in zip(found, smooth, strict=True)
        for session in curves
    )


def _edges(intakes: Sequence[float], rules: Rules) -> list[float]:
    """Where each intake band starts: steps from the lowest up, joined until they hold enough cases; a rest joins the
    last. None where there are not enough for one.
    """
    steps: dict[int, int] = defaultdict(int)
    for intake in intakes:
        steps[floor(intake / rules.band_width)] += 1
    edges, waiting = [-inf], 0
    for step in sorted(steps):
        waiting += steps[step]
        if waiting >= rules.smallest_band:
            edges.append((step + 1) * rules.band_width)
            waiting = 0
    return edges[:-1]


def _by_band(series: Sequence[Series], edges: Sequence[float], rules: Rules) -> Mapping[int, Mapping[int, Gains]]:
    """The cells that are large enough, by the place of their band and by session; bands without any are left out."""
    entries: dict[int, dict[int, list[tuple[float, float, float, bool, float]]]] = defaultdict(
        lambda: defaultdict(list)
    )
    for one in series:
        place = int(np.searchsorted(edges, one.values[0], side="right")) - 1
        first, start = one.instrument.sign * one.values[0], log(one.points[0].session)
        for at in reached(one, rules.last_session):
            entries[place][at.session].append((first, start, at.log, at.second, at.gain))
    large = {
        place: {
            session: Gains(*(np.array(column) for column in zip(*rows, strict=True)))
            for session, rows in sorted(cells.items())
            if len(rows) >= rules.smallest_cell
        }
        for place, cells in sorted(entries.items())
        if place >= 0
    }
    return {place: cells for place, cells in large.items() if cells}


def _quantiles(bands: Sequence[Mapping[int, Gains]], growth: Growth | None, rules: Rules) -> list[dict[int, Array]]:
    """For each band the four quantiles by session: drawn towards the model, smoothed over the sessions, and sorted."""
    places = [(band, session) for band, cells in enumerate(bands) for session in cells]
    weights = np.array([len(bands[band][session].gains) for band, session in places], dtype=float)
    # The k-th of n values is taken for the quantile k / (n + 1): so many of further cases lie below it on average.
    own = np.array([np.quantile(bands[band][session].gains, SHARES, method="weibull") for band, session in places])
    if growth is not None:
        model = np.array([expected(growth, bands[band][session], SHARES) for band, session in places])
        for _ in range(_SWEEPS):  # additive in bands and sessions, fitted by turns
            for side in (0, 1):
                groups = np.array([place[side] for place in places])
                for group in set(groups.tolist()):
                    inside = groups == group
                    model[inside] += np.average(own[inside] - model[inside], axis=0, weights=weights[inside])
        share = (weights / (weights + rules.shrinkage))[:, None]
        own = share * own + (1 - share) * model
    curves: list[dict[int, Array]] = []
    for band in range(len(bands)):
        inside = np.array([place[0] == band for place in places])
        smooth = np.column_stack([one_turn(curve, weights[inside]) for curve in own[inside].T])
        curves.append(dict(zip(bands[band], np.sort(smooth, axis=1), strict=True)))
    return curves
