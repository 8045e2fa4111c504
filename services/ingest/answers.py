"""What the door answers: a receipt, what became of a batch, or that an event could be posted; as bytes and headers."""

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple, TypeAlias

from contracts.events import AnyEvent
from services.access.problems import MEDIA_TYPE, Problem
from services.eventlog.ports import Appended

POSITION: Final = "Resonance-Position"
"""Header: the log has at least come to here; a view that stands at this position shows the event."""
_COMPACT: Final = json.JSONEncoder(separators=(",", ":"))

Result: TypeAlias = dict[str, object]
"""What became of one event: what a single one is answered with, and an entry of a batch's answer."""


class Answer(NamedTuple):
    status: int
    body: bytes
    headers: Mapping[str, str]
    media_type: bytes = b"application/json"


def receipt(event: AnyEvent, stored: Appended) -> Result:
    return {"id": event.id, "status": "duplicate" if stored.duplicate else "accepted", "position": stored.position}


def valid(event: AnyEvent) -> Result:
    return {"id": event.id, "status": "valid"}


def rejected(index: int, name: str | None, found: Problem) -> Result:
    return {
        "index": index,
        "id": name,
        "status": "rejected",
        "http_status": found.status,
        "retryable": found.retryable,
        "problem": found.document(),
    }


def one(result: Result, status: int) -> Answer:
    """The answer to a single event."""
    position = result.get("position")
    return Answer(status, _json(result), {} if position is None else {POSITION: str(position)})


def refusal(found: Problem) -> Answer:
    return Answer(found.status, found.body(), found.headers, MEDIA_TYPE.encode())


def batch(results: Sequence[Result]) -> Answer:
    """The answer to a batch that was posted."""
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
    return Answer(207 if counts["rejected"] else 200, _json(body), headers)


def validated(results: Sequence[Result]) -> Answer:
    """The answer to a batch that was only looked at."""
    counts = Counter(result["status"] for result in results)
    body = {
        "valid": counts["valid"],
        "rejected": counts["rejected"],
        "errors": counts["rejected"] > 0,
        "results": results,
    }
    return Answer(207 if counts["rejected"] else 200, _json(body), {})


def _json(value: object) -> bytes:
    return _COMPACT.encode(value).encode()
