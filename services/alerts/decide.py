"""Should someone be told, and why: the course of a case, a policy and an instant give named reasons.

Nothing here stores, sends or asks the time. docs/clinical-rules.md tells each rule in plain words with its source.
Of the reasons about the course at most one holds; alliance, silence and missing measures stand beside it.
"""

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, time, timedelta
from typing import Final, Literal, TypeAlias

from contracts.data import AlertReason
from contracts.policies import Policy
from services.alerts.standing import SeriesStatus, Standing, standing
from services.projections.alliance import unrated, unrepaired
from services.projections.course import Course, Series, most
from services.projections.loop import around, moved
from services.projections.norms import NormSet

Status: TypeAlias = SeriesStatus | Literal["closed"]
Moment: TypeAlias = Literal["checkpoint", "last_chance"]
Route: TypeAlias = Literal["data", "alliance", "tasks"]
COURSE_REASONS: Final[frozenset[AlertReason]] = frozenset(
    ("deteriorating", "stalled", "stalled_not_renegotiated", "renegotiated_no_change")
)
"""The reasons about the course itself, of which at most one holds at a time."""
DOUBTFUL: Final = frozenset(("sawtooth", "same_outcome_scores"))
"""Doubts about the scores that come before any talk about what they say."""


@dataclass(frozen=True, slots=True)
class Reason:
    """A named reason, the numbers it rests on, when the newest of them was recorded, and by which instrument."""

    name: AlertReason
    at: datetime
    evidence: dict[str, float | None]
    instrument: str | None = None


@dataclass(frozen=True, slots=True)
class Decision:
    """Where the case stands and by which numbers, why someone should know, and when that next changes by itself.

    ``moment`` names the talk that is due by the number of sessions, ``route`` what a talk about a case that does not
    get better begins with: the scores themselves, the alliance, or tasks, goals and dose.
    """

    status: Status
    reasons: tuple[Reason, ...]
    due_at: datetime | None
    evidence: dict[str, float | None] = field(default_factory=dict)
    moment: Moment | None = None
    route: Route | None = None

    def names(self) -> frozenset[AlertReason]:
        return frozenset(reason.name for reason in self.reasons)


def decide(course: Course, policy: Policy, norms: NormSet | None, now: datetime) -> Decision:
    """The decision about ``course`` at ``now``. ``norms`` is the set that the case keeps, if there is one."""
    if not course.is_open or "feedback" in course.withdrawn:
        return Decision("closed", (), None)
    judged = judgement(course.outcomes, policy, norms)
    status, about_course = _course(course, judged, policy)
    silent, due_at = _silent(course, policy, now)
    rupture = _rupture(course, policy)
    found = (about_course, rupture, silent, _unmeasured(course, policy))
    return Decision(
        status,
        tuple(reason for reason in found if reason is not None),
        due_at,
        judged.evidence if judged else {},
        _moment(judged, policy),
        _route(course, status, rupture),
    )


def judgement(outcomes: tuple[Series, ...], policy: Policy, norms: NormSet | None) -> Standing | None:
    """The standing of a case with these outcome series of the client's: that of the main one, with two exceptions.

    A series on which the client deteriorates comes first. A case that has reached its aim on one instrument is not
    called stalled by another.
    """
    main = most(outcomes, "outcome")
    if main is None:
        return None
    own = standing(main, policy, norms)
    others = [standing(series, policy, norms) for series in outcomes if series is not main]
    worse = next((one for one in (own, *others) if one.status == "deteriorating"), None)
    if worse is not None:
        return worse
    if own.status == "stalled" and any(one.status == "reached" for one in others):
        return replace(own, status="watch", stalled_scores=0)
    return own


def _course(course: Course, judged: Standing | None, policy: Policy) -> tuple[Status, Reason | None]:
    """The class of the case and the one reason about its course."""
    if judged is None:
        return "not_enough_data", None
    at, instrument = judged.series.points[-1].at, judged.series.instrument.key
    match judged.status:
        case "deteriorating":
            return judged.status, Reason("deteriorating", at, judged.evidence, instrument)
        case "stalled":
            reminder = judged.stalled_scores > policy.stalled_not_renegotiated.further_scores
            name: AlertReason = "stalled_not_renegotiated" if reminder else "stalled"
            return _stalled(course, judged.series, Reason(name, at, judged.evidence, instrument), policy)
        case "not_enough_data" | "high_start" | "reached" | "watch" | "on_course":
            return judged.status, None


def _stalled(course: Course, series: Series, reason: Reason, policy: Policy) -> tuple[Status, Reason | None]:
    """A stall is news until the task is renegotiated; then it is given time, and is news again if nothing moves."""
    if not course.renegotiations:
        return "stalled", reason
    before, after = around(series, course.renegotiations[-1].at)
    movement = moved(series, before or after[:1], after)  # what came before the first score is followed from there on
    rules = policy.renegotiated_no_change
    enough = rules.gain_below_reliable_changes * (series.instrument.reliable_change or 0.0)
    if movement is None or len(after) < rules.scores or movement >= enough:
        return "watch", None
    since: dict[str, float | None] = {
        "scores_since_renegotiation": float(len(after)),
        "moved_since_renegotiation": movement,
    }
    return "stalled", replace(reason, name="renegotiated_no_change", evidence=reason.evidence | since)


def _moment(judged: Standing | None, policy: Policy) -> Moment | None:
    """The talk that PCOMS asks for where there is no reliable gain by then."""
    if judged is None or judged.status in ("high_start", "reached"):
        return None
    series, size = judged.series, judged.series.instrument.reliable_change
    if size is None or series.change.gain >= size or len(series.points) < 2:
        return None
    session = series.points[-1].session
    windows: tuple[tuple[Moment, tuple[int, int]], ...] = (
        ("last_chance", policy.moments.last_chance),
        ("checkpoint", policy.moments.checkpoint),
    )
    return next((name for name, (first, last) in windows if first <= session <= last), None)


def _route(course: Course, status: Status, rupture: Reason | None) -> Route | None:
    if status not in ("stalled", "deteriorating"):
        return None
    if DOUBTFUL & set(course.flags):
        return "data"
    alliance = course.alliance
    if alliance is None:
        return None
    low = alliance.instrument.functional(alliance.values[-1]) is False
    return "alliance" if low or rupture is not None else "tasks"


def _rupture(course: Course, policy: Policy) -> Reason | None:
    """The alliance fell below the client's own level and is not back, or the client stopped rating it after a fall."""
    series = course.alliance
    fall = unrepaired(series, course.sessions, policy.alliance) if series is not None else None
    if series is None or fall is None:
        return None
    evidence: dict[str, float | None] = {
        "level_before": fall.level,
        "last_score": series.values[-1],
        "sessions_unrated": float(unrated(series, course.sessions)),
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
    """Sessions were held and nobody, neither the client nor another respondent, rated the outcome."""
    scored = [p.session for one in course.series if one.instrument.construct == "outcome" for p in one.points]
    missing = sum(session.number > max(scored, default=0) for session in course.sessions)
    if missing < policy.unmeasured.sessions:
        return None
    return Reason("unmeasured", course.sessions[-1].at, {"sessions_unmeasured": float(missing)})
