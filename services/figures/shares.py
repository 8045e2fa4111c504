"""Shares of groups, drawn towards the share that the groups have in common; the counterpart of shrinkage.py.

A group's share is Beta(mu M, (1 - mu) M) around the common share mu, and its count is binomial. Given mu and M the
group's share is Beta(mu M + hits, (1 - mu) M + misses), with reliability n / (n + M); this is averaged over the
posterior of mu and M on a grid, flat on mu and on 1 / M (Tak, Kelly & Morris 2017, doi 10.18637/jss.v078.i05). Groups
make up a third of the variance at most: published shares are 10 to 13 % (Saxon 2017).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from scipy.special import betainc, betaln, expit

from services.figures.shrinkage import CUTS, LEAST, Estimate, Numbers

_SIZES: Final[Numbers] = np.geomspace(2, 1e5, 40)
"""The nodes of M: the groups make up 1 / (1 + M) of the variance."""
_STEPS: Final[Numbers] = np.linspace(-4, 4, 25)


@dataclass(frozen=True, slots=True, eq=False)
class Shares:
    """What all groups tell together; arrays run over the nodes, and ``weights`` sum to 1."""

    centres: Numbers
    sizes: Numbers
    weights: Numbers

    def share(self, hits: int, n: int) -> Estimate:
        """The share of a group in which ``hits`` of ``n`` count."""
        a, b = self.centres * self.sizes + hits, (1 - self.centres) * self.sizes + n - hits
        low, high = np.zeros(len(CUTS)), np.ones(len(CUTS))
        for _ in range(24):
            middle = (low + high) / 2
            above = betainc(a, b, middle[:, None]) @ self.weights > CUTS
            low, high = np.where(above, low, middle), np.where(above, middle, high)
        low95, low80, high80, high95 = map(float, low)
        value, reliability = self.weights @ (a / (a + b)), self.weights @ (n / (n + self.sizes))
        return Estimate(float(value), (low80, high80), (low95, high95), float(reliability))


def shares(counts: Sequence[tuple[int, int]]) -> Shares:
    """What ``counts`` of (hits, n) tell, each n at least 1, of two groups or more."""
    hits, sizes = np.array(counts, dtype=float).T
    all_hits, all_misses = hits.sum() + 0.5, (sizes - hits).sum() + 0.5
    pooled = all_hits / (all_hits + all_misses)
    spread = np.sqrt(1 / all_hits + 1 / all_misses + 0.2 / (pooled * (1 - pooled) * len(counts)))
    odds, m = (grid.ravel() for grid in np.meshgrid(np.log(all_hits / all_misses) + _STEPS * spread, _SIZES))
    mu = expit(odds)
    a, b = mu * m, (1 - mu) * m
    logarithms = np.log(mu) + np.log1p(-mu) - np.log(m)  # at nodes that stand equally far apart on the odds and on M
    for hit, size in zip(hits, sizes, strict=True):
        logarithms += betaln(a + hit, b + size - hit) - betaln(a, b)
    weights = np.exp(logarithms - logarithms.max())
    weights /= weights.sum()
    kept = weights > LEAST
    return Shares(mu[kept], m[kept], weights[kept] / weights[kept].sum())
