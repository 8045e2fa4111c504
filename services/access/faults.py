"""From a validation error to pointers and codes that repeat nothing of what was sent."""

import re
from collections.abc import Iterable, Sequence
from typing import Final

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from services.access.problems import Fault, Problem, Slug, combined, problem

MOST_FAULTS: Final = 50
"""Of a body with more faults than this, only that there are too many is told."""

_CODES: Final = {
    "bool_type": "type",
    "date_from_datetime_inexact": "date_time",
    "date_from_datetime_parsing": "date_time",
    "date_parsing": "date_time",
    "datetime_from_date_parsing": "date_time",
    "datetime_parsing": "date_time",
    "dict_type": "type",
    "extra_forbidden": "unknown_property",
    "finite_number": "range",
    "float_type": "type",
    "greater_than_equal": "range",
    "int_from_float": "type",
    "int_type": "type",
    "less_than_equal": "range",
    "literal_error": "enum",
    "model_attributes_type": "type",
    "model_type": "type",
    "string_pattern_mismatch": "pattern",
    "string_too_long": "length",
    "string_too_short": "length",
    "string_type": "type",
    "timezone_aware": "timezone_missing",
    "too_long": "length",
    "too_short": "length",
    "tuple_type": "type",
}
"""pydantic's error types (https://docs.pydantic.dev/latest/errors/validation_errors/) in our words.

A type that is not listed is its own code."""

_WITHOUT_OFFSET: Final = re.compile(r"\d{4}-\d\d-\d\d([Tt ][\d:.]+)?")
_PROSE: Final = frozenset({"extra_forbidden", "literal_error", "string_pattern_mismatch"})


def pointer(place: Iterable[str | int]) -> str:
    """The JSON Pointer to ``place``. None of our names needs escaping."""
    return "".join(f"/{step}" for step in place)


def unfit(error: ValidationError, outer: int = 0) -> Problem:
    """The problem that ``error`` tells of, its places without the ``outer`` first steps.

    An unknown name can be a client's, sent by mistake: its pointer names the object around it.
    """
    if error.error_count() > MOST_FAULTS:
        return problem("validation", Fault("", "too_many_faults"))
    errors = error.errors(include_url=False)
    if errors[0]["type"] == "json_invalid":  # a lone surrogate, or nesting that only Python's decoder still reads
        return problem("malformed-json", Fault("", "unreadable"))
    return combined(faults(errors, outer))


def faults(errors: Sequence[ErrorDetails], outer: int) -> list[tuple[Slug, Fault]]:
    """Kind, pointer and code of each error, its place without the ``outer`` first steps."""
    return [_fault(error, error["loc"][outer:]) for error in errors if not _only_follows(error, errors)]


def _only_follows(error: ErrorDetails, errors: Sequence[ErrorDetails]) -> bool:
    """A list whose entries are all at fault counts as too short as well, which would mislead."""
    place = error["loc"]
    return error["type"] == "too_short" and any(
        len(other["loc"]) > len(place) and other["loc"][: len(place)] == place for other in errors
    )


def _fault(error: ErrorDetails, place: tuple[str | int, ...]) -> tuple[Slug, Fault]:
    kind = error["type"]
    if kind == "union_tag_invalid":
        return "unknown-event-type", Fault("/type", "enum")
    if kind == "union_tag_not_found":
        return "validation", Fault("/type", "missing")
    if kind == "too_long" and place[-1] == "statement":
        return "statement-too-long", Fault(pointer(place), "length")
    if kind == "value_error" and not place:
        return "validation", Fault("/specversion", "missing")
    where = place[:-1] if kind == "extra_forbidden" else place
    code = _code_of_own_rule(error, place) if kind == "value_error" else _CODES.get(kind, kind)
    prose = kind in _PROSE and _has_several_words(error["input"])
    return "free-text-not-allowed" if prose else "validation", Fault(pointer(where), code)


def _code_of_own_rule(error: ErrorDetails, place: tuple[str | int, ...]) -> str:
    """Which of the rules of the contracts that raise a plain ValueError was broken, told by where each applies."""
    name, value = str(place[-1]), error["input"]
    if name == "statement":
        return "control_character"
    if name == "data":
        return "same_reference"
    if name == "aspect":
        return "enum"
    if not isinstance(value, str):
        return "type"
    is_day = name.endswith("_on")
    return "timezone_missing" if not is_day and _WITHOUT_OFFSET.fullmatch(value) else "date_time"


def _has_several_words(value: object) -> bool:
    return isinstance(value, str) and len(value.split(maxsplit=1)) > 1
