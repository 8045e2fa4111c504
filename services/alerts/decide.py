"""Should someone be told, and why: the course of a case, a policy and an instant give named reasons.

Nothing here stores, sends or asks the time. docs/clinical-rules.md tells each rule in plain words with its source.
Of the reasons about the course at most one holds; alliance, silence and missing measures stand beside it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from typing import Final, Literal, TypeAlias

from contracts.data import AlertReason
from contracts.policies import Policy
from services.projections.alliance import ruptures
from services.projections.change import smoothed_gains
from services.projections.course import Course, Series
from services.projections.loop import around, moved
from services.projections.norms import Band, NormSet

Status: TypeAlias = Literal[
    "closed", "not_enough_data", "deteriorating", "high_start", "reached", "stalled", "watch", "on_course"
]
COURSE_REASONS: Final[frozenset[AlertReason]] = frozenset(
    ("deteriorating", "stalled", "stalled_not_renegotiated", "renegotiated_no_change")
)
"""The reasons about the course itself, of which at most one holds at a time."""


@dataclass(frozen=True, slots=True)
class Reason:
    """A named reason, the numbers it rests on, and when the newest of them was recorded."""

    name: AlertReason
    at: datetime
    evidence: dict[str, float | None]


@dataclass(frozen=True, slots=True)
class Decision:
    """Where the case stands, why someone should know, and when that next changes without any event."""

    status: Status
    reasons: tuple[Reason, ...]
    due_at: datetime | None

    def names(self) -> frozenset[AlertReason]:
        return frozenset(reason.name for reason in self.reasons)


def decide(course: Course, policy: Policy, norms: NormSet | None, now: datetime) -> Decision:
    """The decision about ``course`` at ``now``. ``norms`` is the set that the case keeps, if there is one."""
    if not course.is_open or "feedback" in course.withdrawn:
        return Decision("closed", (), None)
    status, about_course = _course(course, policy, norms)
    silent, due_at = _silent(course, policy, now)
    found = (about_course, _rupture(course, policy), silent, _unmeasured(course, policy))
    return Decision(status, tuple(reason for reason in found if reason is not None), due_at)


def _course(course: Course, policy: Policy, norms: NormSet | None) -> tuple[Status, Reason | None]:
    """The class of the case: the first that holds, in the order of docs/clinical-rules.md."""
    series = course.outcome
    if series is None or len(series.points) < 3 or series.instrument.reliable_change is None:
        return "not_enough_data", None
    size = series.instrument.reliable_change
    gains = smoothed_gains(series.values, series.instrument.sign)
    bands = [norms.band(series, point.session) if norms else None for point in series.points]
    at, band = series.points[-1].at, bands[-1]
    evidence: dict[str, float | None] = {
        "session": series.points[-1].session,
        "first_score": series.values[0],
        "last_score": series.values[-1],
        "smoothed_gain": round(gains[-1], 2),
        "reliable_change": size,
        "q25": band.q25 if band else None,
    }
    if _deteriorating(series, gains, bands, size, policy):
        return "deteriorating", Reason("deteriorating", at, evidence)
    if _high_start(series):
        return "high_start", None
    if _reached(series, size, policy):
        return "reached", None
    rules = policy.stalled
    low = _low_scores(gains, bands, size * rules.gain_below_reliable_changes)
    if len(series.points) < rules.checkpoint_scores or low < rules.consecutive_scores:
        behind = band is not None and gains[-1] < band.q25
        return ("watch" if behind else "on_course"), None
    evidence["scores_in_a_row"] = low
    reminder = low >= rules.consecutive_scores + policy.stalled_not_renegotiated.further_scores
    reason = Reason("stalled_not_renegotiated" if reminder else "stalled", at, evidence)
    return _stalled(course, series, reason, size, policy)


def _deteriorating(
    series: Series, gains: Sequence[float], bands: Sequence[Band | None], size: float, policy: Policy
) -> bool:
    rules = policy.deteriorating
    if series.instrument.sign * (series.values[-1] - series.values[0]) <= -rules.worse_by_reliable_changes * size:
        return True
    recent = list(zip(gains, bands, strict=True))[-rules.consecutive_scores_below_q10 :]
    return len(gains) > rules.consecutive_scores_below_q10 and all(
        band is not None and gain < band.q10 for gain, band in recent
    )


def _high_start(series: Series) -> bool:
    """A first score on the healthy side of the cutoff has little room to rise: no rule about gain applies."""
    high = series.instrument.high_start
    beyond = high is not None and series.instrument.sign * (series.values[0] - high) > 0
    return beyond or series.instrument.functional(series.values[0]) is True


def _reached(series: Series, size: float, policy: Policy) -> bool:
    """Reliably better, held over the last scores."""
    recent = series.values[1:][-policy.reached.consecutive_scores :]
    better = (series.instrument.sign * (value - series.values[0]) >= size for value in recent)
    return len(recent) == policy.reached.consecutive_scores and all(better)


def _low_scores(gains: Sequence[float], bands: Sequence[Band | None], enough: float) -> int:
    """How many scores in a row, up to the last, show too little gain and lie below the network's lower quarter."""
    count = 0
    for gain, band in zip(reversed(gains[1:]), reversed(bands[1:]), strict=True):
        if gain >= enough or (band is not None and gain >= band.q25):
            break
        count += 1
    return count


