"""What followed renegotiations, as text for a terminal."""

from collections.abc import Iterator
from itertools import groupby
from typing import Final

from services.figures.comparison import Absence, Comparison, Followed, Side
from services.figures.survival import Waiting

_WHY: Final[dict[Absence, str]] = {
    "renegotiated": "renegotiated meanwhile",
    "closed": "closed before",
    "not_yet": "not come so far",
    "not_measured": "not measured",
}
_HEAD: Final = f"  {'sessions after':>14}  {'renegotiated':>24}  {'beside':>24}  {'difference, 95 % interval':>26}"


def table(found: Followed) -> Iterator[str]:
    """Counts, the time to a renegotiation, and for each measure what was before, at and after."""
    yield f"{_counted(found.renegotiations, 'renegotiation')} in {_counted(found.cases, 'case')}"
    yield f"the first found {found.stalled} of these stalled; {found.matched} have comparable cases beside them"
    yield _waited(found.alerts, found.waiting)
    for (measure, kind), some in groupby(found.comparisons, key=lambda one: (one.measure, one.kind)):
        yield f"{measure}, {kind}: cases, mean before, at and its change, in points; a positive change is better"
        yield _HEAD
        for one in some:
            yield _row(one)
            for name, side in (("renegotiated", one.renegotiated), ("beside", one.beside)):
                if side.absent:
                    told = ", ".join(f"{side.absent[why]} {text}" for why, text in _WHY.items() if why in side.absent)
                    yield f"    left out, {name}: {told}"
    yield "shown beside, not because of: who was renegotiated was not drawn by lot"


def _waited(alerts: int, waiting: Waiting | None) -> str:
    told = "from the alert about a stall to a renegotiation:"
    if waiting is None:
        return f"{told} too few cases, {alerts}"
    told = f"{told} {waiting.events} of {waiting.n} came to one"
    if waiting.median is None:
        return f"{told}, fewer than half by the longest time seen"
    low, high = ("not reached" if end is None else f"{end:.0f}" for end in waiting.interval)
    return f"{told}; half within {waiting.median:.0f} days (95 % interval: {low} to {high})"


def _row(one: Comparison) -> str:
    difference = "too few cases"
    if one.difference is not None and one.interval is not None:
        difference = f"{one.difference:+.1f} ({one.interval[0]:+.1f} to {one.interval[1]:+.1f})"
    return f"  {one.sessions_after:>14}  {_side(one.renegotiated):>24}  {_side(one.beside):>24}  {difference:>26}"


def _side(side: Side) -> str:
    if side.change is None:
        return f"{side.cases}"
    at = "–" if side.at is None else f"{side.at:.1f}"
    return f"{side.cases}  {side.before:.1f}  {at}  {side.change:+.1f}"


def _counted(number: int, name: str) -> str:
    return f"{number} {name}" if number == 1 else f"{number} {name}s"
