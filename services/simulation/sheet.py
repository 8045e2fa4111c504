"""The sheet on which one case is charted: its events, each in an envelope of its own."""

from datetime import datetime
from random import Random
from string import ascii_letters, digits
from typing import Final, TypedDict

from contracts.events import AnyEvent
from services.simulation.clinics import Clinic

SOURCE: Final = "urn:resonance:source:simulator"
"""The source of every event of a made-up network."""


class CaseEnvelope(TypedDict):
    id: str
    source: str
    time: datetime
    rsnclinic: str
    subject: str
    recordedtime: datetime | None


class Sheet:
    """Takes down what happened in a case before ``end``, and nothing after."""

    def __init__(self, rng: Random, case_ref: str, clinic: Clinic, end: datetime) -> None:
        self.clinic = clinic
        self.end = end
        self.events: list[AnyEvent] = []
        self._rng = rng
        self._case_ref = case_ref

    def case(self, at: datetime, charted: datetime | None = None) -> CaseEnvelope:
        """The envelope of what happened at ``at``; ``charted`` where it was written down much later."""
        return self._envelope(f"case/{self._case_ref}", at, charted)

    def client(self, at: datetime, client_ref: str) -> CaseEnvelope:
        """The envelope of what concerns the client rather than the case."""
        return self._envelope(f"client/{client_ref}", at, None)

    def add(self, event: AnyEvent) -> None:
        if (event.recordedtime or event.time) < self.end:
            self.events.append(event)

    def _envelope(self, subject: str, at: datetime, charted: datetime | None) -> CaseEnvelope:
        return {
            "id": "".join(self._rng.choices(ascii_letters + digits, k=20)),
            "source": SOURCE,
            "time": at,
            "rsnclinic": self.clinic.ref,
            "subject": subject,
            "recordedtime": charted,
        }
