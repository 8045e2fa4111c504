"""What a made-up network is asked to be, and where its chance comes from."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from random import Random
from typing import Final

START: Final = date(2026, 1, 5)
"""A Monday. Fixed, so that the same seed gives the same events on any day."""


@dataclass(frozen=True, slots=True)
class Spec:
    """Sizes are counts, shares go from 0 to 1. Raises ValueError where no such network can be."""

    seed: int
    clinics: int = 3
    therapists: int = 24
    clients: int = 600
    weeks: int = 26
    start: date = START
    late_share: float = 0.08
    """Of the events, but for openings: charted one to four days afterwards."""
    duplicate_share: float = 0.02
    """Of the events: posted a second time within two days."""
    renegotiation_shift: float = 0.0
    """ORS points that a renegotiation adds to later scores. Other than 0 only to check that a report would see it."""

    renegotiates: bool = True
    """Without renegotiations, what a rule notices is not mixed with what therapists noticed before it."""

    def __post_init__(self) -> None:
        if min(self.clinics, self.therapists, self.clients, self.weeks) < 1:
            raise ValueError("a network has at least one clinic, therapist, client and week")
        if self.therapists < self.clinics:
            raise ValueError("every clinic has at least one therapist")
        if not (0 <= self.late_share <= 1 and 0 <= self.duplicate_share <= 1):
            raise ValueError("a share goes from 0 to 1")

    @property
    def end(self) -> datetime:
        """When the window closes: nothing happens or is posted from then on."""
        return datetime.combine(self.start + timedelta(weeks=self.weeks), time.min, UTC)

    def stream(self, *name: str | int) -> Random:
        """The chance that belongs to ``name`` alone: drawing more from one stream leaves every other as it was."""
        return Random("/".join(str(part) for part in (self.seed, *name)))
