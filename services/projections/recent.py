"""The cases folded last, kept in memory: what goes on in a case need not read it again from its first event."""

from collections import OrderedDict
from collections.abc import Iterable
from typing import Final, NamedTuple

from services.projections.course import Course
from services.projections.record import Record

ROOM: Final = 50_000
"""Events kept, of all cases together: some hundred megabytes at most."""


class Folded(NamedTuple):
    """A case as it was folded up to the event at ``position``, its newest."""

    position: int
    record: Record
    course: Course


class Recent:
    """One writer, who takes a record out, adds to it, and keeps it again once the database has it; many readers."""

    def __init__(self, room: int = ROOM) -> None:
        self._room = room
        self._events = 0
        self._cases: OrderedDict[str, Folded] = OrderedDict()

    def take(self, case_ref: str) -> Record | None:
        """The record of a case, for the caller alone to change."""
        found = self._cases.pop(case_ref, None)
        if found is None:
            return None
        self._events -= len(found.record)
        return found.record

    def keep(self, cases: Iterable[Folded]) -> None:
        """Keeps ``cases``, none of which is kept already, and forgets those that were kept longest where room ends."""
        for folded in cases:
            self._cases[folded.course.case_ref] = folded
            self._events += len(folded.record)
        while self._events > self._room:
            _, forgotten = self._cases.popitem(last=False)
            self._events -= len(forgotten.record)

    def course(self, case_ref: str, position: int) -> Course | None:
        """The course of a case whose newest event is at ``position``, if it is kept as it was then."""
        found = self._cases.get(case_ref)
        return found.course if found is not None and found.position == position else None

    def clear(self) -> None:
        self._cases.clear()
        self._events = 0
