"""Is it a resource of its type? Asks fhir.resources (R4B), and checks the required bindings, which it does not.

A refusal names the place and a code, and repeats nothing of what was sent.
"""

from collections.abc import Iterator, Mapping
from functools import cache
from importlib import import_module
from typing import Any, Final

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from services.access.faults import MOST_FAULTS, pointer
from services.access.problems import Fault, Refused, combined, problem
from services.fhir.bindings import BINDINGS, COMMON

_MODULES: Final[Mapping[str, str]] = {
    "Appointment": "appointment",
    "CareTeam": "careteam",
    "Encounter": "encounter",
    "EpisodeOfCare": "episodeofcare",
    "Observation": "observation",
    "QuestionnaireResponse": "questionnaireresponse",
}
SUPPORTED: Final = frozenset(_MODULES)
"""The types of resources that can become events."""

_CODES: Final[Mapping[str, str]] = {
    "bool_type": "type",
    "date_from_datetime_parsing": "date_time",
    "date_parsing": "date_time",
    "datetime_from_date_parsing": "date_time",
    "datetime_parsing": "date_time",
    "decimal_parsing": "type",
    "decimal_type": "type",
    "dict_type": "type",
    "extra_forbidden": "unknown_property",
    "int_from_float": "type",
    "int_parsing": "type",
    "int_type": "type",
    "list_type": "type",
    "model_field_validation.missing": "missing",
    "model_type": "type",
    "model_validation_format": "type",
    "string_pattern_mismatch": "pattern",
    "string_too_short": "length",
    "string_type": "type",
}
"""The kinds of errors of pydantic and of fhir.resources in our words; of all others only that the place is invalid."""
_DATES: Final = ("Date", "DateTime", "Instant", "Time")
_ARTIFICIAL: Final = frozenset({"root"})
"""Steps of a place that are the library's own."""


@cache
def _model(kind: str) -> type[BaseModel]:
    """The library's model. Imported at the first resource, as the service has to start fast."""
    found: type[BaseModel] = getattr(import_module(f"fhir.resources.R4B.{_MODULES[kind]}"), kind)
    return found


def check(resource: Mapping[str, Any], kind: str) -> None:
    """Raises Refused (``validation``) unless ``resource`` is one of the type ``kind``, which is SUPPORTED."""
    try:
        _model(kind).model_validate(resource)
    except ValidationError as error:
        raise Refused(_problem(error)) from None
    except Exception:  # noqa: BLE001 - the library lets others out as well, KeyError for a contained type of no name
        raise Refused(problem("validation", Fault("", "unreadable"))) from None
    if not isinstance(resource.get("status"), str):  # an extension can stand for it, and a CareTeam need not have one
        raise Refused(problem("validation", Fault("/status", "missing")))
    found = [
        Fault(pointer(place), "enum")
        for path, codes in (*BINDINGS[kind], *COMMON)
        for place, value in _values(resource, path)
        if value not in codes
    ]
    if found:
        raise Refused(problem("validation", *found[:MOST_FAULTS]))


def _values(
    element: object, path: tuple[str, ...], place: tuple[str | int, ...] = ()
) -> Iterator[tuple[tuple[str | int, ...], str]]:
    """The texts at ``path`` below ``element``, through every entry of lists."""
    if isinstance(element, list):
        for index, entry in enumerate(element):
            yield from _values(entry, path, (*place, index))
    elif not path:
        if isinstance(element, str):
            yield place, element
    elif isinstance(element, dict) and path[0] in element:
        yield from _values(element[path[0]], path[1:], (*place, path[0]))


def _problem(error: ValidationError) -> Any:
    if error.error_count() > MOST_FAULTS:
        return problem("validation", Fault("", "too_many_faults"))
    # The text of an error can hold what was sent, and so can the last step of a place that nobody knows.
    return combined(("validation", _fault(one)) for one in error.errors(include_url=False, include_input=False))


def _fault(error: ErrorDetails) -> Fault:
    place = [step for step in error["loc"] if step not in _ARTIFICIAL]
    kind = error["type"]
    if kind == "extra_forbidden":
        place = place[:-1]
    code = _CODES.get(kind, "invalid")
    if code == "invalid" and place and str(place[-1]).endswith(_DATES):
        code = "date_time"
    return Fault(pointer(place), code)
