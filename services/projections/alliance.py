"""The alliance signal within one client: a drop from the client's own level, and whether it was repaired.

A control chart of the client's own ratings: its centre is an exponentially weighted moving average (Roberts 1959) that
stands still during a rupture, and a rating below the lower limit begins one. The limit allows for the client's own
spread and for how little the centre is known by then (the moving centre line of Montgomery & Mastrangelo 1991). Ratings
pile up at the top of the scale, so only falls count (Lipner 2022 on control charts; the constants are policy). A
repaired rupture is good news: nothing here counts ruptures against anyone.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import inf, sqrt

from contracts.policies import Alliance as Rules
from services.projections.course import Series, Session


@dataclass(frozen=True, slots=True)
class Rupture:
    """A fall that began at score ``start`` (0-based) and was back at ``repaired``, or is not back: a V or its half."""

    start: int
    repaired: int | None
    session: int
    """That of its first low score."""
    repaired_session: int | None
    level: float
    """The client's own level before it, in points."""
    low_from_start: bool
    """Whether that level was too low itself, so that nothing fell."""
    depth: float
    """How far below that level the lowest score was, in points; 0 or less where it was not below it."""
    scores: int
    """Its length: how many scores have been low, the first included."""


def ruptures(series: Series, rules: Rules) -> tuple[Rupture, ...]:
    """The ruptures of an alliance series, oldest first; at most the last is unrepaired."""
    sign = series.instrument.sign
    values = [sign * value for value in series.values]
    chart = _Chart(series, rules)
    found: list[Rupture] = []
    start, limit = None, -inf
    for place, value in enumerate(values):
        if start is None:
            limit = chart.limit()
            if value < limit:
                start = place
        elif value >= limit:
            found.append(_rupture(series, values, start, place, chart))
            start = None
        if start is None:
            chart.add(value)
    if start is not None:
        found.append(_rupture(series, values, start, None, chart))
    return tuple(found)


def unrated(series: Series, sessions: Sequence[Session]) -> int:
    """How many sessions were held since the last score."""
    return sum(session.number > series.points[-1].session for session in sessions)


def unrepaired(series: Series, sessions: Sequence[Session], rules: Rules) -> Rupture | None:
    """The rupture that has lasted for some scores, or after which the client stopped rating; None without one."""
    found = ruptures(series, rules)
    if not found or found[-1].repaired is not None:
        return None
    lasts = found[-1].scores >= rules.unrepaired_scores
    return found[-1] if lasts or unrated(series, sessions) >= rules.missing_after_drop else None


def _rupture(series: Series, values: Sequence[float], start: int, repaired: int | None, chart: "_Chart") -> Rupture:
    low = values[start:repaired]
    return Rupture(
        start=start,
        repaired=repaired,
        session=series.points[start].session,
        repaired_session=None if repaired is None else series.points[repaired].session,
        level=round(series.instrument.sign * chart.level, 2),
        low_from_start=chart.level < chart.floor,
        depth=round(chart.level - min(low), 2),
        scores=len(low),
    )


class _Chart:
    """Centre and lower limit of the calm scores so far, in points signed so that more is better."""

    def __init__(self, series: Series, rules: Rules) -> None:
        width, cutoff = series.instrument.total.width, series.instrument.cutoff
        below = rules.floor_below_cutoff_of_range * width
        self.floor = -inf if cutoff is None else series.instrument.sign * cutoff.value - below
        self._drop = rules.drop_of_range * width
        self._deviations = rules.drop_standard_deviations
        self._weight = rules.average_weight
        self.level = 0.0
        self._unsure = 1.0
        """The variance of the centre, in variances of a score: 1 at first, weight / (2 - weight) in the long run."""
        self._count = 0
        self._mean = 0.0
        self._squares = 0.0

    def add(self, value: float) -> None:
        self._count += 1
        off = value - self._mean  # the sum of squares grows in constant time (Welford 1962)
        self._mean += off / self._count
        self._squares += off * (value - self._mean)
        if self._count == 1:
            self.level = value
            return
        self.level += self._weight * (value - self.level)
        self._unsure = (1 - self._weight) ** 2 * self._unsure + self._weight**2

    def limit(self) -> float:
        """What the next score must reach; nothing before the first one. 30.2 reaches 3 below 33.2, so it is rounded.

        With fewer than three scores their spread says nothing about how much a client's scores scatter.
        """
        if self._count == 0:
            return -inf
        spread = sqrt(self._squares / (self._count - 1)) if self._count >= 3 else 0.0
        limit = self.level - max(self._drop, self._deviations * spread * sqrt(1 + self._unsure))
        return max(self.floor, round(limit, 9))
