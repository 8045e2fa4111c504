"""The alerts of a network under one policy: cases are judged together as the live service judges them.

The decisions, the budget and the life of an alert are those of services/alerts; what is written there to log and
outbox stays in memory here.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from heapq import heappop, heappush
from itertools import islice
from typing import NamedTuple

from contracts.events import OWN_SOURCE, AlertNotified, AlertRaised, AlertSuppressed, EventRetracted
from contracts.policies import Policy
from services.alerts.budget import beyond
from services.alerts.decide import Decision, decide
from services.alerts.lifecycle import Obstacle, Response, respond
from services.alerts.run import BATCH
from services.projections.course import Course
from services.projections.fold import AlertEvent
from services.projections.norms import NormSet, in_force
from services.whatif.case import Case, Heard, Own, Told
from services.whatif.history import History
from services.whatif.post import Post


class Happened(NamedTuple):
    """An alert event of the replay, and how many outcome scores the case had by then."""

    event: Own
    scores: int


@dataclass(frozen=True, slots=True)
class Replayed:
    """What would have happened, in the order in which it would stand on the log."""

    events: list[Happened] = field(default_factory=list)
    told: list[Told] = field(default_factory=list)
    waiting: set[str] = field(default_factory=set)
    """Cases that could not be judged at some time, as their events could not be folded."""

    def raised(self) -> Iterator[tuple[AlertRaised, int]]:
        """The alerts, each with the number of outcome scores that its case had by then."""
        for event, scores in self.events:
            if isinstance(event, AlertRaised):
                yield event, scores


class _Judged(NamedTuple):
    case: Case
    course: Course
    decision: Decision
    norms: NormSet | None
    response: Response


class Life:
    """``heard`` is what others said about each case, and ``adopted`` the norm sets; both grow meanwhile."""

    def __init__(
        self, history: History, policy: Policy, heard: Mapping[str, Heard], adopted: Mapping[str, NormSet]
    ) -> None:
        self.done = Replayed()
        self._norms = history.norms
        self._policy = policy
        self._heard = heard
        self._adopted = adopted
        self._post = Post(history)
        self._cases: dict[str, Case] = {}
        self._touched: dict[str, bool] = {}
        """Cases to look at in the order of their newest event; whether that can matter."""
        self._due: list[tuple[datetime, str]] = []

    def wait_until(self, now: datetime) -> None:
        """Looks at what is due before ``now``, each at its instant."""
        while self._due and self._due[0][0] < now:
            self.settle(self._due[0][0])

    def settle(self, now: datetime) -> None:
        """Looks at cases until nothing more follows."""
        while self._step(now) or self._deliver():
            pass

    def touch(self, case_ref: str, *, matters: bool = True) -> None:
        """Something happened to the case."""
        self._touched[case_ref] = self._touched.pop(case_ref, False) or matters

    def hear(self, event: AlertEvent | EventRetracted) -> None:
        """Takes in what the log has about alerts, save what the alerts themselves had made of it."""
        case = self._case(event.case_ref)
        if not case.hears(event):
            return
        if isinstance(event, AlertNotified | AlertSuppressed) and event.source == OWN_SOURCE:
            self.done.events.append(Happened(event, case.scores))
            if isinstance(event, AlertSuppressed):
                self._post.failed(case.letters.pop(event.data.alert_ref))
        self.touch(event.case_ref)

    def _case(self, case_ref: str) -> Case:
        case = self._cases.get(case_ref)
        if case is None:
            case = self._cases[case_ref] = Case(self._heard[case_ref], self._policy.change.strictness)
        return case

    def _step(self, now: datetime) -> bool:
        """Judges as many cases together as the live service does; False where there are none."""
        touched = list(islice(self._touched, BATCH))
        cases = {case_ref: self._touched.pop(case_ref) for case_ref in touched}
        cases |= dict.fromkeys(self._pop_due(now), True)
        found = [self._judge(case_ref, now) for case_ref, matters in cases.items() if matters]
        for one in self._within_budget([one for one in found if one is not None], now):
            for event in one.response.events:
                self._put(one.case, event)
            for letter in one.response.letters:
                told = Told(now, one.course.case_ref, letter)
                if self._post.write(one.case, one.course, told):
                    self.done.told.append(told)
            self._note_due(one)
        return bool(cases)

    def _pop_due(self, now: datetime) -> Iterator[str]:
        popped = 0
        while popped < BATCH and self._due and self._due[0][0] <= now:
            due_at, case_ref = heappop(self._due)
            if self._cases[case_ref].due_at == due_at:
                popped += 1
                yield case_ref

    def _note_due(self, judged: _Judged) -> None:
        due_at = judged.response.due_at
        if due_at is not None and due_at != judged.case.due_at:
            heappush(self._due, (due_at, judged.course.case_ref))
        judged.case.due_at = due_at

    def _judge(self, case_ref: str, now: datetime) -> _Judged | None:
        case = self._case(case_ref)
        try:
            course = case.course()
        except Exception:  # noqa: BLE001 - whatever it is, it concerns this case only, and live it waits too
            self.done.waiting.add(case_ref)
            return None
        if self._norms is not None:
            norms = self._norms.get(case_ref)
        else:
            norms = in_force(self._adopted.values(), course.first_at)
        decision = decide(course, self._policy, norms, now)
        obstacle: Obstacle | None = None if self._post.has_address(course.therapist(now)) else "no_address"
        return _Judged(case, course, decision, norms, self._respond(course, decision, norms, obstacle, now))

    def _respond(
        self, course: Course, decision: Decision, norms: NormSet | None, obstacle: Obstacle | None, now: datetime
    ) -> Response:
        return respond(course, decision, self._policy, norms.version if norms else None, obstacle, now)

    def _within_budget(self, judged: Sequence[_Judged], now: datetime) -> Sequence[_Judged]:
        if not any(one.response.letters for one in judged):
            return judged

        def left(therapist_ref: str) -> int:
            return self._policy.mail.mails_per_therapist_week - self._post.in_a_week(therapist_ref, now)

        no_room = beyond((letter for one in judged for letter in one.response.letters), left)
        return [
            one._replace(response=self._respond(one.course, one.decision, one.norms, "over_budget", now))
            if any(letter.alert_ref in no_room for letter in one.response.letters)
            else one
            for one in judged
        ]

    def _put(self, case: Case, event: Own) -> None:
        if case.puts(event):
            self.done.events.append(Happened(event, case.scores))
            self.touch(event.case_ref)

    def _deliver(self) -> bool:
        delivered = self._post.delivered()
        for case, event in delivered:
            self._put(case, event)
        return bool(delivered)
