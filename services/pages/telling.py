"""What a course says, told in sentences: where the case stands, what changed and how sure that is, what is drawn."""

from collections.abc import Sequence

from contracts.instruments import Instrument
from contracts.policies import Policy
from services.alerts.decide import Decision
from services.pages.sheet import number
from services.pages.words import CHANGES, STANDINGS, counted, listed, sessions
from services.projections.course import Course, Series, Trace
from services.projections.norms import NormSet


def marks(course: Course) -> list[str]:
    """The mark of each renegotiation in the picture, beside its story, and in the text: R1, R2 ..."""
    return [f"R{place}" for place in range(1, len(course.renegotiations) + 1)]


def status(course: Course, decision: Decision, norms: NormSet | None) -> str:
    """Where the case stands, in a sentence or two."""
    series = course.outcome
    match decision.status:
        case "closed":
            if course.is_open:
                return (
                    "The client does not wish feedback on their scores, so none are shown and no status is worked out."
                )
            return "This case is closed."
        case "not_enough_data":
            if series is not None and series.instrument.reliable_change is None:
                name = series.instrument.name
                return f"Not enough data: it is not known which change on {name} is more than measurement error."
            return "Not enough data: the course can be judged from the third score on."
        case "deteriorating":
            return (
                f"Getting worse{_elsewhere(course, decision)}: the last scores lie clearly on the worse side of the "
                "start or of what others showed."
            )
        case "high_start":
            return "The first score was already in the functional range, which leaves little room for gain."
        case "reached":
            return "Reliably better, and it has held over the last scores."
        case "stalled":
            how = (
                "all scores taken together" if "chance_of_stall" in decision.evidence else "at several scores in a row"
            )
            return f"Stalled{_elsewhere(course, decision)}: too little movement for the session reached, {how}."
        case "watch":
            if course.renegotiations:
                return "Worth watching: the task was renegotiated, and the coming scores will show where it leads."
            return "Worth watching: less than could be expected by now, but not for long enough to raise an alert."
        case "on_course":
            if series is not None and norms is not None and norms.band(series, series.points[-1].session) is not None:
                return "On course: not behind what the network’s earlier cases showed from such a start."
            return "No sign of a stall. The network has too few earlier cases like this one to say what is expected."


def _elsewhere(course: Course, decision: Decision) -> str:
    """Names the instrument that the case is judged by, where that is another than the one whose change is told."""
    judged = {reason.instrument for reason in decision.reasons if reason.instrument is not None}
    names = [one.instrument.name for one in course.outcomes if one.instrument.key in judged and one != course.outcome]
    return f" on the {names[0]}" if names else ""


def chance(decision: Decision, policy: Policy) -> str:
    """How sure a verdict by the whole series is; empty where there is none."""
    known, size = decision.evidence.get("chance_of_stall"), decision.evidence.get("reliable_change")
    if known is None or size is None:
        return ""
    enough = number(size * policy.stalled.gain_below_reliable_changes)
    session = max(policy.outlook.by_session, int(decision.evidence.get("session") or 0))
    share = "more than 99 %" if known > 0.99 else "less than 1 %" if known < 0.01 else f"about {100 * known:.0f} %"
    return (
        f"Going by all scores, the chance is {share} that the gain by session {session}, measurement error aside, "
        f"stays below {enough} points."
    )


def brief(course: Course, decision: Decision) -> str:
    """Where the case stands, in a few words."""
    if course.is_open and decision.status == "closed":
        return "The client does not wish feedback on their scores"
    due = decision.moment == "last_chance" and decision.status in ("stalled", "watch", "deteriorating")
    return f"{STANDINGS[decision.status]}, last-chance talk due" if due else STANDINGS[decision.status]


def change(course: Course) -> str:
    """What the client's outcome did since the start, and whether that is more than measurement error."""
    series = course.outcome
    if "feedback" in course.withdrawn:
        return ""
    if series is None:
        return "Not enough data: there are no outcome scores."
    if len(series.points) < 2:
        return f"Not enough data: one score, {number(series.values[0])}."
    told = series.change
    span = f"{number(told.baseline)} to {number(told.last)}"
    return f"{moved_words(told.gain)} since the first score ({span}): {certainty(told.gain, series.instrument)}."


