"""Alliance and outcome in a network: between therapists, and between the cases of one therapist.

Each case's early alliance is split into how it differs from the mean of its therapist's cases, and how that mean
differs from the others'; both predict the last score beside the first one, in a random-intercept model (group-mean
centring; Baldwin, Wampold & Imel 2007, doi 10.1037/0022-006X.75.6.842). The two answer different questions, and the
literature does not agree on which is larger (Del Re 2012; against it doi 10.1080/10503307.2018.1516306): both are
shown, with intervals.
"""

from collections import defaultdict
from collections.abc import Iterable
from statistics import fmean
from typing import NamedTuple, TypeAlias

import numpy as np
from scipy.stats import t as student

from contracts.policies import Policy
from services.figures.figure import Slope, Split
from services.figures.mixed import fit
from services.figures.shrinkage import Numbers
from services.figures.therapist import early_mean, is_clinical
from services.projections.course import most
from services.projections.tables import Counted

Pair: TypeAlias = tuple[tuple[str, str], tuple[str, str]]


class Paired(NamedTuple):
    therapist_ref: str
    alliance: float
    first: float
    last: float


def split(cases: Iterable[Counted], policy: Policy) -> Split | None:
    """The relation in closed cases that began in the clinical range; ``None`` where too few therapists have such.

    It is ``None`` too where the numbers cannot tell one from another.
    """
    pairs: dict[Pair, list[Paired]] = defaultdict(list)
    for case in cases:
        outcome, alliance = most(case.series, "outcome"), most(case.series, "alliance")
        if case.is_open or outcome is None or alliance is None or not is_clinical(outcome):
            continue
        early = early_mean(alliance, policy.therapist.early_sessions)
        if early is not None:
            sign = outcome.instrument.sign
            name = (
                (outcome.instrument.key, outcome.instrument.version),
                (alliance.instrument.key, alliance.instrument.version),
            )
            pairs[name].append(Paired(case.therapist_ref, early, sign * outcome.values[0], sign * outcome.values[-1]))
    if not pairs:
        return None
    (outcome_name, alliance_name), paired = max(pairs.items(), key=lambda one: (len(one[1]), one[0]))
    therapists = len({one.therapist_ref for one in paired})
    if therapists < policy.therapist.therapists or len(paired) - therapists < policy.therapist.floor:
        return None
    y, x = design(paired)
    if np.linalg.matrix_rank(np.column_stack([x, y])) <= x.shape[1]:
        return None  # of first score, alliance and last score something never differs, or follows from the others
    found = fit(y, x, [one.therapist_ref for one in paired])
    errors = np.sqrt(np.diag(found.covariance))
    freedom = {2: len(paired) - therapists - 2, 3: therapists - 2}
    within, between = (_slope(float(found.coefficients[at]), float(errors[at]), freedom[at]) for at in (2, 3))
    return Split(outcome_name, alliance_name, len(paired), therapists, within, between)


def design(paired: Iterable[Paired]) -> tuple[Numbers, Numbers]:
    """The last scores; and in columns 1, the first score, the alliance within and the alliance between."""
    paired = list(paired)
    owned: dict[str, list[float]] = defaultdict(list)
    for one in paired:
        owned[one.therapist_ref].append(one.alliance)
    means = {therapist: fmean(values) for therapist, values in owned.items()}
    centre = fmean(one.alliance for one in paired)
    rows = [
        (1.0, one.first, one.alliance - means[one.therapist_ref], means[one.therapist_ref] - centre) for one in paired
    ]
    return np.array([one.last for one in paired]), np.array(rows)


def _slope(value: float, error: float, freedom: int) -> Slope:
    reach = float(student.ppf(0.975, freedom)) * error
    return Slope(round(value, 2), (round(value - reach, 2), round(value + reach, 2)))
