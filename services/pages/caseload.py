"""The caseload: a therapist's cases, what needs attention first, and what can be said about all of them together."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final

from fastapi import APIRouter, Request, Response
from markupsafe import Markup

from services.alerts.decide import Status, decide
from services.alerts.letter import case_code
from services.alerts.lifecycle import ANSWERS, snoozed
from services.pages.page import READ, PageRoute, page, signed_in
from services.pages.parts import Parts
from services.pages.sparkline import sparkline
from services.pages.telling import brief, change
from services.pages.visitor import supervised, supervises, visible
from services.pages.words import DOUBTS, SEVERITY, listed
from services.projections.course import Alert, Course
from services.projections.norms import NormSet, in_force

_URGENCY: Final[tuple[Status, ...]] = (
    "deteriorating",
    "stalled",
    "watch",
    "not_enough_data",
    "high_start",
    "on_course",
    "reached",
    "closed",
)


@dataclass(frozen=True, slots=True)
class Entry:
    """A case as a line of the caseload."""

    course: Course
    code: str
    standing: Status
    told: str
    """The standing in a few words."""
    change: str
    doubts: str
    """Those about its data, in a few words."""
    alerts: tuple[Alert, ...]
    """The open ones, the most severe first."""
    waiting: bool
    """Whether one of them was neither answered nor put off."""
    spark: Markup


def routes(parts: Parts) -> APIRouter:
    found = APIRouter(route_class=PageRoute, include_in_schema=False)

    @found.api_route("/caseload", methods=READ)
    def caseload(request: Request) -> Response:
        visitor = signed_in(parts, request)
        now = parts.clock()
        own = _entries(parts, _courses(parts, parts.views.caseload(visitor.ref, now)), now)
        refs = {entry.course.case_ref for entry in own}
        others = (ref for ref in dict.fromkeys(supervised(parts, visitor.ref, now)) if ref not in refs)
        theirs = (one for one in _courses(parts, others) if supervises(parts, one, visitor.ref, now))
        values = {
            "current": [entry for entry in own if entry.course.is_open],
            "closed": sorted(
                (entry for entry in own if not entry.course.is_open),
                key=lambda entry: (entry.course.closed_on or date.min, entry.course.case_ref),
                reverse=True,
            ),
            "supervised": [entry for entry in _entries(parts, theirs, now) if entry.alerts],
        }
        return page(parts, "caseload.html", values, visitor)

    return found


def _courses(parts: Parts, refs: Iterable[str]) -> Iterable[Course]:
    return (visible(course) for course in parts.views.courses_of(refs))


def _entries(parts: Parts, courses: Iterable[Course], now: datetime) -> list[Entry]:
    """Open alerts first, then what is worth watching, then the rest, each by case."""
    norm_sets = parts.views.norm_sets()
    found = [_entry(parts, course, in_force(norm_sets, course.first_at), now) for course in courses]
    return sorted(found, key=_urgency)


def _entry(parts: Parts, course: Course, norms: NormSet | None, now: datetime) -> Entry:
    decision = decide(course, parts.policy, norms, now)
    alerts = sorted((alert for alert in course.alerts if alert.open), key=lambda one: SEVERITY.index(one.reason))
    return Entry(
        course=course,
        code=case_code(parts.head, course.case_ref),
        standing=decision.status,
        told=brief(course, decision),
        change=change(course),
        doubts=listed([DOUBTS[flag] for flag in course.flags]),
        alerts=tuple(alerts),
        waiting=any(alert.action not in ANSWERS and not snoozed(alert, course, now) for alert in alerts),
        spark=Markup(sparkline(course.outcome)) if course.outcome else Markup(),  # noqa: S704 - nothing but numbers
    )


def _urgency(entry: Entry) -> tuple[bool, int, int, str]:
    severity = SEVERITY.index(entry.alerts[0].reason) if entry.alerts else len(SEVERITY)
    return not entry.waiting, severity, _URGENCY.index(entry.standing), entry.course.case_ref
