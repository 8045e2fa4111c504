"""Measuring in a made-up case: what is filled in, left out, mistyped, or put on the wrong sheet."""

from datetime import datetime, timedelta
from random import Random
from typing import Final, Literal

from contracts.data import (
    EventRetractedData,
    InstrumentUse,
    MeasureCorrectedData,
    MeasureDeclinedData,
    MeasureRecordedData,
)
from contracts.events import EventRetracted, MeasureCorrected, MeasureDeclined, MeasureRecorded
from contracts.instruments import catalogue
from services.simulation.clinics import draw_ref
from services.simulation.latent import Session
from services.simulation.scores import filled_in, mistaken, phq9
from services.simulation.sheet import Sheet

ORS, SRS, PHQ9 = ("ors", "adult"), ("srs", "adult"), ("phq9", "adult")
_MISTYPED, _MISPLACED = 0.01, 0.003
_PHQ9_EVERY: Final = 4
_BLANK: Final[dict[Literal["declined", "not_offered", "unable"], float]] = {
    "declined": 0.3,
    "not_offered": 0.6,
    "unable": 0.1,
}


class Measuring:
    """The measures of one case: ORS before and SRS after each session, in some clinics a PHQ-9 every fourth."""

    def __init__(self, rng: Random, sheet: Sheet) -> None:
        self._rng = rng
        self._sheet = sheet
        self._weak = rng.randrange(4), rng.randrange(4)

    def session(self, number: int, session: Session, session_ref: str, start: datetime, finish: datetime) -> None:
        """Charts the measures around one session, from ``start`` to ``finish``."""
        before, after = start - timedelta(minutes=self._rng.randint(3, 10)), finish + timedelta(minutes=2)
        absent = self._sheet.clinic.unmeasured
        self._measure(ORS, session.ors, before, session_ref, absent / 2 if number == 1 else absent, self._weak[0])
        self._measure(SRS, session.srs, after, session_ref, absent, self._weak[1])
        if self._sheet.clinic.phq9 and number % _PHQ9_EVERY == 1:
            self._measure(PHQ9, phq9(self._rng, session.state), before, session_ref, absent, 0)
        if self._rng.random() < _MISPLACED:
            self._misplace(before)

    def _measure(
        self, which: tuple[str, str], value: float, at: datetime, session_ref: str, absent: float, weak: int
    ) -> None:
        rng, sheet = self._rng, self._sheet
        if rng.random() < absent:
            self._leave_blank(which, at, session_ref)
            return
        data = self._data(which, value, at, session_ref, weak)
        if rng.random() >= _MISTYPED:
            sheet.add(MeasureRecorded(**sheet.case(at), data=data))
            return
        wrong = filled_in(rng, catalogue()[which], mistaken(rng, catalogue()[which], value), sheet.clinic.items, weak)
        mistake = MeasureRecorded(**sheet.case(at), data=data.model_copy(update={"scores": wrong}))
        sheet.add(mistake)
        charted = at + timedelta(minutes=rng.randint(15, 150))
        right = MeasureCorrectedData(**dict(data), supersedes=mistake.key, reason="entered_in_error")
        sheet.add(MeasureCorrected(**sheet.case(at, charted), data=right))

    def _data(
        self, which: tuple[str, str], value: float, at: datetime, session_ref: str | None, weak: int
    ) -> MeasureRecordedData:
        clinic, rng = self._sheet.clinic, self._rng
        paper = clinic.mode == "paper"  # of which only the day is known
        return MeasureRecordedData(
            measurement_ref=draw_ref(rng, "ms"),
            session_ref=session_ref,
            instrument=InstrumentUse(key=which[0], version=which[1]),
            timing="after_session" if which == SRS else "before_session",
            mode=clinic.mode,
            scores=filled_in(rng, catalogue()[which], value, clinic.items, weak),
            occurred_on=at.astimezone(clinic.zone).date() if paper else None,
            time_precision="day" if paper else None,
        )

    def _leave_blank(self, which: tuple[str, str], at: datetime, session_ref: str) -> None:
        """Half of what is missing is charted as such."""
        if self._rng.random() < 0.5:
            return
        data = MeasureDeclinedData(
            session_ref=session_ref,
            instrument=InstrumentUse(key=which[0], version=which[1]),
            reason=self._rng.choices(list(_BLANK), weights=list(_BLANK.values()))[0],
        )
        self._sheet.add(MeasureDeclined(**self._sheet.case(at), data=data))

    def _misplace(self, at: datetime) -> None:
        """Somebody else's ORS lands on this sheet, and is taken off again within days."""
        rng, sheet = self._rng, self._sheet
        stray = MeasureRecorded(
            **sheet.case(at + timedelta(minutes=1)), data=self._data(ORS, round(rng.uniform(5, 35), 1), at, None, 0)
        )
        sheet.add(stray)
        found = at + timedelta(days=rng.randint(1, 3))
        retraction = EventRetractedData(target=stray.key, reason="wrong_client")
        sheet.add(EventRetracted(**sheet.case(found), data=retraction))
