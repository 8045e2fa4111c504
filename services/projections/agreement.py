"""Task and wishes side by side: what was recorded, in which order, and what is worth a question to the client.

Purely descriptive: nothing here measures how well a task fits, and no number stands for it but the client's own rating.
Clients whose preferences are not met drop out more often (OR 1.79, 53 studies; Swift 2018), which is why it is worth
asking; it says nothing about this client.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

from contracts.policies import Agreement as Rules
from contracts.preferences import ActivityScale
from services.projections.course import Course, Preference, Task
from services.projections.preferences import Leaning, in_force, leanings

Observation: TypeAlias = Literal[
    "nobody_asked",
    "working_on_replaced_task",
    "task_not_agreed_by_client",
    "task_fit_low",
    "task_older_than_preferences",
]
"""Named things to discuss, in the order in which they are told. None of them is mailed."""


@dataclass(frozen=True, slots=True)
class Match:
    """A task in force beside the client's record; "before" means before the last talk about the task."""

    task_ref: str
    fit: float | None
    """The client's own rating, 0-10."""
    wishes_before: bool
    """Whether a preference was on record."""
    theory_before: bool
    """Whether an entry of the theory of change was on record."""
    newer: tuple[str, ...]
    """The domains of what the client has said anew since, oldest first."""
    observed: tuple[Observation, ...]


@dataclass(frozen=True, slots=True)
class Agreement:
    """What can be said of a case's agreement; ``strong`` are the strong C-NIP preferences in force."""

    matches: tuple[Match, ...]
    strong: tuple[Leaning, ...]
    observed: tuple[Observation, ...]
    """About the case as a whole."""


def agreement(course: Course, rules: Rules, scales: Sequence[ActivityScale]) -> Agreement:
    """The tasks in force beside the client's record, at the end of the course; of a closed case nothing is observed."""
    kept = [one.activity for one in course.preferences if one.until is None and one.activity is not None]
    strong = tuple(one for one in leanings(kept[-1] if kept else None, scales) if one.strong)
    if not course.is_open:
        return Agreement((), strong, ())
    found: dict[Observation, bool] = {
        "nobody_asked": nobody_asked(course, rules),
        "working_on_replaced_task": working_on_replaced_task(course),
    }
    matches = tuple(_match(course, task, rules) for task in course.tasks if task.until is None)
    return Agreement(matches, strong, tuple(name for name, holds in found.items() if holds))


def nobody_asked(course: Course, rules: Rules) -> bool:
    """``ask_by_session`` sessions were held and no preference and no theory of change is on record."""
    return len(course.sessions) >= rules.ask_by_session and not course.preferences


def working_on_replaced_task(course: Course) -> bool:
    """Every task has ended, and a session began after the last of them did."""
    ends = [task.until for task in course.tasks if task.until is not None]
    if not ends or len(ends) < len(course.tasks):
        return False
    return any(session.at > max(ends) for session in course.sessions)


def not_agreed_by_client(task: Task, rules: Rules) -> bool:
    """The last talk left the client out: only the therapist agreed, or wanted what the client hardly agrees to."""
    if task.agreed_by is not None:
        return task.agreed_by == "therapist"
    low = task.agreement is not None and task.agreement < rules.agreement_below
    return low and task.initiated_by in ("therapist", "supervisor")


def fit_low(task: Task, rules: Rules) -> bool:
    """The client rated the fit of the task below ``fit_below``."""
    return task.fit is not None and task.fit < rules.fit_below


def newer_wishes(course: Course, task: Task) -> tuple[Preference, ...]:
    """What the client has said anew on a later day (UTC) than the last talk about the task.

    Hope is left out, as are a goal that was only rated again and what the client did not confirm.
    """
    return tuple(
        one
        for one in course.preferences
        if one.at.date() > task.talked_at.date()
        and one.changed
        and one.domain != "hope"
        and one.client_confirmed is not False
    )


def _match(course: Course, task: Task, rules: Rules) -> Match:
    before = in_force(course, task.talked_at)
    newer = newer_wishes(course, task)
    found: dict[Observation, bool] = {
        "task_not_agreed_by_client": not_agreed_by_client(task, rules),
        "task_fit_low": fit_low(task, rules),
        "task_older_than_preferences": bool(newer),
    }
    return Match(
        task_ref=task.ref,
        fit=task.fit,
        wishes_before=any(one.kind == "preference" for one in before),
        theory_before=any(one.kind == "theory_of_change" for one in before),
        newer=tuple(dict.fromkeys(one.domain for one in newer)),
        observed=tuple(name for name, holds in found.items() if holds),
    )
