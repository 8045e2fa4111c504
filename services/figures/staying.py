"""Cases that were not renegotiated meanwhile stand for those like them that were, as if none had been.

Who is renegotiated later drops out from beside an earlier renegotiation, and those who do are not doing well: what is
left would look too good. So each that is left has the weight of one over its chance of being left (inverse probability
of censoring; Robins & Finkelstein 2000, doi 10.1111/j.0006-341X.2000.00779.x). The chance is the network's own: of the
scores of cases that had been stalled, the share at which the task was renegotiated, for those stalled at that score and
those not.
"""

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from services.figures.stalls import Case


@dataclass(frozen=True, slots=True)
class Staying:
    """The share renegotiated at a score, 0 to 1, by whether the case was stalled at it."""

    renegotiated: dict[bool, float]

    def weight(self, case: Case, after: int, before: int) -> float:
        """What ``case`` counts, not having been renegotiated in the sessions between ``after`` and ``before``."""
        found = 1.0
        for session in case.outcome.by_session:
            if after < session < before:
                found /= 1 - self.renegotiated[session in case.moments]
        return found


def staying(cases: Iterable[Case]) -> Staying:
    counted: Counter[tuple[bool, bool]] = Counter()
    for case in cases:
        counted.update(_scores(case))
    shares = {}
    for stalled in (True, False):
        talked, left = counted[stalled, True], counted[stalled, False]
        shares[stalled] = talked / (talked + left) if talked else 0.0
    return Staying(shares)


def _scores(case: Case) -> Iterator[tuple[bool, bool]]:
    """Each score from the first stall to the first renegotiation: whether it was stalled, and whether it talked."""
    first = min(case.moments, default=None)
    for session in case.outcome.by_session:
        if first is not None and first <= session and (case.at_risk(session) or session == case.talk):
            yield session in case.moments, session == case.talk
