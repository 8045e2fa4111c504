"""What the alliance section of the case page says, in sentences."""

from collections.abc import Iterator

from contracts.policies import Alliance as Rules
from services.pages.sheet import number
from services.pages.words import ITEMS, THEMES, code_words, day, listed
from services.projections.alliance import Rupture
from services.projections.conversation import ApproachFall, alliance_reading, concerns
from services.projections.course import Course, Series


def lines(course: Course, rules: Rules, zone: str) -> Iterator[str]:
    """A sentence or two for each thing that the scores say; nothing where there are none or nothing stands out."""
    series, reading = course.alliance, alliance_reading(course, rules)
    if series is None or reading is None:
        return
    yield from _last(series)
    if not reading.informative:
        yield "The last four scores are the same: that tells nothing, neither good nor bad."
    yield from (_rupture(one, series) for one in reading.ruptures)
    yield from (_fall(one, course, zone) for one in reading.approach_falls)
    if reading.theme is not None:
        yield f"Lowest over the last two scores: {reading.theme}. A talk could begin with {THEMES[reading.theme]}."


def _last(series: Series) -> Iterator[str]:
    last = series.points[-1]
    before = series.points[-2] if len(series.points) > 1 else None
    low: list[str] = []
    for concern in concerns(last, before, series):
        if concern == "below_cutoff":
            yield "The last score is below the cutoff."
        elif concern == "lower_than_last_time":
            yield "The last score is a point or more lower than the one before."
        else:
            item = concern.removeprefix("item_")
            low.append(f"{ITEMS.get(item, item)} ({item})")
    if low:
        level = number(series.instrument.item_concern or 0.0)
        yield f"Worth a check-in, as below {level} in the last score: {listed(low)}."


def _rupture(told: Rupture, series: Series) -> str:
    back = told.repaired_session
    if told.low_from_start:
        low = "Low from the start" if told.start == 1 else f"Low again at session {told.session}"
        return low + (f", and better from session {back} on." if back else ", and not better since.")
    lowest = told.level - series.instrument.sign * told.depth
    fell = f"It fell at session {told.session}, from the client’s own level of {number(told.level)} to {number(lowest)}"
    if back is None:
        return f"{fell}, and is not back."
    return f"{fell}, and was back at session {back}: a rupture that was repaired is a good sign."


def _fall(told: ApproachFall, course: Course, zone: str) -> str:
    names = {task.ref: task.code for task in course.tasks}
    code = names.get(told.task_ref)
    task = f" ({code_words(code)})" if code else ""
    return (
        f"After the task changed on {day(told.at, zone)}{task}, the client rated {THEMES['approach']} lower:"
        f" {number(told.before)} before, {number(told.after)} after. Ask how it suits them; this tells what followed,"
        " not why."
    )
