"""What a clinic charts of one case: its course, as the events that a record system would send, in no special order."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import islice
from random import Random
from typing import Final, Literal

from contracts.data import (
    CaseClosedData,
    CaseOpenedData,
    ClientMergedData,
    ConsentChangedData,
    SessionHeldData,
    SessionMissedData,
    TherapistAssignedData,
)
from contracts.events import (
    AnyEvent,
    CaseClosed,
    CaseOpened,
    ClientMerged,
    ConsentChanged,
    SessionHeld,
    SessionMissed,
    TherapistAssigned,
)
from services.simulation.agreement import Agreement
from services.simulation.clinics import Therapist, draw_ref
from services.simulation.diary import appointments, wall, workday
from services.simulation.latent import Course, Session
from services.simulation.measuring import Measuring
from services.simulation.revisions import Revisions
from services.simulation.sheet import Sheet

_SUPERVISED, _TRANSFERRED, _CONSENT, _MERGED = 0.3, 0.03, 0.02, 0.01
_MISSED: Final[dict[Literal["no_show", "late_cancel", "client_cancel", "clinic_cancel"], float]] = {
    "no_show": 0.4,
    "late_cancel": 0.2,
    "client_cancel": 0.3,
    "clinic_cancel": 0.1,
}


@dataclass(frozen=True, slots=True)
class Case:
    ref: str
    therapist: Therapist
    colleagues: tuple[Therapist, ...]
    """The others of the clinic: one of them takes over in the few cases that are handed on."""
    course: Course
    opened: date
    first: date
    """The day of the first appointment."""


def chart(rng: Random, own: Random, case: Case, end: datetime) -> list[AnyEvent]:
    """Everything that is charted of ``case`` before ``end``; a case that goes on after it is left open.

    What the client says later of their wishes comes last, as its chance, ``own``, is apart from that of the rest.
    """
    sheet = Sheet(rng, case.ref, case.therapist.clinic, end)
    revisions = Revisions(own, Sheet(own, case.ref, case.therapist.clinic, end))
    _chart(rng, case, sheet, revisions)
    return sheet.events + revisions.sheet.events


def _chart(rng: Random, case: Case, sheet: Sheet, revisions: Revisions) -> None:
    _open(rng, case, sheet)
    slots = appointments(rng, case.first, case.therapist.clinic.zone)
    measuring, agreement = Measuring(rng, sheet), Agreement(rng, sheet, case.therapist.ref, revisions)
    sessions = case.course.sessions
    hand_over = rng.randint(3, 10) if case.colleagues and rng.random() < _TRANSFERRED else None
    consent = rng.randint(1, len(sessions)) if rng.random() < _CONSENT else None
    finish = sheet.end
    for number, session in enumerate(sessions, 1):
        start, minutes = _attended(rng, sheet, slots), rng.choice((45, 50, 50, 60))
        if start >= sheet.end:
            return
        finish = start + timedelta(minutes=minutes)
        session_ref = _hold(rng, sheet, start, minutes)
        measuring.session(number, session, session_ref, start, finish)
        agreement.session(number, session, session_ref, finish)
        if number == consent:
            _withdraw(rng, sheet, finish)
        if number == hand_over and number < len(sessions):
            agreement.therapist_ref = _hand_over(rng, case, sheet, finish)
    _close(rng, case, sheet, agreement, finish, slots)


def _open(rng: Random, case: Case, sheet: Sheet) -> None:
    therapist = case.therapist
    at = wall(case.opened, 8, rng.randrange(45), therapist.clinic.zone)
    client_ref = draw_ref(rng, "c")
    opened = CaseOpenedData(
        client_ref=client_ref,
        therapist_ref=therapist.ref,
        opened_on=case.opened,
        setting="remote" if rng.random() < 0.1 else "outpatient",
    )
    sheet.add(CaseOpened(**sheet.case(at), data=opened))
    if therapist.supervisor and rng.random() < _SUPERVISED:
        assigned = TherapistAssignedData(therapist_ref=therapist.supervisor, role="supervisor", effective_from=at)
        sheet.add(TherapistAssigned(**sheet.case(at + timedelta(minutes=1)), data=assigned))
    if rng.random() < _MERGED:
        # Somebody was registered twice, and the case was opened under the second reference.
        later = at + timedelta(days=rng.randint(1, 10))
        merged = ClientMergedData(from_ref=client_ref, into_ref=draw_ref(rng, "c"))
        sheet.add(ClientMerged(**sheet.client(later, client_ref), data=merged))


def _attended(rng: Random, sheet: Sheet, slots: Iterator[datetime]) -> datetime:
    """The next appointment that is kept, having charted those that were not."""
    slot = next(slots)
    while slot < sheet.end and rng.random() < sheet.clinic.missed:
        _miss(rng, sheet, slot, rng.choices(list(_MISSED), weights=list(_MISSED.values()))[0])
        slot = next(slots)
    return slot


def _miss(
    rng: Random,
    sheet: Sheet,
    slot: datetime,
    kind: Literal["no_show", "late_cancel", "client_cancel", "clinic_cancel"],
) -> None:
    data = SessionMissedData(session_ref=draw_ref(rng, "se"), scheduled_for=slot, kind=kind)
    sheet.add(SessionMissed(**sheet.case(slot), data=data))


def _hold(rng: Random, sheet: Sheet, start: datetime, minutes: int) -> str:
    draw = rng.random()
    data = SessionHeldData(
        session_ref=draw_ref(rng, "se"),
        started_at=start,
        minutes=minutes,
        channel="in_person" if draw < 0.75 else "video" if draw < 0.95 else "phone",
    )
    sheet.add(SessionHeld(**sheet.case(start, charted=start + timedelta(minutes=minutes)), data=data))
    return data.session_ref


def _withdraw(rng: Random, sheet: Sheet, at: datetime) -> None:
    purpose: Literal["quality", "research"] = "research" if rng.random() < 0.7 else "quality"
    data = ConsentChangedData(purpose=purpose, state="withdrawn", effective_from=at)
    sheet.add(ConsentChanged(**sheet.case(at), data=data))


def _hand_over(rng: Random, case: Case, sheet: Sheet, finish: datetime) -> str:
    """The reference of the colleague who takes over. The course goes on as it would have."""
    colleague = rng.choice(case.colleagues)
    at = finish + timedelta(minutes=30)
    data = TherapistAssignedData(therapist_ref=colleague.ref, role="primary", effective_from=at)
    sheet.add(TherapistAssigned(**sheet.case(at), data=data))
    return colleague.ref


def _close(
    rng: Random, case: Case, sheet: Sheet, agreement: Agreement, finish: datetime, slots: Iterator[datetime]
) -> None:
    """Agreed, or referred on, at the last session; else after some days, or after waiting in vain."""
    last: Session = case.course.sessions[-1]
    ending: Literal["agreed", "referred", "client_stopped", "lost_contact"]
    if case.course.planned:
        ending, at = ("referred" if rng.random() < 0.05 else "agreed"), finish + timedelta(minutes=15)
    elif rng.random() < 0.55:
        ending = "client_stopped"
        at = wall(workday(finish.date() + timedelta(days=rng.randint(2, 12))), 10, 0, sheet.clinic.zone)
    else:
        ending, silent = "lost_contact", finish
        for silent in islice(slots, rng.randint(1, 3)):
            _miss(rng, sheet, silent, "no_show")
        at = wall(workday(silent.date() + timedelta(days=rng.randint(7, 21))), 10, 0, sheet.clinic.zone)
    agreement.end(at, met=case.course.planned and last.gain >= 5)
    data = CaseClosedData(closed_on=at.astimezone(sheet.clinic.zone).date(), ending=ending)
    sheet.add(CaseClosed(**sheet.case(at), data=data))
