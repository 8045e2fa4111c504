"""What a request says beside its body: media type, preference, identity; each of it as FHIR R4's REST API spells it.

Source: https://hl7.org/fhir/R4/http.html
"""

import re
from collections.abc import Mapping
from typing import Final, Literal, NamedTuple, TypeAlias, get_args
from urllib.parse import parse_qsl

from pydantic import ValidationError

from contracts.data import EventKey
from services.access.problems import Fault, Refused, problem
from services.fhir.parsing import SUPPORTED

MEDIA_TYPE: Final = "application/fhir+json"
PATH: Final = "/fhir"
Return: TypeAlias = Literal["minimal", "representation", "OperationOutcome"]

_KINDS: Final = frozenset({"application/fhir+json", "application/json"})
_PARAMETERS: Final = frozenset({"charset=utf-8", 'charset="utf-8"', "fhirversion=4.0", 'fhirversion="4.0"'})
_PREFERENCE: Final = re.compile(r"(?:^|[,;]\s*)return\s*=\s*\"?(\w+)")
_LAYOUT: Final = frozenset({"_format", "_pretty", "_count"})
"""Search parameters that change nothing of what is found."""
_MOST_FIELDS: Final = 16

Does: TypeAlias = Literal["metadata", "configuration", "bundle", "create", "search", "read"]
_PLACES: Final[Mapping[tuple[str, ...], Mapping[str, Does]]] = {
    (): {"POST": "bundle"},
    ("metadata",): {"GET": "metadata"},
    (".well-known", "smart-configuration"): {"GET": "configuration"},
}
_OF_TYPE: Final[Mapping[str, Does]] = {"GET": "search", "POST": "create"}
_OF_ONE: Final[Mapping[str, Does]] = {"GET": "read"}


class Route(NamedTuple):
    """What a request asks for; ``template`` is its path with the names of its parts."""

    does: Does
    template: str
    kind: str = ""
    id: str = ""


def route(method: str, path: str) -> Route:
    """What a request for ``path`` (below ``/fhir``) asks for. One slash at the end is no matter.

    Raises Refused: ``not-found`` for what is no place of ours, ``method-not-allowed``.
    """
    steps = tuple(path.strip("/").split("/")) if path.strip("/") else ()
    kind, own = (*steps, "", "")[:2]
    template = "/".join((PATH, *steps))
    methods = _PLACES.get(steps)
    if methods is None:
        if kind not in SUPPORTED or len(steps) > 2:
            raise Refused(problem("not-found", Fault("", "not_supported")))
        methods, template = (_OF_ONE, f"{PATH}/{kind}/{{id}}") if own else (_OF_TYPE, f"{PATH}/{kind}")
    if method not in methods:
        raise Refused(problem("method-not-allowed", headers={"Allow": ", ".join(methods)}))
    return Route(methods[method], template, kind if kind in SUPPORTED else "", own)


def require_json(content_type: str) -> None:
    """Raises Refused (``unsupported-media-type``) for what is not FHIR R4 in JSON and UTF-8."""
    kind, *parameters = (part.strip() for part in content_type.lower().split(";"))
    if kind not in _KINDS or not _PARAMETERS.issuperset(filter(None, parameters)):
        raise Refused(problem("unsupported-media-type", detail=f"Resources are {MEDIA_TYPE}, FHIR 4.0, in UTF-8."))


def returned(prefer: str, default: Return) -> Return:
    """Which body an answer shall have. A preference that nobody knows is none (RFC 7240, section 2)."""
    found = _PREFERENCE.search(prefer)
    wanted: Mapping[str, Return] = {known: known for known in get_args(Return)}
    return wanted.get(found[1], default) if found else default


def condition(text: str) -> EventKey:
    """The identity that ``If-None-Exist`` names: ``identifier=<system>|<value>``.

    Raises Refused: ``precondition-failed`` for any other search, which could match several resources,
    ``identifier-required`` where no event could have that identity.
    """
    pairs = _pairs(text.partition("?")[2] or text)
    if len(pairs) != 1 or pairs[0][0] != "identifier" or "," in pairs[0][1]:
        detail = "If-None-Exist holds one identifier=system|value, and nothing else."
        raise Refused(problem("precondition-failed", Fault("", "several"), detail=detail))
    found = _key(pairs[0][1])
    if found is None:
        raise Refused(problem("identifier-required", Fault("", "pattern")))
    return found


def searched(query: str) -> EventKey | None:
    """The identity that a search asks for; None where no event could have it.

    Raises Refused (``request-refused``) for any other search: an answer to less than was asked would mislead.
    """
    wanted = [(name, value) for name, value in _pairs(query) if name not in _LAYOUT]
    if len(wanted) != 1 or wanted[0][0] != "identifier" or "," in wanted[0][1]:
        detail = "The one search is by identifier=system|value."
        raise Refused(problem("request-refused", Fault("", "not_supported"), detail=detail))
    return _key(wanted[0][1])


def _pairs(query: str) -> list[tuple[str, str]]:
    """The fields of a query; none of one that has more than any of ours, as reading millions would take its time."""
    try:
        return parse_qsl(query, keep_blank_values=True, max_num_fields=_MOST_FIELDS)
    except ValueError:
        return []


def _key(token: str) -> EventKey | None:
    system, _, value = token.partition("|")
    try:
        return EventKey(source=system, id=value)
    except ValidationError:
        return None
