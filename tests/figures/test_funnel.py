"""Funnel limits: published numbers, independent implementations, and what overdispersion does."""

from statistics import fmean

import numpy as np
import pytest
from scipy.stats import binom
from statsmodels.stats.meta_analysis import combine_effects

from services.figures.funnel import dispersion, exact_limit, of_means, of_shares, variance_between, winsorised


def test_the_dispersion_is_that_of_a_published_package() -> None:
    """The example in FunnelPlotR's own tests (nhs-r-community): standardised ratios, and phi = 2.948033."""
    observed = np.array([100, 150, 180, 80, 120, 225])
    expected = np.array([108, 112, 165, 95, 100, 220])
    assert dispersion(np.log(observed / expected) * np.sqrt(expected)) == pytest.approx(2.948033, abs=1e-6)


def test_the_variance_between_is_that_of_dersimonian_and_laird_in_statsmodels() -> None:
    rng = np.random.default_rng(6)
    errors = rng.uniform(0.2, 2.0, 40)
    means = rng.normal(0, np.sqrt(errors + 1.0))
    centre = float(np.average(means, weights=1 / errors))
    independent = combine_effects(means, errors, method_re="chi2")
    assert independent.tau2 > 0
    assert variance_between((means - centre) / np.sqrt(errors), errors) == pytest.approx(independent.tau2)


def test_winsorising_pulls_the_outer_tenths_in_and_leaves_the_rest() -> None:
    scores = np.array([-9.0, -1.0, -0.5, -0.2, 0.0, 0.1, 0.3, 0.6, 1.0, 1.2, 8.0])
    assert winsorised(scores).tolist() == [-1.0, -1.0, -0.5, -0.2, 0.0, 0.1, 0.3, 0.6, 1.0, 1.2, 1.2]


def test_without_more_scatter_than_chance_the_limits_are_the_plain_ones() -> None:
    """The network's mean and z sigma / sqrt(n), with z of 1.96 and 3.09 (docs/clinical-rules.md)."""
    found = of_means([1.0, 1.1, 0.9, 1.05, 0.95], [40, 30, 30, 50, 50], within=49.0, n=25)
    centre = fmean([1.0] * 40 + [1.1] * 30 + [0.9] * 30 + [1.05] * 50 + [0.95] * 50)
    assert found.limits95 == pytest.approx((centre - 1.96 * 1.4, centre + 1.96 * 1.4), abs=1e-3)
    assert found.limits998 == pytest.approx((centre - 3.09 * 1.4, centre + 3.09 * 1.4), abs=1e-3)


def test_more_scatter_than_chance_widens_the_limits_for_everyone() -> None:
    means, sizes = [-4.0, -3.0, -2.0, 0.0, 2.0, 3.0, 4.0], [40] * 7
    narrow, wide = of_means([0.0] * 7, sizes, 49.0, 40), of_means(means, sizes, 49.0, 40)
    assert wide.limits95[1] > 1.5 * narrow.limits95[1]
    assert wide.limits998[1] > wide.limits95[1]


def test_a_single_outlier_does_not_hide_itself() -> None:
    rng = np.random.default_rng(1)
    means = [float(mean) for mean in rng.normal(0, 7 / 40**0.5, 30)]
    found = of_means([*means, 9.0], [40] * 31, 49.0, 40)
    assert found.limits998[1] < 9.0


@pytest.mark.parametrize("n", [10, 12, 25, 60])
@pytest.mark.parametrize("below", [0.001, 0.025, 0.975, 0.999])
def test_exact_limits_lie_between_two_counts_of_the_binomial(n: int, below: float) -> None:
    limit = exact_limit(0.2, n, below)
    count = binom.ppf(below, n, 0.2)
    assert (count - 1) / n <= limit <= count / n or limit == 0


def test_an_exact_limit_worked_by_hand() -> None:
    """n = 2, share .5: P(R <= 1) = .75, P(R <= 2) = 1; .975 lies 9 tenths of the way from one to two."""
    assert exact_limit(0.5, 2, 0.975) == pytest.approx((2 - 0.1) / 2)


def test_limits_of_shares_stay_shares_and_narrow_with_n() -> None:
    counts = [(4, 20), (5, 20), (3, 20), (4, 20), (4, 20), (5, 20)]
    small, large = of_shares(counts, 10), of_shares(counts, 100)
    assert 0 <= small.limits998[0] <= small.limits95[0] < large.limits95[0]
    assert large.limits95[1] < small.limits95[1] < small.limits998[1] <= 1
    assert large.limits95 == pytest.approx((0.135, 0.288), abs=0.01)  # binomial: 13.5 to 28.8 of 100


def test_where_nothing_ever_happened_a_funnel_is_a_point() -> None:
    assert of_shares([(0, 20)] * 6, 20).limits998 == (0, 0)
