"""A small client of the API: posts events until each has its answer, and reads back what is on the log.

It needs httpx and pydantic and nothing else of Resonance, so that it can be copied. Errors name kinds of problems, and
never what was sent.
"""

import json
import re
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import Any, Final, Literal, Self, TypeAlias, TypeVar

import httpx
from pydantic import BaseModel, ConfigDict, ValidationError

Event: TypeAlias = Mapping[str, Any] | bytes
"""A CloudEvent, as a mapping or as the JSON text of one."""

BATCH: Final = 500
BATCH_BYTES: Final = 3 * 2**20
"""Of the events of a batch, as the service takes 4 MiB; a single one may be larger."""
_CHUNK: Final = 64 * 1024
_TRIES: Final = 8
_LONGEST_PAUSE: Final = 30.0
_PASSING: Final = frozenset({408, 429, 500, 502, 503, 504})
_BATCHES: Final = {"Content-Type": "application/cloudevents-batch+json"}
_NDJSON: Final = "application/x-ndjson"


class Problem(BaseModel):
    """Why something was refused (RFC 9457)."""

    type: str = ""
    errors: list[dict[str, str]] = []
    """Each a ``pointer`` into what was sent, and a ``code``."""
    retryable: bool = False

    @property
    def code(self) -> str:
        """The last part of the type, as ``score-out-of-range``; never anything that was sent."""
        slug = re.search(r"([a-z][a-z0-9-]{0,63})/?$", self.type)
        return slug[1] if slug else "unknown"


class Result(BaseModel):
    """What became of one event; ``index`` is its place in the batch that was sent last."""

    index: int = 0
    id: str | None = None
    status: Literal["accepted", "duplicate", "rejected", "valid"]
    position: int | None = None
    retryable: bool = False
    problem: Problem = Problem()
    """Of a rejected one."""


class Listed(BaseModel):
    """An event as the log keeps it; all its other members are attributes as well."""

    model_config = ConfigDict(extra="allow")

    source: str
    id: str
    type: str
    rsnposition: int


class FeedItem(BaseModel):
    """What became of an alert."""

    id: str
    type: str
    position: int
    time: str
    alert_ref: str


class ImportStatus(BaseModel):
    """How far an import has come; lines before ``next_line`` are settled."""

    id: str = ""
    state: Literal["receiving", "interrupted", "done"] = "interrupted"
    lines: int = 0
    accepted: int = 0
    duplicates: int = 0
    rejected: int = 0
    position: int | None = None
    next_line: int = 1


class RefusedLine(BaseModel):
    line: int
    id: str | None
    problem: Problem


class Failed(Exception):
    """The service refuses the request as a whole, with ``problem``, or does not answer.

    ``results`` has what became of each event, and None where that is not known: it may be on the log or not.
    """

    def __init__(self, why: str, problem: Problem | None = None) -> None:
        super().__init__(why)
        self.why = why
        self.problem = problem
        self.results: list[Result | None] = []


class _Results(BaseModel):
    results: list[Result] = []


Model = TypeVar("Model", bound=BaseModel)


