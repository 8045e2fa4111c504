"""The registry of addresses that are told what becomes of alerts, each by the clinics that it may hear of."""

import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final, Literal, TypeAlias

from contracts.feed import FeedType
from services.database.instants import instant, text
from services.database.ports import Connection, Database, Row
from services.database.texts import script, statements
from services.webhooks.deliveries import Deliveries
from services.webhooks.schedule import WhyDisabled
from services.webhooks.signing import BOTH_FOR

SCHEMA: Final = script("services.webhooks", "schema")
FARTHEST_BACK: Final = timedelta(days=30)
"""What an endpoint has missed for longer by the time that it is enabled again, the feed has."""
MOST: Final = 100
"""Endpoints of one network."""
_SQL: Final = statements("services.webhooks", "endpoints")

EndpointState: TypeAlias = Literal["enabled", "disabled"]


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One address; ``types`` and ``clinics`` are ``None`` where it is told of all of them."""

    id: str
    url: str = field(repr=False)
    types: frozenset[FeedType] | None
    clinics: frozenset[str] | None
    state: EndpointState
    why: WhyDisabled | None
    """Why it is disabled."""
    disabled: datetime | None
    """Since when."""
    created: datetime
    secret: str = field(repr=False)
    secret_before: str | None = field(repr=False)
    before_until: datetime | None
    """Until when the secret before signs as well."""
    position: int
    """That of the last item that was looked at for it."""


Check: TypeAlias = Callable[[Endpoint | None], None]
"""Is given what is there, just before it is changed; raises where it must not be."""


class Endpoints:
    """The endpoints of one network, in the tables of ``SCHEMA``. Any thread may use it."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self.deliveries: Final = Deliveries(database)

    def add(
        self,
        endpoint_id: str,
        url: str,
        types: Iterable[FeedType] | None,
        state: EndpointState,
        clinics: Iterable[str] | None,
        secret: str,
        position: int,
        now: datetime,
    ) -> Endpoint | None:
        """A new one, told of what comes after ``position``; ``None`` where there are as many as there may be."""
        row = {
            "id": endpoint_id,
            "url": url,
            "types": _list(types),
            "clinics": _list(clinics),
            **_standing(state, now),
            "created": text(now),
            "secret": secret,
            "position": position,
            "most": MOST,
        }
        with self._database.transaction() as connection:
            if not connection.execute(_SQL["add"], row).rowcount:
                return None
            return _found(connection, "get", endpoint_id)

    def get(self, endpoint_id: str) -> Endpoint | None:
        return _found(self._database.connection(), "get", endpoint_id)

    def all(self) -> list[Endpoint]:
        """The oldest first."""
        return [_endpoint(row) for row in self._database.connection().execute(_SQL["all"]).fetchall()]

    def put(
        self,
        endpoint_id: str,
        check: Check,
        url: str,
        types: Iterable[FeedType] | None,
        state: EndpointState,
        position: int,
        now: datetime,
    ) -> Endpoint | None:
        """Changes it; ``None`` where there is none. Where it is enabled then, what waits for it is due at once.

        One that was disabled for longer than ``FARTHEST_BACK`` begins at ``position``, as a new one does.
        """
        with self._database.transaction() as connection:
            found = _found(connection, "get_to_change", endpoint_id)
            check(found)
            if found is None:
                return None
            lapsed = state == "enabled" and found.disabled is not None and now - found.disabled > FARTHEST_BACK
            row = {
                "id": endpoint_id,
                "url": url,
                "types": _list(types),
                **_standing(state, found.disabled or now),
                "position": max(found.position, position) if lapsed else found.position,
            }
            connection.execute(_SQL["put"], row)
            if lapsed:
                connection.execute(_SQL["drop_waiting"], {"id": endpoint_id})
            connection.execute(_SQL["begin_anew"], {"id": endpoint_id, "now": text(now)})
            return _found(connection, "get", endpoint_id)

    def rotate(self, endpoint_id: str, check: Check, secret: str, now: datetime) -> Endpoint | None:
        """Gives it another secret; for a day the one that it had signs as well. ``None`` where there is no such one."""
        with self._database.transaction() as connection:
            found = _found(connection, "get_to_change", endpoint_id)
            check(found)
            if found is None:
                return None
            row = {"id": endpoint_id, "secret": secret, "before": found.secret, "until": text(now + BOTH_FOR)}
            connection.execute(_SQL["rotate"], row)
            return _found(connection, "get", endpoint_id)

    def remove(self, endpoint_id: str, check: Check) -> bool:
        """Removes it, and what waits for it; whether there was one."""
        with self._database.transaction() as connection:
            check(_found(connection, "get_to_change", endpoint_id))
            connection.execute(_SQL["remove_deliveries"], {"id": endpoint_id})
            return connection.execute(_SQL["remove"], {"id": endpoint_id}).rowcount > 0

    def counts(self) -> dict[EndpointState, int]:
        """How many are enabled, and how many disabled."""
        rows = self._database.connection().execute(_SQL["count"]).fetchall()
        found: dict[EndpointState, int] = {"enabled": 0, "disabled": 0}
        return found | {row["state"]: row["number"] for row in rows}

    def close(self) -> None:
        self._database.close()


def _found(connection: Connection, statement: str, endpoint_id: str) -> Endpoint | None:
    row = connection.execute(_SQL[statement], {"id": endpoint_id}).fetchone()
    return None if row is None else _endpoint(row)


def _standing(state: EndpointState, since: datetime) -> dict[str, str | None]:
    if state == "enabled":
        return {"state": state, "why": None, "disabled": None}
    return {"state": state, "why": "by_request", "disabled": text(since)}


def _endpoint(row: Row) -> Endpoint:
    return Endpoint(
        id=row["id"],
        url=row["url"],
        types=_set(row["types"]),
        clinics=_set(row["clinics"]),
        state=row["state"],
        why=row["why"],
        disabled=instant(row["disabled"]),
        created=instant(row["created"]),
        secret=row["secret"],
        secret_before=row["secret_before"],
        before_until=instant(row["before_until"]),
        position=row["position"],
    )


def _list(names: Iterable[str] | None) -> str | None:
    return None if names is None else json.dumps(sorted(set(names)))


def _set(names: str | None) -> frozenset[Any] | None:
    return None if names is None else frozenset(json.loads(names))
