"""The formulas of Jacobson & Truax, held to their own worked example and to their own table of couples."""

from collections import Counter
from dataclasses import replace
from math import isclose
from statistics import fmean, stdev

import pytest

from contracts.instruments import Cutoff, Instrument, Sample, Scale, catalogue
from contracts.policies import read
from services.projections.change import change, change_class
from services.projections.reliability import (
    catalogue_at,
    criteria,
    error_of_difference,
    error_of_score,
    least_reliable_change,
    reliable_change_index,
    standard_error,
)

ORS, CORE10 = catalogue()["ors", "adult"], catalogue()["core10", "adult"]
COUPLES = [
    *[(90.5, 97.0), (74.0, 124.0), (97.0, 97.5), (73.5, 88.0), (61.0, 96.5), (66.5, 62.5), (68.5, 112.5)],
    *[(86.5, 103.5), (88.5, 90.0), (68.5, 82.5), (98.0, 105.0), (80.5, 99.5), (89.5, 112.5), (91.5, 101.0)],
    *[(83.5, 99.5), (60.5, 79.5), (83.0, 88.0), (88.0, 100.5), (98.5, 119.0), (78.5, 116.0), (99.5, 116.0)],
    *[(79.5, 129.0), (84.5, 113.0), (92.5, 118.0), (93.0, 92.0), (85.0, 114.0), (64.0, 68.0), (61.0, 52.0)],
    *[(80.0, 60.5), (82.5, 104.5)],
]
"""Jacobson & Truax 1991, Table 2: the marital adjustment of 30 couples before and after therapy, higher is better."""


def scale(cutoff: float, size: float) -> Instrument:
    """Their scale as an instrument: a score above the cutoff is functional."""
    return replace(
        ORS,
        total=Scale(name="total", minimum=0, maximum=151),
        items=(),
        cutoff=Cutoff(value=cutoff, functional="above", source="Jacobson & Truax 1991"),
        reliable_change=size,
    )


def test_the_worked_example_of_the_paper_comes_out_as_printed() -> None:
    """Clinical mean 40, functional 60, SD 7.5, reliability .80; a client from 32.5 to 47.5: S_E 3.35, RC 3.16, c 50."""
    error = error_of_score(7.5, 0.80)
    assert round(error, 2) == 3.35
    assert round(error_of_difference(error), 2) == 4.74
    assert round(reliable_change_index(32.5, 47.5, error), 2) == 3.16
    clinical = Sample(mean=40, deviation=7.5, source="the paper")
    functional = Sample(mean=60, deviation=7.5, source="the paper")
    assert criteria(clinical, functional) == (55, 45, 50)
    theirs = scale(50, least_reliable_change(error, 0.95))
    assert change_class(32.5, 47.5, 2, theirs) == "improved"
    assert change_class(32.5, 50.1, 2, theirs) == "recovered"
    assert change_class(32.5, 41.7, 2, theirs) == "no_change"
    assert change_class(47.5, 32.5, 2, theirs) == "deteriorated"


def test_the_couples_of_their_table_fall_into_the_classes_that_another_implementation_gives_them() -> None:
    """The R package JTRCI, in the figure of its own documentation: reliability .84, criterion a at 105.2."""
    before = [first for first, _ in COUPLES]
    clinical = Sample(mean=fmean(before), deviation=stdev(before), source="the table")
    cutoff = criteria(clinical, Sample(mean=115, deviation=18, source="not needed for a")).a
    assert round(cutoff, 1) == 105.2
    theirs = scale(cutoff, least_reliable_change(error_of_score(clinical.deviation, 0.84), 0.95))
    found = Counter(change([first, last], theirs).change_class for first, last in COUPLES)
    assert found == {"recovered": 10, "improved": 8, "no_change": 11, "deteriorated": 1}


def test_a_change_is_reliable_where_its_index_says_so() -> None:
    error = error_of_score(7.5, 0.80)
    size = least_reliable_change(error, 0.95)
    for first, last in COUPLES:
        reliable = abs(reliable_change_index(first, last, error)) >= 1.96
        assert (change_class(first, last, 2, scale(100, size)) != "no_change") == reliable


def test_the_criteria_hold_for_a_scale_on_which_less_is_better() -> None:
    clinical = Sample(mean=20, deviation=6, source="made up")
    functional = Sample(mean=5, deviation=4, source="made up")
    a, b, c = criteria(clinical, functional)
    assert (a, b, c) == (8, 13, 11)
    assert isclose((clinical.mean - c) / clinical.deviation, (c - functional.mean) / functional.deviation)


def test_a_stated_cutoff_is_not_far_from_what_the_stated_samples_give() -> None:
    stated = [
        (one.cutoff.value, criteria(one.clinical_sample, one.functional_sample).c)
        for one in catalogue().values()
        if one.cutoff and one.clinical_sample and one.functional_sample
    ]
    assert stated
    assert all(abs(cutoff - c) <= 1 for cutoff, c in stated)


@pytest.mark.parametrize(
    "key, version, expected",
    [
        ("ors", "adult", 2.16),  # 6 / (1.96 * sqrt 2)
        ("core10", "adult", 2.58),  # 6 / (1.645 * sqrt 2): its source speaks of 90 %
        ("oq45", "adult", 5.05),
        ("who5", "percent", None),  # a rule of thumb was computed from no error
        ("bdi2", "adult", None),
        ("cors", "child", None),
    ],
)
def test_the_error_of_one_score_is_the_one_that_the_reliable_change_came_from(
    key: str, version: str, expected: float | None
) -> None:
    instrument = catalogue()[key, version]
    assert change([10, 12], instrument).standard_error == expected
    error = standard_error(instrument)
    if error is not None and instrument.reliable_change is not None:
        confidence = instrument.reliable_change_confidence or 0
        assert isclose(least_reliable_change(error, confidence), instrument.reliable_change)


def test_without_a_reliable_change_the_error_comes_from_spread_and_reliability() -> None:
    bdi2 = catalogue()["bdi2", "adult"]
    assert bdi2.reliability == 0.93
    known = replace(bdi2, clinical_sample=Sample(mean=20, deviation=10, source="made up"))
    assert standard_error(known) == error_of_score(10, 0.93)


def test_a_policy_can_ask_for_one_confidence_everywhere() -> None:
    strict = read(
        'key = "strict"\nversion = 1\nextends = "default"\n[change]\nconfidence = { value = 0.95, source = "a test" }'
    )
    found = catalogue_at(strict.change.strictness)
    assert found["core10", "adult"].reliable_change == 7.15  # 6 * 1.960 / 1.645
    assert change([20, 13.5], CORE10).change_class == "improved"
    assert change([20, 13.5], found["core10", "adult"]).change_class == "no_change"
    assert found["ors", "adult"] == ORS
    unknown = [key for key, one in catalogue().items() if standard_error(one) is None]
    assert all(found[key] == catalogue()[key] for key in unknown)
    assert catalogue_at(0.90)["ors", "adult"].reliable_change == 5.04  # 6 * 1.645 / 1.960


def test_the_default_policy_takes_each_instrument_at_its_word() -> None:
    stated = read('key = "same"\nversion = 1\nextends = "default"')
    assert catalogue_at(stated.change.strictness) is catalogue()
