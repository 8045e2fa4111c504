"""What became of alerts: ``GET /v1/feed``, item by item as webhooks tell it too, and where one alert stands."""

from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Annotated, Final, Literal, NamedTuple, Protocol, Self, TypeAlias

from fastapi import APIRouter, Depends, Path, Query, Response
from fastapi.concurrency import run_in_threadpool
from pydantic import BaseModel, ConfigDict

from contracts.data import REFERENCE, AlertReason
from contracts.feed import FeedItem
from services.access.asking import asker
from services.access.bearers import Bearers
from services.access.credential import Credential, Scope
from services.access.paging import MOST_ITEMS, link
from services.access.problems import Refused, problem
from services.access.refusals import Described, refusals
from services.alerts.lifecycle import snoozed
from services.eventlog.follow import Signal
from services.projections.course import Alert, Course
from services.projections.known import Waiting
from services.projections.views import Views
from services.reading.position import FARTHEST, POSITION, AtLeast, at_least

PATH: Final = "/v1/feed"
_HEADERS: Final[Described] = {
    POSITION: {"description": "How far the views were", "schema": {"type": "integer"}},
    "Link": {"description": "`rel=next`, where the page is not complete (RFC 8288)", "schema": {"type": "string"}},
}
AlertState: TypeAlias = Literal["open", "snoozed", "acknowledged", "resolved"]


class NetworkFeed(Protocol):
    """The parts of one network that these routes need."""

    @property
    def views(self) -> Views: ...

    @property
    def applied(self) -> Signal: ...

    @property
    def clock(self) -> Callable[[], datetime]: ...


class FeedPage(BaseModel):
    """Items in the order of their positions, all there are up to ``next_cursor``: the ``after`` of the next page.

    Where the page is ``complete`` there are no more by now.
    """

    items: tuple[FeedItem, ...]
    next_cursor: int
    complete: bool


class AlertStanding(BaseModel):
    """Where one alert stands; an instant is absent where that has not happened.

    ``therapist_ref`` is who is responsible for the case now, and absent where nobody is.
    """

    model_config = ConfigDict(frozen=True)

    alert_ref: str
    reason: AlertReason
    state: AlertState
    case_ref: str
    clinic: str
    therapist_ref: str | None = None
    raised_at: datetime
    notified_at: datetime | None = None
    opened_at: datetime | None = None
    acknowledged_at: datetime | None = None
    snoozed_until: datetime | None = None
    resolved_at: datetime | None = None

    @classmethod
    def of(cls, alert: Alert, course: Course, now: datetime) -> Self:
        state: AlertState = "open"
        if not alert.open:
            state = "resolved"
        elif snoozed(alert, course, now):
            state = "snoozed"
        elif alert.acknowledged_at is not None:
            state = "acknowledged"
        return cls(
            alert_ref=alert.ref,
            reason=alert.reason,
            state=state,
            case_ref=course.case_ref,
            clinic=course.clinic,
            therapist_ref=course.therapist(now),
            raised_at=alert.raised_at,
            notified_at=alert.notified_at,
            opened_at=alert.opened_at,
            acknowledged_at=alert.acknowledged_at,
            snoozed_until=alert.snoozed_until,
            resolved_at=alert.resolved_at,
        )


class _Asked(NamedTuple):
    """Who asks, of which network."""

    credential: Credential
    network: NetworkFeed


def router(bearers: Bearers, networks: Callable[[str], NetworkFeed], clock: Callable[[], datetime]) -> APIRouter:
    """The routes. ``networks`` gives the parts of a network by its name."""
    routes = APIRouter()

    def asked(scope: Scope) -> Callable[..., Awaitable[_Asked]]:
        holder = asker(bearers, clock, scope)

        async def found(
            credential: Annotated[Credential, Depends(holder)], position: Annotated[AtLeast, Depends(at_least)]
        ) -> _Asked:
            network = networks(credential.network)
            await position.reached(network.applied)
            return _Asked(credential, network)

        return found

    @routes.get(
        PATH,
        operation_id="get_feed",
        summary="What became of alerts since a position",
        description="The items are those that webhooks bring, of the clinics of the credential.",
        responses=refusals("projection-behind") | {200: {"headers": _HEADERS}},
    )
    async def get_feed(
        by: Annotated[_Asked, Depends(asked("feed:read"))],
        response: Response,
        after: Annotated[int, Query(ge=0, le=FARTHEST, description="The `next_cursor` of the page before")] = 0,
        limit: Annotated[int, Query(ge=1, le=MOST_ITEMS, description="How many at most")] = 100,
    ) -> FeedPage:
        items, upto = await run_in_threadpool(_items, by, after, limit)
        if len(items) <= limit:
            return FeedPage(items=tuple(items), next_cursor=max(after, upto), complete=True)
        page = FeedPage(items=tuple(items[:limit]), next_cursor=items[limit - 1].position, complete=False)
        response.headers["Link"] = link(PATH, page.next_cursor, limit)
        return page

    @routes.get(
        "/v1/alerts/{ref}",
        operation_id="get_alert",
        summary="Where an alert stands",
        response_model_exclude_none=True,
        responses=refusals("not-found", "projection-behind") | {200: {"headers": {POSITION: _HEADERS[POSITION]}}},
    )
    async def get_alert(
        ref: Annotated[str, Path(pattern=rf"^{REFERENCE}$", description="The `alert_ref` of an item")],
        by: Annotated[_Asked, Depends(asked("alerts:read"))],
    ) -> AlertStanding:
        return await run_in_threadpool(_standing, by, ref)

    return routes


def _items(by: _Asked, after: int, limit: int) -> tuple[list[FeedItem], int]:
    """One item more than asked for, if there is one, and the position up to which there are no others."""
    upto = by.network.views.position()  # first: nothing can come in below it any more
    return by.network.views.feed_items(after, upto, limit + 1, by.credential.clinics), upto


def _standing(by: _Asked, alert_ref: str) -> AlertStanding:
    """Raises Refused: an alert of another clinic is answered as an unknown one, also where its case waits."""
    place = by.network.views.alert_place(alert_ref)
    if place is None:
        raise Refused(problem("not-found"))
    try:
        course = by.network.views.course(place.case_ref)
    except Waiting:
        if by.credential.speaks_for_clinic(place.clinic):
            raise
        course = None
    if course is None or not by.credential.speaks_for_clinics(course.clinics):
        raise Refused(problem("not-found"))
    alert = next((one for one in course.alerts if one.ref == alert_ref), None)
    if alert is None:
        raise Refused(problem("not-found"))
    return AlertStanding.of(alert, course, by.network.clock())
