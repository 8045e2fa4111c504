"""Series of scores, made up, and norm sets to hold them against."""

import random
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from math import inf, log

from contracts.events import NormsAdopted
from contracts.instruments import Instrument, catalogue
from contracts.policies import policy
from services.projections.change import change
from services.projections.course import Point, Series
from services.projections.growth import Growth
from services.projections.norms import Band, NormSet, adopted
from tests.story import START, day

ORS = catalogue()["ors", "adult"]


def series(
    *values: float, instrument: Instrument = ORS, sessions: Sequence[int] | None = None, start: datetime = START
) -> Series:
    """A score a week, by the client."""
    at = sessions or range(1, len(values) + 1)
    points = (
        Point(start + timedelta(weeks=session - 1), session, value, {})
        for session, value in zip(at, values, strict=True)
    )
    return Series(instrument, "client", tuple(points), change(values, instrument))


def grown(model: Growth, count: int, seed: int = 1, scores: int = 8, instrument: Instrument = ORS) -> list[Series]:
    """So many cases of which ``model`` is true, at all sessions up to ``scores``; ``n`` does not matter."""
    rng = random.Random(seed)
    found = []
    slope = model.covariance / model.level_variance
    rest = (model.pace_variance - slope * model.covariance) ** 0.5
    for _ in range(count):
        level = rng.gauss(0, model.level_variance**0.5)
        pace = model.pace + slope * level + rng.gauss(0, rest)
        expected = (model.level + level + pace * log(session) for session in range(1, scores + 1))
        values = [instrument.sign * (value + rng.gauss(0, model.error_variance**0.5)) for value in expected]
        found.append(series(*values, instrument=instrument))
    return found


def norm_set(
    q25: float = 2, *, effective_from: datetime = day(-1), version: str = "0123456789ab", growth: Growth | None = None
) -> NormSet:
    """One band for every first score of the ORS, the same at all sessions."""
    bands = tuple(Band(-inf, inf, session, 500, q25 - 3, q25, q25 + 6, q25 + 11) for session in range(2, 16))
    return NormSet(
        version, effective_from, 15, {"ors/adult/client": bands}, {"ors/adult/client": growth} if growth else {}
    )


def adoptions(sets: Iterable[NormSet]) -> list[NormsAdopted]:
    """As they stand on the log."""
    return [adopted(one, policy(), one.effective_from) for one in sets]
