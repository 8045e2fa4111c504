"""Reading back what was posted: one event, all since a position, and what still waits for something.

A credential is shown the events of its own sources and clinics, as they are on the log; any other is unknown to it.
What Resonance itself appends is not shown at all: these routes are for telling whether everything that was sent is
here. Of the client's own words only is told that they are there.
"""

from collections.abc import Callable
from datetime import datetime
from typing import Annotated, Any, Final, Literal, Protocol

from fastapi import APIRouter, Depends, Query, Response
from fastapi import Path as PathParameter
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict

from contracts.data import REFERENCE, EventId, EventKey, Source
from contracts.events import OWN_SOURCES, AnyEvent
from services.access.asking import asker
from services.access.bearers import Bearers
from services.access.credential import Credential
from services.access.paging import LINKED, MOST_ITEMS, link, page
from services.access.problems import Refused, Slug, problem
from services.access.refusals import Described, refusals
from services.eventlog.follow import Signal
from services.eventlog.ports import Log, Recorded, Unread
from services.projections.pending import Missing, Waits
from services.projections.views import Views
from services.reading.position import FARTHEST, POSITION, AtLeast, at_least

EVENTS: Final = "/v1/events"
PENDING: Final = "/v1/pending"
_REFUSED: Final[tuple[Slug, ...]] = (
    "invalid-key",
    "invalid-token",
    "token-expired",
    "insufficient-scope",
    "validation",
    "internal",
    "storage-unavailable",
    "temporary-reduced-capacity",
)
POSITIONED: Final[Described] = {POSITION: {"description": "How far the views had come", "schema": {"type": "integer"}}}
_Limit = Annotated[int, Query(ge=1, le=MOST_ITEMS, description="So many items at most")]


class NetworkEvents(Protocol):
    """The parts of one network that these routes need."""

    @property
    def log(self) -> Log: ...

    @property
    def views(self) -> Views: ...

    @property
    def applied(self) -> Signal: ...


_EVENT: Final[dict[str, Any]] = {
    "specversion": "1.0",
    "id": "ev-0007",
    "source": "urn:resonance:source:north-ehr",
    "type": "resonance.preference.recorded.v1",
    "subject": "case/ca_8d2fQ4",
    "time": "2026-03-02T15:25:00Z",
    "rsnclinic": "cl_07",
    "data": {"kind": "preference", "domain": "pace", "areas": [], "statement_present": True},
    "rsnposition": 88213,
    "rsnreceived": "2026-03-02T16:58:12Z",
}
_CASE: Final[dict[str, Any]] = {
    "case_ref": "ca_8d2fQ4",
    "clinic": "cl_07",
    "missing": [{"what": "case", "source": "urn:resonance:source:north-ehr"}],
}


class StoredEvent(BaseModel):
    """An event as the log keeps it, in UTC: a CloudEvent with two attributes more. ``data`` is that of its type, save
    that ``statement_present`` stands in place of ``statement``.
    """

    model_config = ConfigDict(json_schema_extra={"examples": [_EVENT]})

    specversion: Literal["1.0"]
    id: EventId
    source: Source
    type: str
    subject: str
    time: datetime
    rsnclinic: str
    recordedtime: datetime | None = None
    datacontenttype: str | None = None
    dataschema: str | None = None
    correlationid: str | None = None
    causationid: str | None = None
    traceparent: str | None = None
    dataregulation: str | None = None
    data: dict[str, Any]
    rsnposition: int
    """Where the log keeps it."""
    rsnreceived: datetime


class EventsPage(BaseModel):
    """Events in the order of their positions. A page can be short, or empty, though more follows: go on until
    ``complete``. ``next_cursor`` is the ``after`` of the next page, now or later.
    """

    items: list[StoredEvent]
    next_cursor: int
    complete: bool


class MissingReference(BaseModel):
    """Something that was referred to and has not arrived.

    ``case``: nothing opened the case; ``amended_event``: what a correction or retraction names, its ``target``;
    ``task``, ``alert``: one that was never agreed on, or raised. ``source`` and ``id`` are those of the event that
    refers to it; a case is referred to by all its events, and ``id`` absent.
    """

    what: Literal["case", "amended_event", "task", "alert"]
    source: Source
    id: EventId | None = None
    target: EventKey | None = None


class PendingCase(BaseModel):
    model_config = ConfigDict(json_schema_extra={"examples": [_CASE]})

    case_ref: str
    clinic: str
    missing: list[MissingReference]


class PendingPage(BaseModel):
    """Cases in the order of their references. ``next_cursor`` is the ``after`` of the next page, absent at the end."""

    items: list[PendingCase]
    next_cursor: str | None = None


