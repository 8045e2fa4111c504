"""What nobody sees: how well a therapist's work carries, which class a client belongs to, and the course that follows.

The parameters are chosen so that the course of many cases meets published figures: 5.8 sessions on average (OpenFIT),
about 20 % ending unplanned (Swift & Greenberg 2012), 5 to 10 % worse at the end, a therapist share of 5 to 8 % of the
outcome (Schiefele et al. 2017). None of them is clinical data, and the shape of the SRS is a guess.
"""

from dataclasses import dataclass
from math import exp, log, sqrt
from random import Random
from typing import Final, Literal, NamedTuple

Latent = Literal["early", "steady", "flat", "worsening"]

MAX_SESSIONS: Final = 40
CUTOFF: Final = 25.0
"""ORS, adults: from here on a client's life is as most people's."""

_SHARES: Final[dict[Latent, float]] = {"early": 0.46, "steady": 0.23, "flat": 0.23, "worsening": 0.08}
ORS_NOISE, _SRS_NOISE = 3.6, 1.6
_RUPTURE, _REPAIR, _REMAINS = 0.06, 0.55, 0.15
_POOR_GAIN: Final = 3.0


class Effects(NamedTuple):
    """What a therapist adds to each of their cases: ORS points of final gain, and SRS points."""

    outcome: float
    alliance: float


@dataclass(frozen=True, slots=True)
class Client:
    latent: Latent
    intake: float
    """True ORS (0-40) at the first session."""
    gain: float
    """True ORS points gained in the end, of which session m has seen ``1 - exp(-pace * (m - 1))``."""
    pace: float
    bond: float
    """SRS points that the client adds."""

    def state(self, session: int) -> float:
        """The true ORS at the ``session``-th session, before noise and the limits of the scale."""
        return self.intake + self.gain * (1 - exp(-self.pace * (session - 1)))


@dataclass(frozen=True, slots=True)
class Session:
    ors: float
    srs: float
    """What the client would score, 0-40, one decimal."""
    state: float
    """The true ORS behind it."""
    gain: float
    """Mean of the last two ORS scores minus the first; 0 at the first session."""
    renegotiated: bool


@dataclass(frozen=True, slots=True)
class Course:
    sessions: tuple[Session, ...]
    planned: bool
    """Whether the ending was agreed; the rest stop coming."""


def draw_effects(rng: Random) -> Effects:
    """A therapist's two effects: 2.2 and 1.05 points per standard deviation, correlated .5."""
    first, second = rng.gauss(0, 1), rng.gauss(0, 1)
    return Effects(2.2 * first, 1.05 * (0.5 * first + sqrt(0.75) * second))


def draw_caseload(rng: Random) -> int:
    """How many clients a therapist sees, next to the others; at least 5."""
    return max(5, int(rng.lognormvariate(log(50) - 0.18, 0.6)))


def draw_client(rng: Random, therapist: Effects) -> Client:
    """A client as the first session finds them. How far they get depends on their class and on both alliances."""
    intake = _clip(rng.gauss(18.6, 7.0), 1, 38)
    bond = rng.gauss(0, 2.4)
    latent = rng.choices(list(_SHARES), weights=list(_SHARES.values()))[0]
    gain, pace = _draw_gain(rng, latent, room=max(0.0, 33 - intake))
    gain += therapist.outcome + 0.75 * (bond + therapist.alliance)
    return Client(latent, intake, gain, pace, bond)


def draw_course(
    rng: Random, client: Client, therapist: Effects, whims: Random, habit: float | None, shift: float
) -> Course:
    """The case from its first session to its last, at most 40.

    ``habit`` is the chance that the task is renegotiated at a session of poor gain, drawn from ``whims`` so that it
    leaves the rest of the course alone; without one there is no renegotiation. ``shift`` is what a first one adds to
    each later ORS score: 0 unless a rule is to be tried on a network where it is known what a renegotiation does.
    """
    sessions: list[Session] = []
    depth = 0.0
    last_talk: int | None = None
    while True:
        number = len(sessions) + 1
        state = client.state(number) + (shift if last_talk else 0.0)
        ors = round(_clip(state + rng.gauss(0, ORS_NOISE), 0, 40), 1)
        if rng.random() < _RUPTURE:
            depth += rng.gammavariate(2.2, 2.4)
        level = 36.6 + therapist.alliance + client.bond + 0.35 * min(number - 1, 6)
        srs = round(_clip(level - depth + rng.gauss(0, _SRS_NOISE), 0, 40), 1)
        if rng.random() < _REPAIR:
            depth *= _REMAINS
        first = sessions[0].ors if sessions else ors
        gain = (sessions[-1].ors + ors) / 2 - first if sessions else 0.0
        talk = _talks(whims, number, first, gain, last_talk, habit)
        if talk:
            last_talk = number
        sessions.append(Session(ors, srs, state, gain, talk))
        if rng.random() < _unplanned(number, gain, srs):
            return Course(tuple(sessions), planned=False)
        if rng.random() < _planned(number, first, ors, gain) or number == MAX_SESSIONS:
            return Course(tuple(sessions), planned=True)


def _draw_gain(rng: Random, latent: Latent, room: float) -> tuple[float, float]:
    """What the class alone brings in the end, in ORS points, and how fast."""
    match latent:
        case "early":
            return room * _clip(rng.gauss(0.72, 0.2), 0.2, 1.2), rng.uniform(0.35, 0.9)
        case "steady":
            return room * _clip(rng.gauss(0.75, 0.25), 0.1, 1.2), rng.uniform(0.08, 0.2)
        case "flat":
            return rng.gauss(0.6, 1.5), 0.4
        case "worsening":
            return -abs(rng.gauss(6, 2.5)), rng.uniform(0.2, 0.6)


def _unplanned(number: int, gain: float, srs: float) -> float:
    chance = 0.012 + {1: 0.085, 2: 0.035}.get(number, 0.0)
    if number >= 2 and gain < _POOR_GAIN:
        chance += 0.022
    return chance + (0.05 if srs < 32 else 0.0)


def _planned(number: int, first: float, ors: float, gain: float) -> float:
    chance = 0.0
    if number >= 3:
        chance = 0.105 + (0.12 if ors >= CUTOFF and gain >= 5 else 0.0) + (0.05 if number >= 9 else 0.0)
    return max(chance, 0.18) if number >= 2 and first >= CUTOFF else chance


def _talks(whims: Random, number: int, first: float, gain: float, last_talk: int | None, habit: float | None) -> bool:
    """From the third session on, at most every third: often where the gain is poor, seldom for other reasons."""
    draw = whims.random()
    if habit is None or number < 3 or (last_talk and number - last_talk < 3):
        return False
    return draw < (habit if gain < _POOR_GAIN and first < CUTOFF else 0.015)


def _clip(value: float, low: float, high: float) -> float:
    return min(max(value, low), high)
