"""What became of alerts, in the tables of the views: one row per event about an alert, read by position."""

from collections.abc import Iterable
from typing import Final, NamedTuple

from contracts.events import (
    AlertAcknowledged,
    AlertEscalated,
    AlertNotified,
    AlertOpened,
    AlertRaised,
    AlertResolved,
    AlertSnoozed,
    AlertSuppressed,
    AnyEvent,
)
from contracts.feed import FeedItem, item_id
from services.database.instants import instant, text
from services.database.ports import Connection
from services.database.texts import statements

COLUMNS: Final = ("position", "id", "type", "at", "alert_ref", "case_ref", "clinic")
_ABOUT_ALERTS: Final = (
    AlertRaised,
    AlertNotified,
    AlertSuppressed,
    AlertOpened,
    AlertAcknowledged,
    AlertSnoozed,
    AlertEscalated,
    AlertResolved,
)
_SQL: Final = statements("services.projections", "items")


class AlertPlace(NamedTuple):
    """The case that an alert was raised about, and the clinic that it was in then."""

    case_ref: str
    clinic: str


def row_of(position: int, event: AnyEvent) -> tuple[object, ...] | None:
    """The row of table ``feed_item`` about ``event``; ``None`` where it is not about an alert."""
    if not isinstance(event, _ABOUT_ALERTS):
        return None
    about = event.data.alert_ref, event.case_ref, event.rsnclinic
    return position, item_id(event.key), event.type, text(event.time), *about


def read(connection: Connection, after: int, upto: int, limit: int, clinics: Iterable[str] | None) -> list[FeedItem]:
    """The items beyond ``after`` up to ``upto``, of all clinics or of these, by position."""
    if clinics is None:
        rows = list(connection.execute(_SQL["items"], (after, upto, limit)))
    else:
        each = (connection.execute(_SQL["items_of_clinic"], (after, upto, one, limit)) for one in sorted(clinics))
        rows = sorted((row for found in each for row in found), key=lambda row: row["position"])[:limit]
    return [
        FeedItem(
            id=row["id"],
            type=row["type"],
            position=row["position"],
            time=instant(row["at"]),
            alert_ref=row["alert_ref"],
        )
        for row in rows
    ]


def place(connection: Connection, alert_ref: str) -> AlertPlace | None:
    """Where an alert was raised; ``None`` where none of that reference was."""
    row = connection.execute(_SQL["alert_place"], (alert_ref,)).fetchone()
    return None if row is None else AlertPlace(row["case_ref"], row["clinic"])
