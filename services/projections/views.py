"""The views of one network on SQLite, kept with their position: each event is applied exactly once.

Rows and position change in one transaction: claim the tracking row, drop what is at or below it, apply, move it.
A crash between any two instructions leaves either all of a batch or nothing of it.
"""

import logging
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from itertools import islice
from statistics import fmean
from typing import Final

from contracts.events import AnyCaseEvent, ClientMerged, canonical, parse
from services.database.ports import Connection, Database
from services.database.texts import script, statements
from services.eventlog.feed import SOURCE
from services.eventlog.ports import Hole, Mark, Recorded, Slice
from services.projections.course import Course
from services.projections.fold import Catalogue, course_of
from services.projections.recent import Folded, Recent
from services.projections.record import Record, evolve, record_of
from services.projections.therapist import CaseOutcome

SCHEMA: Final = script("services.projections", "schema")
_SQL: Final = statements("services.projections", "views")
AT_ONCE: Final = 1_000
"""Cases whose courses are in memory together while views are made anew."""
_log: Final = logging.getLogger(__name__)


class Views:
    """Courses, caseloads and the numbers for summaries. One writer (the follower), any number of readers."""

    def __init__(self, database: Database, catalogue: Catalogue) -> None:
        self._catalogue = catalogue
        self._recent = Recent()
        self._applied: dict[str, int] = {}
        """By source, how far this instance has come: where the database stands elsewhere, somebody else wrote to it."""
        self._database = database

    def add_sources(self, sources: Iterable[str]) -> None:
        """These are what the log comes in, from their start; those that are known already stay where they are."""
        self._database.connection().executemany(_SQL["add_source"], [(source,) for source in sources])

    def marks(self, sources: Collection[str]) -> dict[str, Mark]:
        """How far each of ``sources`` is applied."""
        rows = self._database.connection().execute(_SQL["marks"]).fetchall()
        known = {row["source"]: Mark(row["position"], row["next_offset"]) for row in rows}
        return {source: known.get(source, Mark(0)) for source in sources}

    def position(self) -> int:
        """The position up to which the log is applied, from every source."""
        [row] = self._database.connection().execute(_SQL["position"])
        return int(row["position"] or 0)

    def apply(self, slice_: Slice) -> int:
        """Applies what of ``slice_`` is new; returns the position that its source now has. Raises Hole."""
        with self._database.transaction() as connection:
            [row] = connection.execute(_SQL["claim"], (slice_.source,))
            last = int(row["position"])
            if slice_.previous > last:
                raise Hole(slice_.source, slice_.previous)
            if last != self._applied.get(slice_.source):
                self._recent.clear()
            new = list(_above(last, slice_.events))
            folded = self._put_cases(connection, slice_.shard, _add_facts(connection, new), _by_case(new))
            last = max(last, slice_.last)
            connection.execute(_SQL["move"], (last, slice_.offset, slice_.source))
        self._applied[slice_.source] = last
        self._recent.keep(folded)
        return last

    def rebuild(self, batches: Iterable[Sequence[Recorded]]) -> int:
        """Makes every view anew from ``batches``, the whole log in order and one source; returns its last position.

        One transaction: readers see the old views until the new ones are complete, and a crash leaves the old ones.
        """
        with self._database.transaction() as connection:
            connection.execute(_SQL["claim"], (SOURCE,)).fetchone()
            for table in ("fact", "case_view", "assignment", "series_view", "merge", "parked"):
                connection.execute(_SQL[f"empty_{table}"])
            self._recent.clear()
            last = 0
            positions: dict[str, int] = {}
            for batch in batches:
                positions |= _add_facts(connection, batch)
                last = batch[-1].position
            waiting = iter(sorted(positions.items()))
            while some := dict(islice(waiting, AT_ONCE)):
                self._put_cases(connection, 0, some, {})
            connection.execute(_SQL["move"], (last, None, SOURCE))
        return last

    def _put_cases(
        self,
        connection: Connection,
        shard: int,
        positions: Mapping[str, int],
        new: Mapping[str, Sequence[AnyCaseEvent]],
    ) -> list[Folded]:
        """Folds cases, given with the position of each one's newest event, and puts their rows.

        ``new`` are those events that a record kept from earlier does not have.
        """
        folded = []
        for case_ref, position in sorted(positions.items()):
            try:
                record = self._recent.take(case_ref)
                if record is None:
                    record = _record(connection, case_ref)
                for event in new.get(case_ref, ()):
                    evolve(record, event)
                folded.append(Folded(position, record, course_of(record, self._catalogue)))
            except Exception as error:  # noqa: BLE001 - whatever it is, it concerns this case only and the others flow
                # The facts stay, for a later version that can fold them; the class name holds no data.
                _log.error("case parked", extra={"position": position, "error": type(error).__name__})
                connection.execute(_SQL["park"], (case_ref, position, type(error).__name__))
        _put_courses(connection, shard, folded)
        return folded

    def course(self, case_ref: str) -> Course | None:
        """The course of a case; ``None`` where no event about it is known."""
        connection = self._database.connection()
        [row] = connection.execute(_SQL["newest"], (case_ref,))
        if row["position"] is None:
            return None
        kept = self._recent.course(case_ref, int(row["position"]))
        return kept or course_of(_record(connection, case_ref), self._catalogue)

    def courses(self) -> Iterator[Course]:
        """Every case's course, by case reference."""
        for row in self._database.connection().execute(_SQL["all_cases"]).fetchall():
            course = self.course(row["case_ref"])
            if course is not None:
                yield course

    def touched(self, shard: int, after: int, limit: int) -> list[tuple[str, int]]:
        """Cases of a shard with an event after that position and the position of their last one, oldest first."""
        rows = self._database.connection().execute(_SQL["touched"], (shard, after, limit)).fetchall()
        return [(row["case_ref"], row["position"]) for row in rows]

    def caseload(self, therapist_ref: str, now: datetime) -> list[str]:
        """The cases that a therapist is responsible for at ``now``, alone or with others."""
        return self._assigned("caseload", therapist_ref, now)

    def supervised(self, therapist_ref: str, now: datetime) -> list[str]:
        """The cases that a therapist supervises at ``now``."""
        return self._assigned("supervised", therapist_ref, now)

    def _assigned(self, query: str, therapist_ref: str, now: datetime) -> list[str]:
        given = {"therapist_ref": therapist_ref, "now": now.isoformat()}
        return [row["case_ref"] for row in self._database.connection().execute(_SQL[query], given)]

    def outcomes(self) -> list[CaseOutcome]:
        """One row per case and series of the client's: what summaries are made of."""
        rows = self._database.connection().execute(_SQL["outcomes"]).fetchall()
        return [
            CaseOutcome(
                row["therapist_ref"],
                bool(row["is_open"]),
                row["instrument"],
                row["version"],
                row["scores"],
                row["first"],
                row["last"],
                row["mean"],
            )
            for row in rows
        ]

    def open_and_closed(self, therapist_ref: str) -> tuple[int, int]:
        """How many cases a therapist, the last to be primarily responsible, has open and has closed."""
        [row] = self._database.connection().execute(_SQL["open_and_closed"], (therapist_ref,))
        return int(row["open"] or 0), int(row["closed"] or 0)

    def person(self, client_ref: str) -> str:
        """The reference that ``client_ref`` was merged into, or itself; the first seen where merges form a ring."""
        into = {row["from_ref"]: row["into_ref"] for row in self._database.connection().execute(_SQL["merges"])}
        seen = {client_ref}
        while (following := into.get(client_ref)) is not None and following not in seen:
            seen.add(following)
            client_ref = following
        return min(seen) if following is not None else client_ref

    def counts(self) -> dict[str, int]:
        """How many cases are known, and how many are parked."""
        connection = self._database.connection()
        rows = {name: connection.execute(_SQL[f"count_{name}"]).fetchall() for name in ("cases", "parked")}
        return {name: row["number"] for name, [row] in rows.items()}

    def close(self) -> None:
        self._database.close()


