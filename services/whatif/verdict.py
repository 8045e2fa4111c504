"""How right a rule was about cases whose truth is known: shares that one can count by hand.

Counted are cases with a clinical first score and at least four scores; a rule flags a case if it fires before the
case's last score; right means that the client is truly stalled or worse.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median
from typing import Final, NamedTuple

from services.alerts.decide import COURSE_REASONS
from services.projections.course import Course
from services.whatif.life import Replayed

SMALLEST: Final = 4
"""Scores that a case must have to be counted."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """How a rule did; shares from 0 to 1, ``lead`` in scores from the first alarm to the last score (median)."""

    rule: str
    flagged: float
    firing: float | None
    """Share of scores at which it fires; ``None`` for a policy, which raises once and not at every score."""
    sensitivity: float
    specificity: float
    ppv: float
    lead: float


class Case(NamedTuple):
    scores: int
    wrong: bool
    """Truly stalled or worse."""
    first: int | None
    """The number of scores at the first alarm."""
    fired: int = 0


def first_alarms(replayed: Replayed) -> dict[str, int]:
    """By case, how many outcome scores it had when an alert about its course was raised for the first time."""
    found: dict[str, int] = {}
    for event, scores in replayed.raised():
        if event.data.reason in COURSE_REASONS:
            found.setdefault(event.case_ref, scores)
    return found


def counts(course: Course) -> bool:
    """Whether a verdict counts the case."""
    series = course.outcome
    return (
        series is not None
        and len(series.points) >= SMALLEST
        and series.instrument.functional(series.values[0]) is False
    )


def verdict_on(rule: str, cases: Sequence[Case], *, firing: bool = False) -> Verdict:
    """The verdict on ``rule``; ``firing`` says whether it can fire at every score."""
    flagged = [case for case in cases if case.first is not None and case.first < case.scores]
    hits = sum(case.wrong for case in flagged)
    wrong = sum(case.wrong for case in cases)
    right = len(cases) - wrong
    return Verdict(
        rule,
        flagged=_share(len(flagged), len(cases)),
        firing=_share(sum(case.fired for case in cases), sum(case.scores for case in cases)) if firing else None,
        sensitivity=_share(hits, wrong),
        specificity=_share(right - (len(flagged) - hits), right),
        ppv=_share(hits, len(flagged)),
        lead=float(median(case.scores - (case.first or 0) for case in flagged)) if flagged else 0.0,
    )


def _share(part: float, whole: float) -> float:
    return part / whole if whole else 0.0
