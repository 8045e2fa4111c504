"""A therapist's figures: nothing below the floor, drawn towards the network above it."""

import random

import numpy as np
import pytest

from contracts.instruments import catalogue
from contracts.policies import policy
from services.projections.therapist import CaseOutcome, Components, Figure, components, figures, shrink

RULES = policy().therapist


def outcome(therapist: str, first: float, last: float, is_open: bool = False, scores: int = 6) -> CaseOutcome:
    return CaseOutcome(therapist, is_open, "ors", "adult", scores, first, last, (first + last) / 2)


def network(per_therapist: int, therapists: int = 12, spread: float = 3.0, seed: int = 5) -> list[CaseOutcome]:
    """A network in which therapist number k differs by a drawn amount."""
    rng = random.Random(seed)
    shifts = [rng.gauss(0, spread) for _ in range(therapists)]
    return [
        outcome(f"th_{number:02d}", first := rng.uniform(8, 24), 10 + 0.6 * first + shift + rng.gauss(0, 7))
        for number, shift in enumerate(shifts)
        for _ in range(per_therapist)
    ]


def figure(rows: list[CaseOutcome], therapist: str = "th_03") -> Figure:
    (found,) = figures(rows, therapist, RULES, catalogue())
    return found


def test_below_the_floor_of_closed_cases_nothing_is_said() -> None:
    found = figure(network(per_therapist=9))
    assert (found.standing, found.closed_cases, found.difference) == ("not_enough_data", 9, None)
    assert figure(network(per_therapist=10)).standing == "early"
    assert figure(network(per_therapist=30)).standing == "settled"


def test_open_cases_and_cases_with_one_score_do_not_count() -> None:
    rows = network(per_therapist=10)
    more = [outcome("th_03", 10, 40, is_open=True), outcome("th_03", 10, 10, scores=1)]
    assert figure(rows + more) == figure(rows)


def test_the_estimate_lies_between_the_raw_mean_and_the_network() -> None:
    rows = network(per_therapist=20)
    found = figure(rows)
    own = [row for row in rows if row.therapist_ref == "th_03"]
    slope, intercept = np.polyfit([row.first for row in rows], [row.last for row in rows], 1)
    raw = float(np.mean([row.last - intercept - slope * row.first for row in own]))
    assert found.difference is not None
    assert found.reliability is not None
    assert found.difference == pytest.approx(raw * found.reliability, abs=0.06)
    assert 0 < found.reliability < 1


def test_intervals_are_nested_and_hold_the_estimate() -> None:
    found = figure(network(per_therapist=20))
    assert found.interval80 is not None
    assert found.interval95 is not None
    assert found.difference is not None
    assert found.interval95[0] < found.interval80[0] < found.difference < found.interval80[1] < found.interval95[1]


def test_a_therapist_is_distinguishable_only_when_the_interval_leaves_out_the_network() -> None:
    rows = network(per_therapist=60, spread=6.0)
    for number in range(12):
        found = figure(rows, f"th_{number:02d}")
        assert found.interval95 is not None
        assert found.distinguishable == (not found.interval95[0] <= 0 <= found.interval95[1])
    assert {figure(rows, f"th_{number:02d}").distinguishable for number in range(12)} == {True, False}


def test_where_therapists_do_not_differ_everyone_is_drawn_to_the_network() -> None:
    rows = network(per_therapist=100, spread=0.0)
    found = [figure(rows, f"th_{number:02d}") for number in range(12)]
    assert all(one.difference == pytest.approx(0, abs=0.5) for one in found)
    assert not any(one.distinguishable for one in found)


def test_variance_components_are_those_of_a_balanced_analysis_of_variance() -> None:
    groups = [[10.0, 12.0, 14.0], [20.0, 22.0, 24.0], [30.0, 32.0, 34.0]]
    parts = components(groups)
    assert parts is not None
    assert parts.within == pytest.approx(4)
    assert parts.between == pytest.approx((300 - 4) / 3)


def test_variance_components_need_two_groups_and_some_spread() -> None:
    assert components([[1.0, 2.0]]) is None
    assert components([[1.0], [2.0]]) is None
    assert components([[1.0, 1.0], [2.0, 2.0]]) is None


def test_reliability_is_as_in_the_table_of_published_icc_values() -> None:
    """ICC .05 and 20 cases give .51; .08 and 50 give .81 (docs/clinical-rules.md)."""
    for icc, n, expected in ((0.05, 20, 0.51), (0.08, 50, 0.81), (0.10, 100, 0.92)):
        reliability, _, _ = shrink([0.0] * n, Components(icc, 1 - icc))
        assert round(reliability, 2) == expected
