"""Makes the views of a network anew beside the live ones and puts them in their place; nothing is mailed.

The new views are made straight from the log, in a schema of their own: first every event is kept, then each case is
folded once, then what has come meanwhile is applied. Whatever ends this, the same command goes on where it ended.
"""

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, closing
from datetime import datetime
from functools import partial
from hashlib import sha256
from importlib.metadata import version
from typing import Final, NamedTuple

from contracts.events import CaseEvent
from services import storage
from services.database import postgres
from services.database.ports import NotMigrated
from services.database.postgres import Lead
from services.eventlog import topics
from services.eventlog.ports import Log, Recorded, Slice, Unread
from services.eventlog.store import Codec
from services.projections import tables
from services.projections.fresh import FreshViews
from services.projections.views import Views
from services.settings import Settings

EVENTS_AT_ONCE: Final = 10_000
CASES_AT_ONCE: Final = 1_000
CLOSE: Final = 1_000
"""So few events behind the log the live views are stopped for a moment to change places."""
SAMPLE: Final = 200
RELEASE: Final = f"{version('resonance')} {sha256(tables.SCHEMA.encode()).hexdigest()[:16]}"
"""Views that another release began are not gone on with."""

Tell = Callable[[str, int, int], object]
"""Is told what is being done, how far it is, and how far it goes."""


class Rebuilt(NamedTuple):
    position: int
    cases: int
    compared: int
    different: int
    """Of the cases compared, those whose rows differ from the old ones: none, unless the fold has changed."""


def rebuild(settings: Settings, network: str, tell: Tell, now: datetime, sample: int = SAMPLE) -> Rebuilt:
    """Raises LookupError where there is no such network, and Unavailable; then nothing has changed for anybody."""
    secret = storage.secret_of(settings, network)
    with ExitStack() as opened:
        log = opened.enter_context(closing(storage.open_log(settings, network, secret)))
        outbox = opened.enter_context(closing(storage.open_outbox(settings, network)))
        live = opened.enter_context(closing(storage.open_views(settings, network)))
        lead = opened.enter_context(closing(Lead(settings.database_url, f"rebuild of {network}")))
        if not lead.held():
            raise ValueError(f"another rebuild of {network} is under way")

        def told(doing: str, done: int, whole: int) -> None:
            lead.held()  # whoever does not ask for long leads no more
            tell(doing, done, whole)

        following = storage.schema_of(network, "next")
        postgres.drop_of_another(settings.database_url, following, RELEASE)
        postgres.migrate(settings.database_url, following, tables.SCHEMA)
        fresh = opened.enter_context(
            closing(
                FreshViews(postgres.PostgresDatabase(settings.database_url, following), storage.instruments(settings))
            )
        )
        fresh.add_sources(storage.sources(settings))
        shard_of = partial(_shard, Codec(secret))
        if fresh.is_uneven():  # it ended while it caught up
            _catch_up(log, fresh, shard_of, CLOSE)
        _collect(log, fresh, told)
        _fold(fresh, shard_of, told)
        _catch_up(log, fresh, shard_of, CLOSE)
        compared, different = _compare(live, fresh, sample)
        waited = [one.case_ref for one in live.parked()]
        for case_ref in waited:  # before as well, so that no crash leaves one of them unseen
            outbox.look_at(case_ref, shard_of(case_ref), now)
        schemas = (storage.schema_of(network, part) for part in ("views", "next", "old"))
        with postgres.replacing(settings.database_url, *schemas):
            _catch_up(log, fresh, shard_of, 0)
            fresh.take_offsets(live)
        for case_ref in waited:  # what is folded only now the alerts have not seen
            outbox.look_at(case_ref, shard_of(case_ref), now)
        return Rebuilt(live.position(), live.counts()["cases"], compared, different)


def _shard(codec: Codec, case_ref: str) -> int:
    return topics.partition_of(codec.stream(f"case/{case_ref}"))


def _collect(log: Log, fresh: FreshViews, tell: Tell) -> None:
    head = log.head()
    while (position := fresh.position()) < head and (batch := log.follow(position, EVENTS_AT_ONCE)):
        fresh.collect(batch)
        tell("events", batch[-1].position, head)


def _fold(fresh: FreshViews, shard_of: Callable[[str], int], tell: Tell) -> None:
    whole, done, after = fresh.known_cases(), 0, ""
    while cases := fresh.unfolded(after, CASES_AT_ONCE):
        fresh.fold(cases, shard_of)
        after = max(cases)
        done += len(cases)
        tell("cases", done, whole)


def _catch_up(log: Log, fresh: FreshViews, shard_of: Callable[[str], int], near: int) -> None:
    """Applies what is on the log beyond the views, until no more than ``near`` events were left."""
    while batch := log.follow(after=(position := fresh.position()), limit=max(near, EVENTS_AT_ONCE)):
        for one in _slices(batch, position, shard_of):
            fresh.apply(one)
        if len(batch) <= near:
            break


def _slices(batch: Sequence[Recorded | Unread], position: int, shard_of: Callable[[str], int]) -> Iterator[Slice]:
    """``batch``, all that the log holds after ``position`` up to its last event, as its partitions have it."""
    events: dict[int, list[Recorded | Unread]] = defaultdict(list)
    for recorded in batch:
        about = recorded if isinstance(recorded, Unread) else recorded.event
        # Merges and norm sets concern all cases and may be in any partition: which one the relay chose does not matter.
        shard = shard_of(about.case_ref) if isinstance(about, Unread | CaseEvent) else 0
        events[shard].append(recorded)
    for shard in range(topics.PARTITIONS):
        yield Slice(topics.source(shard), shard, position, events[shard], batch[-1].position)


def _compare(live: Views, fresh: FreshViews, sample: int) -> tuple[int, int]:
    """How many cases, drawn by chance from those that stand at one position in both, were compared; and differ. None
    where the tables are others.

    Raises ValueError where both do not even hold the same events.
    """
    compared = different = 0
    for case_ref in live.some_cases(sample):
        try:
            before, after = live.rows_of(case_ref), fresh.rows_of(case_ref)
        except NotMigrated:  # an earlier release made the live views, with other tables
            break
        if before.position == after.position:
            if before.events != after.events:
                raise ValueError(f"the events up to position {before.position} are not those of the live views")
            compared += 1
            different += before.rows != after.rows
    return compared, different
