"""Change on one series of scores: since baseline, since best, and whether it is more than measurement noise.

Every gain is in the direction of getting better: positive means better on every instrument.
Sources: Jacobson & Truax 1991 (reliable and clinically significant change); the smoothing by two scores is a design
choice, as a single score is mostly noise (McAleavey 2024).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final, Literal, TypeAlias

from contracts.instruments import Instrument
from services.projections.reliability import standard_error

ChangeClass: TypeAlias = Literal["not_enough_data", "unknown", "recovered", "improved", "no_change", "deteriorated"]
_DECIMALS: Final = 6


@dataclass(frozen=True, slots=True)
class Change:
    """Change over a series with at least one score; gains in the instrument's points, positive is better."""

    baseline: float
    last: float
    best: float
    gain: float
    """Last score against the first."""
    from_best: float
    """Last score against the best so far: zero or negative."""
    smoothed_gain: float
    """Mean of the last two scores against the first; 0 while there is one."""
    benefit: float | None
    """``gain`` in units of reliable change; ``None`` where that is unknown."""
    standard_error: float | None
    """Of one score, whose true value lies within it two times in three; ``None`` where that is unknown."""
    change_class: ChangeClass


def change(values: Sequence[float], instrument: Instrument) -> Change:
    """The change over ``values``, oldest first. Raises ValueError where there is none."""
    if not values:
        raise ValueError("a change needs at least one score")
    sign = instrument.sign
    first, last = values[0], values[-1]
    best = max(values) if sign > 0 else min(values)
    gain = difference(first, last, sign)
    error = standard_error(instrument)
    return Change(
        baseline=first,
        last=last,
        best=best,
        gain=round(gain, 2),
        from_best=round(sign * (last - best), 2),
        smoothed_gain=round(smoothed_gains(values, sign)[-1], 2),
        benefit=None if instrument.reliable_change is None else round(gain / instrument.reliable_change, 3),
        standard_error=None if error is None else round(error, 2),
        change_class=change_class(first, last, len(values), instrument),
    )


def difference(first: float, last: float, sign: int) -> float:
    """How much better ``last`` is than ``first``; 8.2 is 6 above 2.2, which binary fractions alone would miss."""
    return round(sign * (last - first), _DECIMALS)


def smoothed_gains(values: Sequence[float], sign: int) -> list[float]:
    """For each score the mean of it and the one before against the first; 0 at the first."""
    return [0.0, *(difference(values[0], (before + value) / 2, sign) for before, value in pairwise(values))]


def change_class(first: float, last: float, scores: int, instrument: Instrument) -> ChangeClass:
    """Jacobson & Truax 1991: reliable where the change reaches the instrument's reliable change.

    ``recovered`` also crosses the cutoff from the clinical side; without a cutoff the best class is ``improved``.
    ``not_enough_data`` with fewer than two scores, ``unknown`` where the instrument has no reliable change.
    """
    if scores < 2:
        return "not_enough_data"
    if instrument.reliable_change is None:
        return "unknown"
    gain = difference(first, last, instrument.sign)
    if gain <= -instrument.reliable_change:
        return "deteriorated"
    if gain < instrument.reliable_change:
        return "no_change"
    crossed = instrument.functional(first) is False and instrument.functional(last) is True
    return "recovered" if crossed else "improved"
