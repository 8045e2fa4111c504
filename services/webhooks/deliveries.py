"""What is on its way to the endpoints of one network: one delivery per item and endpoint, kept until it is over.

An endpoint's place among the items and its deliveries change in one transaction, so that none is left out. Sending
takes a lease of the endpoint: whoever does not come back loses it to the next one, who sends the same bytes under the
same id. So an endpoint is called by one at a time, and those that wait longest for their turn come first.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final, NamedTuple

from contracts.feed import FeedItem, FeedType, spelling
from services.database.instants import instant, text
from services.database.ports import Database, Row
from services.database.texts import statements
from services.webhooks.schedule import Before, DeliveryState, Outcome, Verdict

KEPT: Final = timedelta(days=30)
"""How long a delivery that is over can be looked up, and sent again."""
_SQL: Final = statements("services.webhooks", "deliveries")


@dataclass(frozen=True, slots=True)
class Leased:
    """What to send now, where to, and what to sign it with."""

    endpoint_id: str
    turn: int
    url: str = field(repr=False)
    secrets: tuple[str, ...] = field(repr=False)
    position: int
    item_id: str
    body: bytes
    attempts: int
    """This one included."""
    before: Before


class Delivery(NamedTuple):
    """How one item fares on its way to one endpoint."""

    item_id: str
    position: int
    type: FeedType
    state: DeliveryState
    attempts: int
    last_outcome: Outcome | None
    last_at: datetime | None
    not_before: datetime


class Backlog(NamedTuple):
    """How many deliveries wait for endpoints that are enabled, and since when the oldest does."""

    pending: int
    oldest: datetime | None


class Deliveries:
    """Any thread may use it."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, endpoint_id: str, after: int, items: Iterable[FeedItem], upto: int, now: datetime) -> bool:
        """Adds ``items``, all that the endpoint is to be told of from ``after`` up to ``upto``, and moves its place.

        False, and nothing is done, where it no longer stands at ``after``, is disabled, or is in others' hands. What
        has been over for long is forgotten by the way.
        """
        with self._database.transaction() as connection:
            row = connection.execute(_SQL["claim"], {"id": endpoint_id}).fetchone()
            if row is None or row["position"] != after:
                return False
            rows = [
                {
                    "endpoint_id": endpoint_id,
                    "position": item.position,
                    "item_id": item.id,
                    "type": item.type,
                    "body": spelling(item),
                    "now": text(now),
                }
                for item in items
            ]
            connection.executemany(_SQL["add"], rows)
            connection.execute(_SQL["move"], {"id": endpoint_id, "position": upto})
            connection.execute(_SQL["forget"], {"before": text(now - KEPT)})
        return True

    def lease(self, now: datetime, seconds: float) -> Leased | None:
        """The next item to send, its endpoint for the caller alone until ``seconds`` have passed.

        Of the endpoints with something due the one that was called longest ago, of that the oldest item.
        """
        given = {"now": text(now), "until": text(now + timedelta(seconds=seconds))}
        if self._database.connection().execute(_SQL["due"], {"now": given["now"]}).fetchone() is None:
            return None
        with self._database.transaction() as connection:
            row = connection.execute(_SQL["lease"], given).fetchone()
            if row is None:
                return None
            item = connection.execute(_SQL["next"], {"id": row["id"], "now": given["now"]}).fetchone()
            if item is None:  # somebody settled it between the look at the deliveries and the hold of the endpoint
                connection.execute(_SQL["give_back"], {"id": row["id"]})
                return None
        until = instant(row["before_until"])
        both = until is not None and now < until
        return Leased(
            endpoint_id=row["id"],
            turn=row["turn"],
            url=row["url"],
            secrets=(row["secret"], row["secret_before"]) if both else (row["secret"],),
            position=item["position"],
            item_id=item["item_id"],
            body=item["body"],
            attempts=item["attempts"],
            before=Before(item["failures"], row["failures"], instant(row["failing_since"])),
        )

    def note(self, leased: Leased, verdict: Verdict, now: datetime) -> bool:
        """Notes how the attempt ended; False, and nothing is, where the endpoint was changed or leased anew since."""
        whom = {"id": leased.endpoint_id}
        state = {
            "failures": verdict.endpoint_failures,
            "failing_since": text(verdict.failing_since) if verdict.failing_since else None,
            "hold_until": text(verdict.hold_until) if verdict.hold_until else None,
        }
        settled = {
            "position": leased.position,
            "state": verdict.state,
            "failures": verdict.item_failures,
            "not_before": text(verdict.not_before),
            "outcome": verdict.outcome,
            "now": text(now),
        }
        with self._database.transaction() as connection:
            if not connection.execute(_SQL["noted"], whom | {"turn": leased.turn} | state).rowcount:
                return False
            connection.execute(_SQL["settle"], whom | settled)
            if verdict.disabled is not None:
                connection.execute(_SQL["disable"], whom | {"why": verdict.disabled, "now": text(now)})
            if verdict.hurry:
                connection.execute(_SQL["hurry"], whom | {"now": text(now)})
        return True

    def release(self) -> None:
        """Ends every lease: for whoever starts alone on the file, as those who held them are gone."""
        self._database.connection().execute(_SQL["release"])

    def page(self, endpoint_id: str, after: int, limit: int) -> list[Delivery]:
        """The deliveries of an endpoint beyond position ``after``; rising."""
        given = {"id": endpoint_id, "after": after, "limit": limit}
        return [_delivery(row) for row in self._database.connection().execute(_SQL["page"], given).fetchall()]

    def again(self, endpoint_id: str, item_id: str, now: datetime) -> Delivery | None:
        """Sends an item again from ``now`` on, whatever became of it; ``None`` where none of that id is kept."""
        whom = {"id": endpoint_id, "item_id": item_id}
        with self._database.transaction() as connection:
            connection.execute(_SQL["again"], whom | {"now": text(now)})
            row = connection.execute(_SQL["one"], whom).fetchone()
        return None if row is None else _delivery(row)

    def backlog(self) -> Backlog:
        [row] = self._database.connection().execute(_SQL["backlog"])
        return Backlog(row["pending"], instant(row["oldest"]))


def _delivery(row: Row) -> Delivery:
    return Delivery(
        item_id=row["item_id"],
        position=row["position"],
        type=row["type"],
        state=row["state"],
        attempts=row["attempts"],
        last_outcome=row["last_outcome"],
        last_at=instant(row["last_at"]),
        not_before=instant(row["not_before"]),
    )
