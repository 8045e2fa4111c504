"""What outcome scores can tell in the simulator: judged by one who knows the law that they were drawn by.

For each score of a case: the chance that the client's own class is flat or worsening, given this score and those
before it (Bayes' rule over clients drawn from the simulator itself). At that score no rule that sees the same scores
can know more. Flagging at one such chance is a yardstick for a policy and no strict bound: when to speak is a choice of
its own.
"""

from collections.abc import Sequence
from random import Random
from typing import Final

import numpy as np
from numpy.typing import NDArray

from services.simulation.latent import MAX_SESSIONS, ORS_NOISE, draw_client, draw_effects

CLIENTS: Final = 20_000
"""Drawn once; among them are some hundreds like any given one."""


class Ceiling:
    def __init__(self, seed: int) -> None:
        rng = Random(seed)
        clients = [draw_client(rng, draw_effects(rng)) for _ in range(CLIENTS)]
        states = [[client.state(session) for session in range(1, MAX_SESSIONS + 1)] for client in clients]
        self._states: NDArray[np.float32] = np.clip(np.array(states, np.float32), 0, 40)
        self._wrong: NDArray[np.bool_] = np.array([client.latent in ("flat", "worsening") for client in clients])

    def chances(self, sessions: Sequence[int], scores: Sequence[float]) -> list[float]:
        """For each score (ORS points; sessions count from 1) the chance of a flat or worsening client."""
        expected = self._states[:, np.minimum(sessions, MAX_SESSIONS) - 1]
        fit = np.cumsum(-0.5 * ((np.array(scores, np.float32) - expected) / ORS_NOISE) ** 2, axis=1)
        weights = np.exp(fit - fit.max(axis=0))
        found: list[float] = (weights[self._wrong].sum(axis=0) / weights.sum(axis=0)).tolist()
        return found
