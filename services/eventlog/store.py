"""The log over an event store: how an event becomes a row and a row an event, and what each append is answered."""

import json
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, closing, contextmanager, suppress
from datetime import UTC, datetime
from functools import lru_cache
from hashlib import sha256
from typing import Final, NamedTuple, Protocol, TypeAlias, TypeVar

from eventsourcing.persistence import (
    ConnectionPoolClosedError,
    DataError,
    IntegrityError,
    InterfaceError,
    InternalError,
    OperationalError,
)
from pydantic import ValidationError

from contracts.data import EventKey
from contracts.events import EVENT_TYPES, AnyEvent, canonical
from services.eventlog.ports import (
    Appended,
    Conflicting,
    Recorded,
    Rejected,
    Unavailable,
    Unread,
    Unreadable,
    WrongSchema,
)

SCHEMA_VERSION: Final = 1
_BLOCK_BYTES: Final = 64
"""Of SHA-256."""
MARK_BYTES: Final = 16
"""Of an HMAC's 32 bytes this many are kept: the store's indexes stay narrow, and nobody finds two alike by chance."""


class Entry(NamedTuple):
    """What is stored of an event."""

    stream: str
    """A UUID in hex: the events of one subject."""
    topic: str
    state: bytes
    key: bytes
    digest: bytes


class Kept(NamedTuple):
    """What the store holds under a key, and whether it was this append that put it there."""

    position: int
    digest: bytes
    fresh: bool


Answers: TypeAlias = Mapping[bytes, Kept]
"""What is kept, by key."""


class Row(NamedTuple):
    """An event as it is read back."""

    position: int
    received: datetime
    topic: str
    state: bytes
    stream: str
    key: bytes


class Recorder(Protocol):
    """What the two databases do, each in its own SQL. They raise the library's errors."""

    def version(self) -> int | None:
        """The schema version that was recorded; ``None`` where there is no schema."""

    def create_table(self) -> None:
        """Makes all tables and records SCHEMA_VERSION."""

    def store(self, entries: Sequence[Entry], received: datetime, check: Callable[[Answers], None]) -> Answers:
        """Stores those whose key is new, in one durable transaction under the writers' lock; keys differ from each
        other. Gives what is kept under each key; ``check`` sees it first, and where it raises nothing was stored."""

    def rows(self, after: int, limit: int) -> list[Row]: ...

    def found(self, keys: Sequence[bytes]) -> list[Row]:
        """The rows of those keys that are there."""

    def max_notification_id(self) -> int | None: ...

    def close(self) -> None: ...


class Codec:
    """The one door between events and stored bytes.

    Keys, digests and stream ids are HMACs (SHA-256, RFC 2104) with the network's secret: without it nobody can tell
    from a row whom it is about, or guess the scores that a digest stands for. What they are made of never looks
    alike (``urn:``, ``{``, and ``case/``, ``client/`` or ``network``), so that one secret serves all three.
    """

    def __init__(self, secret: bytes) -> None:
        # hmac's own objects take half as long again as its two hashes.
        padded = (secret if len(secret) <= _BLOCK_BYTES else sha256(secret).digest()).ljust(_BLOCK_BYTES, b"\0")
        self._inner = sha256(bytes(byte ^ 0x36 for byte in padded))
        self._outer = sha256(bytes(byte ^ 0x5C for byte in padded))
        # A case comes again and again.
        self.stream = lru_cache(maxsize=10_000)(lambda subject: self._mark(subject.encode()).hex())

    def entry(self, event: AnyEvent) -> Entry:
        state = canonical(event)
        return Entry(self.stream(event.subject), event.type, state, self.key(event), self._mark(state))

    def key(self, event: EventKey | AnyEvent) -> bytes:
        return self._mark(f"{event.source}\x1f{event.id}".encode())

    def recorded(self, row: Row) -> Recorded:
        """Raises Unreadable."""
        try:
            event = EVENT_TYPES[row.topic].model_validate_json(row.state)
        except (KeyError, ValidationError):
            # Without its cause, whose text can hold what the event says.
            raise Unreadable(row.position) from None
        return Recorded(row.position, row.received, event)

    def followed(self, row: Row) -> Recorded | Unread:
        """Raises Unreadable where not even the case can be told."""
        try:
            return self.recorded(row)
        except Unreadable:
            return _unread(row)

    def _mark(self, message: bytes) -> bytes:
        inner, outer = self._inner.copy(), self._outer.copy()
        inner.update(message)
        outer.update(inner.digest())
        return outer.digest()[:MARK_BYTES]


