"""Doubts about the data of a case, named, to be settled before anyone judges it.

Sources: OpenFIT import rules and BON's public code as cited in docs/clinical-rules.md; the runs of identical scores
are a design choice.
"""

from collections.abc import Sequence
from itertools import pairwise
from typing import Final

from services.projections.course import Series, Session

RUN: Final = 4
"""So many equal scores in a row say nothing; so many turns make a sawtooth."""
SKIPPED_SHARE: Final = 0.10
"""More than this share of attended sessions without any measure is worth a talk (OpenFIT)."""


def flags(
    outcome: Series | None, alliance: Series | None, all_series: Sequence[Series], sessions: Sequence[Session]
) -> tuple[str, ...]:
    """The doubts that hold, in a fixed order."""
    found = {
        "sawtooth": outcome is not None and _sawtooth(outcome),
        "first_score_high": outcome is not None and _first_score_high(outcome),
        "same_outcome_scores": outcome is not None and _same_run(outcome),
        "alliance_uninformative": alliance is not None and _same_run(alliance),
        "several_respondents": len({one.respondent for one in all_series if one.instrument.construct == "outcome"}) > 1,
        "two_scores_in_a_session": any(_two_in_a_session(one) for one in all_series),
        "measures_skipped": _skipped(all_series, sessions),
    }
    return tuple(name for name, holds in found.items() if holds)


def _sawtooth(series: Series) -> bool:
    """At least four changes of direction, each of a reliable change or more: used as a gauge of today's mood (BON)."""
    size = series.instrument.reliable_change
    if size is None:
        return False
    steps = [after - before for before, after in pairwise(series.values)]
    big = [step for step in steps if abs(step) >= size]
    return sum(before * after < 0 for before, after in pairwise(big)) >= RUN


def _first_score_high(series: Series) -> bool:
    high = series.instrument.high_start
    return high is not None and series.instrument.sign * (series.values[0] - high) > 0


def _same_run(series: Series) -> bool:
    return len(series.points) >= RUN and len(set(series.values[-RUN:])) == 1


def _two_in_a_session(series: Series) -> bool:
    numbers = [point.session for point in series.points]
    return len(set(numbers)) < len(numbers)


def _skipped(all_series: Sequence[Series], sessions: Sequence[Session]) -> bool:
    if len(sessions) < RUN:
        return False
    scored = {point.session for one in all_series for point in one.points}
    return sum(session.number not in scored for session in sessions) > SKIPPED_SHARE * len(sessions)
