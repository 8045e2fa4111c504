"""The naive rules that a policy is held against: each says at which scores of a case it fires.

They are what common dashboards do (OpenFIT's published rules among them) and what simple alarm lines do; see
docs/clinical-rules.md. Each works on one case's outcome series, its alliance scores by session, and norm bands.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Final, NamedTuple

from services.projections.change import difference, smoothed_gains
from services.projections.course import Course
from services.projections.norms import NormSet


class Scored(NamedTuple):
    """One case as the rules see it; all sequences have one entry per outcome score."""

    sessions: Sequence[int]
    gains: Sequence[float]
    """Each score against the first; positive is better."""
    smoothed: Sequence[float]
    alliance: Sequence[float | None]
    """The alliance score of the same session."""
    q10: Sequence[float | None]
    q25: Sequence[float | None]
    mean: Sequence[float | None]
    """The middle of the band: half of all cases lie below it by construction."""


def scored(course: Course, norms: NormSet | None) -> Scored | None:
    """``None`` where the case has no outcome score."""
    series = course.outcome
    if series is None:
        return None
    rated = {point.session: point.value for point in course.alliance.points} if course.alliance else {}
    bands = [norms.band(series, point.session) if norms else None for point in series.points]
    sign = series.instrument.sign
    return Scored(
        [point.session for point in series.points],
        [difference(series.values[0], value, sign) for value in series.values],
        smoothed_gains(series.values, sign),
        [rated.get(point.session) for point in series.points],
        [band.q10 if band else None for band in bands],
        [band.q25 if band else None for band in bands],
        [band.q50 if band else None for band in bands],
    )


Rule = Callable[[Scored, int], bool]
"""Whether the rule fires at that score (0-based)."""


def _below(line: Sequence[float | None], gains: Sequence[float], place: int) -> bool:
    at = line[place]
    return place > 0 and at is not None and gains[place] < at


def _alliance_low(case: Scored, place: int) -> bool:
    rated = case.alliance[place]
    return rated is not None and rated < 36


def _alliance_drop(case: Scored, place: int) -> bool:
    rated = case.alliance[place]
    before = next((value for value in reversed(case.alliance[:place]) if value is not None), None)
    return rated is not None and before is not None and before - rated >= 1


def _low(case: Scored, place: int) -> bool:
    return case.smoothed[place] < 3 and _below(case.q25, case.smoothed, place)


def _below_mean(case: Scored, place: int) -> bool:
    return _below(case.mean, case.smoothed, place)


RULES: Final[Mapping[str, Rule]] = {
    "below the mean curve": _below_mean,
    "gain < 6 from session 3": lambda case, i: case.sessions[i] >= 3 and case.gains[i] < 6,
    "below q25": lambda case, i: _below(case.q25, case.smoothed, i),
    "below q10": lambda case, i: _below(case.q10, case.smoothed, i),
    "below q25 two sessions running": lambda case, i: (
        i >= 2 and _below(case.q25, case.smoothed, i) and _below(case.q25, case.smoothed, i - 1)
    ),
    "smoothed gain < 3 from session 4": lambda case, i: case.sessions[i] >= 4 and case.smoothed[i] < 3,
    "gain < 3, below q25, twice from 4": lambda case, i: case.sessions[i] >= 4 and _low(case, i) and _low(case, i - 1),
    "worse by 6 or more": lambda case, i: case.gains[i] <= -6,
    "SRS < 36": _alliance_low,
    "SRS drop of 1 or more": _alliance_drop,
    "mean curve, SRS < 36 or SRS drop": lambda case, i: (
        _below_mean(case, i) or _alliance_low(case, i) or _alliance_drop(case, i)
    ),
}
