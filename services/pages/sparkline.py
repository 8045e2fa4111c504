"""The course of one series as small as a word: a line, its last score as a dot, and the cutoff."""

from typing import Final

from services.pages.sheet import Axis, number
from services.projections.course import Series

WIDTH: Final = 120
HEIGHT: Final = 32


def sparkline(series: Series) -> str:
    """An ``<svg>`` without words of its own: what it shows stands beside it, so that screen readers pass over it."""
    scale, cutoff = series.instrument.total, series.instrument.cutoff
    axis = Axis(scale.minimum, scale.maximum, 3, HEIGHT - 3)
    step = (WIDTH - 8) / max(1, *(point.session - 1 for point in series.points))
    scores = sorted((point.session, point.value) for point in series.points)
    places = [(number(4 + (session - 1) * step), number(axis.y(value))) for session, value in scores]
    x, y = places[-1]
    line = " ".join(",".join(place) for place in places)
    drawn = [
        f'<svg class="spark" xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" aria-hidden="true">',
        f'<polyline class="outcome drawn" points="{line}"/>',
        f'<circle class="outcome mark" cx="{x}" cy="{y}" r="3"/>',
        "</svg>",
    ]
    if cutoff is not None:
        y = number(axis.y(cutoff.value))
        drawn.insert(1, f'<line class="cutoff" x1="0" y1="{y}" x2="{WIDTH}" y2="{y}"/>')
    return "".join(drawn)
