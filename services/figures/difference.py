"""The difference between two weighted groups at the same state, with an interval that knows which rows are of one case.

Weighted least squares of the value on the group and on what is known beforehand: matched groups are alike, and the
regression takes off what they still differ by (Rubin 1979; Ho, Imai, King & Stuart 2007,
doi 10.1093/pan/mpl013). The variance is that of the jackknife over cases (CR3; Bell & McCaffrey 2002; MacKinnon,
Nielsen & Webb 2023, doi 10.1016/j.jeconom.2022.04.001): a case can give several rows, and simpler estimates of the
variance are too small where groups are.
"""

from collections.abc import Sequence
from itertools import pairwise
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

Numbers = NDArray[np.float64]

SAME: Final = 1e-10
"""What is known twice over counts once: singular values of less than this share of the largest are none."""


class Row(NamedTuple):
    """One value; ``known`` is what was known beforehand, in the same order for all rows."""

    case_ref: str
    chosen: bool
    weight: float
    value: float
    known: tuple[float, ...]


class Difference(NamedTuple):
    """How much more the chosen have than the others, with its 95 % interval; in the units of the values."""

    value: float
    low: float
    high: float


def difference(rows: Sequence[Row]) -> Difference:
    """The difference between the chosen and the others, at the same state. At least two of each are needed."""
    from scipy.stats import t

    known = np.array([row.known for row in rows], dtype=np.float64)
    chosen = np.array([row.chosen for row in rows], dtype=np.float64)
    x = np.column_stack([chosen, np.ones(len(rows)), known - known.mean(axis=0)])
    y, weights = np.array([row.value for row in rows]), np.array([row.weight for row in rows])
    bread = np.linalg.pinv((x.T * weights) @ x, rcond=SAME, hermitian=True)
    found = bread @ (x.T @ (weights * y))
    shifts = _left_out(x, y - x @ found, weights, bread, [row.case_ref for row in rows])
    variance = (len(shifts) - 1) / len(shifts) * float(shifts @ shifts)
    reach = float(t.ppf(0.975, chosen.sum() - 1)) * variance**0.5
    value = float(found[0])
    return Difference(value, value - reach, value + reach)


def _left_out(x: Numbers, errors: Numbers, weights: Numbers, bread: Numbers, refs: Sequence[str]) -> Numbers:
    """For each case how far the difference moves when the case is left out."""
    order = np.argsort(np.array(refs), kind="stable")
    edges = np.flatnonzero(np.array([refs[one] != refs[other] for one, other in pairwise(order)])) + 1
    moved = []
    for rows in np.split(order, edges):
        own, weight = x[rows], weights[rows]
        hat = own @ bread @ (own.T * weight)
        rest = np.linalg.pinv(np.eye(len(rows)) - hat, rcond=SAME) @ errors[rows]
        moved.append(bread[0] @ ((own.T * weight) @ rest))
    return np.array(moved)
