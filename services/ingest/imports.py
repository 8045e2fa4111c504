"""What is kept of imports: how far each has come, and which lines were refused. Lines themselves are on the log."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Literal, NamedTuple, TypeAlias

from services.access.problems import Refused, problem
from services.database.instants import text
from services.database.ports import Database, Row
from services.database.texts import statements

_SQL: Final = statements("services.ingest", "imports")
SCHEMA: Final = _SQL["schema"]

LEASE: Final = timedelta(seconds=30)
"""How long a request that is not heard of keeps others from going on with its import."""
KEPT_FOR: Final = timedelta(days=30)
"""How long an import is remembered after anything was last done to it."""
ERRORS_KEPT: Final = 100_000
"""Of one import; what is refused beyond is counted only."""

State: TypeAlias = Literal["receiving", "interrupted", "done"]


@dataclass(frozen=True, slots=True)
class Run:
    """How far an import has come: every line before ``next_line`` is settled, be it empty, on the log or refused."""

    accepted: int = 0
    duplicates: int = 0
    rejected: int = 0
    position: int | None = None
    """The last on the log among its events."""
    next_line: int = 1

    @property
    def lines(self) -> int:
        """Those settled that were not empty."""
        return self.accepted + self.duplicates + self.rejected


class RefusedLine(NamedTuple):
    """A line that is not on the log; ``id`` is its event's where it bears a well-formed one."""

    line: int
    id: str | None
    problem: str
    """The problem document, in JSON."""


class Turn(NamedTuple):
    """The right to go on with an import; the last one given counts."""

    owner: str
    name: str
    number: int


class Imports:
    """The imports of one network, in the tables of ``SCHEMA``, by credential and name. Any thread may use it."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def begin(self, owner: str, name: str, now: datetime) -> tuple[Turn | None, Run]:
        """A turn at the import, which begins or goes on, and how far it has come; no turn where it is done.

        Raises Refused (``request-in-progress``) while another one has its turn.
        """
        key = {"owner": owner, "name": name}
        times = {"now": text(now), "until": text(now + LEASE)}
        with self._database.transaction() as connection:
            forgotten = {"before": text(now - KEPT_FOR)}
            connection.execute(_SQL["forget_errors"], forgotten)
            connection.execute(_SQL["forget"], forgotten)
            connection.execute(_SQL["add"], {**key, "now": times["now"]})
            row = connection.execute(_SQL["take"], {**key, **times}).fetchone()
            if row is not None:
                return Turn(owner, name, row["turn"]), _run(row)
            row = connection.execute(_SQL["run"], key).fetchone()
        if row is None or not row["done"]:
            raise Refused(problem("request-in-progress", headers={"Retry-After": "2"}))
        return None, _run(row)

    def record(self, turn: Turn, run: Run, refused: Sequence[RefusedLine], now: datetime) -> None:
        """Makes durable how far the import has come, and which lines were refused since this was last done.

        Raises Refused (``request-in-progress``) where another one has had its turn since.
        """
        row = {
            "owner": turn.owner,
            "name": turn.name,
            "turn": turn.number,
            "now": text(now),
            "until": text(now + LEASE),
            "accepted": run.accepted,
            "duplicates": run.duplicates,
            "rejected": run.rejected,
            "position": run.position,
            "next_line": run.next_line,
        }
        room = max(0, ERRORS_KEPT - (run.rejected - len(refused)))
        with self._database.transaction() as connection:
            if not connection.execute(_SQL["record"], row).rowcount:
                raise Refused(problem("request-in-progress", headers={"Retry-After": "2"}))
            if refused[:room]:
                columns = ("owner", "name", "line", "id", "problem")
                rows = [(turn.owner, turn.name, *one) for one in refused[:room]]
                connection.insert("import_error", columns, rows)

    def end(self, turn: Turn, now: datetime, *, done: bool) -> None:
        """Gives the turn back: the import is done, or can be gone on with."""
        row = {"owner": turn.owner, "name": turn.name, "turn": turn.number, "now": text(now), "done": int(done)}
        with self._database.transaction() as connection:
            connection.execute(_SQL["end"], row)

    def release(self) -> None:
        """Ends every turn: for whoever starts alone on the file, as those who had them are gone."""
        with self._database.transaction() as connection:
            connection.execute(_SQL["release"])

    def find(self, owner: str, name: str, now: datetime) -> tuple[State, Run] | None:
        row = self._database.connection().execute(_SQL["run"], {"owner": owner, "name": name}).fetchone()
        if row is None:
            return None
        if row["done"]:
            return "done", _run(row)
        return ("receiving" if row["leased_until"] > text(now) else "interrupted"), _run(row)

    def errors(self, owner: str, name: str, after: int, limit: int) -> list[RefusedLine]:
        """The lines after line ``after`` that were refused, in order, at most ``limit`` of them."""
        asked = {"owner": owner, "name": name, "after": after, "limit": limit}
        rows = self._database.connection().execute(_SQL["errors"], asked)
        return [RefusedLine(row["line"], row["id"], row["problem"]) for row in rows]

    def close(self) -> None:
        self._database.close()


def _run(row: Row) -> Run:
    return Run(row["accepted"], row["duplicates"], row["rejected"], row["position"], row["next_line"])