def precision(course: Course) -> str:
    """How far a single score of the client's outcome can be trusted: its standard error, in plain words."""
    series = course.outcome
    if series is None:
        return ""
    error = series.change.standard_error
    if error is None:
        return f"How exact a single score on {series.instrument.name} is, is not known."
    return (
        f"A single score is good to about ± {number(error)} points: the true value lies within that two times in three."
        " From week to week scores differ more than that."
    )


def moved_words(gain: float) -> str:
    """A difference in the direction of better, in words."""
    if abs(gain) < 0.05:
        return "No difference"
    points = number(abs(gain))
    return f"{points} {'point' if points == '1' else 'points'} {'better' if gain > 0 else 'worse'}"


def certainty(gain: float, instrument: Instrument) -> str:
    """Whether a difference of ``gain`` is more than measurement error (Jacobson & Truax 1991)."""
    size = instrument.reliable_change
    if size is None:
        return "how much of that is measurement error is not known"
    if abs(gain) < size:
        return f"within measurement error, which reaches up to {number(size)} points"
    return f"more than measurement error, which reaches up to {number(size)} points"


def followed(trace: Trace, series: Series | None) -> str:
    """The scores before and after a renegotiation, side by side; it tells what followed, not why."""
    if series is None:
        return "no scores"
    if trace.moved is None:
        return f"{_scores(trace.before)} before; not enough data after" if trace.before else "no scores before it"
    return (
        f"{_scores(trace.before)} before; {_scores(trace.after)} after. "
        f"{moved_words(trace.moved)} on average, {certainty(trace.moved, series.instrument)}"
    )


def _scores(values: Sequence[float]) -> str:
    return listed([number(value) for value in values])


def described(course: Course, norms: NormSet | None) -> str:
    """The picture in words, for those who hear it."""
    told: list[str] = []
    if course.outcome is not None:
        told += [_series(course.outcome), *_against_range(course.outcome, norms)]
    if course.alliance is not None:
        told.append(_series(course.alliance))
    if not told:
        told.append("No scores yet.")
    for mark, one in zip(marks(course), course.renegotiations, strict=True):
        told.append(f"{mark}: task renegotiated after session {one.session} ({CHANGES[one.change]}).")
    for alert in course.alerts:
        raised = sum(session.at <= alert.raised_at for session in course.sessions)
        if alert.resolved_at is None:
            told.append(f"Alert raised after session {raised}, still open.")
        else:
            cleared = sum(session.at <= alert.resolved_at for session in course.sessions)
            told.append(f"Alert raised after session {raised}, cleared after session {cleared}.")
    if course.tasks:
        now = sum(task.until is None for task in course.tasks)
        told.append(f"{counted(len(course.tasks), 'task', 'tasks')}, {now} in force.")
    return " ".join(told)


def _series(series: Series) -> str:
    instrument, points = series.instrument, series.points
    way = "higher" if instrument.higher_is_better else "lower"
    scores = counted(len(points), "score", "scores")
    if len(points) == 1:
        span = f"{number(points[0].value)} at session {points[0].session}"
    else:
        first, last = points[0], points[-1]
        span = f"{number(first.value)} at session {first.session} to {number(last.value)} at session {last.session}"
    cutoff = f"; cutoff {number(instrument.cutoff.value)}" if instrument.cutoff is not None else ""
    return f"{instrument.name}, {way} is better: {scores}, {span}{cutoff}."


def _against_range(series: Series, norms: NormSet | None) -> list[str]:
    if len(series.points) < 2:
        return []
    known = [(point, norms.band(series, point.session)) for point in series.points] if norms is not None else []
    if not any(band is not None for _, band in known):
        return ["No expected range: the network has too few earlier cases like this one."]
    sign, first = series.instrument.sign, series.values[0]
    behind = [point.session for point, band in known if band is not None and sign * (point.value - first) < band.q25]
    if not behind:
        return ["Never behind the expected range."]
    return [f"Behind the expected range in {sessions(sorted(behind))}."]
