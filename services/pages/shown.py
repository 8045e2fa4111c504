"""What the case page shows of a course, worked out before the template lays it out."""

from collections.abc import Iterator
from datetime import datetime
from itertools import repeat
from typing import Final, NamedTuple

from markupsafe import Markup

from contracts.data import ActivityPreferences
from services.alerts.decide import COURSE_REASONS, decide
from services.alerts.letter import case_code
from services.alerts.lifecycle import snoozed
from services.pages import telling
from services.pages.parts import Parts
from services.pages.picture import draw
from services.pages.renegotiation import in_force
from services.pages.sheet import number
from services.pages.words import ITEMS, SEVERITY
from services.projections import norms
from services.projections.alliance import concerns, lowest_item
from services.projections.course import Alert, Course, Point, Renegotiation, Series

_POLES: Final = {
    "directiveness": ("that the therapist leads", "to lead themselves", 15),
    "emotional_intensity": ("strong feelings in the room", "emotional reserve", 15),
    "past_orientation": ("to look at the past", "to look at the present", 9),
    "warm_support": ("warm support", "focused challenge", 15),
}
"""The two ends of each scale (Cooper & Norcross 2016) in our words, the positive one first, and its range."""
_ITEM_SCORES: Final = 5


class Tried(NamedTuple):
    """A renegotiation and the scores around it."""

    mark: str
    renegotiation: Renegotiation
    outcome: str
    alliance: str
    tasks: list[str]
    """The names of the tasks before and after, where they are known."""


class OpenAlert(NamedTuple):
    alert: Alert
    asleep: bool
    about_course: bool
    """Whether it is about the course itself, and keeping the task can be the answer."""


def shown(parts: Parts, course: Course, zone: str, now: datetime) -> dict[str, object]:
    """The values of the template ``case.html`` that follow from the course."""
    kept = norms.in_force(parts.norm_sets, course.first_at)
    picture = draw(course, kept)
    decision = decide(course, parts.policy, kept, now)
    open_alerts = sorted((alert for alert in course.alerts if alert.open), key=lambda one: SEVERITY.index(one.reason))
    return {
        "course": course,
        "code": case_code(parts.head, course.case_ref),
        "zone": zone,
        "status": telling.status(course, decision, kept),
        "change": telling.change(course),
        "picture": Markup(picture),  # noqa: S704 - draw escapes every name that it writes
        "has_band": 'class="band"' in picture,
        "open_alerts": [
            OpenAlert(alert, snoozed(alert, course, now), alert.reason in COURSE_REASONS) for alert in open_alerts
        ],
        "questions": any(alert.reason in COURSE_REASONS for alert in open_alerts),
        "past_alerts": [alert for alert in course.alerts if not alert.open],
        "tried": list(map(_tried, repeat(course), telling.marks(course), course.renegotiations)),
        "tasks_in_force": in_force(course),
        "preferences": [(one, list(_activity(one.activity))) for one in course.preferences],
        "pattern": list(_pattern(course.alliance)),
        "item_points": [p for p in course.alliance.points if p.items][-_ITEM_SCORES:] if course.alliance else [],
    }


def _tried(course: Course, mark: str, told: Renegotiation) -> Tried:
    names = {task.ref: task.code for task in course.tasks}
    refs = dict.fromkeys(ref for ref in (told.previous_task_ref, told.task_ref) if ref is not None)
    return Tried(
        mark,
        told,
        telling.followed(told.outcome, course.outcome),
        telling.followed(told.alliance, course.alliance),
        [name.replace("_", " ") for ref in refs if (name := names.get(ref))],
    )


def _activity(scores: ActivityPreferences | None) -> Iterator[str]:
    for name, (positive, negative, reach) in _POLES.items():
        value = getattr(scores, name, None)
        if value:
            yield f"prefers {positive if value > 0 else negative} ({abs(value)} of {reach})"


def _pattern(series: Series | None) -> Iterator[str]:
    """What the last alliance scores invite to talk about."""
    if series is None:
        return
    last = series.points[-1]
    before: Point | None = series.points[-2] if len(series.points) > 1 else None
    for concern in concerns(last, before, series):
        if concern == "below_cutoff":
            yield "The last score is below the cutoff."
        elif concern == "lower_than_last_time":
            yield "The last score is a point or more lower than the one before."
        else:
            item = concern.removeprefix("item_")
            level = series.instrument.item_concern or 0.0
            yield f"The last score for {ITEMS.get(item, item)} ({item}) is below {number(level)}: worth a check-in."
    if (lowest := lowest_item(series)) is not None:
        yield f"Lowest over the last two scores: {lowest}. A talk could begin with {ITEMS.get(lowest, lowest)}."
