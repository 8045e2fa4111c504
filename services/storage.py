"""Where an installation keeps what: in files below one folder, or in the schemas of one PostgreSQL database.

Keys, log, registry of therapists, outbox, imports, webhooks and replies cannot be made again; views can, and stand
apart for that.
"""

from collections.abc import Callable, Sequence
from contextlib import closing, suppress
from datetime import datetime
from pathlib import Path
from typing import Final, Literal, NamedTuple
from weakref import WeakValueDictionary

from contracts.policies import policy
from services.access import audit as audit_
from services.access import idempotency
from services.access import issuers as issuers_
from services.access import keys as keys_
from services.access import people as people_
from services.access.audit import Audit
from services.access.idempotency import Replies
from services.access.issuers import Issuers
from services.access.keys import Keys
from services.access.people import People
from services.alerts import outbox as outbox_
from services.alerts.outbox import Outbox
from services.database import postgres as database
from services.database.ports import Database, NotMigrated
from services.database.sqlite import SQLiteDatabase, is_of_another_release, remove
from services.eventlog import feed, postgres, sqlite, topics
from services.eventlog.ports import Log
from services.eventlog.store import StoredLog
from services.ingest import imports as imports_
from services.ingest.imports import Imports
from services.projections import run, tables
from services.projections.fold import Catalogue
from services.projections.reliability import catalogue_at
from services.projections.views import Views
from services.sandbox import sandbox as sandbox_
from services.sandbox.sandbox import Sandbox
from services.settings import Settings
from services.webhooks import endpoints as endpoints_
from services.webhooks.endpoints import Endpoints

_KEYS_SCHEMA: Final = "resonance"
_KEYS: Final = ";\n".join((keys_.SCHEMA, issuers_.SCHEMA, audit_.SCHEMA))
"""What all networks of an installation keep in one place."""
_open: Final[WeakValueDictionary[tuple[str, str], database.PostgresDatabase]] = WeakValueDictionary()
"""Stores in one schema share their connections: a thread has one for each schema, not one for each store."""


def folder_of(settings: Settings, network: str) -> Path:
    return settings.data / network


def schema_of(network: str, part: Literal["log", "views", "next", "old"] = "log") -> str:
    """The schema of a part of a network: ``log`` holds therapists and outbox as well, ``next`` the views that are being
    made, ``old`` those that are given up. A network's name has no underscore, so no two meet.
    """
    return f"resonance_{part}_{network.replace('-', '_')}"


def sources(settings: Settings) -> dict[str, int]:
    """What the log comes in, each with its shard: the log itself, or the partitions that it is relayed to."""
    if not settings.database_url:
        return {feed.SOURCE: 0}
    return {topics.source(partition): partition for partition in range(topics.PARTITIONS)}


class Stores(NamedTuple):
    """What one network keeps."""

    log: Log
    views: Views
    outbox: Outbox
    people: People
    imports: Imports
    endpoints: Endpoints
    replies: Replies

    def at_rest(self, now: datetime) -> bool:
        """Whether everything on the log is in the views and was judged, nothing is due, and no letter waits."""
        head = self.log.head()
        return (
            self.views.position() >= head
            and not any(
                self.views.touched(shard, after, 1) or self.outbox.due(shard, now, 1)
                for shard, after in self.outbox.positions().items()
            )
            and self.outbox.backlog().pending == 0
            and self.log.head() == head  # a letter that was sent meanwhile is noted on the log
        )

    def close(self) -> None:
        for store in self:
            store.close()


def open_stores(settings: Settings, network: str, secret: bytes) -> Stores:
    """Raises WrongSchema where the network was not migrated to this release, and Unavailable."""
    return Stores(
        open_log(settings, network, secret),
        open_views(settings, network),
        open_outbox(settings, network),
        open_people(settings, network),
        open_imports(settings, network),
        open_endpoints(settings, network),
        open_replies(settings, network),
    )


def open_keys(settings: Settings) -> Keys:
    """The keys of the installation, with the settings' own network in it. Raises Unavailable."""
    found = Keys(_of_installation(settings))
    found.add_network(settings.network)
    return found


def open_issuers(settings: Settings) -> Issuers:
    """The issuers that the installation trusts, and their clients. Raises Unavailable."""
    return Issuers(_of_installation(settings))


def open_audit(settings: Settings, clock: Callable[[], datetime]) -> Audit:
    """The record of refusals of all networks. Raises Unavailable."""
    return Audit(_of_installation(settings), clock)


def _of_installation(settings: Settings) -> Database:
    return _database(settings, settings.data / "keys.db", _KEYS, _KEYS_SCHEMA)


def secret_of(settings: Settings, network: str) -> bytes:
    """What the network signs and seals with. Raises LookupError where there is no such network, and Unavailable."""
    with closing(open_keys(settings)) as keys:
        secret = keys.secret(network)
    if secret is None:
        raise LookupError(f"there is no network {network}")
    return secret


