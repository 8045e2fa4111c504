"""The growth model: what a whole series of scores lets expect, with its uncertainty.

A score at session s is taken for level + pace * ln(s) + error; level and pace differ between clients as a bivariate
normal, and errors are independent. This is the multilevel model of session-by-session outcome (Finch, Lambert &
Schaalje 2001 use the logarithm of the session too), fitted to the network's own cases by services/figures/fitting.py.
Given a client's scores so far, level and pace are known up to a normal distribution (the best linear unbiased
prediction, Laird & Ware 1982): no score counts alone, the first one included.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from math import erf, log, sqrt
from typing import NamedTuple


@dataclass(frozen=True, slots=True)
class Growth:
    """The model of ``n`` cases; scores are signed so that more is better, in the instrument's points."""

    n: int
    level: float
    pace: float
    level_variance: float
    covariance: float
    pace_variance: float
    error_variance: float


class Outlook(NamedTuple):
    """What is known of one client's pace (points for each unit of ln(session)): a normal distribution."""

    pace: float
    deviation: float

    def gain(self, session: int) -> float:
        """The expected true gain from the first session to ``session``."""
        return self.pace * log(session)

    def chance_below(self, gain: float, session: int) -> float:
        """The chance, 0 to 1, that the true gain by ``session`` (2 or later) stays below ``gain``."""
        return (1 + erf((gain / log(session) - self.pace) / (self.deviation * sqrt(2)))) / 2


def outlooks(growth: Growth, scores: Iterable[tuple[int, float]]) -> list[Outlook]:
    """For each of ``scores`` (session, signed value; oldest first) what it and those before it let expect."""
    determinant = growth.level_variance * growth.pace_variance - growth.covariance**2
    # In the information form a further score is an addition: precision matrix (a, b; b, c) and precision * mean (u, v).
    a, c = growth.pace_variance / determinant, growth.level_variance / determinant
    b = -growth.covariance / determinant
    u, v = a * growth.level + b * growth.pace, b * growth.level + c * growth.pace
    found = []
    for session, value in scores:
        x, weight = log(session), 1 / growth.error_variance
        a, b, c = a + weight, b + weight * x, c + weight * x * x
        u, v = u + weight * value, v + weight * x * value
        left = a * c - b * b
        found.append(Outlook((a * v - b * u) / left, sqrt(a / left)))
    return found