class Client:
    """Speaks to the service at ``url`` for whoever bears ``key``.

    What meets a network error, a passing status or a ``retryable`` problem is sent again after ``Retry-After`` or a
    doubling pause, ``tries`` times at most. One thread at a time may use it.
    """

    def __init__(
        self,
        url: str,
        key: str,
        *,
        tries: int = _TRIES,
        transport: httpx.BaseTransport | None = None,
        pause: Callable[[float], None] = time.sleep,
    ) -> None:
        headers = {"authorization": f"Bearer {key}"}
        self._http = httpx.Client(base_url=url, headers=headers, timeout=60, transport=transport)
        self._tries = tries
        self._pause = pause

    def post(self, event: Event) -> Result:
        """Raises Failed."""
        return self.post_batch([event])[0]

    def post_all(self, events: Iterable[Event], batch: int = BATCH) -> Iterator[Result]:
        """What became of each, in order, batch by batch. Raises Failed, whose ``results`` are of the last batch."""
        waiting: list[bytes] = []
        size = 0
        for text in map(_text, events):
            if waiting and (len(waiting) >= batch or size + len(text) > BATCH_BYTES):
                yield from self.post_batch(waiting)
                waiting, size = [], 0
            waiting.append(text)
            size += len(text) + 1
        if waiting:
            yield from self.post_batch(waiting)

    def post_batch(self, events: Sequence[Event]) -> list[Result]:
        """What became of each, once each is accepted, there already, or rejected for good. Raises Failed."""
        return self._batch("/v1/events", events)

    def validate(self, events: Sequence[Event]) -> list[Result]:
        """What would become of each, were it posted; nothing is stored. Raises Failed."""
        return self._batch("/v1/events/validate", events)

    def events(self, after: int = 0) -> Iterator[Listed]:
        """The events of this client's sources that lie beyond the position ``after``, in order. Raises Failed."""
        return self._pages("/v1/events", after, Listed)

    def feed(self, after: int = 0) -> Iterator[FeedItem]:
        """What became of alerts beyond the position ``after``, in order. Raises Failed."""
        return self._pages("/v1/feed", after, FeedItem)

    def import_file(self, path: Path, name: str) -> ImportStatus:
        """Imports a file of events, one a line, under ``name``; what breaks off goes on where it was.

        Raises Failed, after which it can be called again, and OSError where the file cannot be read.
        """
        attempt = reached = 0
        while True:
            status = self.import_status(name)
            if status.state == "done":
                return status
            if status.next_line > reached:
                attempt, reached = 0, status.next_line
            headers = {
                "Content-Type": _NDJSON,
                "Idempotency-Key": name,
                "Resonance-From-Line": str(status.next_line),
            }
            with path.open("rb") as file:
                response = self._once("POST", "/v1/imports", content=_from(file, status.next_line), headers=headers)
            if response is not None and response.is_success:
                return _read(ImportStatus, response)
            if response is not None and not _passes(response):
                raise _refused(response)
            attempt += 1
            if attempt == self._tries:
                raise Failed(f"no answer in {self._tries} attempts")
            self._pause(_patience(response, attempt - 1))

    def import_status(self, name: str) -> ImportStatus:
        """How far the import has come; at its first line where there is none yet. Raises Failed."""
        try:
            return _read(ImportStatus, self._answer("GET", f"/v1/imports/{name}"))
        except Failed as failed:
            if failed.problem is not None and failed.problem.code == "not-found":
                return ImportStatus(id=name)
            raise

    def import_errors(self, name: str) -> Iterator[RefusedLine]:
        """The lines that were refused. Raises Failed."""
        path: str | None = f"/v1/imports/{name}/errors"
        while path is not None:
            response = self._answer("GET", path)
            yield from map(RefusedLine.model_validate_json, response.text.splitlines())
            path = response.links.get("next", {}).get("url")

    def close(self) -> None:
        self._http.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _batch(self, path: str, events: Sequence[Event]) -> list[Result]:
        settled: list[Result | None] = [None] * len(events)
        waiting: dict[int, bytes] = {}
        for index, text in enumerate(map(_text, events)):
            if _is_json(text):
                waiting[index] = text
            else:
                settled[index] = _rejected("malformed-json")
        try:
            self._settle(path, waiting, settled)
        except Failed as failed:
            failed.results = settled
            raise
        return [result for result in settled if result is not None]

    def _settle(self, path: str, waiting: dict[int, bytes], settled: list[Result | None]) -> None:
        """Sends until each of ``waiting``, by its place, is settled."""
        for attempt in range(self._tries):
            if not waiting:
                return
            response = self._once("POST", path, content=b"[" + b",".join(waiting.values()) + b"]", headers=_BATCHES)
            if response is not None and not _passes(response):
                if _unreadable(response):
                    self._halve(path, waiting, settled, _problem(response).code)
                    return
                waiting = _sorted_out(waiting, response, settled)
            if waiting and attempt < self._tries - 1:
                self._pause(_patience(response, attempt))
        if waiting:
            raise Failed(f"no answer in {self._tries} attempts")

    def _halve(self, path: str, waiting: dict[int, bytes], settled: list[Result | None], code: str) -> None:
        """The batch was refused as a whole and nothing of it is stored: smaller ones show which event is to blame."""
        if len(waiting) == 1:
            settled[next(iter(waiting))] = _rejected(code)
            return
        places = list(waiting.items())
        self._settle(path, dict(places[: len(places) // 2]), settled)
        self._settle(path, dict(places[len(places) // 2 :]), settled)

    def _pages(self, path: str, after: int, model: type[Model]) -> Iterator[Model]:
        url: str | None = f"{path}?after={after}&limit=1000"
        while url is not None:
            response = self._answer("GET", url)
            yield from map(model.model_validate, response.json()["items"])
            url = response.links.get("next", {}).get("url")

    def _answer(self, method: str, path: str) -> httpx.Response:
        """Asks until there is an answer. Raises Failed."""
        for attempt in range(self._tries):
            response = self._once(method, path)
            if response is not None and response.is_success:
                return response
            if response is not None and not _passes(response):
                raise _refused(response)
            if attempt < self._tries - 1:
                self._pause(_patience(response, attempt))
        raise Failed(f"no answer in {self._tries} attempts")

    def _once(self, method: str, path: str, **request: Any) -> httpx.Response | None:
        try:
            return self._http.request(method, path, **request)
        except (httpx.UnsupportedProtocol, httpx.LocalProtocolError):
            raise Failed("the address or the key cannot be used") from None  # without its cause, which can hold the key
        except httpx.TransportError:
            return None


def _text(event: Event) -> bytes:
    return event if isinstance(event, bytes) else json.dumps(event).encode()


def _is_json(text: bytes) -> bool:
    """Whether it can stand in a JSON array without changing where its neighbours begin."""
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        return False
    return True


def _from(file: Any, line: int) -> Iterator[bytes]:
    """The file in chunks, from line ``line`` on."""
    for _ in islice(file, line - 1):
        pass
    while chunk := file.read(_CHUNK):
        yield chunk


def _rejected(code: str) -> Result:
    return Result(status="rejected", problem=Problem(type=f"/v1/problems/{code}"))


def _sorted_out(waiting: dict[int, bytes], response: httpx.Response, settled: list[Result | None]) -> dict[int, bytes]:
    """Notes what is settled, and returns what is to be sent again."""
    if response.status_code not in {200, 207}:
        raise _refused(response)
    results = _read(_Results, response).results
    if [result.index for result in results] != list(range(len(waiting))):
        raise Failed("the server does not answer for each event")
    again: dict[int, bytes] = {}
    for (place, text), result in zip(waiting.items(), results, strict=True):
        if result.status == "rejected" and result.retryable:
            again[place] = text
        else:
            settled[place] = result
    return again


def _refused(response: httpx.Response) -> Failed:
    problem = _problem(response)
    return Failed(f"the server answers {response.status_code} {problem.code}", problem)


def _passes(response: httpx.Response) -> bool:
    """Whether the same request can succeed later."""
    return response.status_code in _PASSING or (response.is_error and _problem(response).retryable)


def _patience(response: httpx.Response | None, attempt: int) -> float:
    """Seconds until the next attempt: what the server asks for (RFC 9110, section 10.2.3), or 0.5, 1, 2 ... 30."""
    asked = response.headers.get("retry-after", "") if response is not None else ""
    return float(asked) if asked.isascii() and asked.isdigit() else min(0.5 * 2.0**attempt, _LONGEST_PAUSE)


def _unreadable(response: httpx.Response) -> bool:
    """Whether a batch was refused as a whole for what is in it."""
    too_large = response.status_code == httpx.codes.REQUEST_ENTITY_TOO_LARGE
    return too_large or (response.is_client_error and _problem(response).code == "malformed-json")


def _problem(response: httpx.Response) -> Problem:
    return _read(Problem, response)


def _read(model: type[Model], response: httpx.Response) -> Model:
    """The body, or an empty model where it is no such one."""
    try:
        return model.model_validate_json(response.content)
    except ValidationError:
        return model()
