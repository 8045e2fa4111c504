"""Cases at the scores at which they were stalled while no task had been renegotiated yet.

A case renegotiated later is at such a moment too, until it is. What is known of a case at a moment is what could be
known then: the alerts' own rule is asked about the course as it was at that score.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from statistics import fmean
from typing import Final, NamedTuple, TypeAlias

from contracts.policies import Policy
from services.alerts.decide import judgement
from services.projections.course import Course, Point, Series
from services.projections.norms import NormSet, kind

LEAST: Final = 3
"""Scores below which no rule calls a case stalled."""

Stratum: TypeAlias = tuple[str, str | None, float | None, int]
"""Kind of series, version of the norm set, where its intake band begins, and session: what has to be the same."""


class State(NamedTuple):
    """The scores up to a moment, signed so that more is better, in reliable changes of the instrument."""

    first: float
    mean: float
    recent: float
    """The mean of the last two."""
    last: float


class Moment(NamedTuple):
    stratum: Stratum
    state: State


@dataclass(frozen=True, slots=True)
class Scores:
    """The scores of one series by session, the last one of each, in points; ``sign`` is -1 where lower is better."""

    kind: str
    sign: int
    by_session: dict[int, float]

    def recent(self, session: int) -> float | None:
        """The mean of the last two scores up to ``session``; one stands for itself, ``None`` where there is none."""
        known = [value for number, value in self.by_session.items() if number <= session]
        return fmean(known[-2:]) if known else None


@dataclass(frozen=True, slots=True)
class Case:
    """``talk`` is the session of the first renegotiation, ``moments`` go up to it and include it."""

    ref: str
    is_open: bool
    sessions: int
    talk: int | None
    outcome: Scores
    alliance: Scores | None
    moments: dict[int, Moment]

    def at_risk(self, session: int) -> bool:
        """Whether no task was renegotiated by the end of ``session``."""
        return self.talk is None or session < self.talk


def case_of(course: Course, policy: Policy, norms: NormSet | None) -> Case | None:
    """What the figures need of ``course``; ``None`` where there is no score to judge by.

    ``norms`` is the set that the case keeps.
    """
    series = course.outcome
    if series is None or series.instrument.reliable_change is None:
        return None
    return Case(
        ref=course.case_ref,
        is_open=course.is_open,
        sessions=len(course.sessions),
        talk=course.renegotiations[0].session if course.renegotiations else None,
        outcome=_scores(series),
        alliance=_scores(course.alliance) if course.alliance is not None else None,
        moments=dict(_moments(course, series, policy, norms)),
    )


def _scores(series: Series) -> Scores:
    return Scores(kind(series), series.instrument.sign, {point.session: point.value for point in series.points})


def _moments(course: Course, series: Series, policy: Policy, norms: NormSet | None) -> Iterator[tuple[int, Moment]]:
    """The stalled moments by session: the last score of a session tells."""
    size = series.instrument.sign * (series.instrument.reliable_change or 1.0)
    last = {point.session: place for place, point in enumerate(series.points, 1)}
    for session, place in last.items():
        if place < LEAST:
            continue
        if course.renegotiations and session > course.renegotiations[0].session:
            return
        point = series.points[place - 1]
        judged = judgement(tuple(_by(course, point)), policy, norms)
        if judged is None or judged.status != "stalled":
            continue
        values = [value / size for value in series.values[:place]]
        band = norms.band(series, session) if norms is not None else None
        stratum = kind(series), norms.version if norms else None, band.intake_from if band else None, session
        yield session, Moment(stratum, State(values[0], fmean(values), fmean(values[-2:]), values[-1]))


def _by(course: Course, point: Point) -> Iterator[Series]:
    """The outcome series as they were at ``point``."""
    for series in course.outcomes:
        points = tuple(one for one in series.points if one.at <= point.at)
        if points:
            yield replace(series, points=points)
