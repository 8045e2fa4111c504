"""``/v1/imports``: events as lines of a file of any size, read as it streams in, and gone on with after a break."""

import json
import secrets
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from datetime import datetime
from typing import Annotated, Final, Protocol

from fastapi import APIRouter, Depends, Header, Query, Request, Response
from fastapi import Path as PathParameter
from pydantic import BaseModel, Field
from starlette.concurrency import run_in_threadpool

from contracts.events import AnyEvent
from contracts.instruments import Instrument
from services.access.asking import asker
from services.access.audit import Audit
from services.access.bearers import Bearers
from services.access.credential import Credential
from services.access.idempotency import idempotency_key
from services.access.paging import link
from services.access.problems import Refused, Slug, problem
from services.access.refusals import Described, refusals
from services.database.ports import Unavailable
from services.ingest.accept import Refusal, accept_lines
from services.ingest.answers import POSITION
from services.ingest.commit import Committer
from services.ingest.counts import Counts
from services.ingest.door import Magic, charmed
from services.ingest.imports import Imports, Run, State
from services.ingest.receiving import Receiving, batches

PATH: Final = "/v1/imports"
NDJSON: Final = "application/x-ndjson"
MOST_ERRORS: Final = 10_000
"""Of one page."""
_KINDS: Final = frozenset({NDJSON, f"{NDJSON};charset=utf-8", f'{NDJSON};charset="utf-8"'})
_REFUSED: Final[tuple[Slug, ...]] = (
    "malformed-json",
    "request-refused",
    "request-in-progress",
    "precondition-failed",
    "body-too-large",
    "unsupported-media-type",
    "validation",
)
_BODY: Final[Described] = {
    "requestBody": {
        "required": True,
        "description": "One event a line, each as it would be posted by itself. gzip may pack it",
        "content": {NDJSON: {"schema": {"type": "string"}}},
    }
}


class NetworkImports(Protocol):
    """The parts of one network that these routes need."""

    @property
    def committer(self) -> Committer: ...

    @property
    def imports(self) -> Imports: ...

    @property
    def clock(self) -> Callable[[], datetime]: ...

    @property
    def magic(self) -> Magic | None: ...


class ImportStatus(BaseModel):
    """How far an import has come: every line before ``next_line`` is settled, and need not be sent again."""

    id: str
    state: State
    lines: int = Field(description="Those settled that were not empty: accepted, duplicates and rejected")
    accepted: int
    duplicates: int
    rejected: int
    position: int | None = Field(description="The log's last position among these events; null where there is none")
    next_line: int


class _NDJSON(Response):
    media_type = NDJSON


_Name = Annotated[str, PathParameter(pattern="^[A-Za-z0-9._:-]{1,128}$", description="The id of the import")]
_FromLine = Annotated[
    int,
    Header(
        alias="Resonance-From-Line",
        ge=1,
        le=2**53,
        description="The number of the body's first line, where an import is gone on with: at most its next_line",
    ),
]


def _status(name: str, state: State, run: Run) -> ImportStatus:
    return ImportStatus(
        id=name,
        state=state,
        lines=run.lines,
        accepted=run.accepted,
        duplicates=run.duplicates,
        rejected=run.rejected,
        position=run.position,
        next_line=run.next_line,
    )


