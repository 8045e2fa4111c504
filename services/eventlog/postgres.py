"""The log in a schema of a PostgreSQL database, for any number of processes."""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from hashlib import blake2b
from typing import Final

from eventsourcing.persistence import IntegrityError
from eventsourcing.postgres import PostgresApplicationRecorder, PostgresDatastore
from psycopg.conninfo import conninfo_to_dict
from psycopg.rows import dict_row, tuple_row
from psycopg.sql import SQL, Composed, Identifier, Literal
from typing_extensions import override

from services.database.texts import statements
from services.eventlog import store
from services.eventlog.store import SCHEMA_VERSION, Answers, Entry, Kept, Row, StoredLog

TEXTS: Final = statements("services.eventlog", "postgres")
WAIT_SECONDS: Final = 3
"""For a connection. The library's own waits, in minutes, would hold up the threads that answer requests."""
CONNECTIONS: Final = 4
"""At most, per log: one appends, the others read."""
IDLE_IN_TRANSACTION_SECONDS: Final = 5
SESSION: Final = "-c lock_timeout=10s -c plan_cache_mode=force_generic_plan"
"""An append is planned once: planning takes as long as running it for one event. Options in the URL override these."""
LOST_CONNECTION: Final = {"keepalives_idle": 10, "keepalives_interval": 5, "tcp_user_timeout": 20_000}
"""Seconds, seconds and milliseconds after which a peer that no longer answers is given up."""


def migrate(url: str, schema: str = "public") -> None:
    """Makes the log's tables in ``schema``; leaves alone what is as this release needs it.

    Raises WrongSchema, Unavailable.
    """
    store.migrate(_Recorder(_Datastore(url, schema)))


def open_log(url: str, secret: bytes, schema: str = "public") -> StoredLog:
    """The log in ``schema``, with the network's ``secret``. Raises WrongSchema, Unavailable."""
    return StoredLog(_Recorder(_Datastore(url, schema)), secret)


class _Datastore(PostgresDatastore):
    def __init__(self, url: str, schema: str) -> None:
        super().__init__(
            *("", "", "", "", ""),  # all of the URL is used, not the five parts that the library knows
            connect_timeout=WAIT_SECONDS,
            idle_in_transaction_session_timeout=IDLE_IN_TRANSACTION_SECONDS,
            pool_size=1,
            max_overflow=CONNECTIONS - 1,
            schema=schema,
        )
        given = conninfo_to_dict(url)
        given["options"] = f"{SESSION} {given.get('options') or ''}"
        self.pool.kwargs = {"row_factory": dict_row, **LOST_CONNECTION, **given}
        # Then whoever needs a connection next tries anew; the pool's own attempts grow minutes apart.
        self.pool.reconnect_timeout = WAIT_SECONDS

    @override
    def register_type_adapters(self) -> None:
        """There are none, and the library connects to look for them."""


class _Recorder(PostgresApplicationRecorder):
    def __init__(self, datastore: _Datastore) -> None:
        super().__init__(datastore)
        table = f"{datastore.schema}.{self.events_table_name}"
        lock = int.from_bytes(blake2b(table.encode(), digest_size=8).digest(), signed=True)
        self.lock_table_statements = [SQL(TEXTS["lock"]).format(lock=Literal(lock))]
        self.sql_create_statements = [
            self._statement("create_schema"),
            self._statement("create"),
            self._statement("create_version"),
            SQL(TEXTS["set_version"]).format(schema=Identifier(datastore.schema), version=Literal(SCHEMA_VERSION)),
        ]
        self._append = self._statement("append")
        self._rows = self._statement("rows")
        self._found = self._statement("found")

    def _statement(self, name: str) -> Composed:
        return SQL(TEXTS[name]).format(schema=Identifier(self.datastore.schema))

    def version(self) -> int | None:
        table = Identifier(self.datastore.schema, "eventlog_version").as_string()
        with self.datastore.get_connection() as connection, connection.cursor(row_factory=tuple_row) as cursor:
            if cursor.execute(TEXTS["has_version"].encode(), (table,)).fetchone() != (True,):
                return None
            found = cursor.execute(self._statement("version")).fetchone()
            return found[0] if found else None

    def store(self, entries: Sequence[Entry], received: datetime, check: Callable[[Answers], None]) -> Answers:
        try:
            return self._store(entries, received, check)
        except IntegrityError:
            # Somebody stored one of the keys without the lock. By now it is there to be found.
            return self._store(entries, received, check)

    def _store(self, entries: Sequence[Entry], received: datetime, check: Callable[[Answers], None]) -> Answers:
        streams, topics, states, keys, digests = map(list, zip(*entries, strict=True))
        with (
            self.datastore.get_connection() as connection,
            connection.pipeline(),  # one round trip for all of it, as the lock is held meanwhile
            connection.transaction(),
            connection.cursor(binary=True, row_factory=tuple_row) as cursor,
        ):
            self._lock_table(connection.cursor())
            cursor.execute(
                self._append,
                {
                    "streams": streams,
                    "topics": topics,
                    "states": states,
                    "keys": keys,
                    "digests": digests,
                    "received": received,
                },
                prepare=True,
            )
            kept = {key: Kept(position, digest, fresh) for key, position, digest, fresh in cursor}
            check(kept)
            return kept

    def rows(self, after: int, limit: int) -> list[Row]:
        return self._select(self._rows, (after, limit))

    def found(self, keys: Sequence[bytes]) -> list[Row]:
        return self._select(self._found, (list(keys),))

    @override
    def max_notification_id(self) -> int | None:
        # The library's own tries ten times before it tells that the database is away.
        with self.datastore.get_connection() as connection, connection.cursor(row_factory=tuple_row) as cursor:
            found = cursor.execute(self.max_notification_id_statement).fetchone()
            return found[0] if found else None

    def _select(self, statement: Composed, values: Sequence[object]) -> list[Row]:
        with (
            self.datastore.get_connection() as connection,
            connection.cursor(binary=True, row_factory=tuple_row) as cursor,
        ):
            cursor.execute(statement, values, prepare=True)
            return [
                Row(position, at.astimezone(UTC), topic, state, stream.hex, key)
                for position, at, topic, state, stream, key in cursor
            ]

    def close(self) -> None:
        self.datastore.close()
