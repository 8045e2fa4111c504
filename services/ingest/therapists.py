"""``/v1/therapists``: whom letters go to, entered and replaced by the record system, one version after the other."""

from collections.abc import Callable
from datetime import datetime
from typing import Annotated, Final, Protocol

from fastapi import APIRouter, Depends, Query, Response
from fastapi import Path as PathParameter
from pydantic import BaseModel

from contracts.data import REFERENCE
from services.access.asking import asker
from services.access.bearers import Bearers
from services.access.credential import Credential
from services.access.entry import entry_of
from services.access.paging import LINKED, MOST_ITEMS, link, page
from services.access.people import People, Therapist, TherapistEntry
from services.access.problems import Fault, Refused, Slug, problem
from services.access.refusals import Described, refusals
from services.access.versions import ETAG, Preconditions, known_version, preconditions, tag_of
from services.ingest.openapi import THERAPIST

PATH: Final = "/v1/therapists"
_OF_THERAPISTS: Final[tuple[Slug, ...]] = (
    "invalid-key",
    "insufficient-scope",
    "validation",
    "internal",
    "storage-unavailable",
)
_OF_ENTRIES: Final[tuple[Slug, ...]] = (
    "clinic-not-allowed",
    "malformed-json",
    "body-too-large",
    "unsupported-media-type",
    "free-text-not-allowed",
    "precondition-failed",
)
_TAGGED: Final[Described] = {
    "headers": {ETAG: {"description": "The version, for If-Match (RFC 9110)", "schema": {"type": "string"}}}
}
_Ref = Annotated[str, PathParameter(pattern=rf"^{REFERENCE}$", description="The therapist's reference")]


class NetworkTherapists(Protocol):
    """The parts of one network that these routes need."""

    @property
    def people(self) -> People: ...


class TherapistsPage(BaseModel):
    """Therapists in the order of their references. ``next_cursor`` is the ``after`` of the next page, absent at the
    end.
    """

    items: list[Therapist]
    next_cursor: str | None = None


def router(bearers: Bearers, networks: Callable[[str], NetworkTherapists], clock: Callable[[], datetime]) -> APIRouter:
    """The routes. ``networks`` gives the parts of a network by its name."""
    routes = APIRouter()
    manager = asker(bearers, clock, "registry:manage")
    reader = asker(bearers, clock, "read")

    @routes.put(
        PATH + "/{ref}",
        operation_id="put_therapist",
        summary="Enter a therapist, or replace the entry",
        description=(
            "With `If-Match` only the version that it names is replaced, with `If-None-Match: *` none is: 412 says that"
            " somebody else was faster. Without either the last entry stands."
        ),
        responses={
            **refusals(*_OF_THERAPISTS, *_OF_ENTRIES),
            200: {"description": "Replaced", **_TAGGED},
            201: {"model": Therapist, "description": "Entered", **_TAGGED},
        },
        openapi_extra=THERAPIST,
    )
    def put_therapist(
        ref: _Ref,
        bearer: Annotated[Credential, Depends(manager)],
        stated: Annotated[Preconditions, Depends(preconditions)],
        entry: Annotated[TherapistEntry, Depends(entry_of(TherapistEntry))],
        response: Response,
    ) -> Therapist:
        therapist = Therapist(ref=ref, **entry.model_dump())

        def allowed(before: Therapist | None) -> None:
            if not all(bearer.speaks_for_clinic(each.clinic) for each in (before, entry) if each is not None):
                raise Refused(problem("clinic-not-allowed", Fault("/clinic", "not_allowed")))
            stated.check(None if before is None else tag_of(before))

        if entry.supervisor_ref == ref:
            raise Refused(problem("validation", Fault("/supervisor_ref", "same_reference")))
        replaced = networks(bearer.network).people.put(therapist, allowed)
        response.status_code = 200 if replaced else 201
        response.headers[ETAG] = tag_of(therapist)
        return therapist

    @routes.get(
        PATH + "/{ref}",
        operation_id="get_therapist",
        summary="A therapist's entry",
        response_model=Therapist,
        responses={
            **refusals(*_OF_THERAPISTS, "not-found"),
            200: {"description": "The entry", **_TAGGED},
            304: {"description": "It is still the version that `If-None-Match` names", **_TAGGED},
        },
    )
    def get_therapist(
        ref: _Ref,
        bearer: Annotated[Credential, Depends(reader)],
        stated: Annotated[Preconditions, Depends(known_version)],
        response: Response,
    ) -> Therapist | Response:
        therapist = networks(bearer.network).people.get(ref)
        if therapist is None or not bearer.speaks_for_clinic(therapist.clinic):
            raise Refused(problem("not-found"))
        response.headers[ETAG] = tag_of(therapist)
        if stated.has(tag_of(therapist)):
            return Response(status_code=304, headers={ETAG: tag_of(therapist)})
        return therapist

    @routes.get(
        PATH,
        operation_id="list_therapists",
        summary="The therapists, by reference",
        response_model_exclude_unset=True,
        responses={**refusals(*_OF_THERAPISTS), 200: {"description": "A page", **LINKED}},
    )
    def list_therapists(
        bearer: Annotated[Credential, Depends(reader)],
        response: Response,
        after: Annotated[
            str, Query(pattern=rf"^({REFERENCE})?$", description="The `next_cursor` of the page before")
        ] = "",
        limit: Annotated[int, Query(ge=1, le=MOST_ITEMS, description="So many items at most")] = 100,
    ) -> TherapistsPage:
        people = networks(bearer.network).people
        items, cursor, complete = page(
            people.after,
            lambda one: one.ref,
            lambda one: one if bearer.speaks_for_clinic(one.clinic) else None,
            after,
            limit,
        )
        if complete:
            return TherapistsPage(items=items)
        response.headers["Link"] = link(PATH, cursor, limit)
        return TherapistsPage(items=items, next_cursor=cursor)

    return routes
