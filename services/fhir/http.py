"""``/fhir``: a bare ASGI callable that answers everything below it as FHIR R4 does, refusals as an OperationOutcome.

Every answer is given once what it tells of is on disk. Source: https://hl7.org/fhir/R4/http.html
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final, NamedTuple

from starlette.concurrency import run_in_threadpool
from starlette.types import ASGIApp, Receive, Scope, Send

from contracts.fhir import Codes
from contracts.instruments import Instrument
from services.access.audit import Audit
from services.access.bearers import Bearers
from services.access.body import read_body
from services.access.credential import Credential
from services.access.handlers import problem_of
from services.access.limits import Limits
from services.access.problems import Problem, Refused, problem
from services.fhir import asked, capability, found
from services.fhir.answers import ETAG, Answer, of_bundle, of_resource
from services.fhir.asked import PATH, Route
from services.fhir.entries import Desk
from services.fhir.known import Known
from services.fhir.outcome import outcome
from services.fhir.references import Pseudonyms
from services.fhir.settling import Stored
from services.fhir.working import Failed, NetworkFhir, Work
from services.ingest.accept import BATCH_LIMIT
from services.ingest.counts import Counts

RESOURCE_LIMIT: Final = 256 * 1024
"""Bytes of one resource: more than an event's, as much of a resource is text that is dropped."""
_CREDENTIAL: Final = "fhir.credential"
_ROUTE: Final = "fhir.route"
_OF_ENTRIES: Final = frozenset({404, 405})
"""Statuses that are true of an entry and would not be of the bundle's own address."""
_COMPACT: Final = json.JSONEncoder(separators=(",", ":"))


@dataclass(frozen=True, slots=True)
class Parts:
    """What the door works with. ``secret`` gives a network's, ``issuer`` whose tokens open the first network, if any's;
    ``clock`` is for credentials and quotas, as what a resource may say of time is its network's to know.
    """

    bearers: Bearers
    networks: Callable[[str], NetworkFhir]
    catalogue: Mapping[tuple[str, str], Instrument]
    codes: Codes
    secret: Callable[[str], bytes]
    issuer: Callable[[], str | None]
    counts: Counts
    limits: Limits
    audit: Audit
    clock: Callable[[], datetime]


class _Asked(NamedTuple):
    """One request, of somebody who is known."""

    route: Route
    headers: Mapping[bytes, bytes]
    query: str
    receive: Receive
    credential: Credential
    network: NetworkFhir

    def header(self, name: bytes) -> str:
        return self.headers.get(name, b"").decode("latin-1")


