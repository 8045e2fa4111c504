"""Made-up events as record systems would post them, in any number and quickly."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from random import Random
from typing import Final

CLINIC: Final = "cl_bench"
THERAPISTS: Final = tuple(f"th_{number:04d}" for number in range(60))
EVERY: Final = timedelta(days=1)
"""Between two sessions of a case: all of them lie so near that no case looks silent."""


def posts(now: datetime, cases: int, sessions: int, seed: int = 1) -> Iterator[bytes]:
    """For ever: ``cases`` cases are opened and have their sessions side by side, then the next so many.

    A session is held and has its two measures, an ORS before and an SRS after it. The last of them ends before ``now``.
    """
    rng = Random(seed)
    first = now - sessions * EVERY
    cohort = 0
    while True:
        refs = [f"{cohort}x{number:05d}" for number in range(cases)]
        cohort += 1
        for ref in refs:
            yield opened(ref, first - EVERY, rng.choice(THERAPISTS))
        starts = {ref: rng.gauss(19, 6) for ref in refs}
        gains = {ref: rng.choice((0.0, 0.0, 0.4, 1.0)) for ref in refs}
        for session in range(sessions):
            rng.shuffle(refs)
            for ref in refs:
                yield from held(ref, session, first + session * EVERY, starts[ref] + session * gains[ref], rng)


def opened(ref: str, at: datetime, therapist: str) -> bytes:
    data = f'{{"client_ref":"c_{ref}","therapist_ref":"{therapist}","opened_on":"{at.date()}"}}'
    return _event("case.opened", ref, "o", at, data)


def held(ref: str, session: int, at: datetime, level: float, rng: Random) -> Iterator[bytes]:
    """A session and its two measures, scored around ``level`` on the ORS (0-40)."""
    named = f"se_{ref}{session:03d}"
    data = f'{{"session_ref":"{named}","started_at":"{at.isoformat()}","minutes":50}}'
    yield _event("session.held", ref, f"h{session}", at, data)
    yield measured(ref, "ors", session, at, rng.gauss(level, 2))
    yield measured(ref, "srs", session, at + timedelta(minutes=50), rng.gauss(36, 1.5))


def measured(ref: str, instrument: str, session: int, at: datetime, score: float) -> bytes:
    data = (
        f'{{"measurement_ref":"ms_{ref}{instrument}{session:03d}","session_ref":"se_{ref}{session:03d}",'
        f'"instrument":{{"key":"{instrument}","version":"adult"}},'
        f'"scores":[{{"scale":"total","value":{min(40.0, max(0.0, score)):.1f}}}]}}'
    )
    return _event("measure.recorded", ref, f"{instrument}{session}", at, data)


def _event(kind: str, ref: str, name: str, at: datetime, data: str) -> bytes:
    return (
        f'{{"specversion":"1.0","id":"{ref}.{name}","source":"urn:resonance:source:bench",'
        f'"type":"resonance.{kind}.v1","subject":"case/ca_{ref}","rsnclinic":"{CLINIC}",'
        f'"time":"{at.isoformat()}","data":{data}}}'
    ).encode()
