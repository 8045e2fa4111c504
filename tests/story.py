"""A small language for tests: the story of one case, told as the events that an EHR would post.

Day 0 is Monday 2 March 2026, 09:00 UTC; every session of a story happens at that hour of its day.
"""

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any, Self

from pydantic_core import to_json

from contracts.events import AnyCaseEvent, AnyEvent, CaseEvent, parse

START = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
SOURCE = "urn:resonance:source:test"


def day(number: float) -> datetime:
    """The instant ``number`` days after the start."""
    return START + timedelta(days=number)


class Story:
    """Events of one case in the order in which they are told; ids are numbered, so a story is always the same."""

    def __init__(self, case_ref: str = "ca_case01", clinic: str = "cl_north") -> None:
        self.case_ref = case_ref
        self.clinic = clinic
        self.events: list[AnyCaseEvent] = []
        self._day = 0.0
        self._sessions = 0

    def opened(self, therapist: str = "th_ada01", client: str = "c_anna01", on: date | None = None) -> Self:
        opened_on = (on or day(self._day).date()).isoformat()
        return self.tell("case.opened", {"client_ref": client, "therapist_ref": therapist, "opened_on": opened_on})

    def closed(self, ending: str = "agreed") -> Self:
        return self.tell("case.closed", {"closed_on": day(self._day).date().isoformat(), "ending": ending}, minutes=70)

    def session(
        self, ors: float | None = None, srs: float | None = None, items: dict[str, float] | None = None, days: float = 7
    ) -> Self:
        """The next session, ``days`` after the one before: held, with an ORS before it and an SRS after it."""
        self._day += days if self._sessions else 0
        self._sessions += 1
        ref = self.session_ref()
        held = {"session_ref": ref, "started_at": day(self._day).isoformat(), "minutes": 50}
        self.tell("session.held", held)
        if ors is not None:
            self.measure("ors", {"total": ors}, session=ref)
        if srs is not None or items is not None:
            self.measure("srs", items or {"total": srs}, session=ref, minutes=55)
        return self

    def measure(
        self,
        instrument: str,
        scores: dict[str, Any],
        session: str | None = None,
        version: str = "adult",
        respondent: str = "client",
        minutes: int = -5,
    ) -> Self:
        return self.tell("measure.recorded", self.scores(instrument, scores, session, version, respondent), minutes)

    def scores(
        self,
        instrument: str,
        scores: dict[str, Any],
        session: str | None = None,
        version: str = "adult",
        respondent: str = "client",
    ) -> dict[str, Any]:
        data = {
            "measurement_ref": f"ms_{len(self.events):04d}",
            "instrument": {"key": instrument, "version": version},
            "respondent": respondent,
            "scores": [{"scale": scale, "value": value} for scale, value in scores.items()],
        }
        return data | ({"session_ref": session} if session else {})

    def renegotiated(self, task: str = "ta_new01", previous: str | None = None, **more: Any) -> Self:
        data = {"task_ref": task, "initiated_by": "both", "change": "replace", "trigger": "alert"}
        return self.tell("task.renegotiated", data | ({"previous_task_ref": previous} if previous else {}) | more, 30)

    def agreed(self, task: str = "ta_old01", code: str = "exposure", **more: Any) -> Self:
        return self.tell("task.agreed", {"task_ref": task, "task_code": code} | more, 30)

    def said(self, domain: str, kind: str = "preference", minutes: float = 20, **more: Any) -> Self:
        """What the client says of their wishes or of their theory of change, in the session of the current day."""
        return self.tell("preference.recorded", {"kind": kind, "domain": domain} | more, minutes)

    def corrected(self, event: AnyCaseEvent, instrument: str, scores: dict[str, Any], **more: Any) -> Self:
        data = self.scores(instrument, scores, getattr(event.data, "session_ref", None), **more)
        supersedes = {"source": event.source, "id": event.id}
        at = (event.time - day(self._day)).total_seconds() / 60
        return self.tell("measure.corrected", data | {"supersedes": supersedes}, at, charted=len(self.events))

    def retracted(self, event: AnyCaseEvent, reason: str = "entered_in_error") -> Self:
        return self.tell("event.retracted", {"target": {"source": event.source, "id": event.id}, "reason": reason})

    def tell(self, kind: str, data: dict[str, Any], minutes: float = 0, charted: int | None = None) -> Self:
        """Adds one event of ``resonance.<kind>.v1``, ``minutes`` after the hour of the current day."""
        at = day(self._day) + timedelta(minutes=minutes)
        document = {
            "specversion": "1.0",
            "id": f"{self.case_ref}-{len(self.events):04d}",
            "source": SOURCE,
            "type": f"resonance.{kind}.v1",
            "subject": f"case/{self.case_ref}",
            "rsnclinic": self.clinic,
            "time": at.isoformat(),
            "data": data,
        }
        if charted is not None:
            document["recordedtime"] = (at + timedelta(minutes=charted)).isoformat()
        event = parse(to_json(document))
        assert isinstance(event, CaseEvent)
        self.events.append(event)
        return self

    def after(self, days: float) -> Self:
        self._day += days
        return self

    def session_ref(self) -> str:
        return f"se_{self.case_ref.removeprefix('ca_')}{self._sessions:02d}"

    @property
    def last(self) -> AnyCaseEvent:
        return self.events[-1]

    @property
    def now(self) -> datetime:
        """An hour after the last session."""
        return day(self._day) + timedelta(hours=2)


def stalled(
    case_ref: str = "ca_stall1", therapist: str = "th_ada01", scores: Sequence[float] = (15, 16, 15, 16, 15, 16)
) -> Story:
    """A case that does not move: by default six sessions around the first score, with a good alliance."""
    story = Story(case_ref).opened(therapist)
    for number, score in enumerate(scores):
        story.session(ors=score, srs=37 + number % 2)
        if number == 0:
            story.agreed()
    return story


def merge(from_ref: str, into_ref: str, number: int = 0) -> AnyEvent:
    """Two client references were one person."""
    return parse(
        to_json(
            {
                "specversion": "1.0",
                "id": f"merge-{from_ref}-{number}",
                "source": SOURCE,
                "type": "resonance.client.merged.v1",
                "subject": f"client/{from_ref}",
                "rsnclinic": "cl_north",
                "time": day(1).isoformat(),
                "data": {"from_ref": from_ref, "into_ref": into_ref},
            }
        )
    )
