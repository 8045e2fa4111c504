"""The difference between two groups at the same state: against an independent implementation, and by leaving out."""

from collections.abc import Sequence
from random import Random

import numpy as np
import pytest
from scipy.stats import t
from statsmodels.regression.linear_model import WLS

from services.figures.difference import Difference, Row, difference


@pytest.fixture
def rows() -> list[Row]:
    """Twelve chosen and four beside each; some cases give several rows, and the groups differ beforehand."""
    rng = Random(3)
    found = []
    for number in range(12):
        before = rng.gauss(1, 2)
        found.append(Row(f"ca_{number}", True, 1.0, 3 + before + rng.gauss(0, 1), (before, rng.gauss(0, 1))))
        for _ in range(4):
            before = rng.gauss(0, 2)
            found.append(
                Row(f"ca_{rng.randint(8, 40)}", False, 0.25, before + rng.gauss(0, 1), (before, rng.gauss(0, 1)))
            )
    return found


def fitted(rows: Sequence[Row]) -> float:
    """The difference as statsmodels finds it."""
    x = np.array([[row.chosen, 1.0, *row.known] for row in rows])
    return float(WLS([row.value for row in rows], x, weights=[row.weight for row in rows]).fit().params[0])


def test_the_difference_is_that_of_an_independent_implementation(rows: list[Row]) -> None:
    assert difference(rows).value == pytest.approx(fitted(rows))


def test_the_interval_is_that_of_leaving_out_each_case_in_turn(rows: list[Row]) -> None:
    refs = {row.case_ref for row in rows}
    moved = [fitted([row for row in rows if row.case_ref != ref]) - fitted(rows) for ref in refs]
    deviation = ((len(refs) - 1) / len(refs) * sum(one**2 for one in moved)) ** 0.5
    found = difference(rows)
    assert found.high - found.value == pytest.approx(float(t.ppf(0.975, 11)) * deviation)
    assert found.value - found.low == pytest.approx(found.high - found.value)


def test_what_the_groups_differ_by_beforehand_is_taken_off() -> None:
    rows = [Row(f"ca_{n}", n % 2 == 0, 1.0, 2.0 * n + 5.0 * (n % 2 == 0), (float(n),)) for n in range(12)]
    assert difference(rows) == pytest.approx(Difference(5, 5, 5))


def test_what_is_known_twice_over_counts_once(rows: list[Row]) -> None:
    twice = [row._replace(known=(*row.known, row.known[0], 7.0)) for row in rows]
    assert difference(twice) == pytest.approx(difference(rows))
