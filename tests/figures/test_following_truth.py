"""What is shown beside a renegotiation, on made-up networks where it is known what a renegotiation does.

The intervals hold the truth as often as they say; the plain change of the renegotiated does not, as low scores rise by
themselves. What is true: the same clients are lived through twice, with the same chance in all else, and differ by
what the simulator adds to their scores, less what the ends of the scale take off it.
"""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from math import sqrt
from statistics import fmean, stdev
from typing import Final, TypeAlias

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

Asked: TypeAlias = tuple[Measure, int]

SEEDS: Final = range(50)
SHIFT: Final = 4.0
"""ORS points that a renegotiation adds to later scores."""
RARE: Final = 0.001
"""How often a right interval would fail a test, had the seeds been drawn anew."""
NORMS: Final = NormSet(
    "sim",
    datetime(2020, 1, 1, tzinfo=UTC),
    15,
    {},
    {"ors/adult/client": Growth(2000, 16.3, 3.9, 25.4, -2.1, 14.1, 13.2)},
)
"""The growth of clinical cases of the simulator."""


class Found:
    """What networks show, by measure and sessions after: with what a renegotiation adds in them, or without.

    ``added`` is how far the same client's scores differ between the two, by sessions after.
    """

    def __init__(self) -> None:
        self.plain: dict[Asked, list[Comparison]] = defaultdict(list)
        self.shifted: dict[Asked, list[Comparison]] = defaultdict(list)
        self.added: dict[int, list[float]] = defaultdict(list)
        for seed in SEEDS:
            spec = Spec(seed=seed, clients=1_000, therapists=20, clinics=3, weeks=52)
            once = courses(spec)
            again = courses(replace(spec, renegotiation_shift=SHIFT), otherwise=once)
            for network, into in ((once, self.plain), (again, self.shifted)):
                for asked, comparison in shown(network):
                    into[asked].append(comparison)
            for after in SESSIONS_AFTER:
                self.added[after] += added(once, again, after)


def shown(network: Sequence[Course]) -> Iterator[tuple[Asked, Comparison]]:
    """The comparisons that hold a number."""
    for comparison in followed(network, policy(), lambda _: NORMS, day(365)).comparisons:
        if comparison.difference is not None:
            yield (comparison.measure, comparison.sessions_after), comparison


def assert_holds(truth: float, comparisons: Sequence[Comparison]) -> None:
    """As many of the 95 % intervals hold ``truth`` as by chance, and on average there is no error."""
    assert len(comparisons) > 0.7 * len(SEEDS)
    intervals = [comparison.interval for comparison in comparisons if comparison.interval is not None]
    holding = sum(low <= truth <= high for low, high in intervals)
    assert binom.ppf(RARE, len(comparisons), 0.95) <= holding <= binom.ppf(1 - RARE, len(comparisons), 0.95)
    errors = [comparison.difference - truth for comparison in comparisons if comparison.difference is not None]
    assert abs(fmean(errors)) < 3.2 * stdev(errors) / sqrt(len(errors))


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


def test_what_a_renegotiation_adds_is_shown_be_it_something_or_nothing_and_scores_rise_anyway() -> None:
    found = Found()
    for after in SESSIONS_AFTER:
        truth = fmean(found.added[after])
        assert SHIFT - 0.3 < truth < SHIFT
        for true, comparisons in ((0, found.plain), (truth, found.shifted)):
            assert_holds(true, comparisons["outcome", after])
            assert_holds(0, comparisons["alliance", after])
            rises = changes(comparisons["outcome", after])
            assert fmean(rises) - true > 5 * stdev(rises) / sqrt(len(rises))


def test_what_was_lived_once_is_lived_again_where_nothing_was_renegotiated() -> None:
    """The check of the check: only a renegotiation makes a difference, and it makes one."""
    spec = Spec(seed=0, clients=60, therapists=20, clinics=3, weeks=52)
    once, shifted = courses(spec), replace(spec, renegotiation_shift=SHIFT)
    assert once != courses(shifted) == courses(shifted, otherwise=once)
