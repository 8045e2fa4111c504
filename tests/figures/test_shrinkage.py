"""Shrinkage: published examples, an independent implementation, and what intervals promise."""

from collections.abc import Sequence
from dataclasses import replace
from statistics import fmean

import numpy as np
import pytest
from statsmodels.regression.mixed_linear_model import MixedLM

from services.figures.shrinkage import Hierarchy, Numbers, from_errors, hierarchy, pooled_variance
from tests.figures.report import report

SCHOOLS = np.array([28.39, 7.94, -2.75, 6.82, -0.64, 0.63, 18.01, 12.16])
ERRORS = np.array([14.9, 10.2, 16.3, 11.0, 9.4, 11.4, 10.4, 17.6]) ** 2


def drawn(
    rng: np.random.Generator, groups: int, tau: float, sigma: float = 7.5, sizes: tuple[int, int] = (10, 80)
) -> tuple[list[list[float]], Numbers]:
    """Groups of values, and by how much each truly differs from the common mean of 0."""
    differences = rng.normal(0, tau, groups)
    return [list(rng.normal(one, sigma, rng.integers(*sizes))) for one in differences], differences


def known(within: float, tau: float, mean: float = 0.0) -> Hierarchy:
    """A network of which everything is known."""
    return Hierarchy(within, np.array([tau]), np.array([1.0]), np.array([mean]), np.array([0.0]))


def test_the_eight_schools_come_out_as_published() -> None:
    """Rubin 1981; posterior means under a flat prior on tau, as Stan gives them (Monte Carlo error 0.2).

    The prior here is flat on tau squared, so each node is weighed by 1 / tau to compare.
    """
    found = from_errors(SCHOOLS, ERRORS, 1.0)
    weights = found.weights / found.taus
    found = replace(found, weights=weights / weights.sum())
    published = (11.6, 7.99, 6.08, 7.55, 4.69, 6.15, 10.77, 8.58)
    for mean, error, expected in zip(SCHOOLS, ERRORS, published, strict=True):
        assert found.estimate(1 / error, mean).value == pytest.approx(expected, abs=0.9)
    assert found.centre == pytest.approx(7.88, abs=0.4)
    assert float(found.weights @ found.taus) == pytest.approx(6.83, abs=0.5)


@pytest.mark.parametrize(
    "icc, reliabilities",
    [
        (0.011, (0.10, 0.18, 0.25, 0.36, 0.53)),
        (0.05, (0.34, 0.51, 0.61, 0.72, 0.84)),
        (0.08, (0.47, 0.63, 0.72, 0.81, 0.90)),
        (0.10, (0.53, 0.69, 0.77, 0.85, 0.92)),
    ],
)
def test_the_reliability_of_a_mean_is_that_of_the_spearman_brown_formula(
    icc: float, reliabilities: Sequence[float]
) -> None:
    """n ICC / (1 + (n - 1) ICC), at published shares of variance between therapists (docs/clinical-rules.md)."""
    network = known(1 - icc, icc**0.5)
    for n, expected in zip((10, 20, 30, 50, 100), reliabilities, strict=True):
        assert network.estimate(n, 0.0).reliability == pytest.approx(expected, abs=0.0051)


def test_where_tau_and_the_mean_are_known_the_estimate_is_the_textbook_formula() -> None:
    found = known(within=60.0, tau=2.0, mean=1.0).estimate(15, 5.0)
    share = 15 * 4 / (15 * 4 + 60)
    spread = 2 * (1 - share) ** 0.5
    assert found.value == pytest.approx(1 + share * 4)
    assert found.interval80 == pytest.approx((3 - 1.2816 * spread, 3 + 1.2816 * spread), abs=1e-3)
    assert found.interval95 == pytest.approx((3 - 1.96 * spread, 3 + 1.96 * spread), abs=1e-3)


