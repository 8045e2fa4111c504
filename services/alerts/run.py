"""The two steps of the alerts of one network: looking at cases, and sending the letters that follow.

Both may end between any two statements and be done again. Events have derived ids, so that the log answers the second
time that it has them. A letter is written only once the course shows its alert as raised, so that it is on the log by
then; and only here, so that making views anew mails nobody.
"""

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final, NamedTuple

from contracts.alerts import AlertNotifiedData, AlertSuppressedData
from contracts.data import AlertReason
from contracts.events import AlertNotified, AlertRaised, AlertResolved, AlertSuppressed, AnyEvent
from contracts.policies import Policy
from services.access.people import People, Therapist
from services.alerts.budget import beyond
from services.alerts.counts import Counts
from services.alerts.decide import Decision, decide
from services.alerts.letter import LINK_DAYS, Letterhead, compose, message_id
from services.alerts.lifecycle import Letter, Obstacle, Response, envelope, respond
from services.alerts.mail import LONGEST_SECONDS, Delivery, Outcome
from services.alerts.outbox import Outbox, Queued, Turn, Written
from services.eventlog.ports import Appended, Log, Unavailable
from services.projections.course import Course
from services.projections.norms import NormSet, in_force
from services.projections.views import Views

BATCH: Final = 500
"""Cases looked at in one step."""
BEHIND: Final = timedelta(seconds=30)
"""Views that lack an event for longer show cases as they were: nobody is told about those."""
WEEK: Final = timedelta(days=7)
AGAIN: Final = timedelta(hours=1)
"""When a case is looked at again that could not be judged."""
GIVE_UP_AFTER: Final = timedelta(hours=48)
FIRST_PAUSE: Final = timedelta(minutes=1)
LONGEST_PAUSE: Final = timedelta(hours=4)

_log: Final = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Office:
    """What the alerts of one network work with."""

    log: Log
    views: Views
    outbox: Outbox
    people: People
    policy: Policy
    letterhead: Letterhead
    delivery: Delivery
    counts: Counts
    clock: Callable[[], datetime]
    token: Callable[[], str]
    """22 letters and digits (``-`` and ``_`` too) that nobody can guess."""
    chance: Callable[[], float]
    """From 0 up to, not including, 1."""
    announce: Callable[[int], object]
    """Is told the last position after each append, so that whoever follows the log need not wait."""

    def append(self, events: Sequence[AnyEvent]) -> list[Appended]:
        if not events:
            return []
        answers = self.log.append(events, self.clock())
        self.announce(max(answer.position for answer in answers))
        return answers


class _Judged(NamedTuple):
    """What one case asks for."""

    course: Course
    decision: Decision
    therapist: Therapist | None
    norms: NormSet | None
    response: Response

    def reason(self, event: AlertRaised | AlertSuppressed | AlertResolved) -> AlertReason:
        if isinstance(event, AlertRaised):
            return event.data.reason
        return next(alert.reason for alert in self.course.alerts if alert.ref == event.data.alert_ref)


def evaluate_step(office: Office) -> bool:
    """Looks, in every shard, at the next cases that something happened to or that are due; False where there are none.

    A shard that another process is looking at is left to it. Raises what the log and the databases raise.
    """
    now = office.clock()
    if _behind(office, now):
        return False
    busy = [
        _evaluate(office, shard, now)
        for shard, position in office.outbox.positions().items()
        if office.views.touched(shard, position, 1) or office.outbox.due(shard, now, 1)
    ]
    return any(busy)


def _evaluate(office: Office, shard: int, now: datetime) -> bool:
    """One shard: events go to the log first; then letters, due instants and checkpoint change in one transaction."""
    with office.outbox.turn(shard) as turn:
        if turn is None:
            return False
        touched = office.views.touched(shard, turn.position, BATCH)
        cases = dict.fromkeys([*(case_ref for case_ref, _ in touched), *office.outbox.due(shard, now, BATCH)])
        return bool(cases) and _look_at(office, turn, list(cases), touched[-1][1] if touched else None, now)


def _look_at(office: Office, turn: Turn, cases: Sequence[str], position: int | None, now: datetime) -> bool:
    """Judges ``cases``, the newest event of which is at ``position``, and does what follows."""
    judged: list[_Judged] = []
    due: dict[str, datetime | None] = {}
    norm_sets = office.views.norm_sets()
    for case_ref in cases:
        try:
            found = _judge(office, case_ref, norm_sets, now)
        except Unavailable:  # this concerns them all
            raise
        except Exception as error:  # noqa: BLE001 - whatever it is, it concerns this case only and the others go on
            _log.error("case put off", extra={"error": type(error).__name__})
            due[case_ref] = now + AGAIN
            continue
        due[case_ref] = found.response.due_at if found else None
        if found is not None:
            judged.append(found)
    judged = _within_budget(office, judged, now)
    events = [(event, found.reason(event)) for found in judged for event in found.response.events]
    letters = [_write(office, found, letter, now) for found in judged for letter in found.response.letters]
    answers = office.append([event for event, _ in events])
    turn.record(position, due, letters)
    for (event, reason), answer in zip(events, answers, strict=True):
        if not answer.duplicate and not answer.conflict:  # else it was decided, and counted, before
            office.counts.decided(event, reason)
    for letter in letters:
        office.counts.mailed(letter.reason)
    return True


