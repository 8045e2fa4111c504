"""What followed renegotiations in a network, beside matched cases that were stalled too and not renegotiated.

Shown beside, not because of: who is renegotiated was not drawn by lot. What a low score does by itself (regression to
the mean) is the same on both sides, as both were at the same state at the same session. A score that is not there is
not made up, and why it is not is counted. A case beside counts until its own first renegotiation; those that are left
stand for those that were renegotiated meanwhile (services/figures/staying.py). Whoever gets better ends sooner, on
either side, so that what is left at later sessions shows a little less than there was.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import datetime
from statistics import fmean
from typing import NamedTuple

from contracts.policies import Policy
from services.figures.comparison import Absence, Comparison, Followed, Measure, Side
from services.figures.difference import Row, difference
from services.figures.risksets import RiskSet, risk_sets
from services.figures.stalls import Case, Scores, case_of
from services.figures.staying import Staying, staying
from services.figures.survival import WITHDRAWN, Wait, wait, waiting
from services.projections.course import Course
from services.projections.loop import SESSIONS_AFTER
from services.projections.norms import NormSet, in_force
from services.projections.views import Views


class Seen(NamedTuple):
    """Scores around a moment, in points of the instrument.

    ``before`` is the mean of the last two known by then; ``at`` is the session's own, which for an outcome was given
    before the talk and is one of these, and for an alliance after it. A positive ``change`` is for the better.
    """

    before: float
    at: float | None
    change: float


class Counted(NamedTuple):
    """One moment of a case that counts; the cases beside one renegotiation share its weight of 1."""

    case: Case
    session: int
    weight: float
    seen: Seen


class Asked(NamedTuple):
    """Which measure, of which instrument, version and respondent, and how many sessions after."""

    measure: Measure
    kind: str
    sessions: int


def of_network(views: Views, policy: Policy, now: datetime) -> Followed:
    """What followed the renegotiations of a network."""
    norm_sets = views.norm_sets()
    return followed(views.courses(), policy, lambda course: in_force(norm_sets, course.first_at), now)


def followed(
    courses: Iterable[Course], policy: Policy, norms: Callable[[Course], NormSet | None], now: datetime
) -> Followed:
    """What followed the renegotiations of ``courses``, without those of clients who withdrew consent.

    ``norms`` gives the set that a case keeps.
    """
    talks: list[int] = []
    cases: list[Case] = []
    waited: list[Wait] = []
    for course in courses:  # of which there can be too many for memory
        if WITHDRAWN & course.withdrawn:
            continue
        talks.append(len(course.renegotiations))
        if (case := case_of(course, policy, norms(course))) is not None:
            cases.append(case)
        if (one := wait(course, now)) is not None:
            waited.append(one)
    sets = risk_sets(cases, policy.following)
    matched = [found for found in sets if found.beside]
    return Followed(
        renegotiations=sum(talks),
        cases=sum(number > 0 for number in talks),
        stalled=len(sets),
        matched=len(matched),
        comparisons=tuple(_comparisons(matched, staying(cases), policy.following.smallest_cell)),
        alerts=len(waited),
        waiting=waiting(waited) if len(waited) >= policy.following.smallest_cell else None,
    )


def _comparisons(sets: Sequence[RiskSet], left: Staying, smallest: int) -> Iterator[Comparison]:
    measures: tuple[Measure, ...] = ("outcome", "alliance")
    for measure in measures:
        kinds = {own.kind for one in sets if (own := _scores(one.renegotiated, measure)) is not None}
        for kind in sorted(kinds):
            some = [one for one in sets if (own := _scores(one.renegotiated, measure)) and own.kind == kind]
            for sessions in SESSIONS_AFTER:
                yield _comparison(some, Asked(measure, kind, sessions), left, smallest)


def _comparison(sets: Sequence[RiskSet], asked: Asked, left: Staying, smallest: int) -> Comparison:
    chosen: list[Counted] = []
    others: list[Counted] = []
    absent: tuple[Counter[Absence], Counter[Absence]] = Counter(), Counter()
    for one in sets:
        own = _seen(one.renegotiated, one.session, asked)
        if isinstance(own, Seen):
            chosen.append(Counted(one.renegotiated, one.session, 1.0, own))
        else:
            absent[0][own] += 1
        until = one.session + asked.sessions + (asked.measure == "alliance")  # which is rated after the session's talk
        for case in one.beside:
            talked = case.talk is not None and case.talk < until
            found: Seen | Absence = "renegotiated" if talked else _seen(case, one.session, asked)
            if isinstance(found, Seen):
                weight = left.weight(case, one.session, until) / len(one.beside)
                others.append(Counted(case, one.session, weight, found))
            else:
                absent[1][found] += 1
    sides = _side(chosen, absent[0]), _side(others, absent[1])
    if min(side.cases for side in sides) < smallest:
        return Comparison(*asked, *sides)
    rows = [_row(one, asked, one_chosen) for some, one_chosen in ((chosen, True), (others, False)) for one in some]
    value, low, high = difference(rows)
    change = fmean(one.seen.change for one in chosen)
    return Comparison(
        *asked,
        _with_means(sides[0], chosen, change),
        _with_means(sides[1], others, change - value),  # as it would be at the state of the renegotiated
        round(value, 2),
        (round(low, 2), round(high, 2)),
    )


def _scores(case: Case, measure: Measure) -> Scores | None:
    return case.outcome if measure == "outcome" else case.alliance


def _seen(case: Case, session: int, asked: Asked) -> Seen | Absence:
    """The scores around ``session``. An alliance is rated after the talk, an outcome before it."""
    scores, then = _scores(case, asked.measure), session + asked.sessions
    if case.sessions < then:
        return "not_yet" if case.is_open else "closed"
    if scores is None or scores.kind != asked.kind:
        return "not_measured"
    before = scores.recent(session if asked.measure == "outcome" else session - 1)
    after = scores.by_session.get(then)
    if before is None or after is None:
        return "not_measured"
    return Seen(before, scores.by_session.get(session), scores.sign * (after - before))


def _row(one: Counted, asked: Asked, chosen: bool) -> Row:
    """What was known: the state of the outcome at that moment, and for an alliance its own state."""
    state = one.case.moments[one.session].state
    own = () if asked.measure == "outcome" else (one.seen.before,)
    return Row(one.case.ref, chosen, one.weight, one.seen.change, (state.first, state.mean, state.recent, *own))


def _side(counted: Sequence[Counted], absent: Counter[Absence]) -> Side:
    return Side(len({one.case.ref for one in counted}), len(counted), dict(absent))


def _with_means(side: Side, counted: Sequence[Counted], change: float) -> Side:
    before = _mean([(one.weight, one.seen.before) for one in counted])
    at = _mean([(one.weight, one.seen.at) for one in counted if one.seen.at is not None])
    return replace(side, before=before, at=at, change=round(change, 2))


def _mean(values: Sequence[tuple[float, float]]) -> float | None:
    whole = sum(weight for weight, _ in values)
    return round(sum(weight * value for weight, value in values) / whole, 2) if values else None
