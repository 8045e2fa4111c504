"""``POST /v1/events``: a bare ASGI callable, as the framework would cost several times what the event itself costs.

Every answer is given once the event is on disk: 201 accepted, 200 there already, 409 another one of that id. A batch
is answered with a result per event, in order (207 where one was refused), and stores each event that may be stored.

``POST /v1/events/validate`` goes the same way up to where events would be committed: what it refuses would be refused,
and only the log could still say that it has another event of that id. It knows nothing of other events of the batch.

Both count against the credential's quota: a request as the number of its events, refused ones too.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Final, Protocol, TypeAlias

from starlette.concurrency import run_in_threadpool
from starlette.types import ASGIApp, Receive, Scope, Send

from contracts.events import AnyEvent
from contracts.instruments import Instrument
from services.access import deprecation
from services.access.audit import Audit
from services.access.bearers import Bearers
from services.access.body import read_body
from services.access.credential import Credential
from services.access.handlers import problem_of
from services.access.limits import Limits
from services.access.people import People
from services.access.problems import Fault, Problem, Refused, problem
from services.eventlog.ports import Appended, Rejected, Unavailable
from services.ingest import answers
from services.ingest.accept import BATCH_LIMIT, EVENT_LIMIT, Refusal, accept, accept_batch
from services.ingest.answers import Answer, Result
from services.ingest.binary import is_binary, structured
from services.ingest.commit import Committer, Outcome
from services.ingest.counts import Counts

PATH: Final = "/v1/events"
VALIDATE: Final = "/v1/events/validate"
_CREDENTIAL: Final = "resonance.credential"
"""Where the scope of a request keeps whose it is, for the audit of what is refused later."""
_BATCH: Final = b"application/cloudevents-batch+json"
_JSON: Final = b"application/json"
_KINDS: Final = frozenset({b"application/cloudevents+json", _JSON, _BATCH})
_UTF_8: Final = frozenset({b"", b"charset=utf-8", b'charset="utf-8"'})


Magic: TypeAlias = Callable[[AnyEvent], Problem | None]
"""In a network for trying out, what an event is answered with because its id asks for that."""


class NetworkDoor(Protocol):
    """The parts of one network that requests need."""

    @property
    def committer(self) -> Committer: ...

    @property
    def people(self) -> People: ...

    @property
    def clock(self) -> Callable[[], datetime]: ...

    @property
    def magic(self) -> Magic | None: ...


class EventsDoor:
    """Checks the key, reads, accepts, has it committed, and answers; the network is the credential's, never the body's.

    ``networks`` gives the parts of a network by its name; ``catalogue`` the instruments by key and version; ``limits``
    counts events. ``clock`` is for credentials and quotas; what an event may say of time is its network's to know.
    """

    def __init__(
        self,
        bearers: Bearers,
        networks: Callable[[str], NetworkDoor],
        catalogue: Mapping[tuple[str, str], Instrument],
        clock: Callable[[], datetime],
        counts: Counts,
        limits: Limits,
        audit: Audit,
    ) -> None:
        self._bearers = bearers
        self._networks = networks
        self._catalogue = catalogue
        self._clock = clock
        self._counts = counts
        self._limits = limits
        self._audit = audit

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        told: dict[str, str] = {}
        try:
            answer = await self._answer(scope, receive, told)
        except Exception as error:  # noqa: BLE001 - whatever it is, the client is told, and told nothing of its text
            found = problem_of(error)
            self._counts.rejected(found.slug)
            self._audit.refused(scope.get(_CREDENTIAL), "POST", scope["path"], found)
            answer = answers.refusal(found)
        headers = [(b"content-type", answer.media_type), (b"content-length", b"%d" % len(answer.body))]
        headers += [(name.lower().encode(), value.encode()) for name, value in (told | dict(answer.headers)).items()]
        await send({"type": "http.response.start", "status": answer.status, "headers": headers})
        await send({"type": "http.response.body", "body": answer.body})

    async def _answer(self, scope: Scope, receive: Receive, told: dict[str, str]) -> Answer:
        """``told`` is given the headers that every further answer bears."""
        headers, now = dict(scope["headers"]), self._clock()
        credential = scope[_CREDENTIAL] = await self._credential(headers.get(b"authorization"), now)
        told |= self._limits.take(credential.id, 0, now)
        credential.require("events:write")
        kind, _, parameter = headers.get(b"content-type", b"").lower().partition(b";")
        if parameter.strip() not in _UTF_8 or kind.strip() not in _KINDS:
            raise Refused(problem("unsupported-media-type", detail="Events are JSON in UTF-8."))
        network = self._networks(credential.network)
        storing = scope["path"] != VALIDATE
        if kind.strip() == _BATCH:
            body = await read_body(headers, receive, BATCH_LIMIT)
            found = charmed(accept_batch(body, self._catalogue, credential, network.clock()), network.magic)
            told |= self._limits.take(credential.id, len(found), now)
            told |= _announced(item for item in found if not isinstance(item, Refusal))
            for item in found:
                if isinstance(item, Refusal):
                    self._audit.refused(credential, "POST", scope["path"], item.problem)
            return await self._batch(found, network) if storing else self._validated(found)
        told |= self._limits.take(credential.id, 1, now)
        body = await read_body(headers, receive, EVENT_LIMIT)
        if is_binary(headers) and kind.strip() == _JSON:
            body = structured(headers, body)
        event = accept(body, self._catalogue, credential, network.clock())
        if network.magic and (asked_for := network.magic(event)):
            raise Refused(asked_for)
        told |= _announced([event])
        return await self._single(event, network) if storing else answers.one(answers.valid(event), 200)

    async def _credential(self, authorization: bytes | None, now: datetime) -> Credential:
        credential = self._bearers.remembered(authorization, now)
        if credential is None:
            credential = await run_in_threadpool(self._bearers.check, authorization, now)
        return credential

    async def _single(self, event: AnyEvent, network: NetworkDoor) -> Answer:
        [outcome] = await network.committer.submit([event])
        if not isinstance(outcome, Appended) or outcome.conflict:
            raise Refused(refusal_of(outcome))
        return answers.one(answers.receipt(event, outcome), self._status(event, outcome))

    async def _batch(self, found: Sequence[AnyEvent | Refusal], network: NetworkDoor) -> Answer:
        events = [event for event in found if not isinstance(event, Refusal)]
        outcomes: list[Outcome] = []
        if events:
            outcomes = await network.committer.submit(events)
            if all(isinstance(outcome, Unavailable) for outcome in outcomes):
                raise Refused(refusal_of(outcomes[0]))
        rest = iter(outcomes)
        results = [
            self._rejected(index, item.id, item.problem)
            if isinstance(item, Refusal)
            else self._result(index, item, next(rest))
            for index, item in enumerate(found)
        ]
        return answers.batch(results)

    def _validated(self, found: Sequence[AnyEvent | Refusal]) -> Answer:
        return answers.validated(
            [
                self._rejected(index, item.id, item.problem)
                if isinstance(item, Refusal)
                else {"index": index, "http_status": 200} | answers.valid(item)
                for index, item in enumerate(found)
            ]
        )

    def _result(self, index: int, event: AnyEvent, outcome: Outcome) -> Result:
        if not isinstance(outcome, Appended) or outcome.conflict:
            return self._rejected(index, event.id, refusal_of(outcome))
        return {"index": index, "http_status": self._status(event, outcome)} | answers.receipt(event, outcome)

    def _rejected(self, index: int, name: str | None, found: Problem) -> Result:
        self._counts.rejected(found.slug)
        return answers.rejected(index, name, found)

    def _status(self, event: AnyEvent, stored: Appended) -> int:
        if stored.duplicate:
            return 200
        self._counts.accepted(event.type)
        return 201


def _announced(events: Iterable[AnyEvent]) -> Mapping[str, str]:
    """The headers about the first of these whose type is on its way out."""
    if not deprecation.EVENT_TYPES:
        return {}
    return next((found for event in events if (found := deprecation.EVENT_TYPES.get(event.type))), {})


def charmed(found: list[AnyEvent | Refusal], magic: Magic | None) -> list[AnyEvent | Refusal]:
    """The same, with a refusal for each event that asks for one."""
    if magic is None:
        return found
    return [
        Refusal(item.id, asked_for) if not isinstance(item, Refusal) and (asked_for := magic(item)) else item
        for item in found
    ]


def refusal_of(outcome: Outcome) -> Problem:
    """Why an event is not on the log, whose ``outcome`` says so."""
    match outcome:
        case Appended():
            return problem("event-id-conflict", Fault("/id", "conflict"))
        case Rejected():
            return problem("validation", Fault("", "not_storable"))
        case Unavailable():
            return problem("storage-unavailable")
        case _:
            return problem_of(outcome)


def in_front(door: ASGIApp, app: ASGIApp) -> ASGIApp:
    """``app``, with ``door`` before it for what posts events."""

    async def serve(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["path"] in (PATH, VALIDATE) and scope["method"] == "POST":
            await door(scope, receive, send)
            return
        try:
            await app(scope, receive, send)
        except Exception:
            # Starlette raises a defect again once it is answered and logged, and servers would log its text as well.
            if scope["type"] != "http":
                raise

    return serve
