"""``POST /v1/events``: a bare ASGI callable, as the framework would cost several times what the event itself costs.

Every answer is given once the event is on disk: 201 accepted, 200 there already, 409 another one of that id. A batch
is answered with a result per event, in order (207 where one was refused), and stores each event that may be stored.
"""

import json
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Final, NamedTuple, Protocol, TypeAlias

from starlette.concurrency import run_in_threadpool
from starlette.types import ASGIApp, Receive, Scope, Send

from contracts.events import AnyEvent
from contracts.instruments import Instrument
from services.access.credential import Credential
from services.access.handlers import problem_of
from services.access.keys import Keys
from services.access.people import People
from services.access.problems import MEDIA_TYPE, Fault, Problem, Refused, problem
from services.eventlog.ports import Appended, Rejected, Unavailable
from services.ingest.accept import BATCH_LIMIT, EVENT_LIMIT, Refusal, accept, accept_batch
from services.ingest.body import read_body
from services.ingest.commit import Committer, Outcome
from services.ingest.counts import Counts

PATH: Final = "/v1/events"
POSITION: Final = "Resonance-Position"
"""Header: the log has at least come to here; a view that stands at this position shows the event."""
_BATCH: Final = b"application/cloudevents-batch+json"
_KINDS: Final = frozenset({b"application/cloudevents+json", b"application/json", _BATCH})
_COMPACT: Final = json.JSONEncoder(separators=(",", ":"))
_UTF_8: Final = frozenset({b"", b"charset=utf-8", b'charset="utf-8"'})


class NetworkDoor(Protocol):
    """The parts of one network that requests need."""

    @property
    def committer(self) -> Committer: ...

    @property
    def people(self) -> People: ...


_Result: TypeAlias = dict[str, object]


class _Answer(NamedTuple):
    status: int
    body: bytes
    headers: Mapping[str, str]
    media_type: bytes = b"application/json"


class EventsDoor:
    """Checks the key, reads, accepts, has it committed, and answers; the network is the credential's, never the body's.

    ``networks`` gives the parts of a network by its name; ``catalogue`` the instruments by key and version.
    """

    def __init__(
        self,
        keys: Keys,
        networks: Callable[[str], NetworkDoor],
        catalogue: Mapping[tuple[str, str], Instrument],
        clock: Callable[[], datetime],
        counts: Counts,
    ) -> None:
        self._keys = keys
        self._networks = networks
        self._catalogue = catalogue
        self._clock = clock
        self._counts = counts

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            answer = await self._answer(dict(scope["headers"]), receive)
        except Exception as error:  # noqa: BLE001 - whatever it is, the client is told, and told nothing of its text
            found = problem_of(error)
            self._counts.rejected(found.slug)
            answer = _Answer(found.status, found.body(), found.headers, MEDIA_TYPE.encode())
        headers = [(b"content-type", answer.media_type), (b"content-length", b"%d" % len(answer.body))]
        headers += [(name.lower().encode(), value.encode()) for name, value in answer.headers.items()]
        await send({"type": "http.response.start", "status": answer.status, "headers": headers})
        await send({"type": "http.response.body", "body": answer.body})

    async def _answer(self, headers: Mapping[bytes, bytes], receive: Receive) -> _Answer:
        now = self._clock()
        authorization = headers.get(b"authorization")
        credential = self._keys.remembered(authorization, now)
        if credential is None:
            credential = await run_in_threadpool(self._keys.check, authorization, now)
        credential.require("events:write")
        kind, _, parameter = headers.get(b"content-type", b"").lower().partition(b";")
        if parameter.strip() not in _UTF_8 or kind.strip() not in _KINDS:
            raise Refused(problem("unsupported-media-type", detail="Events are JSON in UTF-8."))
        if kind.strip() == _BATCH:
            body = await read_body(headers, receive, BATCH_LIMIT)
            return await self._batch(accept_batch(body, self._catalogue, credential, now), credential)
        body = await read_body(headers, receive, EVENT_LIMIT)
        return await self._single(accept(body, self._catalogue, credential, now), credential)

    async def _single(self, event: AnyEvent, credential: Credential) -> _Answer:
        [outcome] = await self._networks(credential.network).committer.submit([event])
        if not isinstance(outcome, Appended) or outcome.conflict:
            raise Refused(_refusal_of(outcome))
        status = self._status(event, outcome)
        return _Answer(status, _json(_receipt(event, outcome)), {POSITION: str(outcome.position)})

    async def _batch(self, found: Sequence[AnyEvent | Refusal], credential: Credential) -> _Answer:
        events = [event for event in found if not isinstance(event, Refusal)]
        outcomes: list[Outcome] = []
        if events:
            outcomes = await self._networks(credential.network).committer.submit(events)
            if all(isinstance(outcome, Unavailable) for outcome in outcomes):
                raise Refused(_refusal_of(outcomes[0]))
        rest = iter(outcomes)
        results = [
            self._rejected(index, item.id, item.problem)
            if isinstance(item, Refusal)
            else self._result(index, item, next(rest))
            for index, item in enumerate(found)
        ]
        return _summary(results)

    def _result(self, index: int, event: AnyEvent, outcome: Outcome) -> _Result:
        if not isinstance(outcome, Appended) or outcome.conflict:
            return self._rejected(index, event.id, _refusal_of(outcome))
        return {"index": index, "http_status": self._status(event, outcome)} | _receipt(event, outcome)

    def _rejected(self, index: int, name: str | None, found: Problem) -> _Result:
        self._counts.rejected(found.slug)
        return {
            "index": index,
            "id": name,
            "status": "rejected",
            "http_status": found.status,
            "retryable": found.retryable,
            "problem": found.document(),
        }

    def _status(self, event: AnyEvent, stored: Appended) -> int:
        if stored.duplicate:
            return 200
        self._counts.accepted(event.type)
        return 201


def _receipt(event: AnyEvent, stored: Appended) -> _Result:
    return {"id": event.id, "status": "duplicate" if stored.duplicate else "accepted", "position": stored.position}


def _summary(results: Sequence[_Result]) -> _Answer:
    counts = Counter(result["status"] for result in results)
    positions = [position for result in results if isinstance(position := result.get("position"), int)]
    body = {
        "accepted": counts["accepted"],
        "duplicates": counts["duplicate"],
        "rejected": counts["rejected"],
        "errors": counts["rejected"] > 0,
        "position": max(positions, default=None),
        "results": results,
    }
    headers = {POSITION: str(max(positions))} if positions else {}
    return _Answer(207 if counts["rejected"] else 200, _json(body), headers)


def _refusal_of(outcome: Outcome) -> Problem:
    match outcome:
        case Appended():
            return problem("event-id-conflict", Fault("/id", "conflict"))
        case Rejected():
            return problem("validation", Fault("", "not_storable"))
        case Unavailable():
            return problem("storage-unavailable")
        case _:
            return problem_of(outcome)


def _json(value: object) -> bytes:
    return _COMPACT.encode(value).encode()


def in_front(door: ASGIApp, app: ASGIApp) -> ASGIApp:
    """``app``, with ``door`` before it for ``POST /v1/events``."""

    async def serve(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["path"] == PATH and scope["method"] == "POST":
            await door(scope, receive, send)
            return
        try:
            await app(scope, receive, send)
        except Exception:
            # Starlette raises a defect again once it is answered and logged, and servers would log its text as well.
            if scope["type"] != "http":
                raise

    return serve
