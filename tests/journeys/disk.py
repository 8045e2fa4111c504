"""What a program has on disk, looked at from beside it: the log, the views row by row, the outbox."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TypeAlias

from services.eventlog import sqlite
from services.eventlog.ports import Recorded
from services.projections.run import rebuild
from tests.journeys.program import wait_until
from tests.parts import keys_at, outbox_at, views_at

Rows: TypeAlias = dict[str, list[tuple[object, ...]]]


class Disk:
    """The files of the network ``main`` in ``folder``."""

    def __init__(self, folder: Path) -> None:
        with closing(keys_at(folder / "keys.db")) as keys:
            secret = keys.secret("main")
        assert secret is not None
        self._folder = folder / "main"
        self._log = sqlite.open_log(self._folder / "log.db", secret)
        self._views = views_at(self._folder / "views.db")
        self._outbox = outbox_at(self._folder / "alerts.db")

    def recorded(self) -> list[Recorded]:
        return self._log.read(0, 1_000_000)

    def settle(self, patience: float) -> None:
        """Waits until the views show every event, every case was judged, and no letter waits."""
        wait_until(self._settled, "everything that follows from the events is done", patience)

    def _settled(self) -> bool:
        return (
            self._views.position() >= self._log.head()
            and not self._views.touched(0, self._outbox.positions()[0], 1)
            and self._outbox.backlog().pending == 0
        )

    def views(self) -> Rows:
        return rows(self._folder / "views.db")

    def views_from_scratch(self, path: Path) -> Rows:
        """What the log alone gives, in a new file at ``path``."""
        with closing(views_at(path)) as fresh:
            rebuild(self._log, fresh)
        return rows(path)

    def letters(self) -> dict[str, str]:
        """The state of each letter by its Message-ID."""
        return {str(row[6]): str(row[-2]) for row in rows(self._folder / "alerts.db")["letter"]}

    def close(self) -> None:
        for part in (self._log, self._views, self._outbox):
            part.close()


@contextmanager
def disk_of(folder: Path) -> Iterator[Disk]:
    with closing(Disk(folder)) as found:
        yield found


def rows(path: Path) -> Rows:
    """Every row of every table."""
    with closing(sqlite3.connect(path)) as connection:
        tables = [name for (name,) in connection.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")]
        return {table: sorted(connection.execute(f"SELECT * FROM {table}"), key=repr) for table in tables}