def _stalled(
    course: Course, series: Series, reason: Reason, size: float, policy: Policy
) -> tuple[Status, Reason | None]:
    """A stall is news until the task is renegotiated; then it is given time, and is news again if nothing moves."""
    if not course.renegotiations:
        return "stalled", reason
    before, after = around(series, course.renegotiations[-1].at)
    movement = moved(series, before, after)
    rules = policy.renegotiated_no_change
    if movement is None or len(after) < rules.scores or movement >= rules.gain_below_reliable_changes * size:
        return "watch", None
    since: dict[str, float | None] = {
        "scores_since_renegotiation": float(len(after)),
        "moved_since_renegotiation": movement,
    }
    return "stalled", Reason("renegotiated_no_change", reason.at, reason.evidence | since)


def _rupture(course: Course, policy: Policy) -> Reason | None:
    """The alliance fell below the client's own level and is not back, or the client stopped rating it after a fall."""
    series = course.alliance
    if series is None or "alliance_uninformative" in course.flags:
        return None
    found = ruptures(series, policy.alliance)
    if not found or found[-1].repaired is not None:
        return None
    rated = series.points[-1].session
    missing = sum(session.number > rated for session in course.sessions)
    if found[-1].scores < policy.alliance.unrepaired_scores and missing < policy.alliance.missing_after_drop:
        return None
    evidence: dict[str, float | None] = {
        "level_before": found[-1].level,
        "last_score": series.values[-1],
        "sessions_unrated": float(missing),
    }
    return Reason("alliance_rupture_unrepaired", series.points[-1].at, evidence)


def _silent(course: Course, policy: Policy, now: datetime) -> tuple[Reason | None, datetime | None]:
    """No session for too long; the second value is when that will be so, as nothing else will tell.

    The last day counts whole, and in UTC: who comes every four weeks is not silent in the hour before they come.
    """
    last = course.sessions[-1].at if course.sessions else course.first_at
    due_at = datetime.combine(last.date() + timedelta(days=policy.silent.days + 1), time.min, UTC)
    if now < due_at:
        return None, due_at
    return Reason("silent", due_at, {"days": float(policy.silent.days), "sessions": float(len(course.sessions))}), None


def _unmeasured(course: Course, policy: Policy) -> Reason | None:
    """Sessions were held and the client's outcome was not measured."""
    scored = [p.session for one in course.series if one.instrument.construct == "outcome" for p in one.points]
    missing = sum(session.number > max(scored, default=0) for session in course.sessions)
    if missing < policy.unmeasured.sessions:
        return None
    return Reason("unmeasured", course.sessions[-1].at, {"sessions_unmeasured": float(missing)})
