"""The views as they could be known at an instant: nothing counts that was received later.

What happened earlier and was charted, corrected, retracted or merged only later is not known yet. Every case is folded
from its events again, so that what was known then needs no tables of its own.
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from functools import partial

from typing_extensions import override

from services.database.ports import Database
from services.projections import tables
from services.projections.course import Course
from services.projections.fold import Catalogue
from services.projections.known import Known
from services.projections.tables import SQL


class Past(Known):
    """One network's cases by ``at``. Keeps what it has folded: it is made for one question, and thrown away."""

    def __init__(self, database: Database, catalogue: Catalogue, at: datetime) -> None:
        super().__init__(database, catalogue)
        self._at = at.astimezone(UTC).isoformat()
        self._courses: dict[str, Course | None] = {}

    @override
    def course(self, case_ref: str) -> Course | None:
        if case_ref not in self._courses:
            record = partial(tables.record_by, self._database.connection(), case_ref, self._at)
            self._courses[case_ref] = self._folded(record)
        return self._courses[case_ref]

    @override
    def caseload(self, therapist_ref: str, now: datetime) -> list[str]:
        rows = self._database.connection().execute(SQL["naming"], (therapist_ref,)).fetchall()
        return [
            course.case_ref
            for course in self.courses_of(row["case_ref"] for row in rows)
            if any(
                entry.therapist_ref == therapist_ref and entry.role != "supervisor" and entry.holds(now)
                for entry in course.assignments
            )
        ]

    @override
    def _merges(self) -> Mapping[str, str]:
        return tables.merges(self._database.connection(), "merges_by", (self._at,))
