"""What was seen around renegotiations and beside them, as plain values; services/figures/following.py makes them."""

from dataclasses import dataclass
from typing import Literal, TypeAlias

from services.figures.survival import Waiting

Measure: TypeAlias = Literal["outcome", "alliance"]
Absence: TypeAlias = Literal["renegotiated", "closed", "not_yet", "not_measured"]
"""Why there is no score, in this order: the task was renegotiated meanwhile (of cases beside); the case was closed
before; it has not come so far; it was not measured then, or not before."""


@dataclass(frozen=True, slots=True)
class Side:
    """So many different ``cases`` count, in ``moments``, and so many moments are ``absent``.

    The means of what was before, at and of the change from before to after are in points of the instrument, a positive
    change is better; they are ``None`` in a cell that is too small.
    """

    cases: int
    moments: int
    absent: dict[Absence, int]
    before: float | None = None
    at: float | None = None
    change: float | None = None


@dataclass(frozen=True, slots=True)
class Comparison:
    """One measure, ``sessions_after`` the renegotiation's session.

    ``difference`` is the change of the renegotiated less that of the cases beside at the same state, in points, with
    its 95 % interval. ``kind`` is instrument, version and respondent.
    """

    measure: Measure
    kind: str
    sessions_after: int
    renegotiated: Side
    beside: Side
    difference: float | None = None
    interval: tuple[float, float] | None = None


@dataclass(frozen=True, slots=True)
class Followed:
    """How many renegotiations there are; of how many cases; of these, stalled at it; of these, with cases beside.

    ``alerts``: how many cases had an alert about a stall. ``waiting`` is the time from the first of these to the
    renegotiation after it; ``None`` where such cases are too few.
    """

    renegotiations: int
    cases: int
    stalled: int
    matched: int
    comparisons: tuple[Comparison, ...]
    alerts: int
    waiting: Waiting | None
