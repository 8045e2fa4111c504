"""Courses of made-up networks without the events between: the clients that `resonance simulate` would chart."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from functools import cache
from random import Random
from typing import Final

from contracts.instruments import Instrument, catalogue
from services.projections.change import change
from services.projections.course import Course, Point, Renegotiation, Series, Session
from services.projections.fold import course_of
from services.projections.record import record_of
from services.simulation import latent
from services.simulation.clinics import draw_clinics, draw_therapists
from services.simulation.spec import Spec
from tests.story import START, Story

ORS: Final = catalogue()["ors", "adult"]
SRS: Final = catalogue()["srs", "adult"]


def courses(spec: Spec, otherwise: Sequence[Course] = ()) -> list[Course]:
    """A course for each client, a session a week, all closed; measures are missing as in the clients' clinics.

    ``otherwise`` are the courses of a spec that differs in what a renegotiation adds alone: where there was none, the
    course is the same.
    """
    clinics = draw_clinics(spec)
    therapists = draw_therapists(spec, clinics)
    weights = [therapist.caseload for therapist in therapists]
    found = []
    for number in range(spec.clients):
        if otherwise and not otherwise[number].renegotiations:
            found.append(otherwise[number])
            continue
        therapist = spec.stream("case", number).choices(therapists, weights=weights)[0]
        fate, whims = spec.stream("course", number), spec.stream("whims", number)
        client = latent.draw_client(fate, therapist.effects)
        lived = latent.draw_course(fate, client, therapist.effects, whims, therapist.habit, spec.renegotiation_shift)
        found.append(course(f"ca_{number}", lived, spec.stream("gaps", number), therapist.clinic.unmeasured))
    return found


def course(ref: str, lived: latent.Course, gaps: Random, unmeasured: float) -> Course:
    """``unmeasured`` is the share of sessions without a measure, of each kind for itself."""
    empty, told = _template()
    missing = [(gaps.random() < unmeasured, gaps.random() < unmeasured) for _ in lived.sessions]
    weeks = [START + timedelta(weeks=number) for number in range(len(lived.sessions))]
    outcome = [
        Point(at - timedelta(minutes=5), number, one.ors, {})
        for number, (at, one, (gone, _)) in enumerate(zip(weeks, lived.sessions, missing, strict=True), 1)
        if not gone
    ]
    alliance = [
        Point(at + timedelta(minutes=52), number, one.srs, {})
        for number, (at, one, (_, gone)) in enumerate(zip(weeks, lived.sessions, missing, strict=True), 1)
        if not gone
    ]
    return replace(
        empty,
        case_ref=ref,
        closed_on=weeks[-1].date(),
        sessions=tuple(Session(f"se_{number}", at, number) for number, at in enumerate(weeks, 1)),
        series=tuple(series(*one) for one in ((ORS, outcome), (SRS, alliance)) if one[1]),
        renegotiations=tuple(
            replace(told, at=at + timedelta(minutes=45), session=number)
            for number, (at, one) in enumerate(zip(weeks, lived.sessions, strict=True), 1)
            if one.renegotiated
        ),
    )


def series(instrument: Instrument, points: list[Point]) -> Series:
    return Series(instrument, "client", tuple(points), change([point.value for point in points], instrument))


@cache
def _template() -> tuple[Course, Renegotiation]:
    story = Story().opened().session(ors=15).renegotiated().closed()
    found = course_of(record_of(story.events), catalogue())
    return found, found.renegotiations[0]
