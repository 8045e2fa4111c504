"""The outbox of one network: how far its cases were looked at, when to look again, and the letters on their way.

A decision, its letters and the checkpoint change in one transaction. A letter leaves at least once: whoever leases it
and does not come back loses it to the next one, who sends the same bytes.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Final

from contracts.data import AlertReason
from services.alerts.mail import Outcome
from services.database import Database, script, statements

_SQL: Final = statements("services.alerts", "outbox")


@dataclass(frozen=True, slots=True)
class Written:
    """A letter that was composed, and whom its link is for until ``expires``."""

    alert_ref: str
    case_ref: str
    clinic: str
    therapist_ref: str
    reason: AlertReason
    recipient: str
    message_id: str
    message: bytes
    token: str
    created: datetime
    expires: datetime


@dataclass(frozen=True, slots=True)
class Queued:
    """A letter to send now; to be noted on the log only, where it was ``delivered`` before."""

    alert_ref: str
    case_ref: str
    clinic: str
    reason: AlertReason
    recipient: str
    message_id: str
    message: bytes
    created: datetime
    attempts: int
    """This one included."""
    delivered: datetime | None


@dataclass(frozen=True, slots=True)
class Link:
    """What the link in a letter is about, and whom it speaks for."""

    alert_ref: str
    case_ref: str
    therapist_ref: str
    expires: datetime


@dataclass(frozen=True, slots=True)
class Backlog:
    """How many letters wait, and since when the oldest does."""

    pending: int
    oldest: datetime | None


class Outbox:
    """The file ``alerts.db`` of one network. Any thread may use it."""

    def __init__(self, path: Path) -> None:
        self._database = Database(path, script("services.alerts", "schema"), synchronous="FULL")

    def position(self) -> int:
        """The position of the log up to which cases were looked at."""
        return int(self._database.connection().execute(_SQL["position"]).fetchone()[0])

    def due(self, now: datetime, limit: int) -> list[str]:
        """Cases to look at though nothing happened, the longest due first."""
        rows = self._database.connection().execute(_SQL["due"], (_text(now), limit))
        return [row["case_ref"] for row in rows]

    def mails_since(self, therapist_ref: str, since: datetime) -> int:
        """How many letters were written to the therapist after ``since``, save those that could not be delivered."""
        row = self._database.connection().execute(_SQL["mails_since"], (therapist_ref, _text(since))).fetchone()
        return int(row[0])

    def letters_of(self, case_ref: str) -> dict[str, datetime]:
        """By alert, when the letters about a case were written, save those that could not be delivered."""
        rows = self._database.connection().execute(_SQL["letters_of"], (case_ref,))
        return {row["alert_ref"]: _instant(row["created"]) for row in rows}

    def record(self, position: int | None, due: Mapping[str, datetime | None], letters: Sequence[Written]) -> None:
        """All at once: keeps ``letters``, notes when each case is due (or that it is not), and moves the checkpoint.

        An alert has one letter: a second one is dropped, and its link with it.
        """
        with self._database.transaction() as connection:
            for letter in letters:
                row = {
                    "alert_ref": letter.alert_ref,
                    "case_ref": letter.case_ref,
                    "clinic": letter.clinic,
                    "therapist_ref": letter.therapist_ref,
                    "reason": letter.reason,
                    "recipient": letter.recipient,
                    "message_id": letter.message_id,
                    "message": letter.message,
                    "created": _text(letter.created),
                    "token_sha256": _digest(letter.token),
                    "expires": _text(letter.expires),
                }
                if connection.execute(_SQL["add_letter"], row).rowcount:
                    connection.execute(_SQL["add_link"], row)
            for case_ref, due_at in due.items():
                if due_at is None:
                    connection.execute(_SQL["unset_due"], (case_ref,))
                else:
                    connection.execute(_SQL["set_due"], (case_ref, _text(due_at)))
            if position is not None:
                connection.execute(_SQL["move"], (position,))

    def lease(self, now: datetime, seconds: float) -> Queued | None:
        """The next letter to send, for the caller alone until ``seconds`` have passed."""
        given = {"now": _text(now), "until": _text(now + timedelta(seconds=seconds))}
        with self._database.transaction() as connection:
            row = connection.execute(_SQL["lease"], given).fetchone()
        if row is None:
            return None
        return Queued(
            alert_ref=row["alert_ref"],
            case_ref=row["case_ref"],
            clinic=row["clinic"],
            reason=row["reason"],
            recipient=row["recipient"],
            message_id=row["message_id"],
            message=row["message"],
            created=_instant(row["created"]),
            attempts=row["attempts"],
            delivered=None if row["delivered"] is None else _instant(row["delivered"]),
        )

    def release(self) -> None:
        """Ends every lease: for whoever starts alone on the file, as those who held them are gone."""
        self._change("release")

    def delivered(self, alert_ref: str, now: datetime) -> None:
        """The mail server took the letter: it is not to be sent again, and not done before the log says so."""
        self._change("delivered", alert_ref=alert_ref, now=_text(now))

    def sent(self, alert_ref: str) -> None:
        """The log says that the letter was delivered: it is done."""
        self._change("sent", alert_ref=alert_ref)

    def put_off(self, alert_ref: str, until: datetime, outcome: Outcome) -> None:
        """The letter is tried again from ``until`` on."""
        self._change("put_off", alert_ref=alert_ref, until=_text(until), outcome=outcome)

    def gave_up(self, alert_ref: str, outcome: Outcome) -> None:
        """The letter is not tried again."""
        self._change("gave_up", alert_ref=alert_ref, outcome=outcome)

    def link(self, token: str) -> Link | None:
        """What the link with this token is about, even where it has expired."""
        row = self._database.connection().execute(_SQL["link"], (_digest(token),)).fetchone()
        if row is None:
            return None
        return Link(row["alert_ref"], row["case_ref"], row["therapist_ref"], _instant(row["expires"]))

    def backlog(self) -> Backlog:
        row = self._database.connection().execute(_SQL["backlog"]).fetchone()
        return Backlog(row["pending"], None if row["oldest"] is None else _instant(row["oldest"]))

    def close(self) -> None:
        self._database.close()

    def _change(self, statement: str, **values: str) -> None:
        with self._database.transaction() as connection:
            connection.execute(_SQL[statement], values)


def _digest(token: str) -> bytes:
    """No salt is needed: a token is as random as a key."""
    return sha256(token.encode()).digest()


def _text(instant: datetime) -> str:
    """UTC in one spelling, so that texts sort as instants do."""
    return instant.astimezone(UTC).isoformat(timespec="microseconds")


def _instant(text: str) -> datetime:
    return datetime.fromisoformat(text)