def _above(last: int, batch: Iterable[Recorded]) -> Iterator[Recorded]:
    """What of ``batch`` lies above a running maximum: this also drops a repeat inside the batch."""
    for recorded in batch:
        if recorded.position > last:
            last = recorded.position
            yield recorded


def _add_facts(connection: Connection, batch: Iterable[Recorded]) -> dict[str, int]:
    """Keeps the events of ``batch``; returns the cases they belong to, each with the position of its last one."""
    facts: list[tuple[str, int, bytes]] = []
    for position, _, event in batch:
        if isinstance(event, ClientMerged):
            connection.execute(_SQL["put_merge"], (event.data.from_ref, event.data.into_ref, position))
        else:
            facts.append((event.case_ref, position, canonical(event)))
    connection.executemany(_SQL["add_fact"], facts)
    return {case_ref: position for case_ref, position, _ in facts}


def _by_case(batch: Iterable[Recorded]) -> Mapping[str, Sequence[AnyCaseEvent]]:
    events = defaultdict(list)
    for _, _, event in batch:
        if not isinstance(event, ClientMerged):
            events[event.case_ref].append(event)
    return events


def _record(connection: Connection, case_ref: str) -> Record:
    rows = connection.execute(_SQL["facts"], (case_ref,)).fetchall()
    events = (parse(row["state"]) for row in rows)
    return record_of(event for event in events if not isinstance(event, ClientMerged))


def _put_courses(connection: Connection, shard: int, folded: Sequence[Folded]) -> None:
    cases, assignments, series = [], [], []
    for position, _, course in folded:
        primary = [entry.therapist_ref for entry in course.assignments if entry.role == "primary"]
        cases.append(
            {
                "case_ref": course.case_ref,
                "shard": shard,
                "clinic": course.clinic,
                "client_ref": course.client_ref,
                "therapist_ref": primary[-1] if primary else None,
                "is_open": int(course.is_open),
                "first_at": course.first_at.isoformat(),
                "sessions": len(course.sessions),
                "position": position,
            }
        )
        for place, entry in enumerate(course.assignments):
            until = None if entry.until is None else entry.until.isoformat()
            assignments.append(
                (course.case_ref, place, entry.therapist_ref, entry.role, entry.since.isoformat(), until)
            )
        for one in course.series:
            if one.respondent == "client":
                numbers = (len(one.points), one.values[0], one.values[-1], fmean(one.values))
                series.append((course.case_ref, one.instrument.key, one.instrument.version, *numbers))
    named = [(one.course.case_ref,) for one in folded]
    for statement, rows in (
        ("unpark", named),
        ("put_case", cases),
        ("drop_assignments", named),
        ("add_assignment", assignments),
        ("drop_series", named),
        ("add_series", series),
    ):
        connection.executemany(_SQL[statement], rows)
