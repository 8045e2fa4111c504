"""Norm sets come from the network's own cases, and there is no band where there are too few."""

import random
from datetime import timedelta
from math import inf
from pathlib import Path

import pytest

from contracts.instruments import catalogue
from contracts.policies import policy
from services.projections import normfiles
from services.projections.change import change
from services.projections.course import Point, Series
from services.projections.norms import fit, in_force
from tests.story import START, day

RULES = policy().norms.model_copy(update={"smallest_cell": 50})
ORS = catalogue()["ors", "adult"]


def series(*values: float) -> Series:
    points = tuple(Point(day(7 * place), place + 1, value, {}) for place, value in enumerate(values))
    return Series(ORS, "client", points, change(values, ORS))


def many(intake: float, n: int, seed: int = 1) -> list[Series]:
    rng = random.Random(seed)
    return [series(intake, *(intake + rng.gauss(2 * place, 3) for place in range(1, 5))) for _ in range(n)]


def test_below_the_smallest_cell_there_is_no_band() -> None:
    assert fit(many(12, 49), RULES, START).band(series(12, 13), 2) is None
    assert fit(many(12, 50), RULES, START).band(series(12, 13), 2) is not None


def test_quantiles_are_those_of_the_cases() -> None:
    gains = list(range(101))
    norms = fit([series(10, 10 + 2 * gain / 5) for gain in gains], RULES, START)
    band = norms.band(series(10, 11), 2)
    assert band is not None
    assert (band.n, band.q10, band.q25, band.q50, band.q75) == (101, 2, 5, 10, 15)


def test_an_intake_band_is_widened_until_it_holds_enough_and_a_rest_joins_the_last() -> None:
    norms = fit(many(3, 30) + many(8, 30) + many(13, 60) + many(18, 20), RULES, START)
    bands = [band for band in norms.bands["ors/adult/client"] if band.session == 2]
    assert [(band.intake_from, band.intake_below, band.n) for band in bands] == [(-inf, 10, 60), (10, inf, 80)]


def test_every_first_score_falls_in_exactly_one_band() -> None:
    norms = fit(many(3, 60) + many(8, 60) + many(13, 60), RULES, START)
    for intake in (0, 4.9, 5, 9.9, 10, 40):
        bands = norms.bands["ors/adult/client"]
        assert sum(band.session == 3 and band.intake_from <= intake < band.intake_below for band in bands) == 1


def test_late_sessions_are_pooled_and_a_case_counts_once_in_the_pool() -> None:
    long = [series(12, *(13 + place for place in range(20))) for _ in range(50)]
    norms = fit(long, RULES, START)
    last = norms.band(series(12, 13), 40)
    assert last is not None
    assert (last.session, last.n) == (RULES.last_session, 50)


def test_a_case_keeps_the_norms_that_were_in_force_when_it_began() -> None:
    first, second = fit(many(12, 50), RULES, day(0)), fit(many(12, 60), RULES, day(90))
    assert in_force([first, second], day(-1)) is None
    assert in_force([first, second], day(89)) is first
    assert in_force([second, first], day(90)) is second
    assert first.version != second.version


def test_the_version_depends_on_the_content_only() -> None:
    assert fit(many(12, 50), RULES, START).version == fit(many(12, 50), RULES, START).version
    assert fit(many(12, 50), RULES, START + timedelta(days=1)).version != fit(many(12, 50), RULES, START).version


def test_a_norm_set_is_read_back_from_its_file_as_it_was(tmp_path: Path) -> None:
    first, second = fit(many(3, 60) + many(13, 60), RULES, day(0)), fit(many(12, 60), RULES, day(90))
    for norms in (second, first):
        normfiles.write(tmp_path / "norms", norms)
    assert list(normfiles.read(tmp_path / "norms")) == [first, second]
    assert list(normfiles.read(tmp_path / "nowhere")) == []
    with pytest.raises(FileExistsError):
        normfiles.write(tmp_path / "norms", first)


def test_cases_with_one_score_are_left_out() -> None:
    assert fit([series(12)] * 100, RULES, START).bands == {}
