"""Items that add up to a total."""

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.instruments import catalogue
from services.simulation.scores import filled_in, mistaken, phq9, split

ORS = catalogue()["ors", "adult"]


@given(total=st.integers(0, 400), weak=st.integers(0, 3), seed=st.integers(0, 99))
def test_items_stay_on_their_scale_and_add_up(total: int, weak: int, seed: int) -> None:
    parts = split(Random(seed), total, [100] * 4, weak)
    assert sum(parts) == total
    assert all(0 <= part <= 100 for part in parts)


def test_the_weak_item_is_the_lowest_more_often_than_not() -> None:
    lowest = [split(Random(seed), 340, [100] * 4, weak=2) for seed in range(200)]
    assert sum(parts[2] == min(parts) for parts in lowest) > 120


def test_a_clinic_posts_either_the_total_or_every_item() -> None:
    total = filled_in(Random(1), ORS, 17.4, items=False, weak=0)
    items = filled_in(Random(1), ORS, 17.4, items=True, weak=0)
    assert [(score.scale, score.value) for score in total] == [("total", 17.4)]
    assert [score.scale for score in items] == ["individual", "interpersonal", "social", "overall"]
    assert sum(score.value for score in items) == pytest.approx(17.4)


@pytest.mark.parametrize("value", [0.0, 17.4, 40.0])
def test_a_mistake_is_another_score_within_the_range(value: float) -> None:
    for seed in range(50):
        wrong = mistaken(Random(seed), ORS, value)
        assert wrong != value
        assert 0 <= wrong <= 40


def test_the_phq9_falls_as_the_ors_rises() -> None:
    low, high = ([phq9(Random(seed), state) for seed in range(100)] for state in (10.0, 30.0))
    assert min(low) > 10 > sum(high) / 100
    assert all(0 <= score <= 27 and score == int(score) for score in low + high)
