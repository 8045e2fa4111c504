"""Smoothing over sessions: at most one turn, nearest to what was seen, each cell with the weight of its cases."""

from itertools import pairwise, product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.figures.smoothing import one_turn

NUMBERS = st.lists(st.tuples(st.floats(-20, 20), st.floats(1, 500)), min_size=1, max_size=9)


def smoothed(values: list[float], weights: list[float] | None = None) -> list[float]:
    found = one_turn(np.array(values, dtype=float), np.array(weights or [1.0] * len(values)))
    return [float(one) for one in found]


def turns(curve: list[float]) -> int:
    signs = [sign for sign in np.sign(np.diff(curve)).tolist() if sign]
    return sum(before != after for before, after in pairwise(signs))


@pytest.mark.parametrize("curve", [[1, 2, 5, 9], [9, 5, 2], [1, 4, 6, 3, 2], [6, 2, 1, 4], [3, 3, 3], [2.5], [1, 2]])
def test_a_curve_with_one_turn_or_none_stays_as_it_is(curve: list[float]) -> None:
    assert smoothed(curve) == curve


def test_a_second_turn_is_smoothed_away_to_the_weighted_mean() -> None:
    assert smoothed([0, 10, 4, 8, 1]) == [0, 10, 6, 6, 1]
    assert smoothed([0, 10, 4, 8, 1], [1, 1, 3, 1, 1]) == [0, 10, 5, 5, 1]


@given(NUMBERS)
def test_there_is_never_more_than_one_turn(numbers: list[tuple[float, float]]) -> None:
    values, weights = ([pair[place] for pair in numbers] for place in (0, 1))
    assert turns(smoothed(values, weights)) <= 1


def test_no_other_curve_with_one_turn_on_a_grid_is_nearer() -> None:
    values, weights = [1, 3, 0, 2, 2], [2.0, 1.0, 3.0, 1.0, 2.0]

    def distance(curve: list[float]) -> float:
        return sum(w * (value - at) ** 2 for w, value, at in zip(weights, values, curve, strict=True))

    found = distance(smoothed([float(value) for value in values], weights))
    grid = [place / 4 for place in range(13)]
    assert all(distance(list(curve)) >= found - 1e-9 for curve in product(grid, repeat=5) if turns(list(curve)) <= 1)
