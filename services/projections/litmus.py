"""The litmus of a task: did it engage the client, and was it reflected in the outcome, over the time it was in force?

Numbers with their counts beside a task (Bordin's test of a task; a design choice). They tell what went along with it,
never what came of it: scores that are low tend to rise by themselves.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from statistics import fmean
from typing import Final

from services.projections.course import Course, Point, Series, Task

ITEMS: Final = ("goals", "approach")
"""The alliance items that speak of the task."""
_MISSED_BY_CLIENT: Final = ("no_show", "late_cancel", "client_cancel")


@dataclass(frozen=True, slots=True)
class Average:
    """The mean of ``count`` scores; ``None`` where they are too few."""

    mean: float | None
    count: int


@dataclass(frozen=True, slots=True)
class Litmus:
    """A task over its span: the sessions after it was agreed on, up to and with the one in which it ended."""

    task_ref: str
    sessions: int
    missed: int
    """Appointments that the client missed or cancelled; those that the clinic cancelled do not count."""
    items: dict[str, Average]
    """Engaged: the alliance items that speak of the task."""
    alliance: Average
    before: tuple[float, ...]
    """Reflected: the last two outcome scores up to the agreement, oldest first."""
    last: tuple[float, ...]
    """The last two of its span."""
    scores: int
    """How many outcome scores its span has."""
    moved: float | None
    """The mean of ``last`` against the mean of ``before``, positive is better; ``None`` where there are too few."""


def litmus(course: Course, task: Task, least: int) -> Litmus:
    """The litmus of ``task``; a mean takes at least ``least`` scores."""
    begun = _sessions_by(course, task.since)
    ended = len(course.sessions) if task.until is None else _sessions_by(course, task.until)
    alliance = _within(course.alliance, begun, ended)
    outcome = _within(course.outcome, begun, ended)
    before = [point.value for point in course.outcome.points if point.session <= begun] if course.outcome else []
    last = [point.value for point in outcome]
    moved = None
    if course.outcome is not None and before and len(last) >= least:
        moved = round(course.outcome.instrument.sign * (fmean(last[-2:]) - fmean(before[-2:])), 2)
    return Litmus(
        task_ref=task.ref,
        sessions=ended - begun,
        missed=sum(
            one.kind in _MISSED_BY_CLIENT and task.since < one.at and (task.until is None or one.at <= task.until)
            for one in course.missed
        ),
        items={name: _average([p.items[name] for p in alliance if name in p.items], least) for name in ITEMS},
        alliance=_average([point.value for point in alliance], least),
        before=tuple(before[-2:]),
        last=tuple(last[-2:]),
        scores=len(last),
        moved=moved,
    )


def _sessions_by(course: Course, at: datetime) -> int:
    return sum(session.at <= at for session in course.sessions)


def _within(series: Series | None, begun: int, ended: int) -> list[Point]:
    """The scores of the sessions after ``begun``, up to and with ``ended``."""
    return [point for point in series.points if begun < point.session <= ended] if series is not None else []


def _average(values: Sequence[float], least: int) -> Average:
    return Average(round(fmean(values), 2) if len(values) >= least else None, len(values))