def test_the_estimates_agree_with_those_of_a_mixed_model_in_statsmodels() -> None:
    """Within a tenth of tau: the mixed model takes its one best tau, here the average over all of them is taken."""
    groups, _ = drawn(np.random.default_rng(3), groups=60, tau=2.0)
    found = hierarchy(groups)
    assert found is not None
    values = np.concatenate([np.array(group) for group in groups])
    owners = np.repeat(np.arange(60), [len(group) for group in groups])
    mixed = MixedLM(values, np.ones((len(values), 1)), groups=owners).fit(reml=True)
    tau = float(np.asarray(mixed.cov_re)[0, 0]) ** 0.5
    assert found.within == pytest.approx(mixed.scale, rel=0.01)
    assert float(found.weights @ found.taus) == pytest.approx(tau, rel=0.06)
    assert found.centre == pytest.approx(float(mixed.fe_params[0]), abs=0.02)
    for place, group in enumerate(groups):
        ours = found.estimate(len(group), fmean(group)).value - found.centre
        assert ours == pytest.approx(float(mixed.random_effects[place].iloc[0]), abs=0.1 * tau)


@pytest.mark.parametrize("tau", [1.1, 2.0])
def test_intervals_cover_what_they_say_and_estimates_beat_raw_means(tau: float) -> None:
    """50 networks of 80 therapists, whose share of the variance is 2 and 7 %."""
    rng = np.random.default_rng(round(tau * 10))
    within80, within95, ours, raw = [], [], [], []
    for _ in range(50):
        groups, truth = drawn(rng, groups=80, tau=tau)
        found = hierarchy(groups)
        assert found is not None
        grand = fmean(value for group in groups for value in group)
        for group, difference in zip(groups, truth, strict=True):
            one = found.estimate(len(group), fmean(group))
            low80, low95 = one.interval80[0] - found.centre, one.interval95[0] - found.centre
            high80, high95 = one.interval80[1] - found.centre, one.interval95[1] - found.centre
            within80.append(low80 <= difference <= high80)
            within95.append(low95 <= difference <= high95)
            ours.append((one.value - found.centre - difference) ** 2)
            raw.append((fmean(group) - grand - difference) ** 2)
    report(f"normal model, tau {tau}", within80, within95, ours, raw)
    assert 0.77 <= fmean(within80) <= 0.83
    assert 0.93 <= fmean(within95) <= 0.97
    assert fmean(ours) < fmean(raw)


def test_with_few_groups_intervals_are_too_wide_rather_than_too_narrow() -> None:
    rng = np.random.default_rng(8)
    covered = []
    for _ in range(150):
        groups, truth = drawn(rng, groups=6, tau=2.0)
        found = hierarchy(groups)
        assert found is not None
        for group, difference in zip(groups, truth, strict=True):
            low, high = found.estimate(len(group), fmean(group)).interval80
            covered.append(low - found.centre <= difference <= high - found.centre)
    assert fmean(covered) > 0.8


def test_where_groups_do_not_differ_everyone_is_drawn_to_the_common_mean() -> None:
    groups, _ = drawn(np.random.default_rng(5), groups=30, tau=0.0)
    found = hierarchy(groups)
    assert found is not None
    for group in groups:
        own = abs(fmean(group) - found.centre)
        assert abs(found.estimate(len(group), fmean(group)).value - found.centre) < own / 2 + 0.05


def test_the_variance_inside_groups_is_pooled_over_them() -> None:
    assert pooled_variance([[10.0, 12.0, 14.0], [20.0, 24.0]]) == pytest.approx((8 + 8) / 3)
    assert pooled_variance([[1.0], [2.0]]) is None


def test_nothing_is_told_of_one_group_or_of_groups_without_any_spread() -> None:
    assert hierarchy([[1.0, 2.0]]) is None
    assert hierarchy([[1.0], [2.0]]) is None
    assert hierarchy([[1.0, 1.0], [2.0, 2.0]]) is None
