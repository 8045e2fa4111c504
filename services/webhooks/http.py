"""The routes of webhooks: whom to tell, how what is on its way fares, and sending it again."""

import secrets
from collections.abc import Callable
from datetime import datetime
from typing import Annotated, Final

from fastapi import APIRouter, Depends, Path, Query, Response

from contracts.wire import Sent
from services.access.asking import asker
from services.access.bearers import Bearers
from services.access.credential import Credential
from services.access.entry import entry_of
from services.access.idempotency import idempotency_key, once
from services.access.paging import MOST_ITEMS, link
from services.access.problems import Fault, Refused, Slug, problem
from services.access.refusals import Described, refusals
from services.access.versions import ETAG, Preconditions, preconditions_required, tag_of
from services.webhooks.asked import Asked, NetworkWebhooks
from services.webhooks.endpoints import Endpoint
from services.webhooks.entries import (
    DeliveryAnswer,
    DeliveryPage,
    EndpointAnswer,
    EndpointEntry,
    EndpointList,
    EndpointWithSecret,
)
from services.webhooks.signing import new_secret

PATH: Final = "/v1/webhook-endpoints"
FARTHEST: Final = 2**63 - 1
_OF_ENTRIES: Final[tuple[Slug, ...]] = ("address-not-allowed", "request-refused")
_OF_CHANGES: Final[tuple[Slug, ...]] = ("not-found", "precondition-failed", "precondition-required")
_BODY: Final[Described] = {
    "requestBody": {
        "required": True,
        "content": {"application/json": {"schema": EndpointEntry.model_json_schema(schema_generator=Sent)}},
    }
}
_TAGGED: Final[Described] = {"headers": {ETAG: {"description": "Its version", "schema": {"type": "string"}}}}
_LOCATION: Final[Described] = {"Location": {"description": "Where it is read", "schema": {"type": "string"}}}
_LINK: Final[Described] = {"Link": {"description": "`rel=next` (RFC 8288)", "schema": {"type": "string"}}}

_EndpointId = Annotated[
    str, Path(alias="endpoint_id", pattern="^we_[0-9a-f]{24}$", description="The `id` that registering it gave")
]
_ItemId = Annotated[str, Path(alias="delivery_id", pattern="^fi_[0-9a-f]{24}$", description="The `webhook-id`")]


