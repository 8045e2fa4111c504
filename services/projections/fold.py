"""The fold: the record of a case becomes its course."""

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, time
from operator import attrgetter

from contracts.data import MeasureRecordedData
from contracts.events import (
    AlertAcknowledged,
    AlertEscalated,
    AlertNotified,
    AlertOpened,
    AlertRaised,
    AlertResolved,
    AlertSnoozed,
    AlertSuppressed,
    AnyCaseEvent,
    CaseClosed,
    CaseOpened,
    CaseReopened,
    ConsentChanged,
    EventRetracted,
    MeasureCorrected,
    MeasureDeclined,
    MeasureRecorded,
    PreferenceRecorded,
    SessionHeld,
    SessionMissed,
    TaskAgreed,
    TaskEnded,
    TaskRenegotiated,
    TherapistAssigned,
)
from contracts.instruments import Instrument
from services.projections.change import change
from services.projections.course import Alert, Assignment, Course, Missed, Point, Series, Session, most
from services.projections.loop import TaskEvent, renegotiations, tasks
from services.projections.preferences import entries
from services.projections.quality import flags
from services.projections.record import Record, charted, standing

Catalogue = Mapping[tuple[str, str], Instrument]
Person = Callable[[str], str]
AlertEvent = (
    AlertRaised
    | AlertNotified
    | AlertSuppressed
    | AlertOpened
    | AlertAcknowledged
    | AlertSnoozed
    | AlertEscalated
    | AlertResolved
)


def course_of(record: Record, catalogue: Catalogue, person: Person = str) -> Course:
    """The course that ``record`` (at least one event) adds up to. Raises ValueError on an empty record.

    ``person`` gives the reference that remains of a client, where references were merged.
    """
    if not record:
        raise ValueError("a course needs at least one event")
    now_standing = standing(record)
    openings: list[CaseOpened] = []
    closed: CaseClosed | None = None
    assigned: list[TherapistAssigned] = []
    held: dict[str, SessionHeld] = {}
    missed: list[Missed] = []
    measures: list[MeasureRecorded | MeasureCorrected] = []
    declined = 0
    preferences: list[PreferenceRecorded] = []
    task_events: list[TaskEvent] = []
    alert_events: list[AlertEvent] = []
    consents: list[ConsentChanged] = []
    for event in now_standing.events:
        match event:
            case MeasureRecorded() | MeasureCorrected():
                measures.append(event)
            case SessionHeld():
                held[event.data.session_ref] = max(held.get(event.data.session_ref, event), event, key=charted)
            case SessionMissed():
                missed.append(Missed(event.data.scheduled_for, event.data.kind))
            case MeasureDeclined():
                declined += 1
            case CaseOpened():
                openings.append(event)
            case CaseClosed():
                closed = event
            case CaseReopened():
                closed = None
            case TherapistAssigned():
                assigned.append(event)
            case PreferenceRecorded():
                preferences.append(event)
            case TaskAgreed() | TaskRenegotiated() | TaskEnded():
                task_events.append(event)
            case ConsentChanged():
                consents.append(event)
            case (
                AlertRaised()
                | AlertNotified()
                | AlertSuppressed()
                | AlertOpened()
                | AlertAcknowledged()
                | AlertSnoozed()
                | AlertEscalated()
                | AlertResolved()
            ):
                alert_events.append(event)
            case EventRetracted():
                pass  # standing() has already taken it into account
    opened = openings[0] if openings else None
    sessions = _sessions(held)
    series, others = _series(measures, sessions, catalogue, opened, person)
    outcome, alliance = most(series, "outcome"), most(series, "alliance")
    spans, unknown_task = tasks(task_events)
    alerts, unknown_alert = alerts_of(alert_events)
    pending = {
        "case": opened is None,
        "amended_event": bool(now_standing.pending),
        "task": bool(unknown_task),
        "alert": unknown_alert,
    }
    changed = [event for event in task_events if isinstance(event, TaskRenegotiated)]
    first = _first(now_standing.events) or min(record.values(), key=attrgetter("time", "source", "id"))
    told: list[AnyCaseEvent] = [event for event in now_standing.events if not isinstance(event, AlertEvent)]
    return Course(
        case_ref=first.case_ref,
        clinic=(opened or first).rsnclinic,  # until it is known which clinic opened the case, the one that was first
        clinics=frozenset(event.rsnclinic for event in openings or told or [first]),
        client_ref=opened.data.client_ref if opened else None,
        opened_on=opened.data.opened_on if opened else None,
        closed_on=closed.data.closed_on if closed else None,
        ending=closed.data.ending if closed else None,
        first_at=first.time,
        assignments=_assignments(opened, assigned),
        sessions=sessions,
        missed=tuple(missed),
        declined=declined,
        series=series,
        tasks=spans,
        renegotiations=renegotiations(changed, sessions, outcome, alliance),
        preferences=entries(preferences),
        withdrawn=_withdrawn(consents),
        alerts=alerts,
        flags=flags(outcome, alliance, series, sessions, others, _of_one(opened)),
        pending=tuple(name for name, holds in pending.items() if holds),
        amended_at=now_standing.amended_at,
    )


def _first(events: Sequence[AnyCaseEvent]) -> AnyCaseEvent | None:
    """The first of what happened in the case; alerts are what was made of it."""
    return next((event for event in events if not isinstance(event, AlertEvent)), None)


