"""The life of an alert as events: raised, told or not told (with the reason), and resolved (with how).

Whatever happened to an alert stands on the case's own course, so the answer to a decision is a pure function of it.
Event ids are derived from the case, the reason and how often it was raised: deciding twice appends nothing twice.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import blake2b
from typing import Final, Literal, TypeAlias, TypedDict

from contracts.alerts import AlertRaisedData, AlertResolvedData, AlertSuppressedData, Evidence
from contracts.data import AlertReason
from contracts.events import OWN_SOURCE, AlertRaised, AlertResolved, AlertSuppressed
from contracts.policies import Policy
from services.alerts.decide import COURSE_REASONS, Decision, Reason
from services.projections.course import Alert, Course

Obstacle: TypeAlias = Literal["no_address", "over_budget"]
WhyNot: TypeAlias = Literal["listed_only", "no_therapist", "told_recently"] | Obstacle
Resolution: TypeAlias = Literal[
    "by_score", "by_renegotiation", "by_session", "by_closing", "by_other_reason", "by_correction"
]
STALLS: Final[frozenset[AlertReason]] = frozenset(("stalled", "stalled_not_renegotiated"))
ANSWERS: Final = frozenset(("task_kept", "not_a_signal"))
"""Acknowledgements that say the talk was had: nobody is reminded of the same stall again."""


@dataclass(frozen=True, slots=True)
class Letter:
    """A mail that is due: which alert, and to whom."""

    alert_ref: str
    reason: AlertReason
    therapist_ref: str
    worth: float
    """What telling it is worth, from 0 to 1: letters that are worth more come first where not all may be sent."""


@dataclass(frozen=True, slots=True)
class Response:
    """What follows from a decision: events for the log, letters for the outbox, and when to look again."""

    events: tuple[AlertRaised | AlertSuppressed | AlertResolved, ...]
    letters: tuple[Letter, ...]
    due_at: datetime | None


def respond(
    course: Course, decision: Decision, policy: Policy, norms: str | None, obstacle: Obstacle | None, now: datetime
) -> Response:
    """What ``decision`` about ``course`` asks for at ``now``.

    ``norms`` is the version of the norm set that was used. ``obstacle`` says why the therapist cannot be mailed.
    An alert is raised once and again only after it was resolved. It is told, or suppressed, when the course shows
    that it was raised: by then it is on the log.
    """
    open_alerts = {alert.reason: alert for alert in course.alerts if alert.open}
    covering = _covering(course, decision, now)
    wanted = [
        reason
        for reason in decision.reasons
        if reason.name not in open_alerts
        and _fresh(reason, policy, now)
        and not (covering is not None and reason.name in COURSE_REASONS)
    ]
    kept = decision.names() | ({covering.reason} if covering is not None else frozenset())
    resolved = [
        _resolved(course, alert, _how(course, alert, decision), now)
        for name, alert in open_alerts.items()
        if name not in kept
    ]
    raised = [_raised(course, reason, policy, norms, now) for reason in wanted]
    letters: list[Letter] = []
    suppressed: list[AlertSuppressed] = []
    for alert in open_alerts.values():
        if alert.reason not in kept or alert.notified_at is not None or alert.suppressed is not None:
            continue
        therapist = course.therapist(now)
        why = _why_not(course, alert, therapist, policy, obstacle, now)
        if why is None and letters and alert.reason != "deteriorating":
            why = "told_recently"  # by the letter of this very moment
        if why is not None:
            suppressed.append(_suppressed(course, alert, why, now))
        elif therapist is not None:
            letters.append(Letter(alert.ref, alert.reason, therapist, worth(course, alert, policy)))
    wakes = [alert.snoozed_until for alert in open_alerts.values() if alert.snoozed_until and alert.snoozed_until > now]
    due = [decision.due_at] if decision.due_at is not None else []
    return Response((*resolved, *raised, *suppressed), tuple(letters), min(due + wakes, default=None))


def worth(course: Course, alert: Alert, policy: Policy) -> float:
    """What telling ``alert`` is worth, from 0 to 1: the chance that it is true times the chance that it is heeded.

    The latter falls with each letter about the same case (Ancker et al. 2017). An alert that rests on no chance is
    taken to be as likely true as the policy asks for.
    """
    chance = alert.evidence.get("chance_of_stall")
    told = sum(other.notified_at is not None for other in course.alerts)
    heeded: float = (1 - policy.mail.acceptance_lost_per_reminder) ** told
    return (policy.outlook.chance if chance is None else chance) * heeded


def snoozed(alert: Alert, course: Course, now: datetime) -> bool:
    """Asleep until the instant that was chosen, or until the next session is held."""
    if alert.snoozed_at is None:
        return False
    if alert.snoozed_until is not None:
        return now < alert.snoozed_until
    return not any(session.at > alert.snoozed_at for session in course.sessions)


def _fresh(reason: Reason, policy: Policy, now: datetime) -> bool:
    """Old scores raise no alert about the present: a backfill of ten years stays quiet."""
    return reason.name == "silent" or now - reason.at <= timedelta(days=policy.freshness.days)


def _covering(course: Course, decision: Decision, now: datetime) -> Alert | None:
    """The open stall that sleeps or was answered, while the case goes on being stalled: nobody is reminded of it."""
    if not decision.names() & STALLS:
        return None
    for alert in course.alerts:
        if alert.open and alert.reason in STALLS and (snoozed(alert, course, now) or alert.action in ANSWERS):
            return alert
    return None


def _how(course: Course, alert: Alert, decision: Decision) -> Resolution:
    if decision.status == "closed":
        return "by_closing"
    if alert.reason == "silent":
        return "by_session"
    if alert.reason in STALLS and course.renegotiations:
        return "by_renegotiation"  # a stall is raised only while none is known
    if alert.reason in COURSE_REASONS and any(told.at > alert.raised_at for told in course.renegotiations):
        return "by_renegotiation"
    if alert.reason in COURSE_REASONS and decision.names() & COURSE_REASONS:
        return "by_other_reason"
    if course.amended_at is not None and course.amended_at > alert.raised_at:
        return "by_correction"
    return "by_score"


def _why_not(
    course: Course, alert: Alert, therapist: str | None, policy: Policy, obstacle: Obstacle | None, now: datetime
) -> WhyNot | None:
    """The named reason for which no mail is sent, or None. Deterioration is not held back for being told before."""
    if alert.reason not in policy.mail.reasons:
        return "listed_only"
    if therapist is None:
        return "no_therapist"
    told = [other.notified_at for other in course.alerts if other.notified_at is not None]
    pause = timedelta(days=policy.mail.days_between_mails_of_a_case)
    # By whole days: a case seen every week at the same hour must not be told or not by a minute more or less.
    if alert.reason != "deteriorating" and told and now.date() - max(told).date() < pause:
        return "told_recently"
    if obstacle == "over_budget" and alert.reason == "deteriorating":
        return None
    return obstacle


def _raised(course: Course, reason: Reason, policy: Policy, norms: str | None, now: datetime) -> AlertRaised:
    before = sum(alert.reason == reason.name for alert in course.alerts)
    name = f"{course.case_ref}|{reason.name}|{before}"
    ref = "al_" + blake2b(name.encode(), digest_size=12).hexdigest()
    data = AlertRaisedData(
        alert_ref=ref,
        reason=reason.name,
        therapist_ref=course.therapist(now),
        policy=policy.key,
        policy_version=policy.version,
        norms_version=norms,
        instrument=reason.instrument,
        evidence=tuple(Evidence(name=key, value=value) for key, value in reason.evidence.items()),
    )
    return AlertRaised(**envelope(course.case_ref, course.clinic, ref, "raised", now), data=data)


def _suppressed(course: Course, alert: Alert, why: WhyNot, now: datetime) -> AlertSuppressed:
    data = AlertSuppressedData(alert_ref=alert.ref, why=why)
    return AlertSuppressed(**envelope(course.case_ref, course.clinic, alert.ref, "suppressed", now), data=data)


def _resolved(course: Course, alert: Alert, how: Resolution, now: datetime) -> AlertResolved:
    data = AlertResolvedData(alert_ref=alert.ref, how=how)
    return AlertResolved(**envelope(course.case_ref, course.clinic, alert.ref, "resolved", now), data=data)


class Envelope(TypedDict):
    id: str
    source: str
    subject: str
    time: datetime
    rsnclinic: str


def envelope(case_ref: str, clinic: str, alert_ref: str, happened: str, at: datetime) -> Envelope:
    """What every event of an alert's life has in common. Its id is derived: it happens once to an alert."""
    return {
        "id": f"{alert_ref}.{happened}",
        "source": OWN_SOURCE,
        "subject": f"case/{case_ref}",
        "time": at,
        "rsnclinic": clinic,
    }
