"""What the case page shows of a course, worked out before the template lays it out."""

from collections.abc import Iterator
from datetime import datetime
from itertools import repeat
from typing import Final, NamedTuple

from markupsafe import Markup

from contracts.preferences import inventory
from services.alerts.decide import COURSE_REASONS, Decision, decide
from services.alerts.letter import case_code
from services.alerts.lifecycle import snoozed
from services.pages import alliance, around, telling
from services.pages.parts import Parts
from services.pages.picture import draw
from services.pages.renegotiation import in_force
from services.pages.wishes import on_record, questions, tested, wishes
from services.pages.words import MOMENTS, ROUTES, SEVERITY, code_words
from services.projections import norms
from services.projections.agreement import agreement
from services.projections.course import Alert, Course, Renegotiation
from services.projections.litmus import litmus

_ITEM_SCORES: Final = 5


class Tried(NamedTuple):
    """A renegotiation and the scores around it."""

    mark: str
    renegotiation: Renegotiation
    outcome: str
    alliance: str
    scores: list[tuple[str, list[str]]]
    """A row for each measure; the heads are those of services/pages/around.py."""
    tasks: list[str]
    """The names of the tasks before and after, where they are known."""
    on_record: str
    """What was on record of the client's wishes by then."""


class OpenAlert(NamedTuple):
    alert: Alert
    asleep: bool
    about_course: bool
    """Whether it is about the course itself, and keeping the task can be the answer."""


def shown(parts: Parts, course: Course, zone: str, now: datetime) -> dict[str, object]:
    """The values of the template ``case.html`` that follow from the course."""
    kept = norms.in_force(parts.views.norm_sets(), course.first_at)
    picture = draw(course, kept)
    rules = parts.policy.agreement
    decision = decide(course, parts.policy, kept, now)
    open_alerts = sorted((alert for alert in course.alerts if alert.open), key=lambda one: SEVERITY.index(one.reason))
    return {
        "course": course,
        "code": case_code(parts.head, course.case_ref),
        "zone": zone,
        "status": telling.status(course, decision, kept),
        "change": telling.change(course),
        "precision": telling.precision(course),
        "chance": telling.chance(decision, parts.policy),
        "talk": list(_talk(decision)),
        "picture": Markup(picture),  # noqa: S704 - draw escapes every name that it writes
        "has_band": 'class="band"' in picture,
        "open_alerts": [
            OpenAlert(alert, snoozed(alert, course, now), alert.reason in COURSE_REASONS) for alert in open_alerts
        ],
        "questions": any(alert.reason in COURSE_REASONS for alert in open_alerts),
        "past_alerts": [alert for alert in course.alerts if not alert.open],
        "tried": list(map(_tried, repeat(course), telling.marks(course), course.renegotiations)),
        "heads": around.HEADS,
        "tasks_in_force": in_force(course),
        "tasks": [tested(course, task, litmus(course, task, rules.litmus_scores)) for task in course.tasks],
        "wishes": wishes(course, now, parts.people),
        "to_discuss": questions(course, agreement(course, rules, inventory().scales)),
        "pattern": list(alliance.lines(course, parts.policy.alliance, zone)),
        "item_points": [p for p in course.alliance.points if p.items][-_ITEM_SCORES:] if course.alliance else [],
    }


def _talk(decision: Decision) -> Iterator[str]:
    """What a talk can begin with, and what it is due about."""
    if decision.route is not None:
        yield ROUTES[decision.route]
    if decision.moment is not None:
        yield MOMENTS[decision.moment]


def _tried(course: Course, mark: str, told: Renegotiation) -> Tried:
    names = {task.ref: task.code for task in course.tasks}
    refs = dict.fromkeys(ref for ref in (told.previous_task_ref, told.task_ref) if ref is not None)
    return Tried(
        mark,
        told,
        telling.followed(told.outcome, course.outcome),
        telling.followed(told.alliance, course.alliance),
        around.rows(course, told),
        [code_words(name) for ref in refs if (name := names.get(ref))],
        on_record(course, told.at),
    )
