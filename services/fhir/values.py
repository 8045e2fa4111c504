"""Reads the values of a resource that passed parsing: instants, days, and a score in any of the forms it is sent in.

What is read is the JSON itself. Everything that cannot be read without guessing is refused, by place and code.
"""

import re
from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime, time
from typing import Any, Final, NamedTuple, TypeAlias

from services.access.problems import Fault, Refused, Slug, problem

Element: TypeAlias = Mapping[str, Any]

UCUM: Final = "http://unitsofmeasure.org"
_DAY: Final = re.compile(r"\d{4}-\d\d-\d\d")
_NUMBER: Final = re.compile(r"-?[0-9]{1,9}(?:\.[0-9]{1,9})?")
_UNITS: Final = frozenset({"1", "{score}"})
"""The UCUM codes that a score bears: the unity, and the annotation that says what it counts."""
_FORMS: Final = ("valueQuantity", "valueInteger", "valueDecimal", "valueString")
_NOON: Final = time(12, tzinfo=UTC)


class Moment(NamedTuple):
    """When: an instant, and the day where no more was said. Then the instant is noon UTC, that day in most zones."""

    at: datetime
    day: date | None


def refused(pointer: str, code: str, slug: Slug = "validation") -> Refused:
    """To be raised: what is wrong with the one place ``pointer``."""
    return Refused(problem(slug, Fault(pointer, code)))


def text(element: Element, name: str) -> str | None:
    """The text ``name`` of ``element``, or None."""
    found = element.get(name)
    return found if isinstance(found, str) else None


def part(element: Element, name: str) -> Element:
    """The object ``name`` of ``element``, empty where there is none."""
    found = element.get(name)
    return found if isinstance(found, dict) else {}


def parts(element: Element, name: str) -> Iterator[tuple[int, Element]]:
    """The objects of the list ``name`` of ``element``, with their places."""
    found = element.get(name)
    for index, one in enumerate(found if isinstance(found, list) else ()):
        if isinstance(one, dict):
            yield index, one


def codings(element: Element) -> Iterator[tuple[str, str]]:
    """System and code of each coding of a CodeableConcept; never its text, nor a display."""
    for _, one in parts(element, "coding"):
        system, code = text(one, "system"), text(one, "code")
        if system and code:
            yield system, code


def moment(element: Element, name: str, place: str = "") -> Moment | None:
    """The date or instant ``name`` of ``element`` at the pointer ``place``; None where there is none.

    Raises Refused for a year or a month alone, which would have to be guessed at.
    """
    said = text(element, name)
    if said is None:
        return None
    try:
        if _DAY.fullmatch(said):
            day = date.fromisoformat(said)
            return Moment(datetime.combine(day, _NOON), day)
        if "T" in said:
            at = datetime.fromisoformat(said)
            if at.tzinfo is None:
                raise refused(f"{place}/{name}", "timezone_missing")
            return Moment(at, None)
    except ValueError:
        pass
    raise refused(f"{place}/{name}", "date_time")


def instant(element: Element, name: str, place: str = "") -> datetime | None:
    """The instant ``name`` of ``element``; None where there is none. Raises Refused for a mere day."""
    found = moment(element, name, place)
    if found is not None and found.day is not None:
        raise refused(f"{place}/{name}", "date_time")
    return None if found is None else found.at


def score(element: Element, place: str) -> tuple[float, str] | None:
    """The number that the value of ``element`` is, and the pointer to it; None where it has no value.

    Accepted are an integer, a decimal, a quantity of the unit ``1``, ``{score}`` or none, and a text that is a number
    and nothing else. Raises Refused for any other value: ``type``, ``unit``, ``comparator`` or ``not_a_number``.
    """
    given = [name for name in element if name.startswith("value")]
    if not given:
        return None
    name = given[0]
    value = element[name]
    found = f"{place}/{name}"
    if name not in _FORMS:
        raise refused(found, "type")
    if name == "valueString":
        if not isinstance(value, str) or not _NUMBER.fullmatch(value):
            raise refused(found, "not_a_number")
        return float(value), found
    if name == "valueQuantity":
        value = _unity(part(element, name), found)
        found = f"{found}/value"
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise refused(found, "type")
    try:
        return float(value), found
    except OverflowError:
        raise refused(found, "range", "score-out-of-range") from None


def _unity(quantity: Element, place: str) -> object:
    if quantity.get("comparator") is not None:
        raise refused(f"{place}/comparator", "comparator")
    code = quantity.get("code")
    if code is not None:
        if code not in _UNITS or quantity.get("system") != UCUM:
            raise refused(f"{place}/code", "unit")
    elif quantity.get("unit") is not None and quantity.get("unit") not in _UNITS:
        raise refused(f"{place}/unit", "unit")
    if quantity.get("value") is None:
        raise refused(f"{place}/value", "missing")
    return quantity["value"]
