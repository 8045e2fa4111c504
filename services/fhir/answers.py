"""What the FHIR door answers: a resource as far as it was kept, an OperationOutcome, or what became of a bundle."""

from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Final, NamedTuple

from services.access.problems import Problem
from services.fhir.asked import MEDIA_TYPE, PATH, Return
from services.fhir.context import Discarded, Reason
from services.fhir.outcome import Resource, informational, outcome
from services.fhir.render import id_at, render
from services.fhir.settling import Settled, Stored

POSITION: Final = "Resonance-Position"
"""Header: the log has at least come to here; a view that stands at this position shows what was stored."""
ETAG: Final = 'W/"1"'
"""There is one version of everything: what is amended is a resource of its own."""

_DISCARDED: Final[Mapping[Reason, str]] = {
    "status": "Not stored: a resource of this status tells of nothing that has come to pass.",
    "panel": "Not stored: a panel has no value of its own; its total is what counts.",
    "item": "Not stored: answers to single items are never kept.",
    "other_scale": "Not stored: this scale is known and not followed.",
    "context": "Not stored: others may refer to it; nothing of it is kept.",
}


class Answer(NamedTuple):
    status: int
    body: Resource | None = None
    headers: Mapping[str, str] = {}
    media_type: str = MEDIA_TYPE


class Became(NamedTuple):
    """What became of an entry of a bundle: its type, and the FHIRPath that its problems start from."""

    kind: str
    place: str
    settled: Settled


def of_resource(kind: str, settled: Stored | Discarded, wanted: Return) -> Answer:
    """The answer to a resource that was posted by itself, and not refused."""
    if isinstance(settled, Discarded):
        return Answer(200, None if wanted == "minimal" else informational(_DISCARDED[settled.reason]))
    headers = {"Location": f"{PATH}/{kind}/{_id(kind, settled)}", "ETag": ETAG, POSITION: str(settled.last)}
    return Answer(201 if settled.fresh else 200, _shown(kind, settled, wanted), headers)


def of_bundle(how: str, became: Sequence[Became], wanted: Return) -> Answer:
    """The answer to a batch, or to a transaction that was stored."""
    entries = [_entry(one, wanted) for one in became]
    body: Resource = {"resourceType": "Bundle", "type": f"{how}-response"}
    body |= {"entry": entries} if entries else {}  # no list of FHIR is empty
    positions = [one.settled.last for one in became if isinstance(one.settled, Stored)]
    return Answer(200, body, {POSITION: str(max(positions))} if positions else {})


def _entry(one: Became, wanted: Return) -> Resource:
    kind, place, settled = one
    if isinstance(settled, Problem):
        return {"response": {"status": _status(settled.status), "outcome": outcome((settled, place))}}
    if isinstance(settled, Discarded):
        return {"response": {"status": _status(200), "outcome": informational(_DISCARDED[settled.reason])}}
    location = f"{kind}/{_id(kind, settled)}"
    response = {"status": _status(201 if settled.fresh else 200), "location": location, "etag": ETAG}
    shown = _shown(kind, settled, wanted)
    if wanted == "representation":
        return {"resource": shown, "response": response}
    return {"response": response | ({"outcome": shown} if shown else {})}


def _shown(kind: str, settled: Stored, wanted: Return) -> Resource | None:
    match wanted:
        case "minimal":
            return None
        case "representation":
            return render(settled.events, kind, settled.position)
        case "OperationOutcome":
            return informational("Stored." if settled.fresh else "Stored before.")


def _id(kind: str, settled: Stored) -> str:
    return id_at(settled.position, settled.events[0], kind)


def _status(code: int) -> str:
    return f"{code} {HTTPStatus(code).phrase}"
