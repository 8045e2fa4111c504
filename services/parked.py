"""Cases that wait because their events cannot be folded: what an operator can see of them, and do about it."""

import json
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from datetime import datetime
from hashlib import sha256
from typing import NamedTuple

from contracts.data import EventKey, EventRetractedData
from contracts.events import OWN_SOURCE, EventRetracted
from services import storage
from services.projections.views import Parked
from services.settings import Settings
from services.storage import Stores


class Listed(NamedTuple):
    """An event of a parked case: its key and its type, and nothing of what it says."""

    source: str
    id: str
    type: str


def cases(settings: Settings, network: str) -> Sequence[Parked]:
    """The one that waits longest first. Raises LookupError where there is no such network."""
    with _stores(settings, network) as stores:
        return stores.views.parked()


def events(settings: Settings, network: str, case_ref: str) -> Sequence[Listed]:
    """The events of a case as they came. Raises LookupError where there is no such network."""
    with _stores(settings, network) as stores:
        found = [json.loads(state) for state in stores.views.rows_of(case_ref).events]
    return [Listed(event["source"], event["id"], event["type"]) for event in found]


def retry(settings: Settings, network: str, case_refs: Sequence[str], now: datetime) -> list[str]:
    """Folds these cases, or all that are parked, once more; returns those that are parked no longer.

    The alerts look at them next. Raises LookupError where there is no such network, or where a case is not parked.
    """
    with _stores(settings, network) as stores:
        mended = []
        shards = {one.case_ref: one.shard for one in stores.views.parked()}
        for case_ref in case_refs or shards:
            if case_ref in shards:  # before as well, so that no crash leaves it unseen
                stores.outbox.look_at(case_ref, shards[case_ref], now)
            if stores.views.retry(case_ref):
                stores.outbox.look_at(case_ref, shards[case_ref], now)
                mended.append(case_ref)
        return mended


def discard(settings: Settings, network: str, case_ref: str, key: EventKey, now: datetime) -> None:
    """Retracts an event of a case, for ever: on the log, so that every view leaves it out however often it is made.

    The case is folded anew when the retraction arrives. Raises LookupError where the case has no such event.
    """
    with _stores(settings, network) as stores:
        for state in stores.views.rows_of(case_ref).events:
            event = json.loads(state)
            if (event["source"], event["id"]) == (key.source, key.id):
                stores.log.append([_retraction(case_ref, event["rsnclinic"], key, now)], now)
                return
    raise LookupError("the case has no such event")


def _retraction(case_ref: str, clinic: str, key: EventKey, now: datetime) -> EventRetracted:
    named = sha256(f"{key.source}\x1f{key.id}".encode()).hexdigest()[:32]
    return EventRetracted(
        source=OWN_SOURCE,
        id=f"discarded.{named}",  # once only, however often it is asked for
        subject=f"case/{case_ref}",
        time=now,
        rsnclinic=clinic,
        data=EventRetractedData(target=key, reason="entered_in_error"),
    )


@contextmanager
def _stores(settings: Settings, network: str) -> Iterator[Stores]:
    secret = storage.secret_of(settings, network)
    with closing(storage.open_stores(settings, network, secret)) as stores:
        yield stores
