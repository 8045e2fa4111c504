"""What a client of a made-up case says beyond the first asking: goals, hope, and wishes that change as time goes by.

It has a stream of chance and a sheet of its own, so that nothing else that is charted depends on it.
"""

from datetime import datetime
from random import Random
from typing import Final, Literal

from contracts.agreement import PreferenceRecordedData
from contracts.events import PreferenceRecorded
from services.simulation.clinics import draw_ref
from services.simulation.sheet import Sheet
from services.simulation.wishes import MORE_WISHES

_HOPE, _REVISED, _STATED, _THERAPIST_ONLY = 0.4, 0.12, 0.3, 0.1
_AREAS: Final[tuple[Literal["individual", "interpersonal", "social"], ...]] = ("individual", "interpersonal", "social")


class Revisions:
    """The record of one client's wishes; ``rng`` is the case's own stream for it."""

    def __init__(self, rng: Random, sheet: Sheet) -> None:
        self.sheet = sheet
        self._rng = rng
        self._said: list[tuple[PreferenceRecordedData, tuple[str, ...]]] = []
        self._goals: list[str] = []

    def rounded(self, said: PreferenceRecordedData, stances: tuple[str, ...]) -> PreferenceRecordedData:
        """What was charted of one wish, with the goal it is or the areas of life it is about; it can change later."""
        rng = self._rng
        if said.domain == "goal":
            self._goals.append(draw_ref(rng, "go"))
            said = said.model_copy(update={"goal_ref": self._goals[-1]})
        elif said.domain == "reason_for_service":
            said = said.model_copy(update={"areas": tuple(rng.sample(_AREAS, k=rng.randint(1, 2)))})
        self._said.append((said, stances))
        return said

    def asked(self, session_ref: str, therapist_ref: str, at: datetime) -> None:
        """What else comes up when the client is first asked."""
        rng = self._rng
        for wish in rng.sample(MORE_WISHES, k=rng.randint(0, 2)):
            said = PreferenceRecordedData(
                kind=wish.kind,
                domain=wish.domain,
                aspect=wish.aspect,
                stance=rng.choice(wish.stances),
                elicited_in=session_ref,
                asked_by=therapist_ref,
                client_confirmed=rng.random() < 0.9,
                statement=rng.choice(wish.statements) if wish.statements and rng.random() < _STATED else None,
            )
            self._chart(self.rounded(said, wish.stances), at)
        if rng.random() < _HOPE:
            self._rate("hope", session_ref, therapist_ref, at)

    def session(self, session_ref: str, therapist_ref: str, at: datetime) -> None:
        """A later session, in which the client may see something otherwise than before."""
        rng = self._rng
        if not self._said or rng.random() >= _REVISED:
            return
        place = rng.randrange(len(self._said))
        before, stances = self._said[place]
        if before.domain == "goal":
            self._rate("goal", session_ref, therapist_ref, at, before.goal_ref)
            return
        others = [stance for stance in stances if stance != before.stance] or list(stances)
        update = {
            "stance": rng.choice(others),
            "statement": None,
            "strength": None,
            "elicited_in": session_ref,
            "asked_by": therapist_ref,
            "client_confirmed": rng.random() < 0.9,
        }
        said = before.model_copy(update=update)
        self._said[place] = said, stances
        self._chart(said, at)

    def serves(self) -> str | None:
        """The goal that a task serves, where that was said."""
        return self._rng.choice(self._goals) if self._goals and self._rng.random() < 0.7 else None

    def agrees(self) -> Literal["both", "therapist"] | None:
        """Who agreed to what was renegotiated; in some cases nobody wrote it down."""
        draw = self._rng.random()
        return "therapist" if draw < _THERAPIST_ONLY else "both" if draw < 0.7 else None

    def rating(self, middle: float) -> float | None:
        """A client's rating from 0 to 10, for most who are asked."""
        return None if self._rng.random() < 0.4 else round(min(max(self._rng.gauss(middle, 1.8), 0), 10), 1)

    def _rate(
        self,
        domain: Literal["hope", "goal"],
        session_ref: str,
        therapist_ref: str,
        at: datetime,
        goal_ref: str | None = None,
    ) -> None:
        said = PreferenceRecordedData(
            kind="theory_of_change" if domain == "hope" else "preference",
            domain=domain,
            aspect="hope" if domain == "hope" else None,
            goal_ref=goal_ref,
            strength=round(min(max(self._rng.gauss(5.5, 2), 0), 10), 1),
            elicited_in=session_ref,
            asked_by=therapist_ref,
        )
        self._chart(said, at)

    def _chart(self, said: PreferenceRecordedData, at: datetime) -> None:
        self.sheet.add(PreferenceRecorded(**self.sheet.case(at), data=said))
