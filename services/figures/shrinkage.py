"""Means of groups, drawn towards what the groups have in common, with intervals that allow for all that is estimated.

A group's mean differs from the common one by u ~ N(0, tau^2), and is seen with an error of N(0, sigma^2 / n). Given
tau, u is normal with mean w (mean - centre), where w = n tau^2 / (n tau^2 + sigma^2) is the reliability of the group's
mean, and variance tau^2 (1 - w) + w^2 Var(centre); the second part is what the plain formula leaves out. tau is not
known either, so all of this is averaged over its posterior (Gelman et al. 2013, Bayesian Data Analysis, section 5.4),
with every tau^2 as likely as any other beforehand: the prior under which intervals cover what they say (Morris & Tang
2011, doi 10.1214/10-STS343; Tak, Kelly & Morris 2017, doi 10.18637/jss.v078.i05). sigma^2, known from all values
together, is taken as given. With few groups the intervals are too wide rather than too narrow.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr

from services.figures.figure import Interval

Numbers = NDArray[np.float64]

CUTS: Final = np.array((0.025, 0.1, 0.9, 0.975))
"""What lies below the ends of the 95 % and 80 % intervals, from the lowest up."""
LEAST: Final = 1e-6
"""Nodes of less weight are left out: all of them together do not move what is printed."""
NOTHING: Final = 1e-12
"""A variance below this is what rounding leaves of none."""
_RATIOS: Final[Numbers] = np.geomspace(1e-3, 1e2, 400)
"""The nodes of tau, in units of sigma."""


@dataclass(frozen=True, slots=True)
class Estimate:
    """One group, in the units of its values. ``reliability`` (0 to 1): how much of the group's own mean is in it."""

    value: float
    interval80: Interval
    interval95: Interval
    reliability: float


@dataclass(frozen=True, slots=True, eq=False)
class Hierarchy:
    """What all groups tell together; arrays run over the nodes of tau, and ``weights`` sum to 1."""

    within: float
    """Variance inside the groups."""
    taus: Numbers
    weights: Numbers
    centres: Numbers
    centre_variances: Numbers

    @property
    def centre(self) -> float:
        """The common mean."""
        return float(self.weights @ self.centres)

    def estimate(self, n: float, mean: float) -> Estimate:
        """A group of ``n`` values around ``mean``: the common mean, plus how the group differs from it.

        The intervals are those of the difference.
        """
        between = self.taus**2
        shares = n * between / (n * between + self.within)
        means = self.centre + shares * (mean - self.centres)
        spreads = np.sqrt(between * (1 - shares) + shares**2 * self.centre_variances)
        low95, low80, high80, high95 = _quantiles(self.weights, means, spreads)
        return Estimate(float(self.weights @ means), (low80, high80), (low95, high95), float(self.weights @ shares))


def hierarchy(groups: Sequence[Sequence[float]]) -> Hierarchy | None:
    """What ``groups`` of values tell; ``None`` with fewer than two groups or no spread inside any."""
    within = pooled_variance(groups)
    if len(groups) < 2 or within is None or within < NOTHING:
        return None
    means = np.array([fmean(group) for group in groups])
    return from_errors(means, within / np.array([len(group) for group in groups]), within)


def from_errors(means: Numbers, errors: Numbers, within: float) -> Hierarchy:
    """The same from each group's mean and the variance of its error."""
    taus = _RATIOS * np.sqrt(within)
    precisions = 1 / (errors + taus[:, None] ** 2)
    centre_variances = 1 / precisions.sum(axis=1)
    centres = (precisions @ means) * centre_variances
    logarithms = (
        2 * np.log(taus)  # flat on tau^2, at nodes that stand equally far apart on the logarithm
        + np.log(centre_variances) / 2
        + (np.log(precisions) / 2 - precisions * (means - centres[:, None]) ** 2 / 2).sum(axis=1)
    )
    weights = np.exp(logarithms - logarithms.max())
    weights /= weights.sum()
    kept = weights > LEAST
    return Hierarchy(within, taus[kept], weights[kept] / weights[kept].sum(), centres[kept], centre_variances[kept])


def pooled_variance(groups: Sequence[Sequence[float]]) -> float | None:
    """The variance inside groups, pooled; ``None`` where no group has two values."""
    left = sum(len(group) for group in groups) - len(groups)
    if left < 1:
        return None
    return sum((value - mean) ** 2 for group in groups for mean in [fmean(group)] for value in group) / left


def _quantiles(weights: Numbers, means: Numbers, spreads: Numbers) -> tuple[float, ...]:
    """Where the mixture of normals has so much below as CUTS say, by halving."""
    low = np.full(len(CUTS), (means - 8 * spreads).min())
    high = np.full(len(CUTS), (means + 8 * spreads).max())
    for _ in range(40):
        middle = (low + high) / 2
        above = ndtr((middle[:, None] - means) / spreads) @ weights > CUTS
        low, high = np.where(above, low, middle), np.where(above, middle, high)
    return tuple(float(place) for place in low)
