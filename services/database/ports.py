"""A database as its users see it: statements in one spelling, rows by column name, all or nothing.

The spelling is SQLite's, with ``?`` or ``:name`` for values; what PostgreSQL calls otherwise is translated there, and
what stands in ``/*+ ... */`` is for it alone.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Any, Protocol, TypeAlias

Values: TypeAlias = Sequence[Any] | Mapping[str, Any]


class Unavailable(Exception):
    """The store cannot be reached or written to now. Ask again: a transaction that failed has left nothing behind, or
    all of it where only the answer to its commit was lost."""


class Explained(Exception):
    """Its text is made of what the code knows, names and positions, and may be logged and shown."""


class NotMigrated(Explained):
    """The store was never migrated, or by an earlier release."""

    def __init__(self) -> None:
        remedy = "run `resonance migrate`, and after it `resonance rebuild` where views have changed"
        super().__init__(f"the database lacks tables or columns that this release needs: {remedy}")


class Row(Protocol):
    def __getitem__(self, column: str, /) -> Any: ...

    def keys(self) -> Iterable[str]: ...


class Cursor(Protocol):
    @property
    def rowcount(self) -> int:
        """How many rows an INSERT, UPDATE or DELETE has changed."""

    def fetchone(self) -> Row | None: ...

    def fetchall(self) -> Sequence[Row]: ...

    def __iter__(self) -> Iterator[Row]: ...


class Connection(Protocol):
    """Every method can raise Unavailable."""

    def execute(self, statement: str, values: Values = (), /) -> Cursor: ...

    def executemany(self, statement: str, rows: Iterable[Values], /) -> object: ...

    def insert(self, table: str, columns: Sequence[str], rows: Iterable[Sequence[Any]], /) -> object:
        """New rows, by the fastest way that the database has for many of them."""


class Database(Protocol):
    """Any thread may use it."""

    def connection(self) -> Connection:
        """This thread's own connection, up to its end; a statement on it is a transaction by itself."""

    def transaction(self) -> AbstractContextManager[Connection]:
        """All that is done on this thread's connection, or nothing where the block raises."""

    def snapshot(self) -> AbstractContextManager[Connection]:
        """Several reads that see one and the same state."""

    def close(self) -> None:
        """Ends the connections of all threads, each as soon as nobody uses it."""
