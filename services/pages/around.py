"""The scores around a renegotiation as a small table: before, at, and one, three and five sessions after."""

from collections.abc import Iterator
from typing import Final

from services.pages.sheet import number
from services.pages.words import counted
from services.projections.course import Course, Renegotiation, Series
from services.projections.loop import SESSIONS_AFTER

HEADS: Final = (
    "before",
    "at its session",
    *(f"{counted(after, 'session', 'sessions')} after" for after in SESSIONS_AFTER),
)


def rows(course: Course, told: Renegotiation) -> list[tuple[str, list[str]]]:
    """For outcome and alliance, where there are scores, a cell under each of HEADS."""
    named = (("Outcome", course.outcome), ("Alliance", course.alliance))
    return [(name, list(_cells(course, series, told.session))) for name, series in named if series is not None]


def _cells(course: Course, series: Series, session: int) -> Iterator[str]:
    """The last score of an earlier session, and the score of each of the sessions."""
    before = [point.value for point in series.points if point.session < session]
    yield number(before[-1]) if before else "–"
    known = {point.session: number(point.value) for point in series.points}
    for then in (session, *(session + after for after in SESSIONS_AFTER)):
        missing = "not yet" if course.is_open and len(course.sessions) < then else "–"
        yield known.get(then, missing)
