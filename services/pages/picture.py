"""The picture of a case: outcome, alliance, tasks, renegotiations and alerts over its sessions, as one inline SVG.

It is drawn by hand: the same course always gives the same bytes. Outcome is solid with circles, alliance dashed with
squares, lines are named where they end, and services/pages/resonance.css gives the colours, so that the picture can be
read in grey, in the dark and on a phone. What it shows also stands in words in its description.
"""

from html import escape
from typing import Final

from services.pages.panel import alliance_panel, outcome_panel
from services.pages.sheet import APART, LEFT, LETTER, RIGHT, WIDTH, Columns, Drawn, columns, lanes, line, number, text
from services.pages.telling import described, marks
from services.pages.words import code_words
from services.projections.course import Course
from services.projections.norms import NormSet

_LANE: Final = 26
_LONGEST_NAME: Final = 24


def draw(course: Course, norms: NormSet | None) -> str:
    """The picture as an ``<svg>`` element. ``norms`` is the set that the case keeps, if there is one."""
    across = columns(course)
    parts = [_renegotiations(course, across, 6)]
    parts.append(_alerts(course, across, parts[-1].bottom))
    plots = parts[-1].bottom
    if course.outcome is not None:
        parts.append(outcome_panel(course.outcome, across, norms, parts[-1].bottom))
    if course.alliance is not None:
        parts.append(alliance_panel(course.alliance, across, parts[-1].bottom))
    if parts[-1].bottom == plots:
        parts.append(Drawn([text(LEFT, plots + APART, "No scores yet", "name")], plots + APART + 8))
    uprights = [line(x, 6 + APART - 4, x, parts[-1].bottom, "renegotiated") for x, _ in _marks(course, across)]
    parts.append(_session_numbers(across, parts[-1].bottom))
    parts.append(_tasks(course, across, parts[-1].bottom))
    height = number(parts[-1].bottom + 6)
    name = f"picture-{escape(course.case_ref)}"
    return "\n".join(
        [
            f'<svg class="picture" xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}"',
            f' role="img" aria-labelledby="{name}-title {name}-desc">',
            f'<title id="{name}-title">Course of case {escape(course.case_ref)}</title>',
            f'<desc id="{name}-desc">{escape(described(course, norms))}</desc>',
            *(element for part in parts for element in part.ground),
            *uprights,
            *(element for part in parts for element in part.elements),
            "</svg>",
        ]
    )


def _marks(course: Course, across: Columns) -> list[tuple[float, str]]:
    """Where each renegotiation stands, and its mark."""
    return [(across.moment(told.at), mark) for told, mark in zip(course.renegotiations, marks(course), strict=True)]


def _renegotiations(course: Course, across: Columns, top: float) -> Drawn:
    """The marks R1, R2 ... above their lines; those too close for two labels share one."""
    shared: list[tuple[float, str, str]] = []
    for x, mark in _marks(course, across):
        if shared and x - shared[-1][0] < 4 * LETTER:
            shared[-1] = ((shared[-1][0] + x) / 2, shared[-1][1], mark)
        else:
            shared.append((x, mark, mark))
    labels = [
        text(x, top + 12, first if first == last else f"{first}–{last}", "grey", "middle") for x, first, last in shared
    ]
    return Drawn(labels, top + (APART if labels else 0))


def _alerts(course: Course, across: Columns, top: float) -> Drawn:
    """A filled triangle where an alert was raised, an empty one on its head where it was cleared."""
    spans = []
    for alert in course.alerts:
        start = across.moment(alert.raised_at)
        spans.append((start, max(across.moment(alert.resolved_at), start + 20)))
    placed = lanes(spans)
    drawn: list[str] = []
    for alert, (start, end), lane in zip(course.alerts, spans, placed, strict=True):
        y = top + lane * APART + 8
        drawn.append(line(start, y, end, y, "alert"))
        drawn.append(f'<path class="raised" d="M{number(start - 6)} {number(y + 5)}h12l-6 -11z"/>')
        if not alert.open:
            drawn.append(f'<path class="cleared" d="M{number(end - 6)} {number(y - 5)}h12l-6 11z"/>')
    if spans:
        drawn.append(text(RIGHT + 28, top + 13, "alerts" if len(spans) > 1 else "alert", "grey"))
    return Drawn(drawn, top + (max(placed, default=-1) + 1) * APART)


def _session_numbers(across: Columns, top: float) -> Drawn:
    base = top + APART - 6
    numbers = [text(across.x(n), base, str(n), "fine", "middle") for n in across.numbers()]
    return Drawn([*numbers, text(RIGHT + 10, base, "session", "fine")], base + 6)


def _tasks(course: Course, across: Columns, top: float) -> Drawn:
    """A bar below its name for each task, from when it was agreed until it ended."""
    bars: list[tuple[float, float, float, str]] = []
    for task in course.tasks:
        start = across.moment(task.since)
        name = code_words(task.code) if task.code else "task"
        name = name if len(name) <= _LONGEST_NAME else f"{name[: _LONGEST_NAME - 1]}…"
        named_from = min(start, WIDTH - 4 - LETTER * len(name))
        bars.append((start, max(across.moment(task.until), start + 8), named_from, name))
    placed = lanes([(min(start, at), max(end, at + LETTER * len(name)) + 6) for start, end, at, name in bars])
    drawn: list[str] = []
    for task, (start, end, named_from, name), lane in zip(course.tasks, bars, placed, strict=True):
        y = top + (lane + 1) * _LANE
        drawn.append(text(named_from, y - 8, name, "fine"))
        width = number(end - start)
        drawn.append(f'<rect class="task" x="{number(start)}" y="{number(y - 4)}" width="{width}" height="5"/>')
        if task.until is not None:
            drawn.append(line(end, y - 9, end, y + 6, "ended"))
    return Drawn(drawn, top + (max(placed, default=-1) + 1) * _LANE + 4)
