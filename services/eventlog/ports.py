"""The log as everybody else sees it: what may be asked of it, what it promises, and how it can fail."""

from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import datetime
from typing import NamedTuple, Protocol, TypeAlias

from contracts.data import EventKey
from contracts.events import AnyEvent
from services.database.ports import Explained, Unavailable

__all__ = ["Explained", "Unavailable"]  # a log can be away as any store can


class Recorded(NamedTuple):
    """An event on the log, and when it was received (UTC)."""

    position: int
    received: datetime
    event: AnyEvent


class Unread(NamedTuple):
    """An event that this release cannot read, as a later one wrote it: its case has to wait, the others not."""

    position: int
    received: datetime
    case_ref: str
    state: bytes


class Appended(NamedTuple):
    """The answer to one event. Neither ``duplicate`` nor ``conflict``: it was stored now."""

    position: int
    """Where the log keeps what has this key; with a conflict that is the other event."""
    duplicate: bool
    """Stored before, or earlier in the same batch, with equal content."""
    conflict: bool
    """The key was used for other content; nothing was stored of this event."""


class Mark(NamedTuple):
    """How far a reader has come in one source."""

    position: int
    """Every event of the source up to here is applied."""
    offset: int | None = None
    """Where the transport goes on, if it counts by itself; a hint, as the position alone decides what is new."""


class Slice(NamedTuple):
    """Events of one source that follow each other without a hole."""

    source: str
    """The log, or one partition of it: what has an order of its own, and a mark."""
    shard: int
    """The number of the partition; 0 for the log itself. A case's events are all in one shard."""
    previous: int
    """The position of the source's event before the first of these; 0 where there is none."""
    events: Sequence[Recorded | Unread]
    """Rising positions. Those that the reader has already applied may be among the first."""
    last: int
    """The source holds no further event up to this position."""
    offset: int | None = None
    """The mark's offset once this is applied."""


class Hole(Explained):
    """Events of ``source`` are missing between what was applied and what came next."""

    def __init__(self, source: str, position: int) -> None:
        super().__init__(f"{source} lacks events before position {position}")
        self.position = position


class Rejected(Exception):
    """The store refuses these events and would refuse them again; nothing of the batch was stored."""


class Conflicting(Exception):
    """Of events that were to be stored whole, those at ``places`` have the key of another: none was stored."""

    def __init__(self, places: Sequence[int]) -> None:
        super().__init__("another event has the key of one of these")
        self.places = places


class Unreadable(Exception):
    """What stands at ``position`` is no event that this release knows. It must be looked into, not passed over."""

    def __init__(self, position: int) -> None:
        super().__init__(f"the event at position {position} cannot be read")
        self.position = position


class WrongSchema(Explained):
    """The store was never migrated, or by another release."""

    def __init__(self, found: int | None, wanted: int) -> None:
        state = "has no schema yet" if found is None else f"has schema {found}"
        remedy = "run `resonance migrate`" if found is None else "run the release that it belongs to"
        super().__init__(f"the event log {state}, this release needs {wanted}: {remedy}")


class WrongTopics(Explained):
    """Kafka's topics are not there, or are not what this release or this log needs; says what to do."""


class Log(Protocol):
    """The events of one network, in one order, for ever.

    Positions start at 1 and rise, with gaps; one is never used twice. Every method can raise Unavailable: ask again,
    and whatever was stored is answered as a duplicate.
    """

    def append(self, events: Sequence[AnyEvent], received: datetime, *, whole: bool = False) -> list[Appended]:
        """Stores ``events`` in their order and gives one answer per event, in the same order.

        Atomic: all that is new is stored, or nothing. Durable: on return it outlives a crash and a loss of power.
        An event's key, its source and id, decides for ever whether it is new: of any number of callers that bring
        the same one at once, a single one stores it, and all are told the same position. ``received`` (an instant)
        is kept beside the event and does not count as its content.

        Where one conflicts, the others are stored nevertheless; with ``whole`` nothing is, and Conflicting is raised.

        Raises Rejected.
        """

    def read(self, after: int, limit: int) -> list[Recorded]:
        """Up to ``limit`` (at least 1) events beyond position ``after``, rising.

        Whoever reads on from the last position it was given misses no event, however many are writing: an event
        never appears below one that could be read before. An empty list means that there is nothing more yet.

        Raises Unreadable where the very next event is; those before it are given first.
        """

    def follow(self, after: int, limit: int) -> list[Recorded | Unread]:
        """The same for whoever can let a case wait. Raises Unreadable where not even the case can be told."""

    def head(self) -> int:
        """The position of the last event; 0 where there is none."""

    def find(self, key: EventKey) -> Recorded | None:
        """The event with this key, if it is on the log. Raises Unreadable."""

    def find_each(self, keys: Collection[EventKey]) -> dict[EventKey, Recorded]:
        """Those of ``keys`` that are on the log, with what they stand for; without what this release cannot read."""

    def close(self) -> None:
        """Gives everything back to the system. After that every method raises Unavailable."""


Marks: TypeAlias = Callable[[Collection[str]], Mapping[str, Mark]]
"""Where a reader stands in the sources asked for; ``Mark(0)`` in one that it has never read."""


class Feed(Protocol):
    """A log to follow, in one source or several. One thread uses it."""

    def read(self, marks: Marks, wait: float) -> list[Slice]:
        """What comes next after the reader's marks, at most one slice per source; empty after ``wait`` seconds
        without any.

        Within a source nothing is missing and nothing is out of order. What was read is taken to be applied, until
        ``rewind`` says that it was not. Raises Unavailable, Unreadable, Hole.
        """

    def rewind(self) -> None:
        """The next ``read`` starts from the reader's marks."""

    def close(self) -> None: ...
