"""Reading over HTTP: a case's course and decision, a therapist's caseload and figures, at a position of your choice.

``as_of`` asks for what could be known at an instant.
"""

from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from datetime import datetime
from typing import Annotated, Final, NamedTuple, Protocol

from fastapi import APIRouter, Depends, Path, Query
from fastapi.concurrency import run_in_threadpool

from contracts.data import REFERENCE, Instant
from contracts.policies import Policy
from services.access.asking import asker
from services.access.bearers import Bearers
from services.access.credential import Credential
from services.access.problems import Fault, Refused, problem
from services.access.refusals import refusals
from services.alerts.decide import decide
from services.eventlog.follow import Signal
from services.projections.course import Course
from services.projections.known import Known, Waiting
from services.projections.norms import in_force
from services.projections.views import Views
from services.reading.answers import CaseloadAnswer, CaseloadEntry, CourseAnswer, DecisionAnswer, SummaryAnswer
from services.reading.followed import FollowedAnswer, Told
from services.reading.position import AtLeast, at_least

_OF_PAST: Final = refusals("projection-behind", "time-out-of-range")
_OF_CASES: Final = refusals("not-found", "projection-behind", "time-out-of-range")
_OF_ALL: Final = refusals("clinic-not-allowed", "projection-behind")
_Ref = Annotated[str, Path(pattern=rf"^{REFERENCE}$", description="The reference of the case or the therapist")]


class NetworkViews(Protocol):
    """The parts of one network that reading needs."""

    @property
    def views(self) -> Views: ...

    @property
    def applied(self) -> Signal: ...

    @property
    def policy(self) -> Policy: ...


class Reader(NamedTuple):
    """Who asks, and what they may read: the cases of their own network, as they were known at ``now``."""

    credential: Credential
    network: NetworkViews
    known: Known
    now: datetime

    def sees(self, course: Course) -> bool:
        """Whether it is a case of their clinics, by what is known now as well."""
        if self.credential.clinics is None:
            return True
        views = self.network.views
        present = course if self.known is views else views.course(course.case_ref)
        return present is not None and self.credential.speaks_for_clinics(course.clinics | present.clinics)

    def courses(self, case_refs: Iterable[str]) -> Iterator[Course]:
        """Those of these cases that they may read, save what is parked, now or then."""
        for course in self.known.courses_of(case_refs):
            with suppress(Waiting):
                if self.sees(course):
                    yield course

    def course(self, case_ref: str) -> Course:
        """Raises Refused where there is no such case, or none of theirs."""
        found = self.known.course(case_ref)
        if found is None or not self.sees(found):
            raise Refused(problem("not-found"))
        return found


def router(bearers: Bearers, networks: Callable[[str], NetworkViews], clock: Callable[[], datetime]) -> APIRouter:
    """The routes of the read API. ``networks`` gives the parts of a network by its name."""
    found = APIRouter()
    told = Told()

    async def reader(
        credential: Annotated[Credential, Depends(asker(bearers, clock, "read"))],
        position: Annotated[AtLeast, Depends(at_least)],
    ) -> Reader:
        network = networks(credential.network)
        await position.reached(network.applied)
        return Reader(credential, network, network.views, clock())

    async def reader_then(
        by: Annotated[Reader, Depends(reader)],
        as_of: Annotated[
            Instant | None, Query(description="What had been received by then; the present without it")
        ] = None,
    ) -> Reader:
        if as_of is None:
            return by
        if as_of > by.now:
            raise Refused(problem("time-out-of-range", Fault("/as_of", "in_the_future")))
        return by._replace(known=by.network.views.at(as_of), now=as_of)

    at_present = Annotated[Reader, Depends(reader)]
    as_asked = Annotated[Reader, Depends(reader_then)]

    @found.get("/v1/cases/{ref}/course", operation_id="get_course", summary="The course of a case", responses=_OF_CASES)
    async def course(ref: _Ref, by: as_asked) -> CourseAnswer:
        return await run_in_threadpool(_course, by, ref)

    @found.get(
        "/v1/cases/{ref}/decision",
        operation_id="get_decision",
        summary="Where a case stands, and why",
        responses=_OF_CASES,
    )
    async def decision(ref: _Ref, by: as_asked) -> DecisionAnswer:
        return await run_in_threadpool(_decision, by, ref)

    @found.get(
        "/v1/therapists/{ref}/caseload", operation_id="get_caseload", summary="A therapist's cases", responses=_OF_PAST
    )
    async def caseload(ref: _Ref, by: as_asked) -> CaseloadAnswer:
        return await run_in_threadpool(_caseload, by, ref)

    @found.get(
        "/v1/therapists/{ref}/summary", operation_id="get_summary", summary="A therapist's figures", responses=_OF_ALL
    )
    async def summary(ref: _Ref, by: at_present) -> SummaryAnswer:
        return await run_in_threadpool(_summary, by, ref)

    @found.get(
        "/v1/network/followed", operation_id="get_followed", summary="What followed renegotiations", responses=_OF_ALL
    )
    async def followed(by: at_present) -> FollowedAnswer:
        return await run_in_threadpool(_followed, by, told)

    return found


def _course(by: Reader, case_ref: str) -> CourseAnswer:
    course = by.course(case_ref)
    person = None if course.client_ref is None else by.known.person(course.client_ref)
    return CourseAnswer.of(course, by.network.policy, person)


def _decision(by: Reader, case_ref: str) -> DecisionAnswer:
    course = by.course(case_ref)
    norms = in_force(by.network.views.norm_sets(by.now), course.first_at)
    decision = decide(course, by.network.policy, norms, by.now)
    return DecisionAnswer.of(course, decision, by.network.policy, norms, by.now)


def _caseload(by: Reader, therapist_ref: str) -> CaseloadAnswer:
    courses = by.courses(by.known.caseload(therapist_ref, by.now))
    entries = tuple(map(CaseloadEntry.of, courses))
    return CaseloadAnswer(therapist_ref=therapist_ref, cases=entries)


def _summary(by: Reader, therapist_ref: str) -> SummaryAnswer:
    """Only a key for the whole network may read it: a summary spans clinics."""
    if by.credential.clinics is not None:
        raise Refused(problem("clinic-not-allowed"))
    from services.figures.summary import summary  # numpy and scipy take long to import, and most requests need neither

    open_cases, closed_cases = by.network.views.open_and_closed(therapist_ref)
    found = summary(by.network.views, therapist_ref, by.network.policy, by.now)
    return SummaryAnswer(
        therapist_ref=therapist_ref,
        open_cases=open_cases,
        closed_cases=closed_cases,
        figures=found.figures,
        alerts=found.alerts,
        renegotiation=found.renegotiation,
        alliance_and_outcome=found.alliance_and_outcome,
    )


def _followed(by: Reader, told: Told) -> FollowedAnswer:
    """Only a key for the whole network may read it."""
    if by.credential.clinics is not None:
        raise Refused(problem("clinic-not-allowed"))
    return told.of_network(by.credential.network, by.network.views, by.network.policy, by.now)
