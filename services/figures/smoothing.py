"""Smoothing over sessions that may turn once: up and then down, or down and then up, and at no session against that.

A quantile of gain among those still attending rises while clients get better, and falls where those who are better
have left (Baldwin 2009). A curve that may only rise would stand too high late, and one without a form would follow
every chance of a small cell.
"""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray


def one_turn(values: NDArray[np.float64], weights: NDArray[np.float64]) -> NDArray[np.float64]:
    """The curve with at most one turn that is nearest to ``values`` by weighted least squares.

    Each piece is the isotonic regression of its values (Barlow et al. 1972).
    """
    return min(_curves(values, weights), key=lambda curve: float(np.sum(weights * (values - curve) ** 2)))


def _curves(values: NDArray[np.float64], weights: NDArray[np.float64]) -> Iterator[NDArray[np.float64]]:
    rising, falling = _pieces(values, weights), _pieces(-values, weights)
    for turn in range(len(values) + 1):
        yield np.concatenate([rising[0][turn], -falling[1][turn]])
        yield np.concatenate([-falling[0][turn], rising[1][turn]])


def _pieces(
    values: NDArray[np.float64], weights: NDArray[np.float64]
) -> tuple[list[NDArray[np.float64]], list[NDArray[np.float64]]]:
    """The rising curves through all before each place, and through all from it on."""
    from scipy.optimize import isotonic_regression

    def rising(part: slice) -> NDArray[np.float64]:
        if not len(values[part]):
            return values[part]
        found: NDArray[np.float64] = isotonic_regression(values[part], weights=weights[part]).x
        return found

    places = range(len(values) + 1)
    return [rising(slice(0, place)) for place in places], [rising(slice(place, None)) for place in places]
