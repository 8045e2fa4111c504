"""The loop that Resonance records: a task renegotiated with the client, and what the scores did around it."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from statistics import fmean
from typing import Final, TypeAlias

from contracts.events import TaskAgreed, TaskEnded, TaskRenegotiated
from services.projections.course import Renegotiation, Series, Session, Task, Trace

TaskEvent: TypeAlias = TaskAgreed | TaskRenegotiated | TaskEnded

AFTER = 5
"""How many scores after a renegotiation are followed."""
SESSIONS_AFTER: Final = (1, 3, 5)
"""How many sessions after the one of a renegotiation the scores are looked at, each for itself."""


def around(series: Series, at: datetime) -> tuple[list[float], list[float]]:
    """The scores up to ``at`` and those after it, oldest first; a score at that very instant counts as before."""
    before = [point.value for point in series.points if point.at <= at]
    return before, series.values[len(before) :]


def moved(series: Series, before: Sequence[float], after: Sequence[float]) -> float | None:
    """The mean of the last two scores after against the mean of the last two before, positive is better.

    One score stands for itself; ``None`` while either side has none. It tells what followed, not why.
    """
    if not before or not after:
        return None
    return round(series.instrument.sign * (fmean(after[-2:]) - fmean(before[-2:])), 2)


def trace(series: Series | None, at: datetime) -> Trace:
    """What ``series`` did around ``at``."""
    if series is None:
        return Trace((), (), None)
    before, after = around(series, at)
    after = after[:AFTER]
    return Trace(tuple(before[-2:]), tuple(after), moved(series, before, after))


def renegotiations(
    events: Sequence[TaskRenegotiated], sessions: Sequence[Session], outcome: Series | None, alliance: Series | None
) -> tuple[Renegotiation, ...]:
    """Each renegotiation, oldest first, with what followed on the outcome and on the alliance."""
    return tuple(
        Renegotiation(
            at=event.time,
            session=sum(session.at <= event.time for session in sessions),
            change=event.data.change,
            trigger=event.data.trigger,
            initiated_by=event.data.initiated_by,
            previous_task_ref=event.data.previous_task_ref,
            task_ref=event.data.task_ref,
            task_code=event.data.task_code,
            reason=event.data.reason,
            agreed_by=event.data.agreed_by,
            agreement=event.data.agreement,
            fit=event.data.fit,
            statement=event.data.statement,
            outcome=trace(outcome, event.time),
            alliance=trace(alliance, event.time),
        )
        for event in events
    )


def tasks(events: Sequence[TaskEvent]) -> tuple[tuple[Task, ...], list[TaskEvent]]:
    """The tasks as spans, oldest first, from their events in clinical order; and the events that name an unknown task.

    A renegotiation that replaces or drops a task ends the one it names; any other keeps that one in force. An event
    about a task that nobody agreed on (yet) opens no span of its own except through the new task it names.
    """
    spans: dict[str, Task] = {}
    unknown: list[TaskEvent] = []
    for event in events:
        match event:
            case TaskAgreed():
                data = event.data
                spans[data.task_ref] = Task(
                    ref=data.task_ref,
                    code=data.task_code,
                    since=event.time,
                    talked_at=event.time,
                    fit=data.fit,
                    goal_ref=data.goal_ref,
                    agreed_by=data.agreed_by,
                )
            case TaskRenegotiated():
                if _renegotiate(spans, event):
                    unknown.append(event)
            case TaskEnded():
                if not _end(spans, event.data.task_ref, event.time, event.data.reason):
                    unknown.append(event)
    return tuple(sorted(spans.values(), key=lambda task: (task.since, task.ref))), unknown


def _renegotiate(spans: dict[str, Task], event: TaskRenegotiated) -> bool:
    data = event.data
    unknown = data.previous_task_ref is not None and data.previous_task_ref not in spans
    if data.change == "drop":
        return not _end(spans, data.previous_task_ref or data.task_ref, event.time, "drop")
    replaced = data.change == "replace" and data.previous_task_ref != data.task_ref
    if replaced and data.previous_task_ref is not None:
        _end(spans, data.previous_task_ref, event.time, "replace", data.task_ref)
    known = spans.get(data.task_ref) or Task(
        data.task_ref, data.task_code, event.time, event.time, replaces=data.previous_task_ref if replaced else None
    )
    spans[data.task_ref] = replace(
        known,
        fit=known.fit if data.fit is None else data.fit,
        goal_ref=data.goal_ref or known.goal_ref,
        talked_at=event.time,
        agreed_by=data.agreed_by,
        initiated_by=data.initiated_by,
        agreement=data.agreement,
    )
    return unknown


def _end(spans: dict[str, Task], ref: str, at: datetime, how: str, by: str | None = None) -> bool:
    span = spans.get(ref)
    if span is None:
        return False
    if span.until is None:
        spans[ref] = replace(span, until=at, ended=how, replaced_by=by)
    return True
