"""``GET /v1/audit``: who was refused what, for the network's own administrators."""

from collections.abc import Callable
from datetime import datetime
from typing import Annotated, Final

from fastapi import APIRouter, Depends, Query, Response
from pydantic import BaseModel

from services.access.asking import asker
from services.access.audit import Audit, RefusalItem
from services.access.bearers import Bearers
from services.access.credential import Credential
from services.access.paging import LINKED, MOST_ITEMS, link

PATH: Final = "/v1/audit"


class AuditPage(BaseModel):
    """In the order of their numbers. ``next_cursor`` is the ``after`` of the next request, now or later."""

    items: list[RefusalItem]
    next_cursor: int
    complete: bool


def router(bearers: Bearers, audit: Audit, clock: Callable[[], datetime]) -> APIRouter:
    routes = APIRouter()
    auditor = Annotated[Credential, Depends(asker(bearers, clock, "audit:read"))]

    @routes.get(
        PATH,
        operation_id="list_refusals",
        summary="Who was refused what",
        description="The refusals of the network's own credentials. A refusal is listed within a second.",
        responses={200: LINKED},
    )
    def list_refusals(
        by: auditor,
        response: Response,
        after: Annotated[int, Query(ge=0, le=2**53, description="The `next_cursor` of the page before")] = 0,
        limit: Annotated[int, Query(ge=1, le=MOST_ITEMS, description="So many items at most")] = 100,
    ) -> AuditPage:
        found = audit.after(by.network, after, limit + 1)
        items = found[:limit]
        cursor, complete = items[-1].number if items else after, len(found) <= limit
        if not complete:
            response.headers["Link"] = link(PATH, cursor, limit)
        return AuditPage(items=items, next_cursor=cursor, complete=complete)

    return routes