def open_log(settings: Settings, network: str, secret: bytes) -> Log:
    """The log of a network. Raises WrongSchema where it was not migrated to this release, and Unavailable."""
    return open_stored_log(settings, network, secret)


def open_stored_log(settings: Settings, network: str, secret: bytes) -> StoredLog:
    """The same, for whoever reads it as it is stored."""
    if settings.database_url:
        return postgres.open_log(settings.database_url, secret, schema_of(network))
    return sqlite.open_log(folder_of(settings, network) / "log.db", secret)


def instruments(settings: Settings) -> Catalogue:
    """The instruments, with changes judged as strictly as the policy asks."""
    return catalogue_at(policy(settings.policy).change.strictness)


def open_views(settings: Settings, network: str) -> Views:
    path, schema = folder_of(settings, network) / "views.db", schema_of(network, "views")
    found = Views(_database(settings, path, tables.SCHEMA, schema, rebuildable=True), instruments(settings))
    if not settings.database_url:
        found.add_sources(sources(settings))
    return found


def open_outbox(settings: Settings, network: str) -> Outbox:
    path = folder_of(settings, network) / "alerts.db"
    found = Outbox(_database(settings, path, outbox_.SCHEMA, schema_of(network)))
    if not settings.database_url:
        found.add_shards(sources(settings).values())
    return found


def open_people(settings: Settings, network: str) -> People:
    return People(_database(settings, folder_of(settings, network) / "people.db", people_.SCHEMA, schema_of(network)))


def open_imports(settings: Settings, network: str) -> Imports:
    path = folder_of(settings, network) / "imports.db"
    return Imports(_database(settings, path, imports_.SCHEMA, schema_of(network)))


def open_endpoints(settings: Settings, network: str) -> Endpoints:
    path = folder_of(settings, network) / "webhooks.db"
    return Endpoints(_database(settings, path, endpoints_.SCHEMA, schema_of(network)))


def open_sandbox(settings: Settings, network: str, clock: Callable[[], datetime]) -> Sandbox | None:
    """What only a network for trying out has; None for any other. ``clock`` is the real one."""
    with closing(open_keys(settings)) as keys:
        if not keys.is_sandbox(network):
            return None
    path = folder_of(settings, network) / "sandbox.db"
    return Sandbox(_database(settings, path, sandbox_.SCHEMA, schema_of(network)), clock)


def open_replies(settings: Settings, network: str) -> Replies:
    path = folder_of(settings, network) / "replies.db"
    return Replies(_database(settings, path, idempotency.SCHEMA, schema_of(network)))


def _database(settings: Settings, path: Path, script: str, schema: str, *, rebuildable: bool = False) -> Database:
    if settings.database_url:
        place = settings.database_url, schema
        found = _open.get(place) or database.PostgresDatabase(*place)
        return _open.setdefault(place, found)
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    return SQLiteDatabase(path, script, "NORMAL" if rebuildable else "FULL")


def migrate(settings: Settings) -> Sequence[str]:
    """Brings what every network keeps to this release's schema; returns the networks' names.

    Raises WrongSchema, Unavailable.
    """
    if settings.database_url:
        database.migrate(settings.database_url, _KEYS_SCHEMA, _KEYS)
    with closing(open_keys(settings)) as keys:
        names = keys.networks()
    for name in names:
        if settings.database_url:
            _migrate_schemas(settings, name)
        else:
            folder_of(settings, name).mkdir(parents=True, exist_ok=True, mode=0o700)
            sqlite.migrate(folder_of(settings, name) / "log.db")
            _renew_views(settings, name)
    return names


def _renew_views(settings: Settings, network: str) -> None:
    """Makes the views of a folder anew where another release made them with other tables."""
    path = folder_of(settings, network) / "views.db"
    if not path.exists() or not is_of_another_release(path, tables.SCHEMA):
        return
    remove(path)
    secret = secret_of(settings, network)
    with closing(open_log(settings, network, secret)) as log, closing(open_views(settings, network)) as views:
        run.rebuild(log, views)


def _migrate_schemas(settings: Settings, network: str) -> None:
    url, schema = settings.database_url, schema_of(network)
    postgres.migrate(url, schema)
    for script in (
        people_.SCHEMA,
        outbox_.SCHEMA,
        imports_.SCHEMA,
        endpoints_.SCHEMA,
        idempotency.SCHEMA,
        sandbox_.SCHEMA,
    ):
        database.migrate(url, schema, script)
    with suppress(NotMigrated):  # views of an earlier release stay as they are until they are made anew
        database.migrate(url, schema_of(network, "views"), tables.SCHEMA)
    if settings.kafka:
        from services.eventlog import topology  # Kafka's client is slow to import, and most installations have none

        topology.migrate(settings.kafka, network, settings.kafka_replication)
    known = sources(settings)
    with closing(open_views(settings, network)) as views, closing(open_outbox(settings, network)) as outbox:
        views.add_sources(known)
        outbox.add_shards(known.values())
