"""Shares drawn towards the network's: textbook limits, and what intervals promise."""

from statistics import fmean

import numpy as np
import pytest
from scipy.stats import beta

from services.figures.shares import Shares, shares
from tests.figures.report import report


def known(share: float, size: float) -> Shares:
    """A network of which everything is known."""
    return Shares(np.array([share]), np.array([size]), np.array([1.0]))


def test_where_the_network_is_known_the_estimate_is_the_beta_binomial_formula() -> None:
    found = known(0.2, 50).share(12, 30)
    posterior = beta(0.2 * 50 + 12, 0.8 * 50 + 18)
    assert found.value == pytest.approx(22 / 80)
    assert found.reliability == pytest.approx(30 / 80)
    assert found.interval95 == pytest.approx(posterior.ppf([0.025, 0.975]), abs=1e-5)
    assert found.interval80 == pytest.approx(posterior.ppf([0.1, 0.9]), abs=1e-5)


def test_a_share_is_drawn_towards_the_networks_the_more_the_fewer_there_are() -> None:
    rng = np.random.default_rng(2)
    counts = [(int(rng.binomial(40, share)), 40) for share in rng.beta(8, 24, 30)]
    network = shares(counts)
    few, many = network.share(6, 10), network.share(60, 100)
    assert sum(hits for hits, _ in counts) / 1_200 < few.value < many.value < 0.6
    assert few.reliability < many.reliability


def test_where_nothing_ever_happened_the_share_is_low_and_the_interval_wide() -> None:
    found = shares([(0, 20)] * 8).share(0, 20)
    assert 0 <= found.interval95[0] < found.value < 0.05
    assert found.interval95[1] > found.interval80[1] > found.value


def test_intervals_of_shares_are_not_too_narrow_and_estimates_beat_raw_shares() -> None:
    """25 networks of 20 therapists; dropout, whose share of variance between therapists is 12.6 % (Saxon 2017)."""
    rng = np.random.default_rng(4)
    size = 1 / 0.126 - 1
    within80, within95, ours, raw = [], [], [], []
    for _ in range(25):
        truth = rng.beta(0.3 * size, 0.7 * size, 20)
        counts = [
            (int(rng.binomial(n, share)), int(n)) for share, n in zip(truth, rng.integers(10, 60, 20), strict=True)
        ]
        network = shares(counts)
        for (hits, n), share in zip(counts, truth, strict=True):
            one = network.share(hits, n)
            within80.append(one.interval80[0] <= share <= one.interval80[1])
            within95.append(one.interval95[0] <= share <= one.interval95[1])
            ours.append((one.value - share) ** 2)
            raw.append((hits / n - share) ** 2)
    report("shares", within80, within95, ours, raw)
    assert 0.77 <= fmean(within80) <= 0.86
    assert 0.93 <= fmean(within95) <= 0.98
    assert fmean(ours) < fmean(raw)
