"""Change on one series: in the direction of better, against measurement noise and the cutoff."""

from dataclasses import replace

import pytest

from contracts.instruments import catalogue
from services.projections.change import change, change_class, smoothed_gains

ORS = catalogue()["ors", "adult"]
PHQ9 = catalogue()["phq9", "adult"]


def test_a_gain_is_positive_when_the_client_is_better_on_either_kind_of_scale() -> None:
    assert change([15, 21], ORS).gain == 6
    assert change([18, 12], PHQ9).gain == 6


def test_the_change_since_the_best_score_is_never_positive() -> None:
    found = change([15, 25, 21], ORS)
    assert (found.best, found.from_best) == (25, -4)
    found = change([18, 8, 11], PHQ9)
    assert (found.best, found.from_best) == (8, -3)


def test_the_smoothed_gain_is_the_mean_of_two_scores_against_the_first() -> None:
    assert smoothed_gains([10, 14, 20], 1) == [0, 2, 7]
    assert smoothed_gains([10], 1) == [0]
    assert smoothed_gains([1.1, 1.1, 7.1], 1)[-1] == 3  # which it is not in binary fractions alone


def test_a_single_score_is_no_change() -> None:
    assert change([15], ORS).change_class == "not_enough_data"
    with pytest.raises(ValueError, match="at least one score"):
        change([], ORS)


@pytest.mark.parametrize(
    "first, last, expected",
    [
        (15, 20.9, "no_change"),
        (15, 21, "improved"),
        (20, 26, "recovered"),
        (26, 32, "improved"),  # was above the cutoff before: nothing was crossed
        (15, 9, "deteriorated"),
        (15, 9.1, "no_change"),
        (2.2, 8.2, "improved"),  # six points, though 8.2 - 2.2 < 6 in binary fractions
        (8.2, 2.2, "deteriorated"),
    ],
)
def test_change_classes_at_their_edges(first: float, last: float, expected: str) -> None:
    assert change_class(first, last, 2, ORS) == expected


def test_an_instrument_without_a_known_reliable_change_gives_no_verdict() -> None:
    unknown = replace(ORS, reliable_change=None, reliable_change_source=None)
    found = change([10, 35], unknown)
    assert found.change_class == "unknown"
    assert found.benefit is None
