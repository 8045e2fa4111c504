"""Funnel limits: how far chance alone takes a group of a given size from the network, where all groups are alike.

Limits at 95 and 99.8 % around the network's mean or share (Spiegelhalter 2005, Stat Med 24:1185, doi 10.1002/sim.1970).
Where the groups as a whole scatter more than chance lets them, the limits are widened by a variance between groups,
found from z-scores whose outer tenths are pulled in, so that the few whom a funnel is to show do not hide themselves
(Spiegelhalter 2005, Qual Saf Health Care 14:347, doi 10.1136/qshc.2005.013755, additive model).
"""

from collections.abc import Sequence
from math import sqrt
from typing import Final, NamedTuple

import numpy as np
from scipy.stats import binom, norm

from services.figures.figure import Interval
from services.figures.shrinkage import Numbers

PULLED_IN: Final = 0.1
_TAILS95, _TAILS998 = (0.025, 0.975), (0.001, 0.999)


class Limits(NamedTuple):
    """Between these ends 95 % and 99.8 % of groups of this size lie by chance."""

    limits95: Interval
    limits998: Interval


def winsorised(scores: Numbers, share: float = PULLED_IN) -> Numbers:
    """``scores`` with the lowest and the highest ``share`` of them set to the quantile that they lie beyond."""
    low, high = np.quantile(scores, (share, 1 - share))
    return np.clip(scores, low, high)


def dispersion(scores: Numbers) -> float:
    """The mean square of z-scores: 1 where the groups scatter as chance lets them."""
    return float(np.mean(scores**2))


def variance_between(scores: Numbers, errors: Numbers) -> float:
    """The variance between groups, from their z-scores and the variances of their errors; 0 where chance suffices."""
    weights = 1 / errors
    left = weights.sum() - (weights**2).sum() / weights.sum()
    if left <= 0:
        return 0.0
    return max(0.0, float((len(scores) * dispersion(scores) - (len(scores) - 1)) / left))


def of_means(means: Sequence[float], sizes: Sequence[int], within: float, n: int) -> Limits:
    """The limits for the mean of ``n`` values, in a network of groups with these means, variance ``within`` each."""
    sizes_, means_ = np.array(sizes, dtype=float), np.array(means)
    centre, errors = float(sizes_ @ means_ / sizes_.sum()), within / sizes_
    between = variance_between(winsorised((means_ - centre) / np.sqrt(errors)), errors)
    spread = sqrt(within / n + between)
    return Limits(*((centre + norm.ppf(low) * spread, centre + norm.ppf(high) * spread) for low, high in _ends()))


def of_shares(counts: Sequence[tuple[int, int]], n: int) -> Limits:
    """The limits for a share of ``n``, in a network of groups with these (hits, n). Exact: even small n is binomial."""
    hits, sizes = np.array(counts, dtype=float).T
    centre = float(hits.sum() / sizes.sum())
    chance = centre * (1 - centre)
    if chance == 0:
        return Limits((centre, centre), (centre, centre))
    errors = chance / sizes
    between = variance_between(winsorised((hits / sizes - centre) / np.sqrt(errors)), errors)
    wider = sqrt(1 + between * n / chance)
    return Limits(
        *(
            (
                max(0.0, centre + wider * (exact_limit(centre, n, low) - centre)),
                min(1.0, centre + wider * (exact_limit(centre, n, high) - centre)),
            )
            for low, high in _ends()
        )
    )


def exact_limit(centre: float, n: int, below: float) -> float:
    """The share of ``n`` that has a binomial chance of ``below`` beneath it, between two counts in proportion.

    Spiegelhalter 2005 (Stat Med), appendix A.1.
    """
    count = binom.ppf(below, n, centre)
    up_to, before = binom.cdf(count, n, centre), binom.cdf(count - 1, n, centre)
    return float(np.clip((count - (up_to - below) / (up_to - before)) / n, 0, 1))


def _ends() -> tuple[Interval, Interval]:
    return _TAILS95, _TAILS998
