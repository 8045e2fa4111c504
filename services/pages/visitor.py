"""Who is looking, and what they may see: a therapist their own cases of now, a supervisor those they supervise."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime

from services.access.session import verify
from services.pages.parts import Parts
from services.projections.course import Course, Trace


@dataclass(frozen=True, slots=True)
class Visitor:
    """A therapist who has signed in; ``zone`` is the one that their day begins in."""

    ref: str
    name: str
    zone: str
    cookie: str


def visitor_of(parts: Parts, cookie: str | None) -> Visitor | None:
    """Whom the session's ``cookie`` proves to be there."""
    session = verify(cookie, parts.secret_of, parts.clock()) if cookie else None
    if session is None or cookie is None:
        return None
    entry = parts.people.get(session.therapist_ref)
    if entry is None:
        return Visitor(session.therapist_ref, session.therapist_ref, "UTC", cookie)
    return Visitor(entry.ref, entry.name, entry.time_zone, cookie)


def is_own(course: Course, ref: str, now: datetime) -> bool:
    """Whether the therapist is responsible for the case, alone or with others."""
    return any(one.therapist_ref == ref and one.role != "supervisor" and one.holds(now) for one in course.assignments)


def supervises(parts: Parts, course: Course, ref: str, now: datetime) -> bool:
    """Whether the therapist supervises the case, or someone responsible for it, and the client has not refused that."""
    if "supervision" in course.withdrawn:
        return False
    holding = [one for one in course.assignments if one.holds(now)]
    if any(one.role == "supervisor" and one.therapist_ref == ref for one in holding):
        return True
    entries = [parts.people.get(one.therapist_ref) for one in holding if one.role != "supervisor"]
    return any(entry is not None and entry.supervisor_ref == ref for entry in entries)


def visible(course: Course) -> Course:
    """What may be shown of a course: without scores, and what follows from them, where the client has refused that."""
    if "feedback" not in course.withdrawn:
        return course
    nothing = Trace((), (), None)
    told = tuple(replace(one, outcome=nothing, alliance=nothing) for one in course.renegotiations)
    return replace(course, series=(), renegotiations=told, alerts=(), flags=())


def supervised(parts: Parts, ref: str, now: datetime) -> Iterator[str]:
    """The cases that may be among those the therapist supervises: ``supervises`` has the last word."""
    yield from parts.views.supervised(ref, now)
    for entry in parts.people.everyone():
        if entry.supervisor_ref == ref:
            yield from parts.views.caseload(entry.ref, now)
