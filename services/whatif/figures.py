"""What a replay comes to in figures: alerts and mails, who is listed, what was not mailed and why, what cleared."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time
from typing import NamedTuple, Self

from contracts.events import (
    AlertNotified,
    AlertRaised,
    AlertResolved,
    AlertSuppressed,
    CaseEvent,
    CaseOpened,
    TherapistAssigned,
)
from contracts.instruments import catalogue
from services.alerts.decide import COURSE_REASONS
from services.eventlog.ports import Recorded
from services.projections.course import Course
from services.projections.fold import AlertEvent, course_of
from services.projections.record import Record, evolve
from services.whatif.history import History
from services.whatif.life import Replayed
from services.whatif.verdict import Case, counts, first_alarms


class Span(NamedTuple):
    """What is counted: alert events from ``since`` to before ``until``, of one clinic where it is named."""

    since: datetime
    until: datetime
    clinic: str | None = None

    @property
    def weeks(self) -> float:
        """At least one: what is loaded within an hour tells no rate."""
        return max(1.0, (self.until - self.since).total_seconds() / 604_800)

    def holds(self, event: CaseEvent, at: datetime) -> bool:
        return self.since <= at < self.until and self.clinic in (None, event.rsnclinic)


class Wanted(NamedTuple):
    """What is asked for: days in UTC, the last one not counted; the whole history, and every clinic, by default."""

    since: date | None = None
    until: date | None = None
    clinic: str | None = None

    def span(self, history: History) -> Span:
        """Raises ValueError where nothing lies in it."""
        if not history.recorded:
            raise ValueError("there is no event")
        since, until = (datetime.combine(day, time.min, UTC) if day else None for day in (self.since, self.until))
        first = history.recorded[0].received
        span = Span(max(since or first, first), min(until or history.end, history.end), self.clinic)
        if span.since >= span.until:
            raise ValueError("nothing was received between these days")
        return span


class Concerned(NamedTuple):
    """Whom a span is about: the cases of which something was received in it, and the therapists they ever had."""

    cases: frozenset[str]
    therapists: frozenset[str]

    def with_(self, other: Self) -> "Concerned":
        return Concerned(self.cases | other.cases, self.therapists | other.therapists)


@dataclass(slots=True)
class Figures:
    """Counts of alert events by what they say; cases by reference."""

    raised: Counter[str] = field(default_factory=Counter)
    suppressed: Counter[str] = field(default_factory=Counter)
    mails: int = 0
    listed: set[str] = field(default_factory=set)
    """Cases about which an alert was raised."""
    flagged: set[str] = field(default_factory=set)
    """Those about whose course one was."""
    about_course: int = 0
    """Alerts about the course."""
    unaided: int = 0
    """How many of them were over by the scores alone, without a renegotiation."""
    most_in_a_week: int = 0
    """Alerts that one therapist got in one calendar week."""
    waiting: int = 0
    """Cases that could not be judged."""
    known: list[Case] = field(default_factory=list)
    """Those whose truth is known, and when their first alert about the course was raised."""

    @property
    def alerts(self) -> int:
        return self.raised.total()

    def with_(self, other: "Figures") -> "Figures":
        """Of both, which have no case and no therapist in common."""
        return Figures(
            self.raised + other.raised,
            self.suppressed + other.suppressed,
            self.mails + other.mails,
            self.listed | other.listed,
            self.flagged | other.flagged,
            self.about_course + other.about_course,
            self.unaided + other.unaided,
            max(self.most_in_a_week, other.most_in_a_week),
            self.waiting + other.waiting,
            self.known + other.known,
        )


def concerned(history: History, span: Span) -> Concerned:
    cases: set[str] = set()
    therapists: dict[str, set[str]] = {}
    for recorded in history.recorded:
        event = recorded.event if isinstance(recorded, Recorded) else None
        if not isinstance(event, CaseEvent):
            continue
        if isinstance(event, CaseOpened | TherapistAssigned):
            therapists.setdefault(event.case_ref, set()).add(event.data.therapist_ref)
        if span.holds(event, recorded.received) and not isinstance(event, AlertEvent):
            cases.add(event.case_ref)
    theirs = (therapists.get(case_ref, set()) for case_ref in cases)
    return Concerned(frozenset(cases), frozenset[str]().union(*theirs))


def figures(history: History, replayed: Replayed, span: Span) -> Figures:
    """The figures of ``replayed``, which ``history`` came to, in ``span``."""
    found = Figures(waiting=len(replayed.waiting), known=_known(history, replayed, span))
    weeks = Counter[tuple[str | None, int, int]]()
    course_alerts: set[str] = set()
    for event, _ in replayed.events:
        if not span.holds(event, event.time):
            continue
        match event:
            case AlertRaised():
                found.raised[event.data.reason] += 1
                found.listed.add(event.case_ref)
                weeks[event.data.therapist_ref, *event.time.isocalendar()[:2]] += 1
                if event.data.reason in COURSE_REASONS:
                    found.flagged.add(event.case_ref)
                    course_alerts.add(event.data.alert_ref)
            case AlertSuppressed():
                found.suppressed[event.data.why] += 1
            case AlertResolved():
                found.unaided += event.data.how == "by_score" and event.data.alert_ref in course_alerts
            case AlertNotified():
                found.mails += 1
    found.about_course = len(course_alerts)
    found.most_in_a_week = max(weeks.values(), default=0)
    return found


def _known(history: History, replayed: Replayed, span: Span) -> list[Case]:
    if history.truth is None:
        return []
    within = Replayed([one for one in replayed.events if span.holds(one.event, one.event.time)])
    first = first_alarms(within)
    return [
        Case(len(course.outcome.points), history.truth[ref], first.get(ref))
        for ref, course in _courses(history, span).items()
        if ref in history.truth and counts(course) and course.outcome is not None
    ]


def _courses(history: History, span: Span) -> Mapping[str, Course]:
    records: dict[str, Record] = {}
    for recorded in history.recorded:
        event = recorded.event if isinstance(recorded, Recorded) else None
        if isinstance(event, CaseEvent) and span.clinic in (None, event.rsnclinic):
            evolve(records.setdefault(event.case_ref, {}), event)
    return {case_ref: course_of(record, catalogue()) for case_ref, record in records.items()}
