"""What of events and courses stands in the tables of the views, and how it gets there."""

import json
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Final, NamedTuple

from pydantic import ValidationError

from contracts.events import AnyCaseEvent, CaseEvent, ClientMerged, NormsAdopted, canonical, parse
from services.database.ports import Connection
from services.database.texts import script, statements
from services.eventlog.ports import Recorded, Unread
from services.projections import items
from services.projections.change import change
from services.projections.course import Point, Series
from services.projections.fold import Catalogue
from services.projections.pending import missing, spelt
from services.projections.recent import Folded
from services.projections.record import Key, Record, record_of, retracted

SCHEMA: Final = script("services.projections", "schema")
SQL: Final = statements("services.projections", "views")
OF_THE_LOG: Final = (
    "fact",
    "case_view",
    "assignment",
    "series_view",
    "merge",
    "named",
    "norm_set",
    "feed_item",
    "parked",
)
"""Every table but the one that says how far the log is applied."""
FACT: Final = ("case_ref", "position", "received", "state")
ASSIGNMENT: Final = ("case_ref", "place", "therapist_ref", "role", "since", "until")
SERIES: Final = ("case_ref", "instrument", "version", "points")


class Counted(NamedTuple):
    """What the tables hold of one case for figures: who was last primarily responsible, and the client's own series.

    The points of a series are without their items. ``sessions`` is how many were held.
    """

    case_ref: str
    therapist_ref: str
    is_open: bool
    ending: str | None
    sessions: int
    series: tuple[Series, ...]


class CaseRows(NamedTuple):
    """What the tables hold of one case; the position is that of its newest event, None where there is none."""

    position: int | None
    events: Sequence[bytes]
    rows: list[tuple[object, ...]]


def add_facts(connection: Connection, batch: Iterable[Recorded | Unread]) -> dict[str, int]:
    """Keeps the events of ``batch``; returns the cases they belong to, each with the position of its last one."""
    facts: list[tuple[str, int, str, bytes]] = []
    named: set[tuple[str, str]] = set()
    told: list[tuple[object, ...]] = []
    for recorded in batch:
        received = recorded.received.astimezone(UTC).isoformat()
        if isinstance(recorded, Unread):
            case_ref, state, therapist_ref = recorded.case_ref, recorded.state, _named(recorded.state)
        elif isinstance(recorded.event, ClientMerged):
            merged = recorded.event.data
            connection.execute(SQL["put_merge"], (merged.from_ref, merged.into_ref, received))
            continue
        elif isinstance(recorded.event, NormsAdopted):
            adopted = recorded.event.data
            began, state = adopted.effective_from.isoformat(), canonical(recorded.event)
            connection.execute(SQL["put_norm_set"], (adopted.version, began, received, state))
            continue
        else:
            event = recorded.event
            case_ref, state, therapist_ref = (
                event.case_ref,
                canonical(event),
                getattr(event.data, "therapist_ref", None),
            )
            item = items.row_of(recorded.position, event)
            if item is not None:
                told.append(item)
        facts.append((case_ref, recorded.position, received, state))
        if therapist_ref is not None:
            named.add((therapist_ref, case_ref))
    connection.insert("fact", FACT, facts)
    connection.insert("feed_item", items.COLUMNS, told)
    connection.executemany(SQL["put_named"], sorted(named))
    return {case_ref: position for case_ref, position, _, _ in facts}


def _named(state: bytes) -> str | None:
    """The therapist whom an event names that cannot be read, perhaps until a later release can."""
    data = json.loads(state).get("data")
    found = data.get("therapist_ref") if isinstance(data, dict) else None
    return found if isinstance(found, str) else None


def states(connection: Connection, first: str, last: str) -> Mapping[str, Sequence[bytes]]:
    """The events that are kept of the cases from ``first`` to ``last``, by case."""
    found: dict[str, list[bytes]] = defaultdict(list)
    for row in connection.execute(SQL["facts"], (first, last)):
        found[row["case_ref"]].append(row["state"])
    return found


def record(connection: Connection, case_ref: str) -> Record:
    """All that is kept of one case; empty where nothing is."""
    return read(states(connection, case_ref, case_ref)[case_ref])