def router(bearers: Bearers, networks: Callable[[str], NetworkEvents], clock: Callable[[], datetime]) -> APIRouter:
    """The routes. ``networks`` gives the parts of a network by its name."""
    routes = APIRouter()
    reader = Annotated[Credential, Depends(asker(bearers, clock, "events:read"))]

    @routes.get(
        EVENTS,
        operation_id="list_events",
        summary="The events since a position",
        description="Of the credential's own sources and clinics, and without those that Resonance itself appends.",
        response_model=EventsPage,
        response_model_exclude_none=True,
        responses={**refusals(*_REFUSED), 200: {"description": "A page", **LINKED}},
    )
    def list_events(
        by: reader,
        after: Annotated[int, Query(ge=0, le=FARTHEST, description="The `next_cursor` of the page before")] = 0,
        limit: _Limit = 100,
    ) -> Response:
        log = networks(by.network).log
        items, cursor, complete = page(log.follow, _position, lambda entry: _shown(entry, by), after, limit)
        headers = {} if complete else {"Link": link(EVENTS, cursor, limit)}
        return JSONResponse({"items": items, "next_cursor": cursor, "complete": complete}, headers=headers)

    @routes.get(
        EVENTS + "/{source:path}/{id}",
        operation_id="get_event",
        summary="One event as it is on the log",
        response_model=StoredEvent,
        response_model_exclude_none=True,
        responses={**refusals(*_REFUSED, "not-found"), 200: {"description": "The event"}},
    )
    def get_event(
        source: Annotated[Source, PathParameter(description="Its `source`, percent-encoded or not")],
        name: Annotated[EventId, PathParameter(alias="id", description="Its `id`")],
        by: reader,
    ) -> Response:
        found = networks(by.network).log.find(EventKey(source=source, id=name))
        shown = None if found is None else _shown(found, by)
        if shown is None:
            raise Refused(problem("not-found"))
        return JSONResponse(shown)

    @routes.get(
        PENDING,
        operation_id="list_pending",
        summary="What events refer to and what has not arrived",
        description=(
            "Nothing has to be done where it is still on its way: it counts as soon as it is there. Receipts tell"
            " nothing of this, as they are given before the views know. Cases that are parked are left out."
        ),
        response_model_exclude_none=True,
        responses={
            **refusals(*_REFUSED, "projection-behind"),
            200: {"description": "A page", "headers": {**LINKED["headers"], **POSITIONED}},
        },
    )
    async def list_pending(
        by: reader,
        position: Annotated[AtLeast, Depends(at_least)],
        response: Response,
        after: Annotated[
            str, Query(pattern=rf"^({REFERENCE})?$", description="The `next_cursor` of the page before")
        ] = "",
        limit: _Limit = 100,
    ) -> PendingPage:
        network = networks(by.network)
        await position.reached(network.applied)
        items, cursor, complete = await run_in_threadpool(
            page, network.views.pending, lambda waits: waits.case_ref, lambda waits: _waiting(waits, by), after, limit
        )
        if complete:
            return PendingPage(items=items)
        response.headers["Link"] = link(PENDING, cursor, limit)
        return PendingPage(items=items, next_cursor=cursor)

    return routes


def _position(entry: Recorded | Unread) -> int:
    return entry.position


def _shown(entry: Recorded | Unread, by: Credential) -> dict[str, object] | None:
    """What ``by`` is given of an event; nothing of one that this release cannot read, or that is not theirs."""
    if isinstance(entry, Unread) or not _may_see(by, entry.event):
        return None
    shown = entry.event.model_dump(mode="json", exclude_none=True)
    if shown["data"].pop("statement", None) is not None:
        shown["data"]["statement_present"] = True
    received = entry.received.isoformat().replace("+00:00", "Z")
    return shown | {"rsnposition": entry.position, "rsnreceived": received}


def _may_see(by: Credential, event: AnyEvent) -> bool:
    return (
        event.source not in OWN_SOURCES and by.speaks_for_source(event.source) and by.speaks_for_clinic(event.rsnclinic)
    )


def _waiting(waits: Waits, by: Credential) -> PendingCase | None:
    own = [one for one in waits.missing if by.speaks_for_source(one.source)]
    if not own or not by.speaks_for_clinic(waits.clinic):
        return None
    return PendingCase(case_ref=waits.case_ref, clinic=waits.clinic, missing=[_missing(one) for one in own])


def _missing(one: Missing) -> MissingReference:
    target = None if one.target is None else EventKey(source=one.target[0], id=one.target[1])
    return MissingReference.model_validate({"what": one.what, "source": one.source, "id": one.id, "target": target})
