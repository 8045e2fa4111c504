"""A regression whose cases come in groups, each group with a level of its own (the random-intercept model), by REML.

y = X b + u[group] + e, u ~ N(0, between), e ~ N(0, within). The ratio of the two variances is found by maximising the
restricted likelihood along that one line, with b and ``within`` in closed form for each ratio (Searle, Casella &
McCulloch 1992, Variance Components, chapter 6).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from scipy.optimize import minimize_scalar

from services.figures.shrinkage import Numbers


@dataclass(frozen=True, slots=True, eq=False)
class Fit:
    """Coefficients in the order of the columns, with their covariance; the two variances are in squared units of y."""

    coefficients: Numbers
    covariance: Numbers
    between: float
    within: float


class _Group(NamedTuple):
    n: int
    products: Numbers
    """X'X, with y as a last column of X."""
    sums: Numbers


class _Solved(NamedTuple):
    cost: float
    coefficients: Numbers
    inverse: Numbers
    within: float


def fit(y: Numbers, x: Numbers, groups: Sequence[object]) -> Fit:
    """Fits the columns of ``x`` (a constant among them) to ``y``; ``groups`` names the group of each case.

    The columns, with ``y`` as one more, have to be linearly independent.
    """
    stacked = np.column_stack([x, y])
    places: dict[object, list[int]] = {}
    for place, group in enumerate(groups):
        places.setdefault(group, []).append(place)
    parts = [_Group(len(own), stacked[own].T @ stacked[own], stacked[own].sum(axis=0)) for own in places.values()]
    found = minimize_scalar(
        lambda root: _solve(parts, root**2, len(y)).cost, bounds=(0.0, 3.0), method="bounded", options={"xatol": 1e-8}
    )
    ratio = min((float(found.x) ** 2, 0.0), key=lambda one: _solve(parts, one, len(y)).cost)
    solved = _solve(parts, ratio, len(y))
    return Fit(solved.coefficients, solved.within * solved.inverse, ratio * solved.within, solved.within)


def _solve(parts: Sequence[_Group], ratio: float, n: int) -> _Solved:
    """What fits best where the variance between is ``ratio`` times the one within; the cost is -2 log likelihood."""
    products = sum(
        (part.products - ratio / (1 + part.n * ratio) * np.outer(part.sums, part.sums) for part in parts),
        start=np.zeros_like(parts[0].products),
    )
    inner, towards, square = products[:-1, :-1], products[:-1, -1], float(products[-1, -1])
    inverse: Numbers = np.linalg.inv(inner).astype(np.float64)
    coefficients = inverse @ towards
    left = n - len(towards)
    within = (square - float(towards @ coefficients)) / left
    cost = (
        left * np.log(within)
        + sum(np.log1p(part.n * ratio) for part in parts)
        + float(np.linalg.slogdet(inner).logabsdet)
    )
    return _Solved(float(cost), coefficients, inverse, within)
