"""The alliance signal within one client: a drop from the client's own level, and whether it was repaired.

The level is an exponentially weighted moving average that stands still during a rupture. The alliance scale piles up
at its top, so only falls count, against the client's own past (Lipner 2022 on control charts; the constants are
policy). A repaired rupture is good news: nothing here counts ruptures against anyone.
"""

from dataclasses import dataclass
from math import sqrt
from statistics import fmean

from contracts.policies import Alliance as Rules
from services.projections.course import Point, Series


@dataclass(frozen=True, slots=True)
class Rupture:
    """A fall that began at score ``start`` (0-based) and was back at ``repaired``, or is not back."""

    start: int
    repaired: int | None
    level: float
    """The client's own level before it."""
    scores: int
    """How many scores have been below since, the first included."""


def ruptures(series: Series, rules: Rules) -> tuple[Rupture, ...]:
    """The ruptures of an alliance series, oldest first; at most the last is unrepaired."""
    found: list[Rupture] = []
    level: float | None = None
    calm = _Spread()
    start: int | None = None
    threshold = 0.0
    for place, value in enumerate(series.values):
        if start is None:
            threshold = _threshold(level, calm.deviation, rules)
            if level is not None and value < threshold:
                start = place
        elif value >= threshold:
            found.append(Rupture(start, place, round(level or 0.0, 2), place - start))
            start = None
        if start is None:
            level = value if level is None else level + rules.average_weight * (value - level)
            calm.add(value)
    if start is not None and level is not None:
        found.append(Rupture(start, None, round(level, 2), len(series.points) - start))
    return tuple(found)


class _Spread:
    """The standard deviation of a sample that grows, in constant time for each score (Welford 1962)."""

    def __init__(self) -> None:
        self._count = 0
        self._mean = 0.0
        self._squares = 0.0

    def add(self, value: float) -> None:
        self._count += 1
        off = value - self._mean
        self._mean += off / self._count
        self._squares += off * (value - self._mean)

    @property
    def deviation(self) -> float:
        """With fewer than three scores 0: they say nothing about how much a client's scores scatter."""
        return sqrt(self._squares / (self._count - 1)) if self._count >= 3 else 0.0


def _threshold(level: float | None, deviation: float, rules: Rules) -> float:
    if level is None:
        return rules.floor
    return max(rules.floor, level - max(rules.drop_points, rules.drop_standard_deviations * deviation))


def concerns(point: Point, before: Point | None, series: Series) -> tuple[str, ...]:
    """What this session's scores invite to talk about, by name; quiet, never mailed.

    ``below_cutoff``, ``lower_than_last_time`` (a point or more, OpenFIT), and ``item_<name>`` for an item below the
    instrument's level of concern.
    """
    instrument = series.instrument
    found = []
    if instrument.functional(point.value) is False:
        found.append("below_cutoff")
    if before is not None and before.value - point.value >= 1:
        found.append("lower_than_last_time")
    level = instrument.item_concern
    found += [f"item_{name}" for name, value in point.items.items() if level is not None and value < level]
    return tuple(found)


def lowest_item(series: Series) -> str | None:
    """The item that is lowest over the last two scores: it names the conversation. ``None`` where none stands out."""
    means = {
        name: fmean(values)
        for name in (scale.name for scale in series.instrument.items)
        if (values := [point.items[name] for point in series.points[-2:] if name in point.items])
    }
    if not means or max(means.values()) - min(means.values()) < 0.5:
        return None
    return min(means, key=lambda name: means[name])
