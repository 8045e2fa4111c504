"""Back-tests of norm sets before a switch: do the shares below their curves hold on cases they were not fitted on?

Two ways of holding cases out: each fold against the norms of the others, and the cases that began last against the
norms of those before them, which shows whether a network has changed.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from math import sqrt
from statistics import NormalDist
from typing import Final, Literal, NamedTuple

from contracts.policies import Norms as Rules
from services.figures.fitting import SHARES, fit, reached
from services.projections.course import Series
from services.projections.norms import Band, NormSet, kind

LATER: Final = 0.2
"""Share of the cases, those that began last, that are held against the norms of those before them."""
ERROR: Final = 0.05
"""The chance that one share or more is called off although all are right."""
_VARIANCE: Final = 1 + LATER / (1 - LATER)
"""In units of that of the held-out cases alone."""


class Margin(NamedTuple):
    """The scores of held-out cases of one kind in one intake band, or at one session."""

    kind: str
    by: Literal["band", "session"]
    start: float
    """Where the intake band begins, in the instrument's points; or the session."""
    cases: int
    scores: int
    shares: tuple[float, ...]
    """Of the scores below the curves of SHARES; a gain that equals the curve counts half."""

    @property
    def worst(self) -> float:
        """The largest distance of a share from its nominal one, 0 to 1."""
        return max(abs(share - nominal) for share, nominal in zip(self.shares, SHARES, strict=True))

    def off(self, within: float, z: float) -> bool:
        """Whether a share is further from its nominal one than ``within`` and ``z`` standard errors together."""
        return any(
            abs(share - nominal) - z * sqrt(nominal * (1 - nominal) * _VARIANCE / self.cases) > within
            for share, nominal in zip(self.shares, SHARES, strict=True)
        )


class Backtest(NamedTuple):
    """By kind, and by band and by session; nothing of kinds that have no band."""

    folds: tuple[Margin, ...]
    later: tuple[Margin, ...]

    def off(self, within: float, smallest: int) -> list[Margin]:
        """Those that are off by more than ``within``, a share, and than chance makes likely, with 5 % for all together.

        Looked at are those of ``smallest`` cases and more. A case's scores hang together, so that for chance only
        cases count, and the cases that the norms were fitted on are there by chance as well.
        """
        margins = [margin for margin in (*self.folds, *self.later) if margin.cases >= smallest]
        if not margins:
            return []
        z = NormalDist().inv_cdf(1 - ERROR / (2 * len(SHARES) * len(margins)))  # Bonferroni
        return [margin for margin in margins if margin.off(within, z)]


@dataclass(slots=True)
class _Tally:
    cases: int = 0
    scores: int = 0
    below: list[float] = field(default_factory=lambda: [0.0] * len(SHARES))


class Held:
    """Counts how held-out cases fall against norms that they did not help to make."""

    def __init__(self) -> None:
        self._tallies: dict[tuple[str, Literal["band", "session"], float], _Tally] = defaultdict(_Tally)

    def against(self, norms: NormSet, series: Iterable[Series]) -> None:
        for one in series:
            places: set[tuple[str, Literal["band", "session"], float]] = set()
            for at in reached(one, norms.last_session):
                band = norms.band(one, at.session)
                if band is not None:
                    for key in ((kind(one), "band", band.intake_from), (kind(one), "session", float(at.session))):
                        places.add(key)
                        self._count(self._tallies[key], band, at.gain)
            for key in places:
                self._tallies[key].cases += 1

    def margins(self) -> tuple[Margin, ...]:
        return tuple(
            Margin(*key, tally.cases, tally.scores, tuple(below / tally.scores for below in tally.below))
            for key, tally in sorted(self._tallies.items())
        )

    @staticmethod
    def _count(tally: _Tally, band: Band, gain: float) -> None:
        tally.scores += 1
        for place, curve in enumerate((band.q10, band.q25, band.q50, band.q75)):
            tally.below[place] += 0.5 if gain == curve else float(gain < curve)


def backtest(series: Sequence[Series], rules: Rules, tell: Callable[[int, int], object]) -> Backtest:
    """Holds ``series`` out in both ways; ``tell`` is told after each fit how many are done, and of how many."""
    series = [one for one in series if len(one.points) > 1]
    folds, later = Held(), Held()
    for fold in range(rules.folds):
        rest = [one for place, one in enumerate(series) if place % rules.folds != fold]
        _hold(folds, rest, series[fold :: rules.folds], rules)
        tell(fold + 1, rules.folds + 1)
    by_start = sorted(series, key=lambda one: one.points[0].at)
    before = round(len(by_start) * (1 - LATER))
    _hold(later, by_start[:before], by_start[before:], rules)
    tell(rules.folds + 1, rules.folds + 1)
    return Backtest(folds.margins(), later.margins())


def _hold(held: Held, fitted: Sequence[Series], out: Sequence[Series], rules: Rules) -> None:
    if fitted and out:
        held.against(fit(fitted, rules, max(one.points[0].at for one in fitted)), out)
