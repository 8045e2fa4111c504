"""What a therapist says to an alert, as events. Said twice it stands on the log once: ids follow from what was said."""

from datetime import datetime
from typing import Final, Literal, TypeAlias

from contracts.alerts import AlertAcknowledgedData, AlertOpenedData, AlertSnoozedData
from contracts.events import AlertAcknowledged, AlertOpened, AlertSnoozed
from services.alerts.lifecycle import Envelope, envelope, snoozed
from services.projections.course import Alert, Course

Answer: TypeAlias = Literal["opened", "seen", "will_discuss", "task_kept", "not_a_signal", "snoozed"]
WORDS: Final[dict[str, Answer]] = {
    name: name for name in ("opened", "seen", "will_discuss", "task_kept", "not_a_signal", "snoozed")
}
"""How a form spells each answer."""


def answer(
    course: Course, alert: Alert, said: Answer, by: str, now: datetime
) -> AlertOpened | AlertAcknowledged | AlertSnoozed | None:
    """The event that ``said`` makes at ``now``; None where it would change nothing, or the alert is over.

    ``seen`` takes back no other answer. A snoozed alert can be snoozed again once a session has woken it.
    """
    if not alert.open:
        return None
    match said:
        case "opened":
            if alert.opened_at is not None:
                return None
            return AlertOpened(**_told(course, alert, said, now), data=AlertOpenedData(alert_ref=alert.ref, by=by))
        case "snoozed":
            if snoozed(alert, course, now):
                return None
            told = _told(course, alert, f"{said}.{len(course.sessions)}", now)
            return AlertSnoozed(**told, data=AlertSnoozedData(alert_ref=alert.ref, by=by))
        case "seen" | "will_discuss" | "task_kept" | "not_a_signal":
            if alert.action == said or (said == "seen" and alert.acknowledged_at is not None):
                return None
            # An answer may be changed, and changed back, so the one before it is part of the name.
            before = "" if alert.acknowledged_at is None else f".{int(alert.acknowledged_at.timestamp())}"
            data = AlertAcknowledgedData(alert_ref=alert.ref, by=by, action=said)
            return AlertAcknowledged(**_told(course, alert, f"{said}{before}", now), data=data)


def _told(course: Course, alert: Alert, said: str, now: datetime) -> Envelope:
    return envelope(course.case_ref, course.clinic, alert.ref, said, now)
