"""Norm sets come from the network's own cases, and there is no band where there are too few."""

import random
from datetime import timedelta
from itertools import groupby, pairwise
from math import inf

import numpy as np
import pytest

from contracts.instruments import catalogue
from contracts.policies import Norms, policy
from services.figures.fitting import fit, reached
from services.projections.course import Series
from services.projections.growth import Growth
from services.projections.norms import Band, NormSet
from tests.series import grown, series
from tests.story import START

SIZES = {"smallest_band": 50, "smallest_cell": 50, "smallest_model": 200}
RULES = policy().norms.model_copy(update=SIZES)
WITHOUT_MODEL = RULES.model_copy(update={"smallest_model": 1_000_000})
KIND = "ors/adult/client"


def many(intake: float, n: int, seed: int = 1) -> list[Series]:
    rng = random.Random(seed)
    return [series(intake, *(intake + rng.gauss(2 * place, 3) for place in range(1, 5))) for _ in range(n)]


def curves(norms: NormSet) -> list[list[Band]]:
    """The bands of each intake, by session."""
    ordered = sorted(norms.bands[KIND], key=lambda band: (band.intake_from, band.session))
    return [list(cells) for _, cells in groupby(ordered, key=lambda band: band.intake_from)]


def test_below_the_smallest_cell_there_is_no_band() -> None:
    assert fit(many(12, 49), RULES, START).band(series(12, 13), 2) is None
    assert fit(many(12, 50), RULES, START).band(series(12, 13), 2) is not None


def test_cells_that_many_have_left_have_no_band_while_earlier_ones_have() -> None:
    left = [series(*one.values[:3]) for one in many(12, 30)]
    norms = fit([*left, *many(12, 40, seed=2)], WITHOUT_MODEL, START)
    assert [band.session for band in norms.bands[KIND]] == [2, 3]
    assert [band.n for band in norms.bands[KIND]] == [70, 70]


def test_without_a_growth_model_quantiles_are_those_of_the_cases() -> None:
    gains = list(range(1, 100))
    norms = fit([series(10, 10 + 2 * gain / 5) for gain in gains], WITHOUT_MODEL, START)
    band = norms.band(series(10, 11), 2)
    assert band is not None
    assert (band.n, band.q10, band.q25, band.q50, band.q75) == (99, 2, 5, 10, 15)


def test_an_intake_band_is_widened_until_it_holds_enough_and_a_rest_joins_the_last() -> None:
    norms = fit(many(3, 30) + many(8, 30) + many(13, 60) + many(18, 20), RULES, START)
    bands = [band for band in norms.bands[KIND] if band.session == 2]
    assert [(band.intake_from, band.intake_below, band.n) for band in bands] == [(-inf, 10, 60), (10, inf, 80)]


def test_every_first_score_falls_in_exactly_one_band() -> None:
    norms = fit(many(3, 60) + many(8, 60) + many(13, 60), RULES, START)
    for intake in (0, 4.9, 5, 9.9, 10, 40):
        assert sum(b.session == 3 and b.intake_from <= intake < b.intake_below for b in norms.bands[KIND]) == 1


def test_late_sessions_are_pooled_and_a_case_counts_once_in_the_pool() -> None:
    long = [series(12, *(13 + place for place in range(20))) for _ in range(50)]
    last = fit(long, RULES, START).band(series(12, 13), 40)
    assert last is not None
    assert (last.session, last.n) == (RULES.last_session, 50)


def test_a_case_has_reached_at_a_session_what_its_last_score_there_says() -> None:
    twice = series(12, 14, 18, 20, sessions=[1, 3, 3, 4])
    assert [(at.session, at.gain, at.second) for at in reached(twice, 15)] == [(3, 4.0, False), (4, 7.0, False)]
    assert [(at.session, at.gain) for at in reached(twice, 3)] == [(3, 7.0)]


def test_kinds_are_never_mixed() -> None:
    phq9 = catalogue()["phq9", "adult"]
    other = [series(*(27 - value / 2 for value in one.values), instrument=phq9) for one in many(12, 60)]
    both, alone = fit([*many(12, 60), *other], RULES, START), fit(many(12, 60), RULES, START)
    assert both.bands[KIND] == alone.bands[KIND]
    assert sorted(both.bands) == [KIND, "phq9/adult/client"]
    found = both.bands["phq9/adult/client"][0]
    assert found.q50 == pytest.approx(alone.bands[KIND][0].q50 / 2, abs=0.01)  # half the points, less is better


def test_cases_with_one_score_are_left_out() -> None:
    assert fit([series(12)] * 100, RULES, START).bands == {}


def test_the_version_depends_on_the_content_only() -> None:
    assert fit(many(12, 50), RULES, START).version == fit(many(12, 50), RULES, START).version
    assert fit(many(12, 50), RULES, START + timedelta(days=1)).version != fit(many(12, 50), RULES, START).version
    assert fit(many(12, 51), RULES, START).version != fit(many(12, 50), RULES, START).version


def test_no_two_curves_cross_however_small_the_cells() -> None:
    tiny = RULES.model_copy(update={"smallest_band": 3, "smallest_cell": 3})
    rng = random.Random(5)
    for _ in range(60):
        cases = [series(12, *(12 + rng.gauss(2, 6) for _ in range(rng.randint(3, 8)))) for _ in range(6)]
        for band in fit(cases, tiny, START).bands[KIND]:
            assert band.q10 <= band.q25 <= band.q50 <= band.q75


def test_each_curve_turns_at_most_once() -> None:
    norms = fit(grown(Growth(0, 14, 3, 25, -3, 9, 13), 900, scores=12), RULES, START)
    assert norms.growth
    assert len(curves(norms)) > 2
    for cells in curves(norms):
        lines = np.array([(cell.q10, cell.q25, cell.q50, cell.q75) for cell in cells])
        for line in lines.T:
            signs = [sign for sign in np.sign(np.diff(line)).tolist() if sign]
            assert sum(before != after for before, after in pairwise(signs)) <= 1


def test_while_cells_are_small_the_growth_model_helps() -> None:
    # given networks of 500 cases each, and many further cases of the same kind
    model = Growth(0, 14, 3, 25, -3, 9, 13)
    others = [one.values for one in grown(model, 20_000, seed=99)]
    firsts = np.array([values[0] for values in others])
    gains = {at: np.array([(v[at - 2] + v[at - 1]) / 2 - v[0] for v in others]) for at in range(2, 9)}

    def error(rules: Norms) -> float:
        """How far the share of others below the lower quarter of a cell is from a quarter, in the mean."""
        shares = []
        for seed in range(4):
            for band in fit(grown(model, 500, seed), rules, START).bands[KIND]:
                inside = (firsts >= band.intake_from) & (firsts < band.intake_below)
                shares.append(np.mean(gains[band.session][inside] < band.q25))
        return float(np.sqrt(np.mean((np.array(shares) - 0.25) ** 2)))

    # then curves drawn towards the model are nearer to what holds for the others than those of the cases alone
    assert error(RULES) < 0.9 * error(WITHOUT_MODEL)
