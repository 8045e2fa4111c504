"""What became of an alert, as the feed and webhooks tell it alike: which alert, what happened, and where on the log.

Thin on purpose: no client, case, therapist, clinic or score. Whoever may know more asks for the alert by its reference.
"""

from hashlib import blake2b
from typing import Annotated, Final, Literal, TypeAlias, get_args

from pydantic import Field, StringConstraints

from contracts.data import Closed, EventKey, Instant, Ref

FeedType: TypeAlias = Literal[
    "resonance.alert.raised.v1",
    "resonance.alert.notified.v1",
    "resonance.alert.suppressed.v1",
    "resonance.alert.opened.v1",
    "resonance.alert.acknowledged.v1",
    "resonance.alert.snoozed.v1",
    "resonance.alert.escalated.v1",
    "resonance.alert.resolved.v1",
]
FEED_TYPES: Final[tuple[FeedType, ...]] = get_args(FeedType)
"""The types of events about alerts; their payloads stay here."""

ItemId: TypeAlias = Annotated[str, StringConstraints(pattern="^fi_[0-9a-f]{24}$")]


class FeedItem(Closed):
    """One event in the life of an alert; ``time`` is when it happened.

    ``id`` is the same in the feed, in every webhook and after a rebuild: whoever has seen it has seen the item.
    """

    id: ItemId
    type: FeedType
    position: Annotated[int, Field(ge=1)]
    time: Instant
    alert_ref: Ref


def item_id(key: EventKey) -> str:
    """The id of the item about the event with this key. It holds no full stop, which ends an id where it is signed."""
    return "fi_" + blake2b(f"{key.source} {key.id}".encode(), digest_size=12).hexdigest()


def spelling(item: FeedItem) -> bytes:
    """The body of the webhook about ``item``: UTF-8 JSON, the very members that the feed gives, some 200 bytes."""
    return item.__pydantic_serializer__.to_json(item)
