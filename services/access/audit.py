"""The record of refusals: which credential was refused what, when, at which route; and nothing about anybody's care.

A route is named by its template, so that no reference and no id of an event is kept. Equal refusals are summed, those
of a credential for a second, those of callers without one for a minute, so that nobody can fill the disk. What is
summed is in memory until it is written; a process that is killed loses as much.
"""

import logging
import threading
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Final, NamedTuple

from pydantic import BaseModel

from services.access.credential import Credential
from services.access.kept import instant
from services.access.problems import Problem, Slug
from services.database.ports import Database, NotMigrated, Unavailable
from services.database.texts import statements

_log = logging.getLogger(__name__)

AUDITED: Final = frozenset({401, 403, 404, 429})
"""Statuses of who may not: no or no valid credential, not this, not here or nothing there, not so much."""
SUMMED_FOR: Final = timedelta(seconds=1)
NAMELESS_SUMMED_FOR: Final = timedelta(minutes=1)
METHODS: Final = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
"""Any other is the caller's own word, and not kept."""
MOST_SUMS: Final = 10_000
"""Sums that wait because the store cannot be written; more are dropped, which the log says."""

_SQL: Final = statements("services.access", "audit")
SCHEMA: Final = _SQL["schema"]


class RefusalItem(BaseModel):
    """``count`` equal refusals, the first of them at ``at``. ``route`` is a path with the names of its parts, as
    ``/v1/events/{source}/{id}``, and empty where there is no route; ``problem`` the last part of the problem's type.
    """

    number: int
    at: datetime
    credential: str
    method: str
    route: str
    status: int
    problem: str
    count: int


class _What(NamedTuple):
    network: str
    credential: str
    method: str
    route: str
    status: int
    problem: Slug


class Audit:
    """One for all networks of an installation, in the tables of ``SCHEMA``. Any thread may use it."""

    def __init__(self, database: Database, clock: Callable[[], datetime]) -> None:
        self._database = database
        self._clock = clock
        self._sums: Counter[_What] = Counter()
        self._since: dict[_What, datetime] = {}
        self._lock = threading.Lock()
        self._writing = threading.Lock()

    def refused(self, credential: Credential | None, method: str, route: str, problem: Problem, count: int = 1) -> None:
        """Notes that the credential, or a caller without one, was refused so; what is no matter of access is not noted.

        ``route`` is a template of ours. Waits for nothing.
        """
        if problem.status not in AUDITED:
            return
        network, name = (credential.network, credential.id) if credential else ("", "")
        what = _What(network, name, method if method in METHODS else "", route, problem.status, problem.slug)
        with self._lock:
            if what in self._sums or len(self._sums) < MOST_SUMS:
                self._sums[what] += count
                self._since.setdefault(what, self._clock())
            else:
                _log.error("a refusal is not on the audit: %s", problem.slug)

    def flush(self, *, everything: bool = False) -> None:
        """Writes the sums whose time is over, or all. Raises Unavailable, NotMigrated, and keeps them for next time."""
        with self._writing:
            now = self._clock()
            with self._lock:
                due = [what for what in self._sums if everything or not self._is_summing(what, now)]
                taken = [(what, self._since.pop(what), self._sums.pop(what)) for what in due]
            if not taken:
                return
            try:
                self._write(taken)
            except BaseException:
                with self._lock:
                    for what, since, count in taken:
                        self._sums[what] += count
                        self._since[what] = since
                raise

    def after(self, network: str, number: int, limit: int) -> list[RefusalItem]:
        """The network's refusals after row ``number``, those too that this process has not written yet."""
        self.flush(everything=True)
        values = {"network": network, "after": number, "limit": limit}
        rows = self._database.connection().execute(_SQL["after"], values)
        return [
            RefusalItem(
                number=row["number"],
                at=instant(row["at"]),
                credential=row["credential"],
                method=row["method"],
                route=row["route"],
                status=row["status"],
                problem=row["problem"],
                count=row["count"],
            )
            for row in rows
        ]

    @contextmanager
    def running(self) -> Iterator[None]:
        """Writes what is due until the block ends, and then the rest."""
        over = threading.Event()
        thread = threading.Thread(target=self._run, args=(over,), name="audit")
        thread.start()
        try:
            yield
        finally:
            over.set()
            thread.join()
            self._flushed(everything=True)
            self._database.close()

    def _run(self, over: threading.Event) -> None:
        while not over.wait(SUMMED_FOR.total_seconds()):
            self._flushed()

    def _flushed(self, *, everything: bool = False) -> None:
        try:
            self.flush(everything=everything)
        except (Unavailable, NotMigrated):
            _log.warning("the audit of refusals cannot be written now")

    def _is_summing(self, what: _What, now: datetime) -> bool:
        since = self._since[what]
        return since <= now < since + (SUMMED_FOR if what.network else NAMELESS_SUMMED_FOR)

    def _write(self, taken: Sequence[tuple[_What, datetime, int]]) -> None:
        with self._database.transaction() as connection:
            for what, since, count in sorted(
                taken
            ):  # in one order, as two who each wait for the other's row do so for ever
                [row] = connection.execute(_SQL["take_number"], {"network": what.network})
                values = what._asdict() | {"number": row["number"], "at": int(since.timestamp()), "count": count}
                connection.execute(_SQL["add"], values)
