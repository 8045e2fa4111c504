"""The fold: the record of a case becomes its course."""

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, time

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
from services.projections.course import Alert, Assignment, Course, Missed, Point, Preference, Series, Session, most
from services.projections.loop import renegotiations, tasks
from services.projections.quality import flags
from services.projections.record import Record, standing

Catalogue = Mapping[tuple[str, str], Instrument]
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


def course_of(record: Record, catalogue: Catalogue) -> Course:
    """The course that ``record`` (at least one event) adds up to. Raises ValueError on an empty record."""
    if not record:
        raise ValueError("a course needs at least one event")
    now_standing = standing(record)
    opened: CaseOpened | None = None
    closed: CaseClosed | None = None
    assigned: list[TherapistAssigned] = []
    held: dict[str, SessionHeld] = {}
    missed: list[Missed] = []
    measures: list[MeasureRecorded | MeasureCorrected] = []
    declined = 0
    preferences: list[PreferenceRecorded] = []
    task_events: list[TaskAgreed | TaskRenegotiated | TaskEnded] = []
    alert_events: list[AlertEvent] = []
    consents: list[ConsentChanged] = []
    for event in now_standing.events:
        match event:
            case MeasureRecorded() | MeasureCorrected():
                measures.append(event)
            case SessionHeld():
                held[event.data.session_ref] = event
            case SessionMissed():
                missed.append(Missed(event.data.scheduled_for, event.data.kind))
            case MeasureDeclined():
                declined += 1
            case CaseOpened():
                opened = opened or event
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
    sessions = _sessions(held)
    series = _series(measures, sessions, catalogue)
    outcome, alliance = most(series, "outcome"), most(series, "alliance")
    spans, unknown_task = tasks(task_events)
    alerts, unknown_alert = _alerts(alert_events)
    pending = {
        "case": opened is None,
        "amended_event": bool(now_standing.pending),
        "task": unknown_task,
        "alert": unknown_alert,
    }
    told = [event for event in task_events if isinstance(event, TaskRenegotiated)]
    some = next(iter(record.values()))
    happened = [event.time for event in now_standing.events] or [event.time for event in record.values()]
    return Course(
        case_ref=some.case_ref,
        clinic=_clinic(record, opened),
        client_ref=opened.data.client_ref if opened else None,
        opened_on=opened.data.opened_on if opened else None,
        closed_on=closed.data.closed_on if closed else None,
        ending=closed.data.ending if closed else None,
        first_at=min(happened),
        last_at=max(happened),
        assignments=_assignments(opened, assigned),
        sessions=sessions,
        missed=tuple(missed),
        declined=declined,
        series=series,
        tasks=spans,
        renegotiations=renegotiations(told, sessions, outcome, alliance),
        preferences=_preferences(preferences),
        withdrawn=_withdrawn(consents),
        alerts=alerts,
        flags=flags(outcome, alliance, series, sessions),
        pending=tuple(name for name, holds in pending.items() if holds),
        amended_at=now_standing.amended_at,
    )


def _clinic(record: Record, opened: CaseOpened | None) -> str:
    """The clinic that opened the case; until that is known, the one of the first event by key."""
    return opened.rsnclinic if opened else record[min(record)].rsnclinic


def _sessions(held: Mapping[str, SessionHeld]) -> tuple[Session, ...]:
    """Numbered by when they started; of two reports of one session the later charted holds."""
    ordered = sorted(held.values(), key=lambda event: (event.data.started_at, event.data.session_ref))
    return tuple(Session(e.data.session_ref, e.data.started_at, n) for n, e in enumerate(ordered, 1))


def _series(
    measures: Sequence[MeasureRecorded | MeasureCorrected], sessions: Sequence[Session], catalogue: Catalogue
) -> tuple[Series, ...]:
    numbers = {session.ref: session.number for session in sessions}
    days = [session.at.date() for session in sessions]
    grouped: dict[tuple[str, str, str], list[MeasureRecorded | MeasureCorrected]] = defaultdict(list)
    for event in measures:
        data = event.data
        grouped[data.instrument.key, data.instrument.version, data.respondent].append(event)
    found = []
    for (key, version, respondent), events in sorted(grouped.items()):
        instrument = catalogue[key, version]  # ingest refuses an unknown instrument before it reaches the log
        points = []
        for ordinal, event in enumerate(events, 1):
            number = numbers.get(event.data.session_ref or "")
            if number is None:
                # Without a session of its own a score counts with the sessions held by the end of its day.
                number = max(ordinal, bisect_right(days, event.time.date()))
            value, items = total(event.data, instrument)
            points.append(Point(event.time, number, value, items))
        found.append(Series(instrument, respondent, tuple(points), change([p.value for p in points], instrument)))
    return tuple(found)


def total(data: MeasureRecordedData, instrument: Instrument) -> tuple[float, dict[str, float]]:
    """The total and the items: the total as sent, or the sum of the items (rounded to two decimals)."""
    scores = {score.scale: score.value for score in data.scores}
    items = {scale.name: scores[scale.name] for scale in instrument.items if scale.name in scores}
    value = scores.get(instrument.total.name)
    return round(sum(items.values()), 2) if value is None else value, items


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


def _preferences(events: Sequence[PreferenceRecorded]) -> tuple[Preference, ...]:
    """The last entry of each domain; goals stand beside each other by their stance, up to what was recorded."""
    counted: dict[tuple[str, str], int] = {}
    in_force: dict[tuple[str, str], PreferenceRecorded] = {}
    for event in events:
        place = (event.data.kind, event.data.domain)
        counted[place] = counted.get(place, -1) + 1
        in_force[place] = event
    return tuple(
        Preference(
            at=event.time,
            kind=event.data.kind,
            domain=event.data.domain,
            stance=event.data.stance,
            strength=event.data.strength,
            activity=event.data.activity,
            client_confirmed=event.data.client_confirmed,
            statement=event.data.statement,
            revisions=counted[place],
        )
        for place, event in sorted(in_force.items())
    )


def _withdrawn(events: Sequence[ConsentChanged]) -> frozenset[str]:
    latest = {event.data.purpose: event.data.state for event in sorted(events, key=lambda e: e.data.effective_from)}
    return frozenset(purpose for purpose, state in latest.items() if state == "withdrawn")


def _alerts(events: Sequence[AlertEvent]) -> tuple[tuple[Alert, ...], bool]:
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
