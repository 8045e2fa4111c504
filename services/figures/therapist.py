"""A therapist's figures beside the network's: separate views of outcome, alliance and endings, never one score.

Only closed cases count, and each counts for whoever was primarily responsible last. A mean or share over few cases is
mostly chance, so each is drawn towards the network's (shrinkage.py, shares.py) and shown with its interval; the limits
of a funnel (funnel.py) say where therapists with so many are expected. Nothing ranks: a figure is about one therapist.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from statistics import fmean, linear_regression
from typing import Final, NamedTuple, TypeAlias

from contracts.instruments import Instrument
from contracts.policies import Policy
from services.figures import funnel, shares, shrinkage
from services.figures.figure import Figure, Interval, Measure
from services.figures.shrinkage import Estimate
from services.projections.alliance import ruptures
from services.projections.course import Series, most
from services.projections.tables import Counted

Groups: TypeAlias = Mapping[str, Sequence[float]]

SHARES: Final[frozenset[Measure]] = frozenset({"deteriorated", "unplanned_endings", "ruptures_repaired"})
"""Measures that count something; the others are means."""
_WHOLE_CASE: Final[tuple[Measure, ...]] = ("deteriorated", "unplanned_endings", "ruptures_repaired", "completeness")
_UNILATERAL: Final = {"client_stopped", "lost_contact"}


class Kind(NamedTuple):
    """What a figure is about; without an instrument where it is about the case as a whole."""

    measure: Measure
    instrument: str = ""
    version: str = ""


def figures(cases: Iterable[Counted], therapist_ref: str, policy: Policy) -> tuple[Figure, ...]:
    """The therapist's figures, one for each instrument in use with the therapist and each measure of whole cases."""
    cases = list(cases)
    known = collected(cases, policy)
    own = {
        (one.instrument.key, one.instrument.version)
        for case in cases
        if case.therapist_ref == therapist_ref
        for one in case.series
    }
    kinds = [Kind(measure) for measure in _WHOLE_CASE] + [
        Kind(measure, one.key, one.version)
        for case in cases
        for series in case.series
        for one in [series.instrument]
        if (one.key, one.version) in own
        for measure in _measures(one)
    ]
    return tuple(_figure(kind, known[kind], therapist_ref, policy) for kind in sorted(set(kinds)))


def collected(cases: Iterable[Counted], policy: Policy) -> Mapping[Kind, Groups]:
    """The value of each closed case in each view, by therapist."""
    found: dict[Kind, dict[str, list[float]]] = defaultdict(lambda: defaultdict(list))
    outcomes: dict[tuple[str, str], list[tuple[str, Series]]] = defaultdict(list)
    for case in cases:
        if case.is_open:
            continue
        for series in case.series:
            name = series.instrument.key, series.instrument.version
            if series.instrument.construct == "outcome":
                outcomes[name].append((case.therapist_ref, series))
                continue
            for measure, value in _alliance(series, policy).items():
                found[Kind(measure, *name)][case.therapist_ref].append(value)
        for whole, values in _whole(case, policy).items():
            found[Kind(whole)][case.therapist_ref] += values
    for name, owned in outcomes.items():
        counted = [(therapist, series) for therapist, series in owned if is_clinical(series)]
        values = residuals([(series.values[0], series.values[-1]) for _, series in counted])
        for (therapist, series), value in zip(counted, values, strict=True):
            found[Kind("outcome", *name)][therapist].append(series.instrument.sign * value)
    return found


def is_clinical(series: Series) -> bool:
    """Whether the case counts for outcome: it began in the clinical range and has two scores at least.

    A first score beyond the instrument's high start is out as well (Better Outcomes Now); an instrument without a
    cutoff has no range to leave.
    """
    instrument, first = series.instrument, series.values[0]
    high = instrument.high_start is not None and instrument.sign * (first - instrument.high_start) > 0
    return len(series.points) > 1 and not high and instrument.functional(first) is not True


def residuals(scores: Sequence[tuple[float, float]]) -> list[float]:
    """For each (first, last) score by how much the last lies above the one that the first lets expect."""
    if not scores:
        return []
    firsts, lasts = zip(*scores, strict=True)
    slope, intercept = linear_regression(firsts, lasts) if len(set(firsts)) > 1 else (0.0, fmean(lasts))
    return [last - intercept - slope * first for first, last in scores]


