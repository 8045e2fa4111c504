"""Judging alerts against the truth of a made-up network: how many are right, how early, and how many mails it takes.

Norms are fitted on every other case and used on the rest, both ways round, so no case is judged by norms it helped to
make. Counted are cases with a clinical first score and at least four scores; a rule flags a case if it fires before
the case's last score; right means that the client's own class is flat or worsening. These are figures about the
simulator, never about clients.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from statistics import fmean, median
from typing import Final, NamedTuple

from pydantic import ValidationError

from contracts.events import CaseOpened, parse
from contracts.policies import Policy
from services.alerts.decide import COURSE_REASONS
from services.projections.course import Course
from services.projections.norms import NormSet, fit
from services.simulation.baselines import RULES, scored
from services.simulation.network import simulate
from services.simulation.posts import Post
from services.simulation.replay import final_courses, replay
from services.simulation.spec import Spec

SMALLEST: Final = 4
"""Scores that a case must have to be counted."""
CASES_PER_THERAPIST: Final = 50
THERAPISTS_PER_CLINIC: Final = 10


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


class Judgement(NamedTuple):
    cases: int
    policy: Verdict
    baselines: tuple[Verdict, ...]
    mails: int
    mails_per_therapist_week: float


class Case(NamedTuple):
    scores: int
    wrong: bool
    """Truly stalled or worse."""
    first: int | None
    """The number of scores at the first alarm."""
    fired: int


def judge(posts: Sequence[Post], truth: Mapping[str, bool], policy: Policy) -> Judgement:
    """How ``policy`` and the naive rules do on ``posts``; ``truth`` says which cases are truly stalled or worse."""
    courses = final_courses(posts)
    norms = cross_fitted(courses, policy)
    counted = {ref: course for ref, course in courses.items() if ref in truth and _counts(course)}
    history = replay(posts, policy, norms.get)
    first: dict[str, int] = {}
    for raised in history.raised:
        if raised.reason in COURSE_REASONS:
            first.setdefault(raised.case_ref, raised.scores)
    own = [Case(_scores(course), truth[ref], first.get(ref), 0) for ref, course in counted.items()]
    verdicts = []
    for name, rule in RULES.items():
        cases = []
        for ref, course in counted.items():
            seen = scored(course, norms[ref])
            places = [place for place in range(_scores(course)) if seen is not None and rule(seen, place)]
            cases.append(Case(_scores(course), truth[ref], places[0] + 1 if places else None, len(places)))
        verdicts.append(_verdict(name, cases, firing=True))
    therapists = {post.event.data.therapist_ref for post in posts if isinstance(post.event, CaseOpened)}
    weeks = (posts[-1].posted_at - posts[0].posted_at).days / 7
    rate = len(history.told) / len(therapists) / weeks
    return Judgement(len(own), _verdict(policy.key, own, firing=False), tuple(verdicts), len(history.told), rate)


def cross_fitted(courses: Mapping[str, Course], policy: Policy) -> dict[str, NormSet]:
    """For each case the norm set that is fitted on the half of the cases to which it does not belong."""
    long_ago = datetime(1970, 1, 1, tzinfo=UTC)
    refs = sorted(courses)
    halves = refs[::2], refs[1::2]
    sets = [
        fit((series for ref in half if (series := courses[ref].outcome) is not None), policy.norms, long_ago)
        for half in halves
    ]
    return dict.fromkeys(halves[0], sets[1]) | dict.fromkeys(halves[1], sets[0])


def _counts(course: Course) -> bool:
    series = course.outcome
    return (
        series is not None
        and len(series.points) >= SMALLEST
        and series.instrument.functional(series.values[0]) is False
    )


def _scores(course: Course) -> int:
    return len(course.outcome.points) if course.outcome else 0


def _verdict(rule: str, cases: Sequence[Case], firing: bool) -> Verdict:
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


def network(seed: int, cases: int) -> tuple[list[Post], dict[str, bool]]:
    """A year of a made-up network with that many cases, and its truth."""
    therapists = max(2, cases // CASES_PER_THERAPIST)
    clinics = max(1, therapists // THERAPISTS_PER_CLINIC)
    made = simulate(Spec(seed=seed, clinics=clinics, therapists=therapists, clients=cases, weeks=52))
    return made.posts, {ref: known.stalled_or_worse for ref, known in made.truth.items()}


def read(events: Path, truth: Path) -> tuple[list[Post], dict[str, bool]]:
    """Posts and truth from the files that ``resonance simulate`` wrote; a post counts as sent when it was charted.

    Raises ValueError for a line that is no event.
    """
    posts: list[Post] = []
    latest = datetime(1970, 1, 1, tzinfo=UTC)
    with events.open("rb") as lines:
        for number, line in enumerate(lines, 1):
            try:
                event = parse(line)
            except ValidationError:  # whose text can hold what the line says
                raise ValueError(f"line {number} is no event") from None
            latest = max(latest, event.recordedtime or event.time)
            posts.append(Post(latest, event))
    known = [json.loads(line) for line in truth.read_text("utf-8").splitlines()]
    return posts, {entry["case_ref"]: entry["stalled_or_worse"] for entry in known}


def mean_of(judgements: Iterable[Judgement]) -> Judgement:
    """The mean over several networks of the same size."""
    every = list(judgements)
    return Judgement(
        sum(one.cases for one in every),
        _mean([one.policy for one in every]),
        tuple(_mean(list(rule)) for rule in zip(*(one.baselines for one in every), strict=True)),
        sum(one.mails for one in every),
        sum(one.mails_per_therapist_week for one in every) / len(every),
    )


def _mean(verdicts: Sequence[Verdict]) -> Verdict:
    def mean(name: str) -> float:
        return fmean(getattr(one, name) for one in verdicts)

    firing = None if verdicts[0].firing is None else mean("firing")
    names = ("sensitivity", "specificity", "ppv", "lead")
    return Verdict(verdicts[0].rule, mean("flagged"), firing, *(mean(name) for name in names))


def table(judgement: Judgement) -> str:
    """The figures as text; the last line is for machines."""
    head = f"{'rule':34} {'flagged':>8} {'firing':>7} {'sens':>6} {'spec':>6} {'PPV':>6} {'lead':>5}"
    rows = [head]
    for one in (*judgement.baselines, judgement.policy):
        firing = "-" if one.firing is None else f"{one.firing:.2f}"
        rows.append(
            f"{one.rule:34} {one.flagged:8.2f} {firing:>7} {one.sensitivity:6.2f} {one.specificity:6.2f}"
            f" {one.ppv:6.2f} {one.lead:5.1f}"
        )
    own = judgement.policy
    rows.append(f"cases counted: {judgement.cases}; mails: {judgement.mails}")
    rows.append(
        f"policy={own.rule} ppv={own.ppv:.3f} flagged={own.flagged:.3f} sensitivity={own.sensitivity:.3f}"
        f" lead={own.lead:.1f} mails_per_therapist_week={judgement.mails_per_therapist_week:.3f}"
    )
    return "\n".join(rows)
