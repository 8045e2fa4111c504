"""A Bundle to be worked on, batch or transaction: its entries, and which of them ask for what cannot be done.

Source: https://hl7.org/fhir/R4/http.html#transaction
"""

from collections.abc import Iterator, Mapping
from typing import Any, Final, Literal, NamedTuple, TypeAlias, get_args

from contracts.data import EventKey
from services.access.problems import Fault, Problem, Refused, problem
from services.fhir.asked import condition
from services.fhir.entries import Entry
from services.fhir.parsing import SUPPORTED
from services.fhir.translate import TOLERATED
from services.fhir.values import part, refused

MOST_ENTRIES: Final = 1_000
How: TypeAlias = Literal["batch", "transaction"]

_OF_BUNDLE: Final = frozenset(
    [
        "resourceType",
        "id",
        "meta",
        "implicitRules",
        "language",
        "identifier",
        "type",
        "timestamp",
        "total",
        "link",
        "entry",
        "signature",
    ]
)
_OF_ENTRY: Final = frozenset(
    ["id", "extension", "modifierExtension", "link", "fullUrl", "resource", "search", "request", "response"]
)
_KNOWN: Final = SUPPORTED | TOLERATED


class Misfit(NamedTuple):
    """An entry that is no request to create a resource: why, and its FHIRPath."""

    problem: Problem
    place: str


def bundle(document: Mapping[str, Any]) -> tuple[How, list[Entry | Misfit]]:
    """What is asked for, and each entry. Raises Refused where the whole is no bundle to be worked on."""
    if document.get("resourceType") != "Bundle":
        raise refused("/resourceType", "missing" if "resourceType" not in document else "enum")
    if not _OF_BUNDLE.issuperset(document):
        raise refused("", "unknown_property")
    how = next((how for how in get_args(How) if document.get("type") == how), None)
    if how is None:
        raise refused("/type", "missing" if "type" not in document else "enum")
    entries = document.get("entry", [])
    if not isinstance(entries, list):
        raise refused("/entry", "type")
    if len(entries) > MOST_ENTRIES:
        raise Refused(problem("batch-too-large", detail=f"A bundle holds at most {MOST_ENTRIES} entries."))
    return how, list(_entries(entries))


def _entries(entries: list[object]) -> Iterator[Entry | Misfit]:
    names: set[str] = set()
    for index, one in enumerate(entries):
        place = f"Bundle.entry[{index}]"
        try:
            entry = _entry(one, place)
            if entry.name is not None and entry.name in names:
                raise refused("/fullUrl", "duplicate")
        except Refused as error:
            yield Misfit(error.problem, place)
        else:
            names |= {entry.name} if entry.name is not None else set()
            yield entry


def _entry(entry: object, place: str) -> Entry:
    if not isinstance(entry, dict):
        raise refused("", "type")
    if not _OF_ENTRY.issuperset(entry):
        raise refused("", "unknown_property")
    resource, name = entry.get("resource"), entry.get("fullUrl")
    if not isinstance(resource, dict):
        raise refused("/resource", "missing" if resource is None else "type")
    if name is not None and not isinstance(name, str):
        raise refused("/fullUrl", "type")
    kind = resource.get("resourceType")
    if not isinstance(kind, str) or kind not in _KNOWN:
        raise _unknown(kind)
    identifier, put = _request(entry, kind)
    urn = name if name is not None and name.startswith("urn:") else None
    return Entry(resource, kind, f"{place}.resource", identifier, urn, put)


def _unknown(kind: object) -> Refused:
    if kind is None:
        return refused("/resource/resourceType", "missing")
    return refused("/resource/resourceType", "not_supported", "not-found")


def _request(entry: Mapping[str, Any], kind: str) -> tuple[EventKey | None, bool]:
    """The identity that the entry's request names, and whether it is a PUT, which only what is not kept may be."""
    if not isinstance(entry.get("request"), dict):
        raise refused("/request", "missing" if entry.get("request") is None else "type")
    request = part(entry, "request")
    method, url, unless = (request.get(name) for name in ("method", "url", "ifNoneExist"))
    if not isinstance(method, str) or not isinstance(url, str):
        raise refused("/request/method" if not isinstance(method, str) else "/request/url", "missing")
    if kind in TOLERATED and method in {"POST", "PUT"}:
        return None, method == "PUT"
    if method != "POST":
        raise refused("/request/method", "not_supported", "method-not-allowed")
    if url != kind:
        raise refused("/request/url", "mismatch")
    if unless is None:
        return None, False
    try:
        return condition(unless if isinstance(unless, str) else ""), False
    except Refused as error:
        found = error.problem
        fault = Fault("/request/ifNoneExist", found.errors[0].code)
        raise Refused(problem(found.slug, fault, detail=found.detail)) from None
