"""Shares of held-out cases below the curves are the nominal ones; and a back-test notices where they are not."""

import random
from collections.abc import Iterator
from datetime import timedelta

import pytest

from contracts.policies import policy
from services.figures import normtable
from services.figures.backtest import Backtest, Held, Margin, backtest
from services.figures.fitting import SHARES, fit
from services.projections.course import Series
from services.simulation.latent import draw_client, draw_course, draw_effects
from tests.series import norm_set, series
from tests.story import START

RULES = policy().norms
SMALL = RULES.model_copy(update={"smallest_band": 100, "smallest_cell": 50, "smallest_model": 100_000, "folds": 3})
KIND = "ors/adult/client"


def network(seed: int, cases: int, missing: float = 0.2) -> Iterator[Series]:
    """ORS series of a made-up network of fifty cases per therapist, in which some scores are missing."""
    rng = random.Random(seed)
    therapists = [draw_effects(rng) for _ in range(cases // 50)]
    for number in range(cases):
        therapist = therapists[number // 50]
        course = draw_course(rng, draw_client(rng, therapist), therapist, rng, None, 0)
        kept = [(at, one.ors) for at, one in enumerate(course.sessions, 1) if rng.random() >= missing]
        if kept:
            sessions, values = zip(*kept, strict=True)
            start = START + timedelta(days=rng.randrange(365))
            yield series(*values, sessions=sessions, start=start)


def test_on_held_out_cases_of_four_networks_shares_are_within_two_points_of_nominal() -> None:
    # given four networks, and for each half of their cases the norms of the other half
    held = Held()
    for seed in range(4):
        cases = list(network(seed, 4_000))
        for fitted, out in ((cases[::2], cases[1::2]), (cases[1::2], cases[::2])):
            held.against(fit(fitted, RULES, START), out)
    margins = held.margins()

    # then each share is within two points where the standard error is about one point or less
    large = [margin for margin in margins if margin.cases >= 2_000]
    assert {margin.by for margin in large} == {"band", "session"}
    assert len(large) >= 5 + 6
    assert max(margin.worst for margin in large) <= 0.02, "\n".join(normtable.tested(Backtest(margins, ()), RULES))
    # and with the allowance for chance that a back-test makes, none is off, however small
    assert Backtest(margins, ()).off(RULES.calibration_within, smallest=1) == []


def flat(gain: float, count: int, seed: int, start: int = 0) -> list[Series]:
    """Cases of 12 points at first whose later scores are that much higher, give or take 3."""
    rng = random.Random(seed)
    return [
        series(12, *(12 + rng.gauss(gain, 3) for _ in range(3)), start=START + timedelta(days=start + place))
        for place in range(count)
    ]


def test_a_network_that_stays_as_it_is_passes() -> None:
    told: list[tuple[int, int]] = []
    found = backtest(flat(3, 2_000, seed=1), SMALL, lambda *step: told.append(step))
    assert found.off(0.02, 50) == []
    assert [(margin.by, margin.start, margin.cases) for margin in found.folds if margin.by == "session"] == [
        ("session", session, 2_000) for session in (2.0, 3.0, 4.0)
    ]
    assert {margin.cases for margin in found.later} == {400}
    assert told == [(done, 4) for done in (1, 2, 3, 4)]


def test_a_network_in_which_later_cases_gain_less_is_off_among_the_later_ones_only() -> None:
    changed = [*flat(3, 1_600, seed=1), *flat(1, 400, seed=2, start=1_600)]
    found = backtest(random.Random(3).sample(changed, len(changed)), SMALL, lambda *_: None)
    off = found.off(0.02, 50)
    assert off
    assert all(margin in found.later for margin in off)


def test_too_few_cases_give_no_margins() -> None:
    assert backtest(flat(3, 40, seed=1), SMALL, lambda *_: None) == Backtest((), ())
    assert backtest([], SMALL, lambda *_: None) == Backtest((), ())


def test_each_score_is_held_against_the_band_of_its_session_and_a_case_counts_once() -> None:
    # given norms by which gains of -1, 2, 8 and 13 are the four curves
    held = Held()
    held.against(norm_set(q25=2), [series(10, 6, 6), series(10, 34, 34)])  # gains -2, -4 and 12, 24
    # then by band four scores of two cases, half of them below each of the first three curves
    band, *sessions = held.margins()
    assert band == Margin(KIND, "band", float("-inf"), 2, 4, (0.5, 0.5, 0.5, 0.75))
    assert [(one.start, one.cases, one.scores) for one in sessions] == [(2.0, 2, 2), (3.0, 2, 2)]


def test_a_gain_that_equals_a_curve_counts_half() -> None:
    held = Held()
    held.against(norm_set(q25=2), [series(10, 14)])
    assert held.margins()[0].shares == (0, 0.5, 1, 1)


@pytest.mark.parametrize("cases, off", [(300, 0), (30_000, 1)])
def test_what_chance_makes_likely_is_not_called_off(cases: int, off: int) -> None:
    shares = (SHARES[0], SHARES[1] + 0.05, *SHARES[2:])
    found = Backtest((Margin(KIND, "session", 2, cases, cases, shares),), ())
    assert len(found.off(within=0.02, smallest=100)) == off
    assert found.off(within=0.02, smallest=cases + 1) == []
    assert found.off(within=0.06, smallest=100) == []


def test_what_a_few_cases_say_is_not_told() -> None:
    few, enough = (Margin(KIND, "session", at, cases, cases, SHARES) for at, cases in ((2, 99), (3, 100)))
    told = "\n".join(normtable.tested(Backtest((few, enough), (few,)), RULES))
    assert "session 3" in told
    assert "session 2" not in told
    assert "began last" not in told
    assert list(normtable.tested(Backtest((few,), ()), RULES)) == ["nothing could be tested"]
