"""What the case page shows of tasks and wishes: the record in force, what it was, and what is worth a question."""

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Final, NamedTuple

from contracts.agreement import ActivityPreferences
from contracts.preferences import inventory
from services.access.people import People
from services.pages.sheet import number
from services.pages.telling import certainty, moved_words
from services.pages.words import ASPECTS, DOMAINS, ENDS_OF_SCALES, OBSERVATIONS, code_words, counted, listed
from services.projections.agreement import Agreement
from services.projections.course import Course, Preference, Task
from services.projections.litmus import Average, Litmus
from services.projections.preferences import Leaning, in_force, leanings, topic

_ORDER: Final = list(DOMAINS)
_RATED: Final[Mapping[str, str]] = {"hope": "rated ", "goal": "reached so far: "}
_NOT_ENOUGH: Final = "not enough data"


class Wish(NamedTuple):
    """An entry in force: what it says in codes and scores, and the entries that it superseded, newest first."""

    title: str
    entry: Preference
    asked_by: str
    said: str
    activity: list[str]
    earlier: list[tuple[Preference, str]]


class Tested(NamedTuple):
    """A task beside the numbers that went along with it."""

    task: Task
    goal: str
    on_record: str
    """What was on record of the client's wishes when it was last talked about."""
    engaged: str
    reflected: str


def wishes(course: Course, now: datetime, people: People) -> list[Wish]:
    """The record in force at ``now``, in the order of the domains; ``people`` know who asked."""
    held = sorted(in_force(course, now), key=lambda one: _ORDER.index(one.domain))
    return [_wish(course, entry, people) for entry in held]


def on_record(course: Course, at: datetime) -> str:
    """The record in force at ``at``, in one line without anybody's words."""
    held = sorted(in_force(course, at), key=lambda one: _ORDER.index(one.domain))
    told = (f"{_title(one)} ({said})" if (said := _said(one)) else _title(one) for one in held)
    return "; ".join(told) or "nothing"


def questions(course: Course, found: Agreement) -> list[str]:
    """What was observed, as questions to discuss with the client."""
    names = {task.ref: code_words(task.code or "the task") for task in course.tasks}
    told = [OBSERVATIONS[name] for name in found.observed]
    for match in found.matches:
        newer = listed([DOMAINS[domain].lower() for domain in match.newer])
        fit = "" if match.fit is None else number(match.fit)
        told += [OBSERVATIONS[name].format(task=names[match.task_ref], fit=fit, newer=newer) for name in match.observed]
    return told


def tested(course: Course, task: Task, test: Litmus) -> Tested:
    """``task`` with its goal and its litmus in words."""
    goal = next((one for one in reversed(course.preferences) if task.goal_ref and one.goal_ref == task.goal_ref), None)
    name = code_words(goal.stance or "") if goal is not None else ""
    return Tested(task, name, on_record(course, task.talked_at), _engaged(test), _reflected(course, test))


def _wish(course: Course, entry: Preference, people: People) -> Wish:
    asked = None if entry.asked_by is None else people.get(entry.asked_by)
    asked_by = asked.name if asked is not None else entry.asked_by or ""
    earlier = [
        (one, _said(one))
        for one in reversed(course.preferences)
        if topic(one) == topic(entry) and one.revisions < entry.revisions
    ]
    return Wish(_title(entry), entry, asked_by, _said(entry), list(_activity(entry.activity)), earlier)


def _title(entry: Preference) -> str:
    return DOMAINS[entry.domain] + (f": {ASPECTS[entry.aspect]}" if entry.aspect else "")


def _said(entry: Preference) -> str:
    rating = "" if entry.strength is None else f"{_RATED.get(entry.domain, '')}{number(entry.strength)} of 10"
    return ", ".join(filter(None, [code_words(entry.stance or ""), rating]))


def _activity(scores: ActivityPreferences | None) -> Iterator[str]:
    """A line for each scale of the C-NIP that was scored."""
    ends = {scale.name: (scale.positive, scale.negative) for scale in inventory().scales}
    for one in leanings(scores, inventory().scales):
        yield _leaning(one, [ENDS_OF_SCALES[end] for end in ends[one.scale]])


def _leaning(one: Leaning, ends: list[str]) -> str:
    if one.towards is not None and one.strong:
        return f"strongly prefers {ENDS_OF_SCALES[one.towards]} ({abs(one.score)} of {one.reach})"
    return f"no strong preference for either: {ends[0]}, or {ends[1]}"


def _engaged(test: Litmus) -> str:
    means = [f"{name} {_average(one)}" for name, one in test.items.items() if one.count]
    means = means or [f"alliance {_average(test.alliance)}"]
    held = f"{counted(test.sessions, 'session', 'sessions')} held, {test.missed} missed by the client"
    return f"{'; '.join(means)}; {held}"


def _average(one: Average) -> str:
    scores = counted(one.count, "score", "scores")
    return f"{_NOT_ENOUGH} ({scores})" if one.mean is None else f"{number(one.mean)} on average ({scores})"


def _reflected(course: Course, test: Litmus) -> str:
    scores = counted(test.scores, "score", "scores")
    if test.moved is None or course.outcome is None:
        return f"{_NOT_ENOUGH} ({scores})"
    before, last = (listed([number(value) for value in values]) for values in (test.before, test.last))
    how_sure = certainty(test.moved, course.outcome.instrument)
    return f"{before} before, {last} at last ({scores}): {moved_words(test.moved).lower()} on average, {how_sure}"