def _sessions(held: Mapping[str, SessionHeld]) -> tuple[Session, ...]:
    """Numbered by when they started; of two reports of one session the later charted holds."""
    ordered = sorted(held.values(), key=lambda event: (event.data.started_at, event.data.session_ref))
    return tuple(Session(e.data.session_ref, e.data.started_at, n) for n, e in enumerate(ordered, 1))


def _of_one(opened: CaseOpened | None) -> bool:
    return opened is not None and opened.data.modality == "individual"


def _series(
    measures: Sequence[MeasureRecorded | MeasureCorrected],
    sessions: Sequence[Session],
    catalogue: Catalogue,
    opened: CaseOpened | None,
    person: Person,
) -> tuple[tuple[Series, ...], frozenset[str]]:
    """The series, each of one person and one kind of respondent, and the other clients whom a measure names.

    A case of one client has the scores of one, by whatever reference a record system knows them.
    """
    first = measures[0].data.client_ref if measures else None
    own = opened.data.client_ref if opened else first
    numbers = {session.ref: session.number for session in sessions}
    days = [session.at.date() for session in sessions]
    grouped: dict[tuple[str, str, str, str], list[MeasureRecorded | MeasureCorrected]] = defaultdict(list)
    others: set[str] = set()
    for event in measures:
        data = event.data
        other = _other(data.client_ref, own, person)
        if other is not None:
            others.add(other)
        scored = "" if other is None or _of_one(opened) else other
        grouped[data.instrument.key, data.instrument.version, data.respondent, scored].append(event)
    found = []
    for (key, version, respondent, scored), events in sorted(grouped.items()):
        instrument = catalogue[key, version]  # ingest refuses an unknown instrument before it reaches the log
        points = []
        for ordinal, event in enumerate(events, 1):
            number = numbers.get(event.data.session_ref or "")
            if number is None:
                # Without a session of its own a score counts with the sessions held by the end of its day.
                number = max(ordinal, bisect_right(days, event.data.occurred_on or event.time.date()))
            value, parts = total(event.data, instrument)
            points.append(Point(event.time, number, value, parts, event.data.occurred_on))
        told = change([point.value for point in points], instrument)
        found.append(Series(instrument, respondent, tuple(points), told, scored or None))
    return tuple(found), frozenset(others)


def _other(client_ref: str | None, own: str | None, person: Person) -> str | None:
    """Whom a measure is about, unless that is the case's own client."""
    if client_ref is None or client_ref == own:
        return None
    other = person(client_ref)
    return None if own is not None and other == person(own) else other


def total(data: MeasureRecordedData, instrument: Instrument) -> tuple[float, dict[str, float]]:
    """The total and its parts: the total as sent, or the sum of the items (rounded to two decimals)."""
    scores = {score.scale: score.value for score in data.scores}
    parts = {scale.name: scores[scale.name] for scale in instrument.parts if scale.name in scores}
    value = scores.get(instrument.total.name)
    return round(sum(parts[item.name] for item in instrument.items), 2) if value is None else value, parts


def _assignments(opened: CaseOpened | None, assigned: Sequence[TherapistAssigned]) -> tuple[Assignment, ...]:
    """A new primary therapist or supervisor follows the one before; co-therapists stand beside each other."""
    starts = [(event.data.effective_from, event.data.therapist_ref, event.data.role) for event in assigned]
    if opened is not None:
        day = datetime.combine(opened.data.opened_on, time.min, UTC)
        starts.append((min(day, opened.time), opened.data.therapist_ref, "primary"))
    starts.sort()
    return tuple(
        Assignment(ref, role, since, _next(starts[place + 1 :], role))
        for place, (since, ref, role) in enumerate(starts)
    )


def _next(later: Sequence[tuple[datetime, str, str]], role: str) -> datetime | None:
    return None if role == "co" else next((since for since, _, other in later if other == role), None)


def _withdrawn(events: Sequence[ConsentChanged]) -> frozenset[str]:
    latest = {event.data.purpose: event.data.state for event in sorted(events, key=lambda e: e.data.effective_from)}
    return frozenset(purpose for purpose, state in latest.items() if state == "withdrawn")


def alerts_of(events: Sequence[AlertEvent]) -> tuple[tuple[Alert, ...], bool]:
    """Each alert with how it went, oldest first; and whether an event names an alert that was never raised."""
    raised = {event.data.alert_ref: event for event in events if isinstance(event, AlertRaised)}
    alerts = {
        ref: Alert(ref, event.data.reason, event.time, {item.name: item.value for item in event.data.evidence})
        for ref, event in raised.items()
    }
    for event in events:
        known = alerts.get(event.data.alert_ref)
        if known is not None:
            alerts[event.data.alert_ref] = _went_on(known, event)
    unknown = any(event.data.alert_ref not in alerts for event in events)
    return tuple(sorted(alerts.values(), key=lambda alert: (alert.raised_at, alert.ref))), unknown


def _went_on(alert: Alert, event: AlertEvent) -> Alert:
    at = event.time
    match event:
        case AlertRaised():
            return alert
        case AlertNotified():
            return replace(alert, notified_at=at)
        case AlertSuppressed():
            return replace(alert, suppressed=event.data.why)
        case AlertOpened():
            return replace(alert, opened_at=alert.opened_at or at)
        case AlertAcknowledged():
            return replace(alert, acknowledged_at=at, action=event.data.action)
        case AlertSnoozed():
            return replace(alert, snoozed_at=at, snoozed_until=event.data.until)
        case AlertEscalated():
            return replace(alert, escalated_at=at)
        case AlertResolved():
            return replace(alert, resolved_at=at, resolved_how=event.data.how)
