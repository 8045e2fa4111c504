"""How long it takes until something happens, where for some it has not happened yet (Kaplan & Meier 1958).

A wait that is still going on, or ended otherwise, is censored: it counts for as long as it was seen. Intervals are
those of Greenwood's formula on the log(-log) scale, and the median's is where they cross one half (Brookmeyer & Crowley
1982). The product limit itself and its intervals are scipy's.
"""

import warnings
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, time
from math import isnan
from typing import Final, NamedTuple

from services.alerts.lifecycle import STALLS
from services.projections.course import Course

DAY_SECONDS: Final = 86_400
WITHDRAWN: Final = frozenset(("feedback", "quality"))
"""Whoever withdrew consent to one of these is no part of a network's figures."""


class Wait(NamedTuple):
    """How many days were waited, 0 or more, and whether that ended with what was waited for."""

    days: float
    ended: bool


@dataclass(frozen=True, slots=True)
class Step:
    """From ``days`` on, until the next step: the share, 0 to 1, that still waits, with its 95 % interval.

    The interval is ``None`` where nothing can be said: when nobody is left.
    """

    days: float
    waiting: float
    interval: tuple[float, float] | None


@dataclass(frozen=True, slots=True)
class Waiting:
    """``n`` waits, of which ``events`` ended with what was waited for; days.

    ``median`` is ``None`` where fewer than half have ended by the longest time seen; an end of ``interval``, the 95 %
    one of the median, is ``None`` where it is not reached. ``steps`` are for drawing, one for each day of an end.
    """

    n: int
    events: int
    median: float | None
    interval: tuple[float | None, float | None]
    steps: tuple[Step, ...]


def waits(courses: Iterable[Course], now: datetime) -> list[Wait]:
    """The wait of each course that has one."""
    return [found for course in courses if (found := wait(course, now)) is not None]


def wait(course: Course, now: datetime) -> Wait | None:
    """From a case's first alert about a stall to the first renegotiation after it; ``None`` without such an alert.

    A case that is closed without one is censored at the end of its last day, one that is open at ``now``. For clients
    who withdrew consent to feedback or to quality work there is none.
    """
    raised_at = min((alert.raised_at for alert in course.alerts if alert.reason in STALLS), default=None)
    if raised_at is None or WITHDRAWN & course.withdrawn:
        return None
    talked = min((told.at for told in course.renegotiations if told.at > raised_at), default=None)
    end = now if course.closed_on is None else datetime.combine(course.closed_on, time.max, UTC)
    until = talked if talked is not None else min(end, now)
    return Wait(max(0.0, (until - raised_at).total_seconds() / DAY_SECONDS), talked is not None)


def waiting(found: Sequence[Wait]) -> Waiting:
    """The Kaplan-Meier estimate of ``found``."""
    events = sum(wait.ended for wait in found)
    if not events:
        return Waiting(len(found), 0, None, (None, None), ())
    from scipy.stats import CensoredData, ecdf

    share = ecdf(
        CensoredData(
            uncensored=[wait.days for wait in found if wait.ended],
            right=[wait.days for wait in found if not wait.ended],
        )
    ).sf
    with warnings.catch_warnings():  # that the interval is undefined where all or nobody is left
        warnings.simplefilter("ignore", RuntimeWarning)
        low, high = share.confidence_interval(0.95, method="log-log")
    ends = {wait.days for wait in found if wait.ended}
    lines = zip(share.quantiles, share.probabilities, low.probabilities, high.probabilities, strict=True)
    steps = tuple(
        Step(float(days), float(left), None if isnan(lowest) else (float(lowest), float(highest)))
        for days, left, lowest, highest in lines
        if days in ends
    )
    return Waiting(
        len(found),
        events,
        median=_crossing((step.days, step.waiting) for step in steps),
        interval=(
            _crossing((step.days, step.interval[0] if step.interval else step.waiting) for step in steps),
            _crossing((step.days, step.interval[1]) for step in steps if step.interval),
        ),
        steps=steps,
    )


def _crossing(line: Iterable[tuple[float, float]]) -> float | None:
    """The first day on which no more than half are left."""
    return next((days for days, left in line if left <= 0.5), None)
