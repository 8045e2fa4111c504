"""The growth model: true parameters are found again, and what it lets expect of gains is what comes."""

from collections.abc import Iterator
from dataclasses import astuple
from itertools import islice
from math import log
from random import Random
from statistics import fmean

import numpy as np
import pytest

from contracts.instruments import catalogue
from services.figures.growing import Gains, expected, grow
from services.projections.growth import Growth, outlooks
from services.simulation.latent import CUTOFF, Client, draw_client, draw_course, draw_effects
from tests.series import grown, series

TRUE = Growth(0, 16, 3, 20, -3, 8, 12)
SMALLEST = 200
PHQ9 = catalogue()["phq9", "adult"]


def test_true_parameters_are_found_again() -> None:
    # given cases far below the cutoff, so that all of them count
    model = Growth(0, 8, 1.5, 6, -1, 2, 6)
    found = grow(grown(model, 1_500), SMALLEST)
    assert found is not None
    # then each is within what 1,500 cases let expect: about four standard errors
    wanted = dict(zip(Growth.__dataclass_fields__, astuple(model), strict=True)) | {"n": 1_500}
    near = {"n": 0.5, "level": 0.35, "pace": 0.18, "level_variance": 1.5, "covariance": 0.6, "pace_variance": 0.5}
    for name, margin in (near | {"error_variance": 0.4}).items():
        assert getattr(found, name) == pytest.approx(wanted[name], abs=margin), name


def test_an_instrument_of_which_less_is_better_gives_the_same_model_with_more_as_better() -> None:
    model = Growth(0, -16, 1.5, 6, -1, 2, 6)
    found = grow(grown(model, 400, instrument=PHQ9), SMALLEST)
    assert found is not None
    assert found.pace == pytest.approx(1.5, abs=0.4)
    assert found.level == pytest.approx(-16, abs=0.7)


def test_only_cases_that_begin_on_the_clinical_side_count() -> None:
    clinical, healthy = grown(Growth(0, 8, 1.5, 6, -1, 2, 6), 300), [series(30, 31, 29)] * 300
    assert grow([*clinical, *healthy], SMALLEST) == grow(clinical, SMALLEST)


def test_without_a_known_cutoff_every_case_counts() -> None:
    caretaker = catalogue()["ors", "caretaker"]
    found = grow(grown(Growth(0, 30, 1.5, 6, -1, 2, 6), 300, instrument=caretaker), SMALLEST)
    assert found is not None
    assert found.n == 300


def test_below_the_smallest_number_of_cases_there_is_no_model() -> None:
    cases = grown(Growth(0, 8, 1.5, 6, -1, 2, 6), 200)
    assert grow(cases, SMALLEST) is not None
    assert grow(cases[1:], SMALLEST) is None
    assert grow([*cases[1:], series(9)], SMALLEST) is None


def test_where_nobody_differs_in_pace_there_is_no_model() -> None:
    assert grow([series(10 + place % 7, *[10 + place % 7] * 4) for place in range(300)], SMALLEST) is None


@pytest.fixture(scope="module")
def many() -> list[list[float]]:
    """The scores of many cases of which the model is true."""
    return [one.values for one in grown(TRUE, 60_000, seed=3)]


@pytest.mark.parametrize("first, session", [(1, 2), (1, 3), (1, 8), (2, 3), (3, 7)])
def test_gains_fall_below_the_expected_quantiles_as_often_as_they_say(
    many: list[list[float]], first: int, session: int
) -> None:
    # given their scores at one session and the one before it, and a first one from 14 to 18 at the first or a later one
    cases = [values for values in many if 14 <= values[first - 1] < 18]
    gains = np.array([(values[session - 2] + values[session - 1]) / 2 - values[first - 1] for values in cases])
    firsts = np.array([values[first - 1] for values in cases])
    logs = np.full(len(cases), (log(session) + log(session - 1)) / 2)
    cell = Gains(firsts, np.full(len(cases), log(first)), logs, np.full(len(cases), session == first + 1), gains)

    below = [float(np.mean(gains < line)) for line in expected(TRUE, cell, (0.1, 0.25, 0.5, 0.75))]

    assert below == pytest.approx([0.1, 0.25, 0.5, 0.75], abs=0.012)


def test_the_chance_of_a_small_gain_is_about_how_often_the_true_gain_is_small() -> None:
    """In the simulator, which is no such model. A chance errs downwards: who begins low by chance rises after it.

    Said is the mean chance at the fourth score that the true gain by session 10 stays below 3 points; was is the share
    of clients whose true gain does.
    """
    clients = list(islice(lived(Random(5)), 6_000))
    model = grow([series(*scores) for _, scores in clients[::2]], SMALLEST)
    assert model is not None
    told = [
        (
            outlooks(model, list(enumerate(scores[:4], 1)))[-1].chance_below(3, 10),
            client.state(10) - client.state(1) < 3,
        )
        for client, scores in clients[1::2]
        if len(scores) >= 4
    ]
    for low, high in ((0.0, 0.25), (0.25, 0.5), (0.5, 0.75), (0.75, 1.0)):
        among = [one for one in told if low <= one[0] < high]
        said, was = fmean(chance for chance, _ in among), fmean(small for _, small in among)
        assert len(among) > 100
        assert said - 0.03 < was < said + 0.15, (low, said, was)


def lived(rng: Random) -> Iterator[tuple[Client, list[float]]]:
    """Clients of the simulator who begin on the clinical side, with all that they would score."""
    while True:
        therapist = draw_effects(rng)
        client = draw_client(rng, therapist)
        scores = [session.ors for session in draw_course(rng, client, therapist, Random(0), None, 0.0).sessions]
        if len(scores) > 1 and scores[0] < CUTOFF:
            yield client, scores