def router(bearers: Bearers, networks: Callable[[str], NetworkWebhooks], clock: Callable[[], datetime]) -> APIRouter:
    """The routes. ``networks`` gives the parts of a network by its name."""
    routes = APIRouter()
    holder = asker(bearers, clock, "webhooks:manage")

    def asked(credential: Annotated[Credential, Depends(holder)]) -> Asked:
        return Asked(credential, networks(credential.network))

    by_manager = Annotated[Asked, Depends(asked)]
    given = Annotated[EndpointEntry, Depends(entry_of(EndpointEntry))]
    stated_version = Annotated[Preconditions, Depends(preconditions_required)]

    @routes.post(
        PATH,
        operation_id="create_webhook_endpoint",
        summary="Register an address that is told what becomes of alerts",
        description="It is told of what comes from now on. The secret is in this answer only.",
        status_code=201,
        response_model=EndpointWithSecret,
        responses=refusals(*_OF_ENTRIES, "idempotency-key-reused", "request-in-progress")
        | {201: {"headers": _TAGGED["headers"] | _LOCATION, "description": "Registered"}},
        openapi_extra=_BODY,
    )
    def create(by: by_manager, entry: given, key: Annotated[str | None, Depends(idempotency_key)]) -> Response:
        def work() -> Response:
            by.check_address(entry.url)
            endpoint = by.network.endpoints.add(
                f"we_{secrets.token_hex(12)}",
                entry.url,
                entry.types,
                entry.state,
                by.credential.clinics,
                new_secret(),
                by.network.views.position(),
                clock(),
            )
            if endpoint is None:
                raise Refused(problem("validation", Fault("", "too_many_endpoints")))
            location = {"Location": f"{PATH}/{endpoint.id}"}
            return _answer(201, endpoint, EndpointWithSecret.shown_once(endpoint), location)

        request = f"POST {PATH} ".encode() + entry.model_dump_json().encode()
        return once(by.network.replies, by.credential, key, request, clock(), work)

    @routes.get(
        PATH,
        operation_id="list_webhook_endpoints",
        summary="The registered addresses",
        response_model_exclude_none=True,
    )
    def list_all(by: by_manager) -> EndpointList:
        return EndpointList(items=tuple(EndpointAnswer.of(one) for one in by.network.endpoints.all() if by.sees(one)))

    @routes.get(
        PATH + "/{endpoint_id}",
        operation_id="get_webhook_endpoint",
        summary="A registered address",
        response_model=EndpointAnswer,
        responses=refusals("not-found") | {200: _TAGGED},
    )
    def get(endpoint_id: _EndpointId, by: by_manager) -> Response:
        endpoint = by.endpoint(endpoint_id)
        return _answer(200, endpoint, EndpointAnswer.of(endpoint))

    @routes.put(
        PATH + "/{endpoint_id}",
        operation_id="put_webhook_endpoint",
        summary="Change a registered address, disable or enable it",
        description="Where it is enabled then, what waits for it is sent at once.",
        response_model=EndpointAnswer,
        responses=refusals(*_OF_ENTRIES, *_OF_CHANGES) | {200: _TAGGED},
        openapi_extra=_BODY,
    )
    def put(endpoint_id: _EndpointId, by: by_manager, stated: stated_version, entry: given) -> Response:
        before = by.endpoint(endpoint_id)
        if entry.state == "enabled" or entry.url != before.url:
            by.check_address(entry.url)  # one that is gone can still be disabled
        endpoint = by.found(
            by.network.endpoints.put(
                endpoint_id,
                by.changing(stated),
                entry.url,
                entry.types,
                entry.state,
                by.network.views.position(),
                clock(),
            )
        )
        return _answer(200, endpoint, EndpointAnswer.of(endpoint))

    @routes.delete(
        PATH + "/{endpoint_id}",
        operation_id="delete_webhook_endpoint",
        summary="Remove a registered address, and what waits for it",
        status_code=204,
        responses=refusals(*_OF_CHANGES),
    )
    def delete(endpoint_id: _EndpointId, by: by_manager, stated: stated_version) -> None:
        by.network.endpoints.remove(endpoint_id, by.changing(stated))

    @routes.post(
        PATH + "/{endpoint_id}/rotate",
        operation_id="rotate_webhook_secret",
        summary="Give a registered address another secret",
        description="For 24 hours what is sent is signed with both. The new secret is in this answer only.",
        response_model=EndpointWithSecret,
        responses=refusals(*_OF_CHANGES, "idempotency-key-reused", "request-in-progress") | {200: _TAGGED},
    )
    def rotate(
        endpoint_id: _EndpointId,
        by: by_manager,
        stated: stated_version,
        key: Annotated[str | None, Depends(idempotency_key)],
    ) -> Response:
        def work() -> Response:
            endpoint = by.found(by.network.endpoints.rotate(endpoint_id, by.changing(stated), new_secret(), clock()))
            return _answer(200, endpoint, EndpointWithSecret.shown_once(endpoint))

        request = f"POST {PATH}/{endpoint_id}/rotate {stated}".encode()
        return once(by.network.replies, by.credential, key, request, clock(), work)

    @routes.get(
        PATH + "/{endpoint_id}/deliveries",
        operation_id="list_webhook_deliveries",
        summary="How what was sent to an address, or is to be, fares",
        description="What is over is kept for 30 days.",
        response_model_exclude_none=True,
        responses=refusals("not-found") | {200: {"headers": _LINK}},
    )
    def deliveries(
        endpoint_id: _EndpointId,
        by: by_manager,
        response: Response,
        after: Annotated[int, Query(ge=0, le=FARTHEST, description="The `next_cursor` of the page before")] = 0,
        limit: Annotated[int, Query(ge=1, le=MOST_ITEMS, description="How many at most")] = 100,
    ) -> DeliveryPage:
        by.endpoint(endpoint_id)
        found = by.network.endpoints.deliveries.page(endpoint_id, after, limit + 1)
        items = tuple(map(DeliveryAnswer.of, found[:limit]))
        cursor, complete = items[-1].position if items else after, len(found) <= limit
        if not complete:
            response.headers["Link"] = link(f"{PATH}/{endpoint_id}/deliveries", cursor, limit)
        return DeliveryPage(items=items, next_cursor=cursor, complete=complete)

    @routes.post(
        PATH + "/{endpoint_id}/deliveries/{delivery_id}/redeliver",
        operation_id="redeliver_webhook",
        summary="Send an item to an address again, under the same webhook-id",
        status_code=202,
        response_model_exclude_none=True,
        responses=refusals("not-found"),
    )
    def redeliver(endpoint_id: _EndpointId, delivery_id: _ItemId, by: by_manager) -> DeliveryAnswer:
        by.endpoint(endpoint_id)
        delivery = by.network.endpoints.deliveries.again(endpoint_id, delivery_id, clock())
        if delivery is None:
            raise Refused(problem("not-found"))
        return DeliveryAnswer.of(delivery)

    return routes


def _answer(status: int, endpoint: Endpoint, shown: EndpointAnswer, headers: dict[str, str] | None = None) -> Response:
    tagged = {ETAG: tag_of(EndpointAnswer.of(endpoint)), **(headers or {})}
    return Response(shown.model_dump_json(exclude_none=True), status, tagged, "application/json")
