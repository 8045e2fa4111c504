"""The views of one network, kept with their position: each event is applied exactly once.

Rows and position change in one transaction: claim the tracking row, drop what is at or below it, apply, move it.
A crash between any two instructions leaves either all of a batch or nothing of it.
"""

import logging
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from functools import partial
from itertools import islice
from typing import Final, NamedTuple

from typing_extensions import override

from contracts.events import AnyCaseEvent, CaseEvent, NormsAdopted, parse
from contracts.feed import FeedItem
from services.database.ports import Connection, Database, Unavailable
from services.eventlog.feed import SOURCE
from services.eventlog.ports import Hole, Mark, Recorded, Slice, Unread
from services.projections import items, pending, tables
from services.projections.course import Course, Flag
from services.projections.fold import Catalogue, course_of
from services.projections.items import AlertPlace
from services.projections.known import Known
from services.projections.norms import NormSet, norm_set
from services.projections.past import Past
from services.projections.pending import Waits
from services.projections.recent import Folded, Recent
from services.projections.record import Record, evolve
from services.projections.tables import SQL, Counted

AT_ONCE: Final = 1_000
"""Cases whose courses are in memory together while views are made anew."""
OF_OTHERS: Final[frozenset[Flag]] = frozenset(("another_client", "several_clients"))
"""Measures name others than the case's client: who is meant depends on merges, so readers fold such a case again."""
_log: Final = logging.getLogger(__name__)


class Parked(NamedTuple):
    """A case whose events cannot be folded, the event that was its newest then, and the error's class."""

    case_ref: str
    shard: int
    position: int
    error: str


