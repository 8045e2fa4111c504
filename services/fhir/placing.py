"""Exchanges the pointers of a refusal: from the event that could not be made to the resource that it was made from."""

from collections.abc import Iterable, Mapping
from typing import Any, TypeAlias, TypeVar

from pydantic import BaseModel, ValidationError

from services.access.faults import unfit
from services.access.problems import Fault, Problem, Refused, problem

Places: TypeAlias = Mapping[str, str]
"""Pointer into an event -> pointer into the resource; the longest that fits counts."""
_Made = TypeVar("_Made", bound=BaseModel)


def fitting(model: type[_Made], content: Mapping[str, Any], prefix: str = "") -> _Made:
    """``content`` as a ``model`` that stands at the pointer ``prefix`` of the event. Raises Refused."""
    try:
        return model(**content)
    except ValidationError as error:
        found = unfit(error)
        raise Refused(
            _renamed(found, [fault._replace(pointer=prefix + fault.pointer) for fault in found.errors])
        ) from None


def moved(found: Problem, places: Places) -> Problem:
    """The same problem, told of the resource."""
    return _renamed(found, [fault._replace(pointer=_place(fault.pointer, places)) for fault in found.errors])


def _renamed(found: Problem, errors: Iterable[Fault]) -> Problem:
    return problem(found.slug, *dict.fromkeys(errors), detail=found.detail)


def _place(pointer: str, places: Places) -> str:
    while pointer and pointer not in places:
        pointer = pointer.rpartition("/")[0]
    return places.get(pointer, "")
