"""Views that are made anew from the whole log, beside those that are read: in steps that can be gone on with."""

from collections.abc import Callable, Mapping, Sequence

from services.eventlog.ports import Recorded, Unread
from services.projections import tables
from services.projections.tables import SQL
from services.projections.views import Views


class FreshViews(Views):
    """First every event is collected, then each case folded once; then what has come meanwhile is applied."""

    def collect(self, batch: Sequence[Recorded | Unread]) -> None:
        """Keeps the next events of the whole log, and folds none of the cases yet: the first half of making views anew.

        Every source then counts as applied up to the last of them.
        """
        with self._database.transaction() as connection:
            tables.add_facts(connection, batch)
            connection.execute(SQL["move_all"], (batch[-1].position,))

    def known_cases(self) -> int:
        """How many cases there are events about."""
        [row] = self._database.connection().execute(SQL["known_cases"])
        return int(row["number"])

    def unfolded(self, after: str, limit: int) -> dict[str, int]:
        """The next cases, by reference, of which not all events are folded; each with the position of its newest."""
        rows = self._database.connection().execute(SQL["unfolded"], (after, limit)).fetchall()
        return {row["case_ref"]: row["position"] for row in rows}

    def fold(self, positions: Mapping[str, int], shard_of: Callable[[str], int]) -> None:
        """Folds these cases anew, given with the position of each one's newest event."""
        with self._database.transaction() as connection:
            self._fold(connection, positions, shard_of)

    def is_uneven(self) -> bool:
        """Whether some sources have come further than others."""
        return len({mark.position for mark in self.marks(self._sources()).values()}) > 1

    def take_offsets(self, other: Views) -> None:
        """Goes on in every source where ``other`` would, which has come no further."""
        with self._database.transaction() as connection:
            for source, mark in other.marks(self._sources()).items():
                connection.execute(SQL["set_offset"], (mark.offset, source))

    def _sources(self) -> list[str]:
        return [row["source"] for row in self._database.connection().execute(SQL["marks"])]
