"""What is shown beside a renegotiation, on made-up networks where it is known what a renegotiation does.

The intervals hold the truth as often as they say; the plain change of the renegotiated does not, as low scores rise by
themselves. What is true: the same clients are lived through twice, with the same chance in all else, and differ by
what the simulator adds to their scores, less what the ends of the scale take off it.
"""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from math import sqrt
from statistics import fmean, stdev
from typing import Final

from scipy.stats import binom

from contracts.policies import policy
from services.figures.comparison import Comparison, Measure
from services.figures.following import followed
from services.projections.course import Course
from services.projections.growth import Growth
from services.projections.loop import SESSIONS_AFTER
from services.projections.norms import NormSet
from services.simulation.spec import Spec
from tests.figures.lived import courses
from tests.story import day

SEEDS: Final = range(60)
SHIFT: Final = 4.0
"""ORS points that a renegotiation adds to later scores."""
RARE: Final = 0.0005
"""How often a right interval would fail a test, had the seeds been drawn anew."""
NORMS: Final = NormSet(
    "sim",
    datetime(2020, 1, 1, tzinfo=UTC),
    15,
    {},
    {"ors/adult/client": Growth(2000, 16.3, 3.9, 25.4, -2.1, 14.1, 13.2)},
)
"""The growth of clinical cases of the simulator."""


def network(seed: int, shift: float) -> list[Course]:
    return courses(Spec(seed=seed, clients=1_000, therapists=20, clinics=3, weeks=52, renegotiation_shift=shift))


def shown(networks: Sequence[Sequence[Course]]) -> dict[tuple[Measure, int], list[Comparison]]:
    """The comparisons of each network that hold a number, by measure and sessions after."""
    found = defaultdict(list)
    for one in networks:
        for comparison in followed(one, policy(), lambda _: NORMS, day(365)).comparisons:
            if comparison.difference is not None:
                found[comparison.measure, comparison.sessions_after].append(comparison)
    return found


def assert_holds(truth: float, comparisons: Sequence[Comparison]) -> None:
    """As many of the 95 % intervals hold ``truth`` as by chance, and on average there is no error."""
    assert len(comparisons) > 0.7 * len(SEEDS)
    intervals = [comparison.interval for comparison in comparisons if comparison.interval is not None]
    holding = sum(low <= truth <= high for low, high in intervals)
    assert binom.ppf(RARE, len(comparisons), 0.95) <= holding <= binom.ppf(1 - RARE, len(comparisons), 0.95)
    errors = [comparison.difference - truth for comparison in comparisons if comparison.difference is not None]
    assert abs(fmean(errors)) < 3.5 * stdev(errors) / sqrt(len(errors))


def changes(comparisons: Sequence[Comparison]) -> list[float]:
    return [comparison.renegotiated.change for comparison in comparisons if comparison.renegotiated.change is not None]


def added(plain: Sequence[Course], shifted: Sequence[Course], sessions_after: int) -> Iterator[float]:
    """By how much a client's score is higher in the network where a renegotiation adds to it."""
    for one, other in zip(plain, shifted, strict=True):
        if one.outcome is not None and other.outcome is not None and one.renegotiations:
            then = one.renegotiations[0].session + sessions_after
            scores = [{point.session: point.value for point in it.points} for it in (one.outcome, other.outcome)]
            if all(then in known for known in scores):
                yield scores[1][then] - scores[0][then]


def test_where_a_renegotiation_does_nothing_no_difference_is_shown_though_scores_rise() -> None:
    found = shown([network(seed, 0) for seed in SEEDS])
    for comparisons in found.values():
        assert_holds(0, comparisons)
    for after in SESSIONS_AFTER:
        rises = changes(found["outcome", after])
        assert fmean(rises) > 5 * stdev(rises) / sqrt(len(rises))


def test_where_a_renegotiation_adds_to_the_scores_that_difference_is_shown() -> None:
    plain, shifted = ([network(seed, shift) for seed in SEEDS] for shift in (0, SHIFT))
    found = shown(shifted)
    for after in SESSIONS_AFTER:
        both = zip(plain, shifted, strict=True)
        truth = fmean(difference for pair in both for difference in added(*pair, after))
        assert SHIFT - 0.3 < truth < SHIFT
        assert_holds(truth, found["outcome", after])
        assert_holds(0, found["alliance", after])
        rises = changes(found["outcome", after])
        assert fmean(rises) - truth > 5 * stdev(rises) / sqrt(len(rises))