def early_mean(series: Series, sessions: int) -> float | None:
    """The mean of what was scored in the first ``sessions``; ``None`` where nothing was."""
    early = [point.value for point in series.points if point.session <= sessions]
    return fmean(early) if early else None


def _measures(instrument: Instrument) -> tuple[Measure, ...]:
    if instrument.construct == "outcome":
        return ("outcome",)
    return ("alliance", "early_alliance", "alliance_growth")


def _alliance(series: Series, policy: Policy) -> dict[Measure, float]:
    found: dict[Measure, float] = {"alliance": fmean(series.values)}
    early = early_mean(series, policy.therapist.early_sessions)
    if early is not None:
        found["early_alliance"] = early
    sessions = [point.session for point in series.points]
    if len(sessions) >= policy.therapist.growth_scores and len(set(sessions)) > 1:
        found["alliance_growth"] = linear_regression(sessions, series.values).slope
    return found


def _whole(case: Counted, policy: Policy) -> dict[Measure, list[float]]:
    """What the case as a whole adds to each of its measures: nothing where it cannot be said."""
    found: dict[Measure, list[float]] = {}
    outcome, alliance = most(case.series, "outcome"), most(case.series, "alliance")
    if case.sessions:
        scored = {point.session for one in case.series if one.instrument.construct == "outcome" for point in one.points}
        found["completeness"] = [min(1.0, len(scored) / case.sessions)]
    if outcome is not None:
        if outcome.change.change_class not in ("not_enough_data", "unknown"):
            found["deteriorated"] = [float(outcome.change.change_class == "deteriorated")]
        functional = outcome.instrument.functional(outcome.values[-1])
        if functional is not None:
            found["unplanned_endings"] = [float(case.ending in _UNILATERAL and not functional)]
    if alliance is not None:
        found["ruptures_repaired"] = [float(one.repaired is not None) for one in ruptures(alliance, policy.alliance)]
    return found


def _figure(kind: Kind, groups: Groups, therapist_ref: str, policy: Policy) -> Figure:
    rules = policy.therapist
    groups = {therapist: values for therapist, values in groups.items() if values}
    own = groups.get(therapist_ref, ())
    name = kind.instrument or None, kind.version or None
    if len(own) < rules.floor:
        return Figure(kind.measure, *name, len(own), "not_enough_data")
    if len(groups) < rules.therapists:
        return Figure(kind.measure, *name, len(own), "few_therapists")
    compared = _compared(kind.measure, list(groups.values()), own)
    if compared is None:
        return Figure(kind.measure, *name, len(own), "all_alike")
    network, estimate, limits = compared
    low, high = estimate.interval95
    return Figure(
        kind.measure,
        *name,
        len(own),
        "early" if len(own) < rules.early_below else "settled",
        observed=round(fmean(own), 3),
        network=round(network, 3),
        estimate=round(estimate.value, 3),
        interval80=_rounded(estimate.interval80),
        interval95=_rounded(estimate.interval95),
        reliability=round(estimate.reliability, 2),
        distinguishable=not low <= network <= high,
        funnel95=_rounded(limits.limits95),
        funnel998=_rounded(limits.limits998),
    )


def _compared(
    measure: Measure, groups: Sequence[Sequence[float]], own: Sequence[float]
) -> tuple[float, Estimate, funnel.Limits] | None:
    """The network's mean or share, the therapist's and the funnel; ``None`` where no cases of one therapist differ."""
    if measure in SHARES:
        if len({value for values in groups for value in values}) == 1:
            return None
        counts = [(round(sum(values)), len(values)) for values in groups]
        # Of all cases, as the mean of the posterior lies far above it where something is rare and therapists are few.
        network = sum(hits for hits, _ in counts) / sum(n for _, n in counts)
        return network, shares.shares(counts).share(round(sum(own)), len(own)), funnel.of_shares(counts, len(own))
    hierarchy = shrinkage.hierarchy(groups)
    if hierarchy is None:
        return None
    means, sizes = [fmean(values) for values in groups], [len(values) for values in groups]
    limits = funnel.of_means(means, sizes, hierarchy.within, len(own))
    return hierarchy.centre, hierarchy.estimate(len(own), fmean(own)), limits


def _rounded(interval: Interval) -> Interval:
    low, high = interval
    return round(float(low), 3), round(float(high), 3)
