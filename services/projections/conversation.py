"""What the alliance scores invite to talk about: low parts, and an approach that fell after the task changed.

The parts of a measure are those that its file names, with what each asks about: never four items taken for granted.
"""

from dataclasses import dataclass
from datetime import datetime
from statistics import fmean, stdev
from typing import Literal

from contracts.instruments import Theme
from contracts.policies import Alliance as Rules
from services.projections.alliance import Rupture, ruptures, unrepaired
from services.projections.change import difference
from services.projections.course import Course, Point, Series

SIDE = 2
"""So many scores on each side of a moment are compared, as one is mostly noise (McAleavey 2024)."""


@dataclass(frozen=True, slots=True)
class ApproachFall:
    """The client rated the approach lower after a task began or was renegotiated; it tells what followed, not why.

    ``before`` and ``after`` are means of two scores on ``scale``, in its points.
    """

    name: Literal["approach_fell_after_task_changed"]
    task_ref: str
    at: datetime
    scale: str
    before: float
    after: float


@dataclass(frozen=True, slots=True)
class AllianceReading:
    """What the alliance scores of a case say. Where the last ones are good and all the same they are uninformative."""

    informative: bool
    ruptures: tuple[Rupture, ...]
    unrepaired: bool
    theme: Theme | None
    approach_falls: tuple[ApproachFall, ...]


def alliance_reading(course: Course, rules: Rules) -> AllianceReading | None:
    """The reading of the client's alliance series; None where there is none."""
    series = course.alliance
    if series is None:
        return None
    return AllianceReading(
        informative="alliance_uninformative" not in course.flags,
        ruptures=ruptures(series, rules),
        unrepaired=unrepaired(series, course.sessions, rules) is not None,
        theme=theme(series, rules),
        approach_falls=approach_falls(course, rules),
    )


def concerns(point: Point, before: Point | None, series: Series) -> tuple[str, ...]:
    """What this session's scores invite to talk about, by name; quiet, never mailed.

    ``below_cutoff``, ``lower_than_last_time`` (a point or more, OpenFIT), and ``item_<name>`` for an item below the
    instrument's level of concern.
    """
    instrument = series.instrument
    found = []
    if instrument.functional(point.value) is False:
        found.append("below_cutoff")
    if before is not None and difference(point.value, before.value, 1) >= 1:
        found.append("lower_than_last_time")
    level = instrument.item_concern
    names = [scale.name for scale in instrument.items if scale.name in point.items]
    found += [f"item_{name}" for name in names if level is not None and point.items[name] < level]
    return tuple(found)


def theme(series: Series, rules: Rules) -> Theme | None:
    """What a talk could begin with: the part that lies furthest below its maximum over the last two scores.

    Parts are compared as shares of their own range. None where none stands out, or where no parts are given.
    """
    recent = [point.items for point in series.points[-SIDE:]]
    shortfalls: dict[Theme, list[float]] = {}
    for scale in series.instrument.parts:
        missing = [(scale.maximum - items[scale.name]) / scale.width for items in recent if scale.name in items]
        if scale.about is not None and missing:
            shortfalls.setdefault(scale.about, []).append(fmean(missing))
    means = {name: fmean(values) for name, values in shortfalls.items()}
    if not means or round(max(means.values()) - min(means.values()), 9) < rules.theme_gap_of_range:
        return None
    return max(means, key=lambda name: means[name])


def approach_falls(course: Course, rules: Rules) -> tuple[ApproachFall, ...]:
    """Where the approach was rated clearly lower after a task began or was renegotiated, oldest first.

    The mean of the first two scores after it, and before the next such moment, against that of the last two up to it;
    with fewer on either side nothing is said. Clearly: by a share of the scale, and by the spread of the scores before.
    """
    series = course.alliance
    scale = next((one for one in series.instrument.parts if one.about == "approach"), None) if series else None
    if series is None or scale is None:
        return ()
    scores = [(point.at, point.items[scale.name]) for point in series.points if scale.name in point.items]
    began = {(task.since, task.ref) for task in course.tasks}
    moments = sorted(began | {(told.at, told.task_ref) for told in course.renegotiations})
    found = []
    for place, (at, task_ref) in enumerate(moments):
        until = next((later for later, _ in moments[place + 1 :] if later > at), None)
        before = [value for scored, value in scores if scored <= at]
        after = [value for scored, value in scores if at < scored and (until is None or scored <= until)]
        if len(before) < SIDE or len(after) < SIDE:
            continue
        level, then = fmean(before[-SIDE:]), fmean(after[:SIDE])
        spread = stdev(before) if len(before) > SIDE else 0.0
        least = max(rules.approach_fall_of_range * scale.width, rules.drop_standard_deviations * spread)
        if round(level - then, 9) >= least:
            found.append(
                ApproachFall(
                    "approach_fell_after_task_changed", task_ref, at, scale.name, round(level, 2), round(then, 2)
                )
            )
    return tuple(found)
