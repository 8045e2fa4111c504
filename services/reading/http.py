"""Reading the views over HTTP: a case's course, a therapist's caseload and summary, at a position of your choice.

``Resonance-Min-Position`` asks for a view that has come at least so far (read your own write), for as long as
``Prefer: wait=<seconds>`` says (RFC 7240, at most ten); a view that is not there in time answers 503.
"""

import re
from collections.abc import Callable
from datetime import datetime
from typing import Annotated, Final, NamedTuple, Protocol

from fastapi import APIRouter, Depends, Header, Path, Request, Response
from fastapi.concurrency import run_in_threadpool

from contracts.data import REFERENCE
from contracts.policies import Policy
from services.access.credential import Credential
from services.access.keys import Keys
from services.access.problems import Fault, Refused, problem
from services.eventlog.follow import Signal
from services.projections.answers import CaseloadAnswer, CaseloadEntry, CourseAnswer, SummaryAnswer
from services.projections.course import Course
from services.projections.fold import Catalogue
from services.projections.therapist import figures
from services.projections.views import Views

POSITION: Final = "Resonance-Position"
LONGEST_WAIT_SECONDS: Final = 10
WAIT_SECONDS: Final = 2
_WAIT: Final = re.compile(r"(?:^|[,;]\s*)wait=(\d{1,3})(?:$|[,;\s])")
_Ref = Annotated[str, Path(pattern=rf"^{REFERENCE}$")]


class NetworkViews(Protocol):
    """The parts of one network that reading needs."""

    @property
    def views(self) -> Views: ...

    @property
    def applied(self) -> Signal: ...

    @property
    def policy(self) -> Policy: ...


class Reader(NamedTuple):
    """Who asks, and what they may read: the views of their own network at the position they asked for."""

    credential: Credential
    network: NetworkViews

    def sees(self, course: Course | None) -> bool:
        return course is not None and self.credential.speaks_for_clinic(course.clinic)


def router(
    keys: Keys, networks: Callable[[str], NetworkViews], catalogue: Catalogue, clock: Callable[[], datetime]
) -> APIRouter:
    """The routes of the read API. ``networks`` gives the parts of a network by its name."""
    found = APIRouter()

    async def reader(
        request: Request,
        response: Response,
        min_position: Annotated[int, Header(alias="Resonance-Min-Position", ge=0)] = 0,
        prefer: Annotated[str, Header()] = "",
    ) -> Reader:
        authorization = request.headers.get("authorization")
        credential = await run_in_threadpool(
            keys.check, authorization.encode("latin-1") if authorization else None, clock()
        )
        credential.require("read")
        network = networks(credential.network)
        asked = _WAIT.search(prefer)
        seconds = min(int(asked[1]), LONGEST_WAIT_SECONDS) if asked else WAIT_SECONDS
        if min_position > network.applied.value and not await network.applied.reached(min_position, seconds):
            raise Refused(problem("projection-behind", Fault("", "min_position")))
        response.headers[POSITION] = str(network.applied.value)
        return Reader(credential, network)

    asker = Annotated[Reader, Depends(reader)]

    @found.get("/v1/cases/{ref}/course", operation_id="get_course", summary="The course of a case")
    async def course(ref: _Ref, by: asker) -> CourseAnswer:
        return await run_in_threadpool(_course, by, ref)

    @found.get("/v1/therapists/{ref}/caseload", operation_id="get_caseload", summary="A therapist's cases at present")
    async def caseload(ref: _Ref, by: asker) -> CaseloadAnswer:
        return await run_in_threadpool(_caseload, by, ref, clock())

    @found.get("/v1/therapists/{ref}/summary", operation_id="get_summary", summary="A therapist's figures")
    async def summary(ref: _Ref, by: asker) -> SummaryAnswer:
        return await run_in_threadpool(_summary, by, ref, catalogue)

    return found


def _course(by: Reader, case_ref: str) -> CourseAnswer:
    course = by.network.views.course(case_ref)
    if course is None or not by.sees(course):
        raise Refused(problem("not-found"))
    if course.client_ref is not None:
        person = by.network.views.person(course.client_ref)
        return CourseAnswer.model_validate(course).model_copy(update={"client_ref": person})
    return CourseAnswer.model_validate(course)


def _caseload(by: Reader, therapist_ref: str, now: datetime) -> CaseloadAnswer:
    courses = by.network.views.courses_of(by.network.views.caseload(therapist_ref, now))
    entries = tuple(_entry(course) for course in courses if by.sees(course))
    return CaseloadAnswer(therapist_ref=therapist_ref, cases=entries)


def _entry(course: Course) -> CaseloadEntry:
    series = course.outcome
    return CaseloadEntry(
        case_ref=course.case_ref,
        clinic=course.clinic,
        sessions=len(course.sessions),
        last_session_at=course.sessions[-1].at if course.sessions else None,
        instrument=series.instrument.key if series else None,
        change=series.change if series else None,
        open_alerts=tuple(alert.reason for alert in course.alerts if alert.open),
        flags=course.flags,
        pending=course.pending,
    )


def _summary(by: Reader, therapist_ref: str, catalogue: Catalogue) -> SummaryAnswer:
    """Only a key for the whole network may read it: a summary spans clinics."""
    if by.credential.clinics is not None:
        raise Refused(problem("clinic-not-allowed"))
    rows = by.network.views.outcomes()
    open_cases, closed_cases = by.network.views.open_and_closed(therapist_ref)
    return SummaryAnswer(
        therapist_ref=therapist_ref,
        open_cases=open_cases,
        closed_cases=closed_cases,
        figures=figures(rows, therapist_ref, by.network.policy.therapist, catalogue),
    )
