"""What of events and courses stands in the tables of the views, and how it gets there."""

import json
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from statistics import fmean
from typing import Final, NamedTuple

from pydantic import ValidationError

from contracts.events import AnyCaseEvent, ClientMerged, canonical, parse
from services.database.ports import Connection
from services.database.texts import script, statements
from services.eventlog.ports import Recorded, Unread
from services.projections.recent import Folded
from services.projections.record import Key, Record, record_of, retracted

SCHEMA: Final = script("services.projections", "schema")
SQL: Final = statements("services.projections", "views")
ASSIGNMENT: Final = ("case_ref", "place", "therapist_ref", "role", "since", "until")
SERIES: Final = ("case_ref", "instrument", "version", "scores", "first", "last", "mean")


class CaseRows(NamedTuple):
    """What the tables hold of one case; the position is that of its newest event, None where there is none."""

    position: int | None
    events: Sequence[bytes]
    rows: list[tuple[object, ...]]


def add_facts(connection: Connection, batch: Iterable[Recorded | Unread]) -> dict[str, int]:
    """Keeps the events of ``batch``; returns the cases they belong to, each with the position of its last one."""
    facts: list[tuple[str, int, bytes]] = []
    for recorded in batch:
        if isinstance(recorded, Unread):
            facts.append((recorded.case_ref, recorded.position, recorded.state))
            continue
        position, _, event = recorded
        if isinstance(event, ClientMerged):
            connection.execute(SQL["put_merge"], (event.data.from_ref, event.data.into_ref, position))
        else:
            facts.append((event.case_ref, position, canonical(event)))
    connection.insert("fact", ("case_ref", "position", "state"), facts)
    return {case_ref: position for case_ref, position, _ in facts}


def states(connection: Connection, first: str, last: str) -> Mapping[str, Sequence[bytes]]:
    """The events that are kept of the cases from ``first`` to ``last``, by case."""
    found: dict[str, list[bytes]] = defaultdict(list)
    for row in connection.execute(SQL["facts"], (first, last)):
        found[row["case_ref"]].append(row["state"])
    return found


def record(connection: Connection, case_ref: str) -> Record:
    """All that is kept of one case; empty where nothing is."""
    return read(states(connection, case_ref, case_ref)[case_ref])


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
        if not isinstance(event, ClientMerged):
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
    for statement in ("unpark", "drop_assignments", "drop_series"):
        connection.executemany(SQL[statement], named)
    connection.executemany(SQL["put_case"], cases)
    connection.insert("assignment", ASSIGNMENT, assignments)
    connection.insert("series_view", SERIES, series)


def rows_of(connection: Connection, case_ref: str) -> CaseRows:
    [newest] = connection.execute(SQL["newest"], (case_ref,))
    events = states(connection, case_ref, case_ref)[case_ref]
    rows = [
        tuple(row[column] for column in row.keys())  # noqa: SIM118 - a row of SQLite iterates over its values
        for statement in ("case_row", "assignment_rows", "series_rows")
        for row in connection.execute(SQL[statement], (case_ref,))
    ]
    return CaseRows(newest["position"], events, rows)