class FhirDoor:
    """Checks who asks, reads, has it worked on, and answers; the network is the credential's, never the body's."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._pseudonyms: dict[str, Pseudonyms] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        told: dict[str, str] = {}
        try:
            answer = await self._answer(scope, receive, told)
        except Exception as error:  # noqa: BLE001 - whatever it is, the client is told, and told nothing of its text
            answer = self._refusal(error, scope)
        body = b"" if answer.body is None else _COMPACT.encode(answer.body).encode()
        headers = [(b"content-length", b"%d" % len(body))]
        if body:
            headers.append((b"content-type", answer.media_type.encode()))
        headers += [(name.lower().encode(), value.encode()) for name, value in (told | dict(answer.headers)).items()]
        await send({"type": "http.response.start", "status": answer.status, "headers": headers})
        await send({"type": "http.response.body", "body": body})

    async def _answer(self, scope: Scope, receive: Receive, told: dict[str, str]) -> Answer:
        """``told`` is given the headers that every further answer bears."""
        route = scope[_ROUTE] = asked.route(scope["method"], scope["path"].removeprefix(PATH))
        if route.does == "metadata":
            return Answer(200, capability.statement())
        if route.does == "configuration":
            return await run_in_threadpool(self._configuration)
        headers, now = dict(scope["headers"]), self._parts.clock()
        authorization = headers.get(b"authorization")
        credential = self._parts.bearers.remembered(authorization, now)
        if credential is None:
            credential = await run_in_threadpool(self._parts.bearers.check, authorization, now)
        scope[_CREDENTIAL] = credential
        query = scope["query_string"].decode("latin-1")
        request = _Asked(route, headers, query, receive, credential, self._parts.networks(credential.network))
        if route.does in {"read", "search"}:
            credential.require_read(route.kind)
            return await run_in_threadpool(_read, request)
        if route.kind:
            credential.require_create(route.kind)
        told |= self._parts.limits.take(credential.id, 1 if route.kind else 0, now)
        asked.require_json(request.header(b"content-type"))
        return await self._create(
            request, lambda events: told.update(self._parts.limits.take(credential.id, events, now))
        )

    async def _create(self, request: _Asked, count: Callable[[int], object]) -> Answer:
        route, prefer = request.route, request.header(b"prefer")
        desk = Desk(request.credential, self._parts.catalogue, self._parts.codes, self._pseudonym(request.credential))
        work = Work(request.network, desk, count)
        if route.does == "bundle":
            how, became = await work.bundle(await read_body(request.headers, request.receive, BATCH_LIMIT))
            for one in became:
                self._count(one.settled)
                if isinstance(one.settled, Problem):
                    self._parts.audit.refused(request.credential, "POST", route.template, one.settled)
            return await run_in_threadpool(of_bundle, how, became, asked.returned(prefer, "minimal"))
        unless = request.header(b"if-none-exist")
        identifier = asked.condition(unless) if unless else None
        body = await read_body(request.headers, request.receive, RESOURCE_LIMIT)
        settled = await work.create(body, route.kind, identifier)
        self._count(settled)
        return of_resource(route.kind, settled, asked.returned(prefer, "representation"))

    def _configuration(self) -> Answer:
        issuer = self._parts.issuer()
        if issuer is None:
            raise Refused(problem("not-found"))
        return Answer(200, capability.configuration(issuer), media_type="application/json")

    def _pseudonym(self, credential: Credential) -> Pseudonyms:
        name = credential.network
        if name not in self._pseudonyms:
            self._pseudonyms[name] = Pseudonyms(self._parts.secret(name))
        return self._pseudonyms[name]

    def _count(self, settled: object) -> None:
        if isinstance(settled, Problem):
            self._parts.counts.rejected(settled.slug)
        elif isinstance(settled, Stored):
            for event in settled.new:
                self._parts.counts.accepted(event.type)

    def _refusal(self, error: Exception, scope: Scope) -> Answer:
        route: Route | None = scope.get(_ROUTE)
        problems = error.problems if isinstance(error, Failed) else [(problem_of(error), _place(route))]
        for one, _ in problems:
            self._count(one)
            template = "" if route is None else route.template
            self._parts.audit.refused(scope.get(_CREDENTIAL), scope["method"], template, one)
        first = problems[0][0]
        status = 422 if isinstance(error, Failed) and first.status in _OF_ENTRIES else first.status
        return Answer(status, outcome(*problems), first.headers)


def _place(route: Route | None) -> str:
    """Where the pointers of a problem start from."""
    if route is None:
        return ""
    return {"bundle": "Bundle", "create": route.kind}.get(route.does, "")


def _read(request: _Asked) -> Answer:
    route, network = request.route, request.network
    if route.does == "search":
        key = asked.searched(request.query)
        return Answer(200, found.search(Known(network, request.credential, patient=False), route.kind, key))
    return Answer(200, found.read(network.log, route.kind, route.id, request.credential), {"ETag": ETAG})


def in_front(door: ASGIApp, app: ASGIApp) -> ASGIApp:
    """``app``, with ``door`` before it for everything below ``/fhir``."""

    async def serve(scope: Scope, receive: Receive, send: Send) -> None:
        below = scope["type"] == "http" and (scope["path"] == PATH or scope["path"].startswith(f"{PATH}/"))
        await (door if below else app)(scope, receive, send)

    return serve