def record_by(connection: Connection, case_ref: str, at: str) -> Record:
    """What was received of one case by ``at``, in UTC as it is kept; empty where nothing was."""
    return read(row["state"] for row in connection.execute(SQL["facts_by"], (case_ref, at)))


def merges(connection: Connection, query: str, given: Sequence[str] = ()) -> Mapping[str, str]:
    """Client references that were merged, each with the one that it was merged into."""
    return {row["from_ref"]: row["into_ref"] for row in connection.execute(SQL[query], given)}


def read(events: Iterable[bytes]) -> Record:
    """The record of one case whose events these are.

    Raises pydantic.ValidationError where one of them cannot be read, unless it is retracted.
    """
    found: list[AnyCaseEvent] = []
    unread: dict[Key, ValidationError] = {}
    for state in events:
        try:
            event = parse(state)
        except ValidationError as error:
            unread[_key(state)] = error
            continue
        if isinstance(event, CaseEvent):
            found.append(event)
    record = record_of(found)
    for key in unread.keys() - retracted(record):
        raise unread[key]
    return record


def _key(state: bytes) -> Key:
    named = json.loads(state)
    return named["source"], named["id"]


def put_courses(connection: Connection, shard: int, folded: Sequence[Folded]) -> None:
    """Replaces the rows of these cases, all of one shard."""
    cases, assignments, series = [], [], []
    for position, record, course in folded:
        primary = [
            entry.therapist_ref
            for entry in course.assignments
            if entry.role == "primary" and (course.closed_on is None or entry.since.date() <= course.closed_on)
        ]
        cases.append(
            {
                "case_ref": course.case_ref,
                "shard": shard,
                "clinic": course.clinic,
                "client_ref": course.client_ref,
                "therapist_ref": primary[-1] if primary else None,
                "is_open": int(course.is_open),
                "ending": course.ending,
                "counted": int(not {"quality", "feedback"} & course.withdrawn),
                "first_at": course.first_at.isoformat(),
                "sessions": len(course.sessions),
                "pending": spelt(missing(record, course)),
                "position": position,
            }
        )
        for place, entry in enumerate(course.assignments):
            until = None if entry.until is None else entry.until.isoformat()
            assignments.append(
                (course.case_ref, place, entry.therapist_ref, entry.role, entry.since.isoformat(), until)
            )
        for one in course.series:
            if one.own:
                points = json.dumps([(point.at.isoformat(), point.session, point.value) for point in one.points])
                series.append((course.case_ref, one.instrument.key, one.instrument.version, points))
    named = [(one.course.case_ref,) for one in folded]
    for statement in ("unpark", "drop_assignments", "drop_series"):
        connection.executemany(SQL[statement], named)
    connection.executemany(SQL["put_case"], cases)
    connection.insert("assignment", ASSIGNMENT, assignments)
    connection.insert("series_view", SERIES, series)


def counted(connection: Connection, catalogue: Catalogue) -> list[Counted]:
    """Every case that has a therapist, by reference, save where the client wants no feedback or no quality work."""
    series: dict[str, list[Series]] = defaultdict(list)
    for row in connection.execute(SQL["counted_series"]):
        instrument = catalogue[row["instrument"], row["version"]]
        points = tuple(
            Point(datetime.fromisoformat(at), session, value, {}) for at, session, value in json.loads(row["points"])
        )
        numbers = change([point.value for point in points], instrument)
        series[row["case_ref"]].append(Series(instrument, "client", points, numbers))
    return [
        Counted(
            row["case_ref"],
            row["therapist_ref"],
            bool(row["is_open"]),
            row["ending"],
            row["sessions"],
            tuple(series[row["case_ref"]]),
        )
        for row in connection.execute(SQL["counted_cases"])
    ]


def rows_of(connection: Connection, case_ref: str) -> CaseRows:
    [newest] = connection.execute(SQL["newest"], (case_ref,))
    events = states(connection, case_ref, case_ref)[case_ref]
    rows = [
        tuple(row[column] for column in row.keys())  # noqa: SIM118 - a row of SQLite iterates over its values
        for statement in ("case_row", "assignment_rows", "series_rows")
        for row in connection.execute(SQL[statement], (case_ref,))
    ]
    return CaseRows(newest["position"], events, rows)
