"""What a network for trying out has of its own: a clock that can be moved, and a box that all of its mail goes to."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Final

from services.alerts.mail import Mail, Outcome, mail_of
from services.database.instants import text
from services.database.ports import Database
from services.database.texts import statements

_SQL: Final = statements("services.sandbox", "sandbox")
SCHEMA: Final = _SQL["schema"]
_MICROSECOND: Final = timedelta(microseconds=1)


class Sandbox:
    """One for each process and sandbox network, in the tables of ``SCHEMA``. Any thread may use it.

    It is also where mail is delivered to (services/alerts/mail.py): none of it leaves.
    """

    def __init__(self, database: Database, real: Callable[[], datetime]) -> None:
        self._database = database
        self._real = real
        self._ahead = timedelta(0)
        self.look()

    def now(self) -> datetime:
        """The instant that it is in the network, as far as this process knows."""
        return self._real() + self._ahead

    def look(self) -> bool:
        """Learns whether another process has moved the clock; a follower's step, which never leaves anything over."""
        row = self._database.connection().execute(_SQL["ahead"]).fetchone()
        self._ahead = timedelta(0) if row is None else row["ahead"] * _MICROSECOND
        return False

    def forward(self, by: timedelta) -> None:
        """Moves the clock of every process: at once here, within a second elsewhere."""
        with self._database.transaction() as connection:
            connection.execute(_SQL["forward"], {"by": by // _MICROSECOND})
        self.look()

    def deliver(self, sender: str, recipient: str, message: bytes) -> Outcome:  # noqa: ARG002 - a mail server needs both
        row = {"message_id": mail_of(message).message_id, "kept": text(self.now()), "message": message}
        self._database.connection().execute(_SQL["keep"], row)
        return "sent"

    def mails(self, limit: int) -> list[Mail]:
        """The last ones, newest first."""
        rows = self._database.connection().execute(_SQL["mails"], {"limit": limit})
        return [mail_of(bytes(row["message"])) for row in rows]

    def close(self) -> None:
        self._database.close()
