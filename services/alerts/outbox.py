"""The outbox of one network: how far its cases were looked at, when to look again, and the letters on their way.

Cases are looked at shard by shard, each by one process at a time. A decision, its letters and the shard's checkpoint
change in one transaction. A letter leaves at least once: whoever leases it
and does not come back loses it to the next one, who sends the same bytes.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Final

from contracts.data import AlertReason
from services.alerts.mail import Outcome
from services.database.instants import instant, text
from services.database.ports import Connection, Database
from services.database.texts import script, statements

SCHEMA: Final = script("services.alerts", "schema")
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
    """The tables of ``SCHEMA``, for one network. Any thread may use it."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add_shards(self, shards: Iterable[int]) -> None:
        """From now on these shards can be looked at, from the start of the log; those that can be already stay."""
        self._database.connection().executemany(_SQL["add_shard"], [(shard,) for shard in shards])

    def positions(self) -> dict[int, int]:
        """By shard, the position of the log up to which its cases were looked at."""
        return {row["shard"]: row["position"] for row in self._database.connection().execute(_SQL["positions"])}

    def due(self, shard: int, now: datetime, limit: int) -> list[str]:
        """Cases to look at though nothing happened, the longest due first."""
        rows = self._database.connection().execute(_SQL["due"], (shard, text(now), limit))
        return [row["case_ref"] for row in rows]

    def look_at(self, case_ref: str, shard: int, now: datetime) -> None:
        """The case is due at ``now``, whatever was noted of it."""
        self._database.connection().execute(_SQL["set_due"], (case_ref, shard, text(now)))

    @contextmanager
    def turn(self, shard: int) -> Iterator["Turn | None"]:
        """The shard for the caller alone until the block ends, then what it recorded is durable, all or nothing.

        ``None`` where somebody else has it. Whoever is stopped for long in the block loses it: what it recorded then
        fails with Unavailable.
        """
        with self._database.transaction() as connection:
            row = connection.execute(_SQL["take_turn"], (shard,)).fetchone()
            yield None if row is None else Turn(connection, shard, row["position"])

    def mails_since(self, therapist_ref: str, since: datetime) -> int:
        """How many letters were written to the therapist after ``since``, save those that could not be delivered."""
        [row] = self._database.connection().execute(_SQL["mails_since"], (therapist_ref, text(since)))
        return int(row["mails"])

    def letters_of(self, case_ref: str) -> dict[str, datetime]:
        """By alert, when the letters about a case were written, save those that could not be delivered."""
        rows = self._database.connection().execute(_SQL["letters_of"], (case_ref,))
        return {row["alert_ref"]: instant(row["created"]) for row in rows}

    def lease(self, now: datetime, seconds: float) -> Queued | None:
        """The next letter to send, for the caller alone until ``seconds`` have passed."""
        given = {"now": text(now), "until": text(now + timedelta(seconds=seconds))}
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
            created=instant(row["created"]),
            attempts=row["attempts"],
            delivered=instant(row["delivered"]),
        )

    def release(self) -> None:
        """Ends every lease: for whoever starts alone on the file, as those who held them are gone."""
        self._change("release")

    def delivered(self, alert_ref: str, now: datetime) -> None:
        """The mail server took the letter: it is not to be sent again, and not done before the log says so."""
        self._change("delivered", alert_ref=alert_ref, now=text(now))

    def sent(self, alert_ref: str) -> None:
        """The log says that the letter was delivered: it is done."""
        self._change("sent", alert_ref=alert_ref)

    def is_ours(self, queued: Queued) -> bool:
        """Whether nobody else has leased the letter since, as its lease was over."""
        given = {"alert_ref": queued.alert_ref, "attempts": queued.attempts}
        return self._database.connection().execute(_SQL["attempt"], given).fetchone() is not None

    def put_off(self, queued: Queued, until: datetime, outcome: Outcome) -> None:
        """The letter is tried again from ``until`` on, unless somebody else has leased it since."""
        self._change(
            "put_off", alert_ref=queued.alert_ref, attempts=queued.attempts, until=text(until), outcome=outcome
        )

    def gave_up(self, queued: Queued, outcome: Outcome) -> None:
        """The letter is not tried again, unless somebody else has leased it since."""
        self._change("gave_up", alert_ref=queued.alert_ref, attempts=queued.attempts, outcome=outcome)

    def link(self, token: str) -> Link | None:
        """What the link with this token is about, even where it has expired."""
        row = self._database.connection().execute(_SQL["link"], (_digest(token),)).fetchone()
        if row is None:
            return None
        return Link(row["alert_ref"], row["case_ref"], row["therapist_ref"], instant(row["expires"]))

    def backlog(self) -> Backlog:
        [row] = self._database.connection().execute(_SQL["backlog"])
        return Backlog(row["pending"], instant(row["oldest"]))

    def close(self) -> None:
        self._database.close()

    def _change(self, statement: str, **values: str | int) -> None:
        with self._database.transaction() as connection:
            connection.execute(_SQL[statement], values)


class Turn:
    """A shard that nobody else looks at meanwhile, looked at up to ``position``."""

    def __init__(self, connection: Connection, shard: int, position: int) -> None:
        self._connection = connection
        self.shard: Final = shard
        self.position: Final = position

    def record(self, position: int | None, due: Mapping[str, datetime | None], letters: Sequence[Written]) -> None:
        """All at once: keeps ``letters``, notes when each case is due (or that it is not), and moves the checkpoint
        to ``position``, if there is one.

        An alert has one letter: a second one is dropped, and its link with it.
        """
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
                "created": text(letter.created),
            }
            if self._connection.execute(_SQL["add_letter"], row).rowcount:
                link = (
                    _digest(letter.token),
                    letter.alert_ref,
                    letter.case_ref,
                    letter.therapist_ref,
                    text(letter.expires),
                )
                self._connection.execute(_SQL["add_link"], link)
        for case_ref, due_at in sorted(due.items()):
            if due_at is None:
                self._connection.execute(_SQL["unset_due"], (case_ref,))
            else:
                self._connection.execute(_SQL["set_due"], (case_ref, self.shard, text(due_at)))
        if position is not None:
            self._connection.execute(_SQL["move"], {"position": position, "shard": self.shard})


def _digest(token: str) -> bytes:
    """No salt is needed: a token is as random as a key."""
    return sha256(token.encode()).digest()
