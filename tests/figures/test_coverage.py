"""Do the intervals around therapists hold what is true of the simulator's therapists?

What is true of a therapist is what all clients in the world would come to with them: the mean of the same value over an
endless caseload. It depends on the therapist's two effects alone, and is read off a smooth surface over both that is
fitted to a great many cases of other therapists. Cases are not charted here: each is measured at every session.
"""

from functools import cache
from random import Random
from statistics import fmean
from typing import NamedTuple

import numpy as np
import pytest

from contracts.policies import policy
from services.figures.shrinkage import Numbers, hierarchy
from services.figures.therapist import residuals
from services.simulation.latent import CUTOFF, Effects, draw_caseload, draw_client, draw_course, draw_effects
from tests.figures.report import report

WORLD, NETWORKS, THERAPISTS = 40_000, 50, 40


class Case(NamedTuple):
    first: float
    last: float
    alliance: float
    clinical: bool
    """Whether it counts for outcome: two scores, the first below the cutoff."""


def lived(rng: Random, effects: Effects) -> Case:
    sessions = draw_course(rng, draw_client(rng, effects), effects, rng, 0.0, 0.0).sessions
    first, last = sessions[0].ors, sessions[-1].ors
    return Case(first, last, fmean(one.srs for one in sessions), len(sessions) > 1 and first < CUTOFF)


def values_of(measure: str, caseloads: list[list[Case]]) -> list[list[float]]:
    """The value of each case that counts, by caseload."""
    if measure == "alliance":
        return [[case.alliance for case in cases] for cases in caseloads]
    rest = iter(residuals([(case.first, case.last) for cases in caseloads for case in cases if case.clinical]))
    return [[next(rest) for case in cases if case.clinical] for cases in caseloads]


def surface(effects: list[Effects]) -> Numbers:
    a, b = np.array(effects).T
    return np.column_stack([np.ones_like(a), a, b, a * a, a * b, b * b])


@cache
def world(measure: str) -> tuple[Numbers, float]:
    """The surface's coefficients, and the mean over all therapists."""
    rng = Random("world")
    effects = [draw_effects(rng) for _ in range(WORLD)]
    values = values_of(measure, [[lived(rng, one)] for one in effects])
    owners = [one for one, own in zip(effects, values, strict=True) if own]
    flat = np.array([value for own in values for value in own])
    return np.linalg.lstsq(surface(owners), flat, rcond=None)[0], float(flat.mean())


def truth(measure: str, effects: list[Effects]) -> Numbers:
    """By how much each therapist truly differs from the mean of all therapists."""
    coefficients, mean = world(measure)
    return surface(effects) @ coefficients - mean


@cache
def networks() -> list[tuple[list[Effects], list[list[Case]]]]:
    """The therapists' effects and their cases, with the simulator's caseloads."""
    found = []
    for number in range(NETWORKS):
        rng = Random(f"network/{number}")
        effects = [draw_effects(rng) for _ in range(THERAPISTS)]
        found.append((effects, [[lived(rng, one) for _ in range(draw_caseload(rng))] for one in effects]))
    return found


@pytest.mark.parametrize("measure", ["outcome", "alliance"])
def test_intervals_cover_the_simulators_therapists_and_estimates_beat_raw_means(measure: str) -> None:
    within80, within95, ours, raw = [], [], [], []
    for effects, caseloads in networks():
        groups = values_of(measure, caseloads)
        found = hierarchy([group for group in groups if group])
        assert found is not None
        grand = fmean(value for group in groups for value in group)
        for group, difference in zip(groups, truth(measure, effects), strict=True):
            if len(group) < policy().therapist.floor:
                continue
            one, true = found.estimate(len(group), fmean(group)), difference + found.centre
            within80.append(one.interval80[0] <= true <= one.interval80[1])
            within95.append(one.interval95[0] <= true <= one.interval95[1])
            ours.append((one.value - true) ** 2)
            raw.append((fmean(group) - grand - difference) ** 2)
    report(f"simulator, {measure}", within80, within95, ours, raw)
    assert 0.77 <= fmean(within80) <= 0.83
    assert 0.93 <= fmean(within95) <= 0.97
    assert fmean(ours) < fmean(raw)


def test_what_is_true_of_a_therapist_rises_with_both_effects() -> None:
    """The check of the check: the surface knows what the simulator does."""
    nothing, outcome, both = truth("outcome", [Effects(0, 0), Effects(2, 0), Effects(2, 1)])
    assert outcome - nothing == pytest.approx(1.45, abs=0.25)  # of 2, as a course is seen before it has come to its end
    assert both - outcome > 0.3
