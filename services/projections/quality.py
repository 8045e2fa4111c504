"""Doubts about the data of a case, named, to be settled before anyone judges it.

Sources: the import rules of OpenFIT and the public code of Better Outcomes Now (BON), as docs/clinical-rules.md cites
them. The fold knows no policy, so that the numbers stand here, but for those that the instruments state.
"""

from collections.abc import Collection, Sequence
from typing import Final

from services.projections.change import difference
from services.projections.course import Flag, Series, Session

TURNS: Final = 4
"""So many changes of direction of a reliable change or more are a sawtooth (BON: four of 6 points on the ORS)."""
RUN: Final = 4
"""So many equal scores in a row say nothing (design choice)."""
SKIPPED_SHARE: Final = 0.10
"""Fewer than this share of attended sessions should be without any measure (OpenFIT)."""
SKIPPED_FROM: Final = 4
"""So many sessions are the least to take a share of (design choice)."""


def flags(
    outcome: Series | None,
    alliance: Series | None,
    all_series: Sequence[Series],
    sessions: Sequence[Session],
    other_clients: Collection[str],
    individual: bool,
) -> tuple[Flag, ...]:
    """The doubts that hold, in a fixed order. ``other_clients``: whom measures name beside the case's own client."""
    found: dict[Flag, bool] = {
        "sawtooth": outcome is not None and _sawtooth(outcome),
        "first_score_high": outcome is not None and _first_score_high(outcome),
        "same_outcome_scores": outcome is not None and _same_run(outcome),
        "alliance_uninformative": alliance is not None and _uninformative(alliance),
        "several_respondents": len({one.respondent for one in all_series if one.instrument.construct == "outcome"}) > 1,
        "several_clients": bool(other_clients) and not individual,
        "another_client": bool(other_clients) and individual,
        "two_scores_in_a_session": any(_two_in_a_session(one) for one in all_series),
        "measures_skipped": _skipped(all_series, sessions),
    }
    return tuple(name for name, holds in found.items() if holds)


def _sawtooth(series: Series) -> bool:
    """The scores go up and down again and again, as where they tell the mood of the day rather than life (BON)."""
    size = series.instrument.reliable_change
    return size is not None and turns(series.values, size) >= TURNS


def turns(values: Sequence[float], size: float) -> int:
    """How often the direction changes by ``size`` or more, measured from turning point to turning point."""
    found, way = 0, 0
    low = high = values[0]
    for value in values:
        low, high = min(low, value), max(high, value)
        if way <= 0 and difference(low, value, 1) >= size:
            found, way, high = found + (way < 0), 1, value
        elif way >= 0 and difference(value, high, 1) >= size:
            found, way, low = found + (way > 0), -1, value
    return found


def _first_score_high(series: Series) -> bool:
    high = series.instrument.high_start
    return high is not None and series.instrument.sign * (series.values[0] - high) > 0


def _same_run(series: Series) -> bool:
    return len(series.points) >= RUN and len(set(series.values[-RUN:])) == 1


def _uninformative(series: Series) -> bool:
    """The same good rating every time says nothing, least of all at the top; the same low one is a message."""
    return _same_run(series) and series.instrument.functional(series.values[-1]) is not False


def _two_in_a_session(series: Series) -> bool:
    numbers = [point.session for point in series.points]
    return len(set(numbers)) < len(numbers)


def _skipped(all_series: Sequence[Series], sessions: Sequence[Session]) -> bool:
    if len(sessions) < SKIPPED_FROM:
        return False
    scored = {point.session for one in all_series for point in one.points}
    return sum(session.number not in scored for session in sessions) >= SKIPPED_SHARE * len(sessions)
