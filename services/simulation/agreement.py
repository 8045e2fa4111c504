"""What client and therapist of a made-up case agree on: tasks, renegotiations, and what the client wishes for."""

from datetime import datetime, timedelta
from random import Random
from typing import Final, Literal

from contracts.agreement import (
    ActivityPreferences,
    PreferenceRecordedData,
    TaskAgreedData,
    TaskEndedData,
    TaskRenegotiatedData,
)
from contracts.events import PreferenceRecorded, TaskAgreed, TaskEnded, TaskRenegotiated
from services.simulation.clinics import draw_ref
from services.simulation.latent import Session
from services.simulation.revisions import Revisions
from services.simulation.sheet import Sheet
from services.simulation.wishes import REASONS, TASKS, WISHES

_WHY: Final[
    dict[
        Literal["score", "alliance", "client_request", "other"],
        Literal["no_benefit", "alliance_low", "client_request", "other"],
    ]
] = {
    "score": "no_benefit",
    "alliance": "alliance_low",
    "client_request": "client_request",
    "other": "other",
}
_TASK, _SECOND_TASK, _ASKED, _STATED, _ACTIVITY = 0.95, 0.3, 0.8, 0.3, 0.3


class Agreement:
    """The agreement of one case, and the tasks that are in force."""

    def __init__(self, rng: Random, sheet: Sheet, therapist_ref: str, revisions: Revisions) -> None:
        self.therapist_ref = therapist_ref
        self._revisions = revisions
        self._rng = rng
        self._sheet = sheet
        self._tasks: list[str] = []
        self._task_at = rng.choice((1, 1, 2)) if rng.random() < _TASK else None
        self._second_at = 2 if rng.random() < _SECOND_TASK else None
        self._asked_at = rng.choice((1, 1, 2)) if rng.random() < _ASKED else None

    def session(self, number: int, session: Session, session_ref: str, finish: datetime) -> None:
        """Charts what was agreed in one session that ended at ``finish``."""
        if number == self._asked_at:
            self._ask(session_ref, finish - timedelta(minutes=15))
            self._revisions.asked(session_ref, self.therapist_ref, finish - timedelta(minutes=12))
        else:
            self._revisions.session(session_ref, self.therapist_ref, finish - timedelta(minutes=12))
        if number in (self._task_at, self._second_at):
            self._agree(session, session_ref, finish - timedelta(minutes=8))
        if session.renegotiated:
            self._renegotiate(session, session_ref, finish - timedelta(minutes=5))

    def end(self, at: datetime, met: bool) -> None:
        """The case closes, and with it every task in force."""
        for task_ref in self._tasks:
            data = TaskEndedData(task_ref=task_ref, reason="goal_met" if met else "case_closed")
            self._sheet.add(TaskEnded(**self._sheet.case(at), data=data))

    def _rating(self, middle: float) -> float | None:
        if self._rng.random() < 0.2:
            return None
        return round(min(max(self._rng.gauss(middle, 1.5), 0), 10), 1)

    def _agree(self, session: Session, session_ref: str, at: datetime) -> None:
        rng = self._rng
        data = TaskAgreedData(
            task_ref=draw_ref(rng, "ta"),
            task_code=rng.choice(TASKS),
            agreed_by="both" if rng.random() < 0.8 else "therapist",
            session_ref=session_ref,
            fit=self._rating(session.srs / 4 - 1),
            goal_ref=self._revisions.serves(),
        )
        self._tasks.append(data.task_ref)
        self._sheet.add(TaskAgreed(**self._sheet.case(at), data=data))

    def _renegotiate(self, session: Session, session_ref: str, at: datetime) -> None:
        """The latest task changes its form, or another takes its place or comes beside it."""
        rng = self._rng
        previous = self._tasks[-1] if self._tasks else None
        change: Literal["add", "replace", "intensity", "frequency", "homework", "focus"] = "add"
        if previous:
            change = rng.choice(("add", "replace", "replace", "replace", "intensity", "frequency", "homework", "focus"))
        another = change in ("add", "replace")
        task_ref = draw_ref(rng, "ta") if another or previous is None else previous
        if change == "replace":
            self._tasks.pop()
        if another:
            self._tasks.append(task_ref)
        trigger: Literal["score", "alliance", "client_request", "other"] = "score"
        if session.srs < 34:
            trigger = "alliance"
        elif session.gain >= 3 or rng.random() < 0.3:
            trigger = rng.choice(("client_request", "other"))
        data = TaskRenegotiatedData(
            task_ref=task_ref,
            previous_task_ref=None if change == "add" else previous,
            task_code=rng.choice(TASKS) if another else None,
            initiated_by=rng.choice(("client", "therapist", "therapist", "both")),
            change=change,
            trigger=trigger,
            agreement=self._rating(8),
            session_ref=session_ref,
            statement=rng.choice(REASONS) if rng.random() < _STATED else None,
            reason=_WHY[trigger],
            goal_ref=self._revisions.serves(),
            agreed_by=self._revisions.agrees(),
            fit=self._revisions.rating(session.srs / 4 - 1),
        )
        self._sheet.add(TaskRenegotiated(**self._sheet.case(at), data=data))

    def _ask(self, session_ref: str, at: datetime) -> None:
        rng = self._rng
        for wish in rng.sample(WISHES, k=rng.randint(1, 3)):
            data = PreferenceRecordedData(
                kind=wish.kind,
                domain=wish.domain,
                stance=rng.choice(wish.stances),
                strength=self._rating(6),
                elicited_in=session_ref,
                asked_by=self.therapist_ref,
                client_confirmed=rng.random() < 0.9,
                statement=rng.choice(wish.statements) if rng.random() < _STATED else None,
            )
            said = self._revisions.rounded(data, wish.stances)
            self._sheet.add(PreferenceRecorded(**self._sheet.case(at), data=said))
        if rng.random() < _ACTIVITY:
            activity = ActivityPreferences(
                directiveness=rng.randint(-12, 15),
                emotional_intensity=rng.randint(-10, 12),
                past_orientation=rng.randint(-9, 7),
                warm_support=rng.randint(-6, 14),
            )
            scales = PreferenceRecordedData(
                kind="preference",
                domain="activity",
                elicited_in=session_ref,
                asked_by=self.therapist_ref,
                activity=activity,
            )
            self._sheet.add(PreferenceRecorded(**self._sheet.case(at), data=scales))
