"""One case in a replay: what others said about it, and what the alerts of one policy made of that."""

import json
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Final, NamedTuple, TypeAlias

from contracts.alerts import AlertNotifiedData
from contracts.events import (
    OWN_SOURCE,
    AlertAcknowledged,
    AlertEscalated,
    AlertNotified,
    AlertOpened,
    AlertRaised,
    AlertResolved,
    AlertSnoozed,
    AlertSuppressed,
    AnyCaseEvent,
    AnyEvent,
    EventRetracted,
    MeasureDeclined,
    PreferenceRecorded,
    SessionMissed,
    TaskAgreed,
    TaskEnded,
)
from services.alerts.lifecycle import Letter, envelope
from services.eventlog.ports import Unread
from services.projections.course import Alert, Course
from services.projections.fold import AlertEvent, Person, alerts_of, course_of
from services.projections.record import Key, Record, evolve, retracted, standing
from services.projections.reliability import catalogue_at

NO_BEARING: Final = (SessionMissed, MeasureDeclined, PreferenceRecorded, TaskAgreed, TaskEnded)
"""What no decision looks at: a case to which only this happened stands as it stood."""
Own: TypeAlias = AlertRaised | AlertNotified | AlertSuppressed | AlertResolved
"""What the alerts themselves put on the log."""


class Told(NamedTuple):
    """A letter that would have been written."""

    at: datetime
    case_ref: str
    letter: Letter


class Heard:
    """What others said about a case, folded once for all policies that read the instruments alike."""

    def __init__(self, person: Person) -> None:
        """``person`` gives the reference that remains of a client."""
        self._person = person
        self._record: Record = {}
        self._unread: set[Key] = set()
        self._courses: dict[float | None, Course] = {}
        self._first_at: datetime | None = None

    def hears(self, said: AnyCaseEvent | Unread) -> bool:
        """Takes in an event that is not about an alert; whether that can matter for a decision."""
        self._courses.clear()
        if isinstance(said, Unread):
            named = json.loads(said.state)
            self._unread.add((named["source"], named["id"]))
            return True
        evolve(self._record, said)
        return not isinstance(said, NO_BEARING) or self._first_at is None or said.time < self._first_at

    def forget(self) -> None:
        """Persons are not who they were: the case has to be folded again."""
        self._courses.clear()

    def course(self, strictness: float | None) -> Course:
        """The course, without alerts, by the instruments at that confidence (services/projections/reliability.py).

        Raises LookupError where an event cannot be read, and what a fold raises.
        """
        course = self._courses.get(strictness)
        if course is None:
            if self._unread and self._unread - retracted(self._record):
                raise LookupError("an event cannot be read")
            course = self._courses[strictness] = course_of(self._record, catalogue_at(strictness), self._person)
            self._first_at = course.first_at
        return course


@dataclass(slots=True)
class Case:
    """The alerts about a case under one policy."""

    heard: Heard
    strictness: float | None
    """At which the policy reads the instruments."""
    letters: dict[str, Told] = field(default_factory=dict)
    """By alert, save those that could not be delivered."""
    due_at: datetime | None = None
    scores: int = 0
    """Outcome scores of the course that was judged last."""
    _record: Record = field(default_factory=dict)
    """What happened to alerts, and what was retracted."""
    _alerts: tuple[Alert, ...] | None = ()
    """``None`` where they have to be folded again."""
    _raised: set[str] = field(default_factory=set)

    def hears(self, event: AlertEvent | EventRetracted) -> bool:
        """Takes ``event`` in as the log has it; whether that is part of the replay.

        Left out is what the alerts put there, save what became of a letter that the replay has written too; and what
        a therapist answered to an alert that it has not raised.
        """
        match event:
            case AlertRaised() | AlertResolved() if event.source == OWN_SOURCE:
                return False
            case AlertNotified() | AlertSuppressed() if event.source == OWN_SOURCE:
                if not self._awaits(letter_of(event)):
                    return False
            case AlertOpened() | AlertAcknowledged() | AlertSnoozed() | AlertEscalated():
                if event.data.alert_ref not in self._raised:
                    return False
            case _:
                pass
        return self.puts(event)

    def puts(self, event: AlertEvent | EventRetracted) -> bool:
        """Takes in what was decided; whether it is new: what is decided twice happens once."""
        known = len(self._record)
        evolve(self._record, event)
        self._alerts = None
        if isinstance(event, AlertRaised):
            self._raised.add(event.data.alert_ref)
        return len(self._record) > known

    def course(self) -> Course:
        """The course, in which a letter that is on its way counts as told. Raises what ``Heard.course`` raises."""
        course = self.heard.course(self.strictness)
        self.scores = len(course.outcome.points) if course.outcome else 0
        if self._alerts is None:
            events = [event for event in standing(self._record).events if isinstance(event, AlertEvent)]
            alerts, _ = alerts_of(events)
            self._alerts = tuple(self._told(alert) for alert in alerts)
        return replace(course, alerts=self._alerts) if self._alerts else course

    def _told(self, alert: Alert) -> Alert:
        if alert.notified_at is None and alert.ref in self.letters:
            return replace(alert, notified_at=self.letters[alert.ref].at)
        return alert

    def writes(self, told: Told) -> None:
        self.letters[told.letter.alert_ref] = told
        self._alerts = None

    def _awaits(self, alert_ref: str | None) -> bool:
        """Whether a letter about that alert is on its way."""
        return alert_ref in self.letters and (OWN_SOURCE, f"{alert_ref}.notified") not in self._record


def letter_of(event: AnyEvent) -> str | None:
    """The alert whose letter was delivered or given up, where ``event`` is about that."""
    match event:
        case AlertNotified() if event.source == OWN_SOURCE:
            return event.data.alert_ref
        case AlertSuppressed() if event.source == OWN_SOURCE and event.data.why == "undeliverable":
            return event.data.alert_ref
        case _:
            return None


def notified(course: Course, alert_ref: str, now: datetime) -> AlertNotified:
    data = AlertNotifiedData(alert_ref=alert_ref, channel="email", message_id=f"<{alert_ref}@replay.invalid>")
    return AlertNotified(**envelope(course.case_ref, course.clinic, alert_ref, "notified", now), data=data)