def router(
    bearers: Bearers,
    networks: Callable[[str], NetworkImports],
    catalogue: Mapping[tuple[str, str], Instrument],
    clock: Callable[[], datetime],
    counts: Counts,
    audit: Audit,
) -> APIRouter:
    """The routes. ``networks`` gives the parts of a network by its name."""
    routes = APIRouter()
    importer = asker(bearers, clock, "imports:write")

    @routes.post(
        PATH,
        operation_id="post_import",
        summary="Import a file of events, or go on with an import",
        description="The `Idempotency-Key` is the id of the import: sent again it goes on, or tells how it ended.",
        status_code=201,
        responses=refusals(*_REFUSED) | {200: {"model": ImportStatus, "description": "Done before"}},
        openapi_extra=_BODY,
    )
    async def post_import(
        request: Request,
        response: Response,
        bearer: Annotated[Credential, Depends(importer)],
        key: Annotated[str | None, Depends(idempotency_key)],
        from_line: _FromLine = 1,
    ) -> ImportStatus:
        headers = dict(request.headers.raw)
        if headers.get(b"content-type", b"").decode("latin-1").lower().replace(" ", "") not in _KINDS:
            raise Refused(problem("unsupported-media-type", detail=f"An import is {NDJSON} in UTF-8."))
        if headers.get(b"content-encoding", b"identity").strip().lower() not in {b"identity", b"gzip"}:
            raise Refused(problem("unsupported-media-type", detail="The only content coding is gzip."))
        network = networks(bearer.network)
        name = key or f"im_{secrets.token_hex(12)}"
        response.headers["Location"] = f"{PATH}/{name}"
        turn, run = await run_in_threadpool(network.imports.begin, bearer.id, name, clock())
        if turn is None:
            response.status_code = 200
            return _status(name, "done", run)
        done = False
        try:
            if from_line > run.next_line:
                raise Refused(
                    problem("precondition-failed", detail="Lines before that are not settled: see next_line.")
                )
            receiving = Receiving(
                network.imports,
                network.committer,
                lambda lines: accepted(lines, network, headers.get(b"authorization")),
                counts,
                clock,
            )
            run = await receiving.work(turn, run, batches(headers, request.receive, from_line, run.next_line))
            done = True
            if run.position:
                response.headers[POSITION] = str(run.position)
        finally:
            with suppress(Unavailable):  # the turn ends by itself as well
                await run_in_threadpool(network.imports.end, turn, clock(), done=done)
        return _status(name, "done", run)

    @routes.get(
        PATH + "/{name}",
        operation_id="get_import",
        summary="How far an import has come",
        responses=refusals("not-found", "validation"),
    )
    def get_import(name: _Name, bearer: Annotated[Credential, Depends(importer)]) -> ImportStatus:
        return _status(name, *_found(name, bearer))

    @routes.get(
        PATH + "/{name}/errors",
        operation_id="get_import_errors",
        summary="The lines of an import that were refused, and why",
        response_class=_NDJSON,
        responses=refusals("not-found", "validation"),
    )
    def get_import_errors(
        name: _Name,
        bearer: Annotated[Credential, Depends(importer)],
        after: Annotated[int, Query(ge=0, le=2**53, description="A line: those after it are given")] = 0,
        limit: Annotated[int, Query(ge=1, le=MOST_ERRORS, description="How many at most")] = 1_000,
    ) -> _NDJSON:
        _found(name, bearer)
        found = networks(bearer.network).imports.errors(bearer.id, name, after, limit + 1)
        errors = found[:limit]
        text = "".join(
            f'{{"line":{error.line},"id":{json.dumps(error.id)},"problem":{error.problem}}}\n' for error in errors
        )
        more = len(found) > limit
        return _NDJSON(text, headers={"Link": link(f"{PATH}/{name}/errors", errors[-1].line, limit)} if more else {})

    async def accepted(
        lines: Sequence[bytes], network: NetworkImports, authorization: bytes | None
    ) -> list[AnyEvent | Refusal]:
        """An import can outlive what opened it, so each batch is judged by what its credential may do by then."""
        bearer = bearers.remembered(authorization, clock())
        if bearer is None:
            bearer = await run_in_threadpool(bearers.check, authorization, clock())
        bearer.require("imports:write")
        found = charmed(accept_lines(lines, catalogue, bearer, network.clock()), network.magic)
        for item in found:
            if isinstance(item, Refusal):
                audit.refused(bearer, "POST", PATH, item.problem)
        return found

    def _found(name: str, bearer: Credential) -> tuple[State, Run]:
        found = networks(bearer.network).imports.find(bearer.id, name, clock())
        if found is None:
            raise Refused(problem("not-found"))
        return found

    return routes
