"""The growth model of a network's cases: how it is fitted, and which gains it lets expect after a first score.

It takes all scores of a case, whenever it ended: what it says holds for everybody who began as long as leaving hangs
on the scores that are known (missing at random; Little & Rubin 2002), and not only for those who stayed.
"""

import warnings
from collections.abc import Sequence
from typing import NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from services.projections.course import Series
from services.projections.growth import Growth

Array: TypeAlias = NDArray[np.float64]


class Gains(NamedTuple):
    """Smoothed gains of some cases, one of each; positive is better. Entries stand in the same order."""

    firsts: Array
    """First scores, signed so that more is better."""
    first_logs: Array
    """ln(session) of the first scores."""
    logs: Array
    """Mean of ln(session) of the two scores that the gain is smoothed over."""
    second: NDArray[np.bool_]
    """Whether the gain is that of a second score, so that the first is one of the two."""
    gains: Array


def grow(series: Sequence[Series], smallest: int) -> Growth | None:
    """The growth model of ``series``, all of one kind; ``None`` below ``smallest`` cases, or where it cannot be told.

    Those count that have two scores or more and begin on the clinical side of the cutoff, or anywhere where that is
    unknown. Fitted by restricted maximum likelihood: level and pace are random, ln(session) is the time.
    """
    cases = [one for one in series if len(one.points) > 1 and one.instrument.functional(one.values[0]) is not True]
    if len(cases) < smallest:
        return None
    import statsmodels.api as sm  # slow to import

    scores = np.array([one.instrument.sign * value for one in cases for value in one.values])
    times = np.log([point.session for one in cases for point in one.points])
    groups = np.repeat(np.arange(len(cases)), [len(one.points) for one in cases])
    design = np.column_stack([np.ones(len(scores)), times])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # what they say is looked at below
        try:
            found = sm.MixedLM(scores, design, groups, exog_re=design).fit(reml=True)
        except np.linalg.LinAlgError:
            return None
    spread = np.asarray(found.cov_re, dtype=float)
    numbers = [*found.fe_params, spread[0, 0], spread[0, 1], spread[1, 1], found.scale]
    level, pace, level_variance, covariance, pace_variance, error = (round(float(one), 4) for one in numbers)
    known = found.converged and min(level_variance, pace_variance, error) > 0
    if not known or level_variance * pace_variance <= covariance**2:
        return None
    return Growth(len(cases), level, pace, level_variance, covariance, pace_variance, error)


def expected(growth: Growth, cell: Gains, shares: Sequence[float]) -> Array:
    """The quantiles ``shares`` of gain that the model lets expect of ``cell``, given the first scores alone.

    Level, pace and the first score are jointly normal, so that given the first score level and pace are too; the
    mixture over the cell is taken for normal with its mean and variance.
    """
    from scipy.stats import norm

    start = cell.first_logs
    first = growth.level_variance + 2 * start * growth.covariance + start**2 * growth.pace_variance
    first = first + growth.error_variance
    with_level = growth.level_variance + start * growth.covariance
    with_pace = growth.covariance + start * growth.pace_variance
    surprise = (cell.firsts - growth.level - start * growth.pace) / first
    level = growth.level + with_level * surprise
    pace = growth.pace + with_pace * surprise
    level_variance = growth.level_variance - with_level**2 / first
    pace_variance = growth.pace_variance - with_pace**2 / first
    covariance = growth.covariance - with_level * with_pace / first
    weight = np.where(cell.second, 0.5, 1.0)  # a second score's gain is half its distance from the first
    time = np.where(cell.second, cell.logs - start / 2, cell.logs)
    mean = weight * (level - cell.firsts) + time * pace
    variance = weight**2 * level_variance + 2 * weight * time * covariance + time**2 * pace_variance
    variance = variance + growth.error_variance * weight / 2
    quantiles: Array = np.mean(mean) + norm.ppf(shares) * np.sqrt(np.mean(variance) + np.var(mean))
    return quantiles
