"""The sheet that a picture of a case is drawn on: where a score, a session and a moment lie, in the units of its SVG.

The letters are large for the sheet's width, so that they can still be read where a phone shows it at half its size.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from html import escape
from math import ceil, floor
from typing import Final, NamedTuple

from services.projections.course import Course, Series

WIDTH: Final = 680
LEFT: Final = 46
RIGHT: Final = 570
"""Between these two lies the plot; what stands right of it names the lines."""
LETTER: Final = 11
"""The width of a letter where the letters are largest."""
APART: Final = 21
"""The smallest distance of the base lines of two labels."""
_STEPS: Final = (1, 2, 5, 10, 20, 25, 50, 100, 200, 500, 1000)


class Drawn(NamedTuple):
    """A part of the picture, and where the next one may begin."""

    elements: list[str]
    bottom: float
    ground: Sequence[str] = ()
    """What lies below everything else."""


def number(value: float) -> str:
    """``value`` with at most one decimal: 16, 15.5."""
    return f"{value:.1f}".removesuffix(".0")


def text(x: float, y: float, words: str, kind: str, anchor: str = "start") -> str:
    return f'<text class="{kind}" x="{number(x)}" y="{number(y)}" text-anchor="{anchor}">{escape(words)}</text>'


def line(x1: float, y1: float, x2: float, y2: float, kind: str) -> str:
    return f'<line class="{kind}" x1="{number(x1)}" y1="{number(y1)}" x2="{number(x2)}" y2="{number(y2)}"/>'


@dataclass(frozen=True, slots=True)
class Columns:
    """Sessions from left to right. A moment lies half-way between the sessions before and after it."""

    moments: tuple[datetime, ...]
    """When each session began."""
    drawn: int
    """How many columns there are: at least four, so that a case that begins is not stretched."""
    reached: int
    """The last session that was held or scored."""

    def x(self, session: float) -> float:
        return LEFT + (session - 0.5) / self.drawn * (RIGHT - LEFT)

    def moment(self, at: datetime | None) -> float:
        """Where ``at`` lies; without an instant, where the course ends so far."""
        held = self.reached if at is None else sum(moment <= at for moment in self.moments)
        return self.x(held + 0.5)

    def numbers(self) -> list[int]:
        """The sessions whose number is written: all of few, the first and every fifth or tenth of many."""
        step = next(step for step in (1, 5, 10, 20, 50, self.drawn) if self.drawn / step <= 16)
        return [n for n in range(1, self.drawn + 1) if n % step == 0 or n == 1]


def columns(course: Course) -> Columns:
    scored = max((point.session for one in course.series for point in one.points), default=0)
    reached = max(len(course.sessions), scored)
    return Columns(tuple(session.at for session in course.sessions), max(reached, 4), reached)


@dataclass(frozen=True, slots=True)
class Axis:
    """Scores from ``bottom`` up to ``top`` of the sheet; the instrument's own numbers, whichever way is better."""

    low: float
    high: float
    top: float
    bottom: float

    def y(self, value: float) -> float:
        """Where ``value`` lies; at the edge where it is beyond the axis."""
        inside = min(max(value, self.low), self.high)
        return self.bottom - (inside - self.low) / (self.high - self.low) * (self.bottom - self.top)

    def numbers(self, steps: int) -> list[float]:
        """The round numbers to write beside the axis, at most ``steps`` steps from one end to the other."""
        step = _step((self.high - self.low) / steps)
        return [float(k * step) for k in range(ceil(self.low / step), floor(self.high / step) + 1)]


def _step(smallest: float) -> int:
    return next(step for step in _STEPS if step >= smallest)


def whole(series: Series, top: float, height: float) -> Axis:
    """The whole range of the instrument."""
    scale = series.instrument.total
    return Axis(scale.minimum, scale.maximum, top, top + height)


def upper(series: Series, top: float, height: float) -> Axis:
    """The end of the range where the scores are, as alliance scores pile up there; a round number at the bottom."""
    scale = series.instrument.total
    cutoff = series.instrument.cutoff
    lowest = min([*series.values, cutoff.value if cutoff else scale.maximum])
    step = _step((scale.maximum - scale.minimum) / 5)
    low = (lowest - step / 2) // step * step
    return Axis(max(scale.minimum, min(low, scale.maximum - step)), scale.maximum, top, top + height)


def spread(wanted: Iterable[tuple[float, str, str]], top: float, bottom: float) -> list[tuple[float, str, str]]:
    """Labels (y, words, kind) moved apart where they would lie on each other, as little as that takes.

    Least squares under "each at least APART below the one before": pool adjacent violators (Ayer et al. 1955).
    """
    labels = sorted(wanted)
    pools: list[tuple[float, int]] = []
    for place, (y, _, _) in enumerate(labels):
        mean, size = y - place * APART, 1
        while pools and pools[-1][0] > mean:
            above, more = pools.pop()
            mean, size = (mean * size + above * more) / (size + more), size + more
        pools.append((mean, size))
    lowest = bottom - (len(labels) - 1) * APART
    firsts = [min(max(mean, top), lowest) for mean, size in pools for _ in range(size)]
    return [
        (first + place * APART, *label[1:]) for place, (first, label) in enumerate(zip(firsts, labels, strict=True))
    ]


def lanes(spans: Sequence[tuple[float, float]]) -> list[int]:
    """For each (from, to), in the order of their beginnings, the first lane in which it meets no other."""
    ends: list[float] = []
    found: list[int] = []
    for start, end in spans:
        lane = next((place for place, taken in enumerate(ends) if taken <= start), len(ends))
        ends[lane : lane + 1] = [end]
        found.append(lane)
    return found
