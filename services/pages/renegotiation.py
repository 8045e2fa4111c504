"""The form "Record a renegotiation": what was filled in becomes the event, or what is wrong in plain words."""

import re
from collections.abc import Mapping
from datetime import datetime
from hashlib import blake2b
from typing import Final, TypeAlias

from pydantic import TypeAdapter, ValidationError

from contracts.agreement import TaskRenegotiatedData
from contracts.data import STATEMENT_LIMIT, Statement
from contracts.events import OWN_SOURCE, TaskRenegotiated
from services.alerts.decide import COURSE_REASONS
from services.pages.words import CHANGES, INITIATORS, REASONS, TRIGGERS
from services.projections.course import Course, Task

EMPTY: Final[Mapping[str, str]] = {
    "task": "",
    "change": "",
    "task_code": "",
    "agreement": "",
    "fit": "",
    "reason": "",
    "initiated_by": "both",
    "trigger": "",
    "statement": "",
}
"""The fields of the form, and what stands in them at first."""
_ONCE: Final = re.compile(r"[A-Za-z0-9_-]{16,64}")
_CODE: Final = re.compile(r"[a-z][a-z0-9_]{0,63}")
_NEW_TASK: Final = frozenset({"add", "replace"})
_statement: Final[TypeAdapter[str]] = TypeAdapter(Statement)

Errors: TypeAlias = dict[str, str]
"""What is wrong, by field."""


def first_filling(course: Course) -> dict[str, str]:
    """What stands in the form when it is opened: the task in force, and the alert that may have led here."""
    tasks = in_force(course)
    return {
        **EMPTY,
        "task": tasks[-1].ref if tasks else "",
        "trigger": "alert" if _alert(course) is not None else "",
    }


def in_force(course: Course) -> list[Task]:
    return [task for task in course.tasks if task.until is None]


def renegotiation(sent: Mapping[str, str], course: Course, now: datetime) -> TaskRenegotiated | Errors:
    """The event that a filled-in form makes at ``now``, or what is wrong with it.

    The hidden field ``once`` names the event: sent twice, the form stands on the log once.
    """
    errors: Errors = {}
    change, trigger, initiated_by = sent.get("change", ""), sent.get("trigger", ""), sent.get("initiated_by", "")
    if change not in CHANGES:
        errors["change"] = "Say what changed."
    if trigger not in TRIGGERS:
        errors["trigger"] = "Say what prompted it."
    if initiated_by not in INITIATORS:
        errors["initiated_by"] = "Say who wanted it."
    reason = sent.get("reason", "")
    if reason and reason not in REASONS:
        errors["reason"] = "Choose a reason from the list, or none."
    once = sent.get("once", "")
    if not _ONCE.fullmatch(once):
        errors["once"] = "The form came without its number. Reload the page and fill it in again."
    agreement, fit = _rating("agreement", sent, errors), _rating("fit", sent, errors)
    statement = _words(sent.get("statement", ""), errors)
    task_ref, previous, code = _tasks(sent, course, once, errors)
    if errors:
        return errors
    alert = _alert(course)
    data = TaskRenegotiatedData.model_validate(
        {
            "task_ref": task_ref,
            "previous_task_ref": previous,
            "task_code": code,
            "initiated_by": initiated_by,
            "change": change,
            "trigger": trigger,
            "alert_ref": alert if trigger == "alert" else None,
            "reason": reason or None,
            "agreement": agreement,
            "fit": fit,
            "statement": statement,
        }
    )
    return TaskRenegotiated(
        id=f"form.{once}",
        source=OWN_SOURCE,
        subject=f"case/{course.case_ref}",
        time=now,
        rsnclinic=course.clinic,
        data=data,
    )


def _rating(name: str, sent: Mapping[str, str], errors: Errors) -> float | None:
    text = sent.get(name, "").strip()
    if not text:
        return None
    try:
        value = float(text.replace(",", "."))
    except ValueError:
        value = -1.0
    if not 0 <= value <= 10:
        errors[name] = "The client's rating is a number from 0 to 10; leave it empty where it was not asked."
        return None
    return value


def _words(text: str, errors: Errors) -> str | None:
    text = text.replace("\r\n", "\n").strip()  # forms end each line with both (HTML standard, form submission)
    if not text:
        return None
    try:
        return _statement.validate_python(text)
    except ValidationError:
        errors["statement"] = f"At most {STATEMENT_LIMIT:,} characters, and plain text only."
        return None


def _tasks(sent: Mapping[str, str], course: Course, once: str, errors: Errors) -> tuple[str, str | None, str | None]:
    """(the task that holds from now on, the one before, the name of a new one)."""
    # Any task will do, not only one in force: sent again, the form names the task that it has ended already.
    chosen = sent.get("task", "")
    known = any(task.ref == chosen for task in course.tasks)
    change = sent.get("change", "")
    if not known and change != "add" and in_force(course):
        errors["task"] = "Choose the task that was talked about."
    elif not known and change == "drop":
        errors["change"] = "No task is on record here, so that none can be dropped."
    if known and change not in _NEW_TASK:
        return chosen, chosen, None
    code = re.sub(r"[\s-]+", "_", sent.get("task_code", "").strip().lower())
    if not _CODE.fullmatch(code) and change != "drop":
        errors["task_code"] = "Name the task in a word or two, as “exposure” or “sleep diary”: letters and digits only."
    new = "ta_" + blake2b(f"{course.case_ref}|{once}".encode(), digest_size=12).hexdigest()
    return new, chosen if known and change == "replace" else None, code


def _alert(course: Course) -> str | None:
    """The open alert about the course, which a renegotiation can answer."""
    refs = [alert.ref for alert in course.alerts if alert.open and alert.reason in COURSE_REASONS]
    return refs[-1] if refs else None
