"""What readers ask of the views, as they are or as they could be known at an instant: courses, caseloads, persons."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from datetime import datetime

from services.access.problems import Fault, Refused, problem
from services.database.ports import Database, Unavailable
from services.projections.course import Course
from services.projections.fold import Catalogue, course_of
from services.projections.record import Record


class Waiting(Refused):
    """The events of this case cannot be folded: it waits until an operator has seen to it."""

    def __init__(self) -> None:
        super().__init__(problem("projection-behind", Fault("", "parked"), detail="The case waits for an operator."))


class Known(ABC):
    """The cases of one network, at present or at an instant. Any thread may ask."""

    def __init__(self, database: Database, catalogue: Catalogue) -> None:
        self._database = database
        self._catalogue = catalogue

    @abstractmethod
    def course(self, case_ref: str) -> Course | None:
        """The course of a case; ``None`` where no event about it is known. Raises Waiting where it is parked."""

    @abstractmethod
    def caseload(self, therapist_ref: str, now: datetime) -> list[str]:
        """The cases that a therapist is responsible for at ``now``, alone or with others; by reference."""

    @abstractmethod
    def _merges(self) -> Mapping[str, str]:
        """Client references that were merged, each with the one that it was merged into."""

    def courses_of(self, case_refs: Iterable[str]) -> Iterator[Course]:
        """The courses of these cases, save those that are parked or not known."""
        for case_ref in case_refs:
            with suppress(Waiting):
                course = self.course(case_ref)
                if course is not None:
                    yield course

    def person(self, client_ref: str) -> str:
        """The reference that ``client_ref`` was merged into, or itself; the first seen where merges form a ring."""
        return remaining(client_ref, self._merges())

    def _folded(self, record: Callable[[], Record]) -> Course | None:
        """The course of what ``record`` reads; ``None`` where that is empty. Raises Waiting, Unavailable.

        Tables are filled without merges, which come at any time and concern cases of other writers; readers know them.
        """
        try:
            found = record()
            return course_of(found, self._catalogue, self.person) if found else None
        except Unavailable:
            raise
        except Exception:  # noqa: BLE001 - whatever it is, it concerns this case only, and its text can quote an event
            raise Waiting from None


def remaining(client_ref: str, merged: Mapping[str, str]) -> str:
    """The reference that remains of ``client_ref`` where each of ``merged`` was merged into another; see ``person``."""
    seen = {client_ref}
    while (following := merged.get(client_ref)) is not None and following not in seen:
        seen.add(following)
        client_ref = following
    return min(seen) if following is not None else client_ref
