"""Where one series of scores stands: its class at the newest score, and for how many scores it has been stalled.

The rules are those of docs/clinical-rules.md, on gains in the direction of better and in reliable changes, so that they
are the same for every instrument. Nothing here knows of renegotiations, alerts or the present.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

from contracts.policies import Outlook, Policy
from services.projections.change import difference, smoothed_gains
from services.projections.course import Series
from services.projections.growth import Growth, outlooks
from services.projections.norms import Band, NormSet

SeriesStatus: TypeAlias = Literal[
    "not_enough_data", "deteriorating", "high_start", "reached", "stalled", "watch", "on_course"
]


@dataclass(frozen=True, slots=True)
class Standing:
    """The first class that holds. ``stalled_scores``: for how many scores up to the newest it has been stalled."""

    series: Series
    status: SeriesStatus
    stalled_scores: int
    evidence: dict[str, float | None]
    """The numbers that it rests on, in the instrument's points but for counts and the chance; None where unknown."""


def standing(series: Series, policy: Policy, norms: NormSet | None) -> Standing:
    """The standing of a series with at least one score; ``norms`` is the set that the case keeps."""
    size = series.instrument.reliable_change
    if len(series.points) < 3 or size is None:
        return Standing(series, "not_enough_data", 0, {})
    gains = smoothed_gains(series.values, series.instrument.sign)
    bands = [norms.band(series, point.session) if norms else None for point in series.points]
    evidence = _evidence(series, size, gains[-1], bands[-1])
    if _deteriorating(series, gains, bands, size, policy):
        return Standing(series, "deteriorating", 0, evidence)
    if high_start(series):
        return Standing(series, "high_start", 0, evidence)
    growth = norms.growth_of(series) if norms else None
    if growth is not None and policy.stalled.by_whole_series:
        runs, chance = _outlook_runs(series, growth, policy.outlook, size * policy.stalled.gain_below_reliable_changes)
        evidence["chance_of_stall"] = round(chance, 3)
    else:
        runs = _low_runs(gains, bands, size, policy)
    if _held(series, size, policy.reached.consecutive_scores):
        return Standing(series, "reached", 0, evidence)
    if runs:
        return Standing(series, "stalled", runs, evidence | {"scores_in_a_row": float(runs)})
    behind = bands[-1] is not None and gains[-1] < bands[-1].q25
    return Standing(series, "watch" if behind or _held(series, -size, 1) else "on_course", 0, evidence)


def high_start(series: Series) -> bool:
    """A first score on the healthy side of the cutoff has little room to rise: no rule about gain applies."""
    high = series.instrument.high_start
    beyond = high is not None and series.instrument.sign * (series.values[0] - high) > 0
    return beyond or series.instrument.functional(series.values[0]) is True


def _deteriorating(
    series: Series, gains: Sequence[float], bands: Sequence[Band | None], size: float, policy: Policy
) -> bool:
    rules = policy.deteriorating
    if _held(series, -rules.worse_by_reliable_changes * size, rules.consecutive_scores):
        return True
    recent = list(zip(gains, bands, strict=True))[-rules.consecutive_scores_below_q10 :]
    return len(gains) > rules.consecutive_scores_below_q10 and all(
        band is not None and gain < band.q10 for gain, band in recent
    )


def _held(series: Series, gain: float, scores: int) -> bool:
    """Whether each of the last so many scores, the first one not among them, is so much better; worse if negative."""
    sign, recent = series.instrument.sign, series.values[1:][-scores:]
    differences = [difference(series.values[0], value, sign) for value in recent]
    return len(recent) == scores and all(one >= gain if gain > 0 else one <= gain for one in differences)


def _outlook_runs(series: Series, growth: Growth, rules: Outlook, enough: float) -> tuple[int, float]:
    """By the whole series: for how many scores it has been stalled, and the chance of that at the newest.

    Stalled begins where the chance that the true gain stays below ``enough`` reaches ``rules.chance``, and ends where
    it falls below ``rules.clear_below``: a chance near the edge must not start and end a stall at every score.
    """
    sign = series.instrument.sign
    signed = [(point.session, sign * point.value) for point in series.points]
    runs, chance = 0, 0.0
    for place, ((session, _), outlook) in enumerate(zip(signed, outlooks(growth, signed), strict=True), 1):
        chance = outlook.chance_below(enough, max(session, rules.by_session))
        stalled = chance >= rules.clear_below if runs else place >= rules.scores and chance >= rules.chance
        runs = runs + 1 if stalled else 0
    return runs, chance


def _low_runs(gains: Sequence[float], bands: Sequence[Band | None], size: float, policy: Policy) -> int:
    """Without a growth model: enough low gains in a row, each below the network's lower quarter where that is known."""
    rules = policy.stalled
    enough = size * rules.gain_below_reliable_changes
    low = runs = 0
    for place, (gain, band) in enumerate(zip(gains[1:], bands[1:], strict=True), 2):
        low = low + 1 if gain < enough and (band is None or gain < band.q25) else 0
        runs = runs + 1 if low >= rules.consecutive_scores and place >= rules.checkpoint_scores else 0
    return runs


def _evidence(series: Series, size: float, gain: float, band: Band | None) -> dict[str, float | None]:
    return {
        "session": series.points[-1].session,
        "first_score": series.values[0],
        "last_score": series.values[-1],
        "smoothed_gain": round(gain, 2),
        "reliable_change": size,
        "q25": band.q25 if band else None,
    }
