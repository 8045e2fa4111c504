"""One series of scores as a panel of the picture: axis, cutoff, expected range, line and marks."""

from collections.abc import Iterator, Sequence
from typing import Final, Literal, NamedTuple

from services.pages.sheet import (
    APART,
    LEFT,
    RIGHT,
    Axis,
    Columns,
    Drawn,
    line,
    number,
    spread,
    text,
    upper,
    whole,
)
from services.projections.course import Point, Series
from services.projections.norms import NormSet

_STEPS: Final = {"outcome": 5, "alliance": 3}


def outcome_panel(series: Series, across: Columns, norms: NormSet | None, top: float) -> Drawn:
    """The outcome over the whole range of its instrument, solid with circles."""
    return _panel(series, whole(series, top + APART + 10, 160), across, "outcome", norms)


def alliance_panel(series: Series, across: Columns, top: float) -> Drawn:
    """The alliance over the end of the range that it fills, dashed with squares."""
    return _panel(series, upper(series, top + APART + 10, 84), across, "alliance", None)


def _panel(
    series: Series, axis: Axis, across: Columns, style: Literal["outcome", "alliance"], norms: NormSet | None
) -> Drawn:
    """The lines are named where they end, at the right of the plot."""
    instrument = series.instrument
    ranges = _expected(series, axis, across, norms)
    drawn: list[str] = []
    for value in axis.numbers(_STEPS[style]):
        drawn.append(line(LEFT, axis.y(value), RIGHT, axis.y(value), "grid"))
        drawn.append(text(LEFT - 8, axis.y(value) + 5, number(value), "fine", "end"))
    labels = [(axis.y(series.values[-1]) + 5, number(series.values[-1]), f"{style} last")]
    if instrument.cutoff is not None:
        y = axis.y(instrument.cutoff.value)
        drawn.append(line(LEFT, y, RIGHT, y, "cutoff"))
        labels.append((y + 5, f"cutoff {number(instrument.cutoff.value)}", "grey"))
    if ranges:
        end = ranges[-1][-1]
        labels.append(((end.better + end.worse) / 2 + 5, "expected", "grey"))
    points = sorted(series.points, key=lambda point: (point.session, point.at))
    for stretch in _stretches(points):
        where = " ".join(f"{number(across.x(p.session))},{number(axis.y(p.value))}" for p in stretch)
        drawn.append(f'<polyline class="{style} drawn" points="{where}"/>')
    drawn += [_mark(point, across.x(point.session), axis.y(point.value), style) for point in points]
    drawn += [text(RIGHT + 10, y, words, kind) for y, words, kind in spread(labels, axis.top + 5, axis.bottom + 5)]
    better = "higher" if instrument.higher_is_better else "lower"
    drawn.append(text(LEFT, axis.top - 10, f"{instrument.name} ({better} is better)", f"{style} name"))
    return Drawn(drawn, axis.bottom + 10, [_band(edges) for edges in ranges])


def _stretches(points: Sequence[Point]) -> Iterator[list[Point]]:
    """The points in stretches that no session without a score lies in: where one is missing the line breaks."""
    stretch: list[Point] = []
    for point in points:
        if stretch and point.session > stretch[-1].session + 1:
            yield stretch
            stretch = []
        stretch.append(point)
    yield stretch


def _mark(point: Point, x: float, y: float, style: str) -> str:
    told = f"<title>Session {point.session}: {number(point.value)}</title>"
    if style == "outcome":
        return f'<circle class="outcome mark" cx="{number(x)}" cy="{number(y)}" r="4.5">{told}</circle>'
    return f'<rect class="alliance mark" x="{number(x - 4)}" y="{number(y - 4)}" width="8" height="8">{told}</rect>'


class _Edge(NamedTuple):
    """The expected range at one session."""

    x: float
    better: float
    worse: float


def _expected(series: Series, axis: Axis, across: Columns, norms: NormSet | None) -> list[list[_Edge]]:
    """Where the middle half of the network's earlier cases with such a first score was: q25 to q75 of their gain.

    In stretches of two sessions or more for which that is known.
    """
    if norms is None:
        return []
    first, sign = series.values[0], series.instrument.sign
    ranges: list[list[_Edge]] = [[]]
    for session in range(1, across.reached + 1):
        band = norms.band(series, session)
        if band is not None:
            better, worse = axis.y(first + sign * band.q75), axis.y(first + sign * band.q25)
            ranges[-1].append(_Edge(across.x(session), better, worse))
        elif ranges[-1]:
            ranges.append([])
    return [edges for edges in ranges if len(edges) > 1]


def _band(edges: Sequence[_Edge]) -> str:
    there = [f"{number(edge.x)},{number(edge.better)}" for edge in edges]
    back = [f"{number(edge.x)},{number(edge.worse)}" for edge in reversed(edges)]
    return f'<polygon class="band" points="{" ".join(there + back)}"/>'
