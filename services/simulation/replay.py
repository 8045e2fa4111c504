"""The live service's judgement over a history: the same fold, the same decisions, the same life of an alert.

Nothing is stored or sent. A day's posts are taken in, then every case they touched is judged at the end of that day.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime, time, timedelta
from itertools import groupby
from typing import NamedTuple

from contracts.data import AlertNotifiedData
from contracts.events import OWN_SOURCE, AlertNotified, AlertRaised, ClientMerged
from contracts.instruments import catalogue
from contracts.policies import Policy
from services.alerts.decide import decide
from services.alerts.lifecycle import Letter, Obstacle, respond
from services.projections.course import Course
from services.projections.fold import course_of
from services.projections.norms import NormSet
from services.projections.record import Record, evolve
from services.simulation.posts import Post


class Told(NamedTuple):
    """A mail that the live service would have sent."""

    at: datetime
    case_ref: str
    letter: Letter


class Raised(NamedTuple):
    """An alert that the live service would have raised; ``scores`` is how many outcome scores there were by then."""

    at: datetime
    case_ref: str
    reason: str
    scores: int


class History(NamedTuple):
    raised: list[Raised]
    told: list[Told]


def replay(posts: Sequence[Post], policy: Policy, norms: Callable[[str], NormSet | None]) -> History:
    """What the service would have raised and mailed over ``posts``; ``norms`` gives the norm set that a case keeps."""
    records: dict[str, Record] = defaultdict(dict)
    history = History([], [])
    budget: dict[str, list[datetime]] = defaultdict(list)
    for day, posted in groupby(posts, key=lambda post: post.posted_at.date()):
        now = datetime.combine(day, time(23, 59), posts[0].posted_at.tzinfo)
        touched = set()
        for post in posted:
            if not isinstance(post.event, ClientMerged):
                evolve(records[post.event.case_ref], post.event)
                touched.add(post.event.case_ref)
        for case_ref in sorted(touched):
            _judge(records[case_ref], policy, norms(case_ref), now, history, budget)
    return history


def _judge(
    record: Record,
    policy: Policy,
    norms: NormSet | None,
    now: datetime,
    history: History,
    budget: dict[str, list[datetime]],
) -> None:
    """Judges one case until nothing more follows: what was raised is told in the next round, as it is live."""
    while True:
        course = course_of(record, catalogue())
        decision = decide(course, policy, norms, now)
        obstacle = _obstacle(budget[course.therapist(now) or ""], policy, now)
        response = respond(course, decision, policy, norms.version if norms else None, obstacle, now)
        for event in response.events:
            evolve(record, event)
            if isinstance(event, AlertRaised):
                scores = len(course.outcome.points) if course.outcome else 0
                history.raised.append(Raised(now, course.case_ref, event.data.reason, scores))
        for letter in response.letters:
            evolve(record, _notified(course, letter, now))
            history.told.append(Told(now, course.case_ref, letter))
            budget[letter.therapist_ref].append(now)
        if not response.events and not response.letters:
            return


def _obstacle(sent: Iterable[datetime], policy: Policy, now: datetime) -> Obstacle | None:
    week = sum(at > now - timedelta(days=7) for at in sent)
    return "over_budget" if week >= policy.mail.mails_per_therapist_week else None


def _notified(course: Course, letter: Letter, now: datetime) -> AlertNotified:
    return AlertNotified(
        id=f"{letter.alert_ref}.notified",
        source=OWN_SOURCE,
        subject=f"case/{course.case_ref}",
        time=now,
        rsnclinic=course.clinic,
        data=AlertNotifiedData(
            alert_ref=letter.alert_ref, channel="email", message_id=f"<{letter.alert_ref}@replay.invalid>"
        ),
    )


def final_courses(posts: Iterable[Post]) -> Mapping[str, Course]:
    """Each case's course once all of ``posts`` have arrived."""
    records: dict[str, Record] = defaultdict(dict)
    for post in posts:
        if not isinstance(post.event, ClientMerged):
            evolve(records[post.event.case_ref], post.event)
    return {case_ref: course_of(record, catalogue()) for case_ref, record in records.items()}