class Views(Known):
    """Courses, caseloads and the numbers for summaries. Each source has one writer at a time; anybody may read."""

    def __init__(self, database: Database, catalogue: Catalogue) -> None:
        super().__init__(database, catalogue)
        self._recent = Recent()
        self._norm_sets: dict[str, NormSet] = {}
        """By version: a set never changes, and is long to read."""
        self._applied: dict[str, int] = {}
        """By source, how far this instance has come: where the database stands elsewhere, somebody else wrote to it."""

    def add_sources(self, sources: Iterable[str]) -> None:
        """These are what the log comes in, from their start; those that are known already stay where they are.

        Only what comes from a source that was added can be applied.
        """
        self._database.connection().executemany(SQL["add_source"], [(source,) for source in sources])

    def marks(self, sources: Collection[str]) -> dict[str, Mark]:
        """How far each of ``sources`` is applied."""
        rows = self._database.connection().execute(SQL["marks"]).fetchall()
        known = {row["source"]: Mark(row["position"], row["next_offset"]) for row in rows}
        return {source: known.get(source, Mark(0)) for source in sources}

    def position(self) -> int:
        """The position up to which the log is applied, from every source."""
        [row] = self._database.connection().execute(SQL["position"])
        return int(row["position"] or 0)

    def apply(self, slice_: Slice) -> int:
        """Applies what of ``slice_`` is new; returns the position that its source now has. Raises Hole."""
        with self._database.transaction() as connection:
            [row] = connection.execute(SQL["claim"], (slice_.source,))
            last = int(row["position"])
            if slice_.previous > last:
                raise Hole(slice_.source, slice_.previous)
            if last != self._applied.get(slice_.source):
                self._recent.clear()
            new = list(_above(last, slice_.events))
            positions, events = tables.add_facts(connection, new), _by_case(new)
            grown = {case_ref: partial(self._grown, connection, case_ref, events[case_ref]) for case_ref in positions}
            folded = self._put_cases(connection, slice_.shard, positions, grown)
            last = max(last, slice_.last)
            connection.execute(SQL["move"], (last, slice_.offset, slice_.source))
        self._applied[slice_.source] = last
        self._recent.keep(one for one in folded if not OF_OTHERS & set(one.course.flags))
        return last

    def rebuild(self, batches: Iterable[Sequence[Recorded | Unread]]) -> int:
        """Makes every view anew from ``batches``, the whole log in order and one source; returns its last position.

        One transaction: readers see the old views until the new ones are complete, and a crash leaves the old ones.
        """
        with self._database.transaction() as connection:
            for table in tables.OF_THE_LOG:
                connection.execute(SQL[f"empty_{table}"])
            self._recent.clear()
            last = 0
            positions: dict[str, int] = {}
            for batch in batches:
                positions |= tables.add_facts(connection, batch)
                last = batch[-1].position
            waiting = iter(sorted(positions.items()))
            while some := dict(islice(waiting, AT_ONCE)):
                self._fold(connection, some, lambda _: 0)
            connection.execute(SQL["move"], (last, None, SOURCE))
        return last

    def _fold(self, connection: Connection, positions: Mapping[str, int], shard_of: Callable[[str], int]) -> None:
        states = tables.states(connection, min(positions), max(positions))
        records = {case_ref: partial(tables.read, states[case_ref]) for case_ref in positions}
        for shard, cases in _by_shard(positions, shard_of).items():
            self._put_cases(connection, shard, cases, records)

    def positions(self) -> set[int]:
        """The positions of all events that are kept."""
        return {row["position"] for row in self._database.connection().execute(SQL["positions"])}

    def some_cases(self, number: int) -> list[str]:
        """So many cases at most, drawn by chance."""
        return [row["case_ref"] for row in self._database.connection().execute(SQL["some_cases"], (number,))]

    def rows_of(self, case_ref: str) -> tables.CaseRows:
        """All that is kept of one case, to be compared."""
        with self._database.snapshot() as connection:
            return tables.rows_of(connection, case_ref)

    def _grown(self, connection: Connection, case_ref: str, new: Iterable[AnyCaseEvent | None]) -> Record:
        """The record of a case, ``new``, which the tables have already, among its events; None for one unread."""
        record = self._recent.take(case_ref)
        if record is None:
            return tables.record(connection, case_ref)
        for event in new:
            if event is None:
                return tables.record(connection, case_ref)
            evolve(record, event)
        return record

    def _put_cases(
        self,
        connection: Connection,
        shard: int,
        positions: Mapping[str, int],
        records: Mapping[str, Callable[[], Record]],
    ) -> list[Folded]:
        """Folds cases of one shard, given with the position of each one's newest event, and puts their rows."""
        folded = []
        for case_ref, position in sorted(positions.items()):
            try:
                record = records[case_ref]()
                folded.append(Folded(position, record, course_of(record, self._catalogue)))
            except Unavailable:  # this concerns them all
                raise
            except Exception as error:  # noqa: BLE001 - whatever it is, it concerns this case only and the others flow
                # The facts stay, for a later version that can fold them; the class name holds no data.
                _log.error("case parked", extra={"position": position, "error": type(error).__name__})
                connection.execute(SQL["park"], (case_ref, shard, position, type(error).__name__))
        tables.put_courses(connection, shard, folded)
        return folded

    @override
    def course(self, case_ref: str) -> Course | None:
        connection = self._database.connection()
        [row] = connection.execute(SQL["newest"], (case_ref,))
        if row["position"] is None:
            return None
        kept = self._recent.course(case_ref, int(row["position"]))
        return kept or self._folded(partial(tables.record, connection, case_ref))

    def at(self, instant: datetime) -> Past:
        """What could be known by then."""
        return Past(self._database, self._catalogue, instant)

    def courses(self) -> Iterator[Course]:
        """Every case's course, by case reference, save those of parked cases."""
        return self.courses_of(
            row["case_ref"] for row in self._database.connection().execute(SQL["all_cases"]).fetchall()
        )

    def touched(self, shard: int, after: int, limit: int) -> list[tuple[str, int]]:
        """Cases of a shard with an event after that position and the position of their last one, oldest first."""
        rows = self._database.connection().execute(SQL["touched"], (shard, after, limit)).fetchall()
        return [(row["case_ref"], row["position"]) for row in rows]

    @override
    def caseload(self, therapist_ref: str, now: datetime) -> list[str]:
        return self._assigned("caseload", therapist_ref, now)

    def supervised(self, therapist_ref: str, now: datetime) -> list[str]:
        """The cases that a therapist supervises at ``now``."""
        return self._assigned("supervised", therapist_ref, now)

    def _assigned(self, query: str, therapist_ref: str, now: datetime) -> list[str]:
        given = {"therapist_ref": therapist_ref, "now": now.isoformat()}
        return [row["case_ref"] for row in self._database.connection().execute(SQL[query], given)]

    def cases_of_client(self, client_ref: str) -> dict[str, str]:
        """The cases that were opened for a client, each with its clinic; also those under any reference that merges
        have made one with ``client_ref``.
        """
        connection = self._database.connection()
        same, new = {client_ref}, {client_ref}
        while new:
            told = [row for ref in new for row in connection.execute(SQL["merged_with"], {"ref": ref}).fetchall()]
            new = {row[end] for row in told for end in ("from_ref", "into_ref")} - same
            same |= new
        rows = (row for ref in sorted(same) for row in connection.execute(SQL["cases_of_client"], (ref,)).fetchall())
        return {row["case_ref"]: row["clinic"] for row in rows}

    def counted(self) -> list[Counted]:
        """What figures about the network and its therapists are made of."""
        with self._database.snapshot() as connection:
            return tables.counted(connection, self._catalogue)

    def open_and_closed(self, therapist_ref: str) -> tuple[int, int]:
        """How many cases a therapist, the last to be primarily responsible, has open and has closed."""
        [row] = self._database.connection().execute(SQL["open_and_closed"], (therapist_ref,))
        return int(row["open"] or 0), int(row["closed"] or 0)

    @override
    def _merges(self) -> Mapping[str, str]:
        return tables.merges(self._database.connection(), "merges")

    def norm_sets(self, by: datetime = datetime.max.replace(tzinfo=UTC)) -> list[NormSet]:
        """The norm sets whose adoption was received ``by`` then, the earliest in force first."""
        connection, received = self._database.connection(), by.astimezone(UTC).isoformat()
        versions = [row["version"] for row in connection.execute(SQL["norm_versions"], (received,)).fetchall()]
        for version in versions:
            if version not in self._norm_sets:
                [row] = connection.execute(SQL["norm_set"], (version,))
                event = parse(row["state"])
                if isinstance(event, NormsAdopted):
                    self._norm_sets[version] = norm_set(event.data)
        return [self._norm_sets[version] for version in versions]

    def feed_items(self, after: int, upto: int, limit: int, clinics: Iterable[str] | None = None) -> list[FeedItem]:
        """What became of alerts beyond position ``after`` up to ``upto``, of all clinics or of these; rising.

        Whoever asks up to the views' own position, and goes on from there, misses nothing.
        """
        return items.read(self._database.connection(), after, upto, limit, clinics)

    def alert_place(self, alert_ref: str) -> AlertPlace | None:
        """Which case an alert was raised about; ``None`` where there is no such alert."""
        return items.place(self._database.connection(), alert_ref)

    def counts(self) -> dict[str, int]:
        """How many cases are known, and how many are parked."""
        connection = self._database.connection()
        rows = {name: connection.execute(SQL[f"count_{name}"]).fetchall() for name in ("cases", "parked")}
        return {name: row["number"] for name, [row] in rows.items()}

    def pending(self, after: str, limit: int) -> list[Waits]:
        """The next cases beyond ``after``, by reference, that wait for something; without those that are parked."""
        rows = self._database.connection().execute(SQL["pending"], (after, limit))
        return [Waits(row["case_ref"], row["clinic"], pending.read(row["pending"])) for row in rows]

    def parked(self) -> list[Parked]:
        """The cases whose events cannot be folded, the one that waits longest first."""
        rows = self._database.connection().execute(SQL["parked"])
        return [Parked(row["case_ref"], row["shard"], row["position"], row["error"]) for row in rows]

    def retry(self, case_ref: str) -> bool:
        """Folds a parked case once more, with all events that have come meanwhile; whether that worked.

        Raises LookupError where the case is not parked.
        """
        with self._database.transaction() as connection:
            row = connection.execute(SQL["parked_case"], (case_ref,)).fetchone()
            if row is None:
                raise LookupError("no such case is parked")
            connection.execute(SQL["claim_all"]).fetchall()  # whoever else would fold it waits
            [newest] = connection.execute(SQL["newest"], (case_ref,))
            records = {case_ref: partial(tables.record, connection, case_ref)}
            self._recent.take(case_ref)
            folded = self._put_cases(connection, row["shard"], {case_ref: newest["position"]}, records)
        return bool(folded)

    def close(self) -> None:
        self._database.close()


def _above(last: int, batch: Iterable[Recorded | Unread]) -> Iterator[Recorded | Unread]:
    """What of ``batch`` lies above a running maximum: this also drops a repeat inside the batch."""
    for recorded in batch:
        if recorded.position > last:
            last = recorded.position
            yield recorded


def _by_shard(positions: Mapping[str, int], shard_of: Callable[[str], int]) -> Mapping[int, Mapping[str, int]]:
    shards: dict[int, dict[str, int]] = defaultdict(dict)
    for case_ref, position in positions.items():
        shards[shard_of(case_ref)][case_ref] = position
    return shards


def _by_case(batch: Iterable[Recorded | Unread]) -> Mapping[str, Sequence[AnyCaseEvent | None]]:
    events: dict[str, list[AnyCaseEvent | None]] = defaultdict(list)
    for recorded in batch:
        if isinstance(recorded, Unread):
            events[recorded.case_ref].append(None)
        elif isinstance(recorded.event, CaseEvent):
            events[recorded.event.case_ref].append(recorded.event)
    return events
