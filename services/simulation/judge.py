"""Judging alerts against the truth of a made-up network: how many are right, how early, and how many mails it takes.

Norms are fitted on every other case and used on the rest, both ways round, so no case is judged by norms it helped to
make. Counted are cases with a clinical first score and at least four scores; a rule flags a case if it fires before
the case's last score; right means that the client's own class is flat or worsening. These are figures about the
simulator, never about clients.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import fmean
from typing import Final, NamedTuple

from pydantic import ValidationError

from contracts.events import CaseOpened, parse
from contracts.policies import Policy
from services.figures.fitting import fit
from services.projections.course import Course
from services.projections.growth import outlooks
from services.projections.norms import NormSet
from services.simulation.baselines import RULES, scored
from services.simulation.ceiling import Ceiling
from services.simulation.history import final_courses, recorded
from services.simulation.network import simulate
from services.simulation.posts import Post
from services.simulation.spec import Spec
from services.whatif.history import History
from services.whatif.replay import replay
from services.whatif.verdict import Case, Verdict, counts, first_alarms, verdict_on

CHANCES: Final = (0.35, 0.40, 0.45, 0.50, 0.55, 0.60, 0.65, 0.70)
CASES_PER_THERAPIST: Final = 50
THERAPISTS_PER_CLINIC: Final = 10


class Judgement(NamedTuple):
    cases: int
    policy: Verdict
    beside: tuple[Verdict, ...]
    """The naive rules; then, at one chance after the other, the growth model alone and the simulator's own law."""
    mails: int
    mails_per_therapist_week: float


def judge(posts: Sequence[Post], truth: Mapping[str, bool], policy: Policy) -> Judgement:
    """How ``policy`` and the naive rules do on ``posts``; ``truth`` says which cases are truly stalled or worse."""
    courses = final_courses(posts)
    norms = cross_fitted(courses, policy)
    counted = {ref: course for ref, course in courses.items() if ref in truth and counts(course)}
    end = posts[-1].posted_at + timedelta(days=1)
    [replayed] = replay(History(recorded(posts, by_day=True), end, norms=norms), [policy])
    first = first_alarms(replayed)
    own = [Case(_scores(course), truth[ref], first.get(ref)) for ref, course in counted.items()]
    verdicts = []
    for name, rule in RULES.items():
        cases = []
        for ref, course in counted.items():
            seen = scored(course, norms[ref])
            places = [place for place in range(_scores(course)) if seen is not None and rule(seen, place)]
            cases.append(Case(_scores(course), truth[ref], places[0] + 1 if places else None, len(places)))
        verdicts.append(verdict_on(name, cases, firing=True))
    verdicts += _frontier(counted, truth, norms, policy)
    therapists = {post.event.data.therapist_ref for post in posts if isinstance(post.event, CaseOpened)}
    weeks = max(1, (posts[-1].posted_at - posts[0].posted_at).days) / 7
    rate = len(replayed.told) / len(therapists) / weeks
    return Judgement(len(own), verdict_on(policy.key, own), tuple(verdicts), len(replayed.told), rate)


def _frontier(
    counted: Mapping[str, Course], truth: Mapping[str, bool], norms: Mapping[str, NormSet], policy: Policy
) -> list[Verdict]:
    """What flagging at each of ``CHANCES`` would do: by the growth model, and by the simulator's own law."""
    ceiling = Ceiling(seed=0)
    chances: list[tuple[str, list[float], list[float]]] = []
    for ref, course in counted.items():
        series = course.outcome
        growth = norms[ref].growth_of(series) if series is not None else None
        if series is None or growth is None or series.instrument.key != "ors":
            continue
        scores = [(point.session, point.value) for point in series.points]
        enough = (series.instrument.reliable_change or 0) * policy.stalled.gain_below_reliable_changes
        horizon = policy.outlook.by_session
        told = zip(scores, outlooks(growth, scores), strict=True)
        found = [outlook.chance_below(enough, max(session, horizon)) for (session, _), outlook in told]
        chances.append((ref, found, ceiling.chances([session for session, _ in scores], series.values)))
    least = policy.outlook.scores

    def verdict(name: str, chance: float, which: int) -> Verdict:
        cases = []
        for ref, *both in chances:
            places = [n for n, one in enumerate(both[which], 1) if n >= least and one >= chance]
            cases.append(Case(len(both[which]), truth[ref], places[0] if places else None, len(places)))
        return verdict_on(f"{name} {chance:.2f}", cases, firing=True)

    names = ("growth model, chance", "simulator's law, chance")
    return [verdict(name, chance, which) for which, name in enumerate(names) for chance in CHANCES]


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


def _scores(course: Course) -> int:
    return len(course.outcome.points) if course.outcome else 0


def network(seed: int, cases: int) -> tuple[list[Post], dict[str, bool]]:
    """A year of a made-up network with that many cases, and its truth.

    Nobody renegotiates in it: a case whose task was changed in time raises no alert, and that would count as missed.
    """
    therapists = max(2, cases // CASES_PER_THERAPIST)
    clinics = max(1, therapists // THERAPISTS_PER_CLINIC)
    spec = Spec(seed=seed, clinics=clinics, therapists=therapists, clients=cases, weeks=52, renegotiates=False)
    made = simulate(spec)
    return made.posts, {ref: known.stalled_or_worse for ref, known in made.truth.items()}


def read(events: Path, truth: Path | None) -> tuple[list[Post], dict[str, bool]]:
    """Posts and truth from the files that ``resonance simulate`` wrote; a post counts as sent when it was charted.

    Without a file for it the truth about no case is known. Raises ValueError for a line that is no event or no truth,
    and where there is no event.
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
    if not posts:
        raise ValueError("there is no event")
    known: dict[str, bool] = {}
    for number, said in enumerate(truth.read_text("utf-8").splitlines() if truth else (), 1):
        try:
            entry = json.loads(said)
            known[entry["case_ref"]] = entry["stalled_or_worse"]
        except (ValueError, LookupError, TypeError):
            raise ValueError(f"line {number} says not what is true of a case") from None
    return posts, known


def mean_of(judgements: Iterable[Judgement]) -> Judgement:
    """The mean over several networks of the same size."""
    every = list(judgements)
    return Judgement(
        sum(one.cases for one in every),
        _mean([one.policy for one in every]),
        tuple(_mean(list(rule)) for rule in zip(*(one.beside for one in every), strict=True)),
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
    for one in (*judgement.beside, judgement.policy):
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
