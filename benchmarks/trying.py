"""Trying a policy over a year of a made-up network, beside folding each case whenever something happened to it."""

import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from itertools import groupby
from pathlib import Path
from statistics import median
from typing import Final

from benchmarks.measured import Compared, Found, Informed, Tell, in_turns
from contracts.events import CaseEvent
from contracts.instruments import catalogue
from contracts.policies import policy
from services import storage
from services.access.people import Therapist
from services.eventlog.ports import Recorded, Unread
from services.figures.fitting import fit
from services.projections.fold import course_of
from services.projections.norms import NormSet, adopted
from services.projections.record import Record, evolve
from services.settings import Settings
from services.simulation.history import final_courses, recorded
from services.simulation.network import Network, simulate
from services.simulation.spec import Spec
from services.whatif.figures import Wanted
from services.whatif.history import from_log
from services.whatif.trying import try_policy

NAME: Final = "bench"
AIM_SECONDS: Final = 20


@dataclass(frozen=True, slots=True)
class Size:
    cases: int = 5_000
    weeks: int = 52
    repetitions: int = 3


def trying(size: Size, tell: Tell) -> Found:
    """Events a second through a whole try-policy, which replays two policies, against one walk that only folds."""
    with tempfile.TemporaryDirectory(prefix="resonance-bench-") as folder:
        settings = Settings(data=Path(folder), network=NAME)
        tell(f"a log of {size.cases:,} cases over {size.weeks} weeks")
        end = _log_of(settings, size)
        source = partial(from_log, settings, NAME, storage.secret_of(settings, NAME), end)
        events = len(source().recorded)
        subjects = {
            "tried": lambda: events / _seconds(lambda: try_policy(source, policy(), policy("plain"), Wanted())),
            "folded": lambda: events / _seconds(lambda: _fold(source().recorded)),
        }
        found = in_turns(subjects, size.repetitions, tell)
    seconds = events / median(found["tried"])
    verdict = "reached" if seconds < AIM_SECONDS else "missed"
    return [
        Compared("try-policy", "folding each case whenever touched", "events/s", found["tried"], found["folded"]),
        Informed(
            f"try-policy over {size.cases:,} cases and {size.weeks} weeks, {events:,} events, two policies",
            f"{seconds:.1f} s, aim under {AIM_SECONDS} s on two processors: {verdict}",
        ),
    ]


def _log_of(settings: Settings, size: Size) -> datetime:
    """Each event is received when it was posted, under a norm set of the network's own; returns when all were."""
    therapists = max(2, size.cases // 50)
    made = simulate(Spec(1, max(1, therapists // 10), therapists, size.cases, size.weeks))
    storage.migrate(settings)
    with closing(storage.open_people(settings, NAME)) as people:
        for number, therapist in enumerate(made.therapists):
            people.put(
                Therapist(ref=therapist.ref, name=therapist.name, email=f"t{number}@clinic.example", time_zone="UTC")
            )
    with closing(storage.open_log(settings, NAME, storage.secret_of(settings, NAME))) as log:
        start = made.posts[0].posted_at - timedelta(hours=1)
        log.append([adopted(_norms(made, start), policy(), start)], start)
        for one in recorded(made.posts):
            log.append([one.event], one.received)
    return made.posts[-1].posted_at + timedelta(days=1)


def _norms(made: Network, start: datetime) -> NormSet:
    series = (course.outcome for course in final_courses(made.posts).values())
    return fit((one for one in series if one is not None), policy().norms, start)


def _fold(whole: Sequence[Recorded | Unread]) -> None:
    records: dict[str, Record] = defaultdict(dict)
    for _, received in groupby((one for one in whole if isinstance(one, Recorded)), key=lambda one: one.received):
        touched = {}
        for one in received:
            if isinstance(one.event, CaseEvent):
                evolve(records[one.event.case_ref], one.event)
                touched[one.event.case_ref] = True
        for case_ref in touched:
            course_of(records[case_ref], catalogue())


def _seconds(work: Callable[[], object]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began
