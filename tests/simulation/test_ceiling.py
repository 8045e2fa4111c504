"""Who knows the simulator's law: chances that are right as often as they say."""

from random import Random
from statistics import fmean

import pytest

from services.simulation.ceiling import Ceiling
from services.simulation.latent import draw_client, draw_course, draw_effects


def test_no_movement_makes_a_flat_client_likely_and_a_rise_unlikely() -> None:
    ceiling = Ceiling(seed=1)
    flat, rising = ceiling.chances([1, 2, 3, 4], [16, 15, 16, 16]), ceiling.chances([1, 2, 3, 4], [16, 20, 24, 27])
    assert flat[-1] > 0.5 > rising[-1]
    assert flat[0] == pytest.approx(rising[0])


def test_of_the_clients_with_a_given_chance_so_many_are_flat_or_worsening() -> None:
    ceiling, rng = Ceiling(seed=1), Random(2)
    told: list[tuple[float, bool]] = []
    while len(told) < 2_000:
        therapist = draw_effects(rng)
        client = draw_client(rng, therapist)
        scores = [session.ors for session in draw_course(rng, client, therapist, Random(0), None, 0.0).sessions]
        if len(scores) >= 4:
            chance = ceiling.chances(range(1, 5), scores[:4])[-1]
            told.append((chance, client.latent in ("flat", "worsening")))
    for low in (0.1, 0.3, 0.5, 0.7):
        among = [(chance, wrong) for chance, wrong in told if low <= chance < low + 0.2]
        assert fmean(wrong for _, wrong in among) == pytest.approx(fmean(chance for chance, _ in among), abs=0.1)