def _unread(row: Row) -> Unread:
    """What can still be said of an event that does not fit its model: whom it is about. Raises Unreadable."""
    try:
        kind, _, case_ref = json.loads(row.state)["subject"].partition("/")
    except (ValueError, TypeError, KeyError, AttributeError):
        raise Unreadable(row.position) from None
    if kind != "case" or not case_ref:
        raise Unreadable(row.position)
    return Unread(row.position, row.received, case_ref, row.state)


@contextmanager
def translated() -> Iterator[None]:
    """Tells an outage from a refusal. The databases' own texts stay behind, as they can quote the row."""
    try:
        yield
    except (OperationalError, InterfaceError, InternalError, ConnectionPoolClosedError) as error:
        raise Unavailable(type(error).__name__) from None
    except (DataError, IntegrityError) as error:
        raise Rejected(type(error).__name__) from None


def migrate(recorder: Recorder) -> None:
    """Makes the schema; leaves one of SCHEMA_VERSION alone. Raises WrongSchema, Unavailable."""
    with closing(recorder), translated():
        version = recorder.version()
        if version is None:
            recorder.create_table()
        elif version != SCHEMA_VERSION:
            raise WrongSchema(version, SCHEMA_VERSION)


class StoredLog:
    """The log of one network, kept by ``recorder``. Raises WrongSchema, Unavailable."""

    def __init__(self, recorder: Recorder, secret: bytes) -> None:
        with ExitStack() as failing:
            failing.callback(recorder.close)
            with translated():
                version = recorder.version()
            if version != SCHEMA_VERSION:
                raise WrongSchema(version, SCHEMA_VERSION)
            failing.pop_all()
        self._recorder = recorder
        self._codec = Codec(secret)

    def append(self, events: Sequence[AnyEvent], received: datetime, *, whole: bool = False) -> list[Appended]:
        if received.tzinfo is None:
            raise ValueError("received is an instant: it needs a zone")
        entries = [self._codec.entry(event) for event in events]
        first: dict[bytes, Entry] = {}
        for entry in entries:
            first.setdefault(entry.key, entry)
        if not first:
            return []

        def check(kept: Answers) -> None:
            if whole:
                places = [place for place, entry in enumerate(entries) if kept[entry.key].digest != entry.digest]
                if places:
                    raise Conflicting(places)

        with translated():
            kept = self._recorder.store(list(first.values()), received.astimezone(UTC), check)
        answers = []
        for entry in entries:
            position, digest, fresh = kept[entry.key]
            conflict = digest != entry.digest
            stored_now = fresh and first[entry.key] is entry
            answers.append(Appended(position, duplicate=not conflict and not stored_now, conflict=conflict))
        return answers

    def read(self, after: int, limit: int) -> list[Recorded]:
        return _decoded(self.rows(after, limit), self._codec.recorded)

    def follow(self, after: int, limit: int) -> list[Recorded | Unread]:
        return _decoded(self.rows(after, limit), self._codec.followed)

    def rows(self, after: int, limit: int) -> list[Row]:
        """What ``read`` reads, as it is stored: for whoever passes events on without looking into them."""
        with translated():
            return self._recorder.rows(after, limit)

    def head(self) -> int:
        with translated():
            return self._recorder.max_notification_id() or 0

    def find(self, key: EventKey) -> Recorded | None:
        with translated():
            rows = self._recorder.found([self._codec.key(key)])
        return self._codec.recorded(rows[0]) if rows else None

    def find_each(self, keys: Collection[EventKey]) -> dict[EventKey, Recorded]:
        wanted = {self._codec.key(key): key for key in keys}
        if not wanted:
            return {}
        with translated():
            rows = self._recorder.found(list(wanted))
        found: dict[EventKey, Recorded] = {}
        for row in rows:
            with suppress(Unreadable):
                found[wanted[row.key]] = self._codec.recorded(row)
        return found

    def close(self) -> None:
        self._recorder.close()


Decoded = TypeVar("Decoded")


def _decoded(rows: Iterable[Row], decode: Callable[[Row], Decoded]) -> list[Decoded]:
    """As far as they can be decoded. Raises Unreadable where the first cannot."""
    found: list[Decoded] = []
    for row in rows:
        try:
            found.append(decode(row))
        except Unreadable:
            if found:
                break
            raise
    return found