def _within_budget(office: Office, judged: Sequence[_Judged], now: datetime) -> list[_Judged]:
    """The same, where letters that find no room this week are not sent, and that is said of their alerts."""

    def left(therapist_ref: str) -> int:
        return office.policy.mail.mails_per_therapist_week - office.outbox.mails_since(therapist_ref, now - WEEK)

    no_room = beyond((letter for found in judged for letter in found.response.letters), left)
    return [
        found._replace(response=_respond(office, found.course, found.decision, found.norms, "over_budget", now))
        if any(letter.alert_ref in no_room for letter in found.response.letters)
        else found
        for found in judged
    ]


def _behind(office: Office, now: datetime) -> bool:
    """Whether the views lack what has been on the log for a while, after an outage or when they are made anew."""
    waiting = office.log.follow(after=office.views.position(), limit=1)
    return bool(waiting) and now - waiting[0].received > BEHIND


def _judge(office: Office, case_ref: str, norm_sets: Sequence[NormSet], now: datetime) -> _Judged | None:
    """What a case asks for while there is room for letters."""
    course = office.views.course(case_ref)
    if course is None:
        return None
    course = _told(course, office.outbox.letters_of(case_ref))
    norms = in_force(norm_sets, course.first_at)
    decision = decide(course, office.policy, norms, now)
    therapist_ref = course.therapist(now)
    therapist = office.people.get(therapist_ref) if therapist_ref else None
    response = _respond(office, course, decision, norms, None if therapist else "no_address", now)
    return _Judged(course, decision, therapist, norms, response)


def _respond(
    office: Office, course: Course, decision: Decision, norms: NormSet | None, obstacle: Obstacle | None, now: datetime
) -> Response:
    return respond(course, decision, office.policy, norms.version if norms else None, obstacle, now)


def _told(course: Course, written: Mapping[str, datetime]) -> Course:
    """A letter that is on its way counts as told: meanwhile nobody is told again, or noted as not to be told."""
    alerts = (replace(alert, notified_at=alert.notified_at or written.get(alert.ref)) for alert in course.alerts)
    return replace(course, alerts=tuple(alerts))


def _write(office: Office, found: _Judged, letter: Letter, now: datetime) -> Written:
    course, therapist, token = found.course, found.therapist, office.token()
    if therapist is None:
        raise LookupError("a letter needs an address")  # without one none is asked for
    return Written(
        alert_ref=letter.alert_ref,
        case_ref=course.case_ref,
        clinic=course.clinic,
        therapist_ref=therapist.ref,
        reason=letter.reason,
        recipient=therapist.email,
        message_id=message_id(office.letterhead, letter.alert_ref),
        message=compose(office.letterhead, letter.alert_ref, course.case_ref, therapist.email, token, now),
        token=token,
        created=now,
        expires=now + timedelta(days=LINK_DAYS),
    )


def send_step(office: Office) -> bool:
    """Sends the next letter that is due and notes it on the log; False where there is none.

    A letter that was handed over is sent again only where this ended before that could be noted, and then with the
    same Message-ID. Raises what the log raises; what is then missing is made good when the lease is over.
    """
    queued = office.outbox.lease(office.clock(), LONGEST_SECONDS)
    if queued is None:
        return False
    delivered = queued.delivered
    if delivered is None:
        outcome = office.delivery.deliver(office.letterhead.sender, queued.recipient, queued.message)
        office.counts.attempted(outcome)
        if outcome != "sent":
            _not_sent(office, queued, outcome)
            return True
        delivered = office.clock()
        office.outbox.delivered(queued.alert_ref, delivered)
    told = envelope(queued.case_ref, queued.clinic, queued.alert_ref, "notified", delivered)
    data = AlertNotifiedData(alert_ref=queued.alert_ref, channel="email", message_id=queued.message_id)
    office.append([AlertNotified(**told, data=data)])
    office.outbox.sent(queued.alert_ref)
    return True


def _not_sent(office: Office, queued: Queued, outcome: Outcome) -> None:
    """Puts the letter off, or gives it up and says so on the log: the alert stays on the therapist's list."""
    now = office.clock()
    if outcome != "recipient_refused" and now - queued.created < GIVE_UP_AFTER:
        office.outbox.put_off(queued, now + _pause(queued.attempts, office.chance()), outcome)
        return
    if not office.outbox.is_ours(queued):
        return
    _log.error("letter given up", extra={"outcome": outcome, "attempts": queued.attempts})
    untold = envelope(queued.case_ref, queued.clinic, queued.alert_ref, "suppressed", now)
    event = AlertSuppressed(**untold, data=AlertSuppressedData(alert_ref=queued.alert_ref, why="undeliverable"))
    [answer] = office.append([event])
    office.outbox.gave_up(queued, outcome)
    if not answer.duplicate and not answer.conflict:
        office.counts.decided(event, queued.reason)


def _pause(attempts: int, chance: float) -> timedelta:
    """Twice as long after each attempt, up to the longest, give or take a half: what failed at once returns spread."""
    return min(FIRST_PAUSE * (1 << min(attempts - 1, 16)), LONGEST_PAUSE) * (0.5 + chance)
