"""Renegotiated cases beside cases that were as they were at that moment, and were not renegotiated by then.

Risk-set matching (Li, Propert & Rosenbaum 2001, doi 10.1198/016214501753208573): whoever is renegotiated at a session
is set beside cases that could have been at the same session, and nothing that happened later decides who is chosen.
Each renegotiation has its pick of all of them, so that a case can stand beside several: to use each but once would
leave for later sessions those who were not stalled before, and do better (Langholz & Goldstein 1996 on such sampling).
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from contracts.policies import Following
from services.figures.stalls import Case, Stratum


@dataclass(frozen=True, slots=True)
class RiskSet:
    """A case renegotiated at ``session``, when it was stalled, and those beside it, the nearest first."""

    renegotiated: Case
    session: int
    beside: tuple[Case, ...]


def risk_sets(cases: Sequence[Case], rules: Following) -> list[RiskSet]:
    """One for each case whose first renegotiation found it stalled; ``beside`` is empty where nobody is near enough.

    The same: kind of series, norm set, intake band, session. Near: the distance between the states in reliable changes.
    """
    at_risk: dict[Stratum, list[Case]] = defaultdict(list)
    for case in cases:
        for session, moment in case.moments.items():
            if case.at_risk(session):
                at_risk[moment.stratum].append(case)
    states = {
        stratum: np.array([case.moments[stratum[-1]].state for case in pool]) for stratum, pool in at_risk.items()
    }
    found = []
    for case in cases:
        if case.talk is None or case.talk not in case.moments:
            continue
        stratum, state = case.moments[case.talk]
        beside: tuple[Case, ...] = ()
        if stratum in states:
            distances = np.sqrt(((states[stratum] - np.array(state)) ** 2).sum(axis=1))
            nearest = np.argsort(distances, kind="stable")[: rules.beside_each]
            beside = tuple(
                at_risk[stratum][place] for place in nearest if distances[place] <= rules.caliper_reliable_changes
            )
        found.append(RiskSet(case, case.talk, beside))
    return found
