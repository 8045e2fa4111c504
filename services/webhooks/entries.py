"""What is sent and answered about webhook endpoints: entries, how they stand, and their deliveries."""

from datetime import datetime
from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from contracts.data import Closed
from contracts.feed import FEED_TYPES, FeedType
from services.addresses import LONGEST_ADDRESS
from services.webhooks.deliveries import Delivery
from services.webhooks.endpoints import Endpoint, EndpointState
from services.webhooks.schedule import DeliveryState, Outcome, WhyDisabled


class EndpointEntry(Closed):
    """An address that is told what becomes of alerts; without ``types``, of everything that the feed has."""

    url: Annotated[str, StringConstraints(max_length=LONGEST_ADDRESS, pattern="^https?://[!-~]+$")]
    types: Annotated[tuple[FeedType, ...], Field(min_length=1, max_length=len(FEED_TYPES))] | None = None
    state: EndpointState = "enabled"


class EndpointAnswer(BaseModel):
    """An endpoint as it stands. It is told of the clinics of the credential that registered it: all, without a list."""

    model_config = ConfigDict(frozen=True)

    id: str
    url: str
    types: tuple[FeedType, ...] | None = None
    clinics: tuple[str, ...] | None = None
    state: EndpointState
    why: WhyDisabled | None = None
    disabled_at: datetime | None = None
    created_at: datetime
    former_secret_until: datetime | None = None
    """Until when what is sent is signed with the secret before the last rotation as well."""

    @classmethod
    def of(cls, endpoint: Endpoint) -> Self:
        return cls(
            id=endpoint.id,
            url=endpoint.url,
            types=None if endpoint.types is None else tuple(sorted(endpoint.types)),
            clinics=None if endpoint.clinics is None else tuple(sorted(endpoint.clinics)),
            state=endpoint.state,
            why=endpoint.why,
            disabled_at=endpoint.disabled,
            created_at=endpoint.created,
            former_secret_until=endpoint.before_until,
        )


class EndpointWithSecret(EndpointAnswer):
    """The same with its new secret, which is not shown again."""

    secret: str

    @classmethod
    def shown_once(cls, endpoint: Endpoint) -> Self:
        return cls(**EndpointAnswer.of(endpoint).model_dump(), secret=endpoint.secret)


class EndpointList(BaseModel):
    items: tuple[EndpointAnswer, ...]


class DeliveryAnswer(BaseModel):
    """How one item fares on its way to one endpoint; ``id`` is the item's, and the ``webhook-id`` of each attempt."""

    id: str
    type: FeedType
    position: int
    status: DeliveryState
    attempts: int
    last_outcome: Outcome | None = None
    last_attempt_at: datetime | None = None
    next_attempt_at: datetime | None = None
    """Not before then, while it waits and its endpoint is enabled."""

    @classmethod
    def of(cls, delivery: Delivery) -> Self:
        return cls(
            id=delivery.item_id,
            type=delivery.type,
            position=delivery.position,
            status=delivery.state,
            attempts=delivery.attempts,
            last_outcome=delivery.last_outcome,
            last_attempt_at=delivery.last_at,
            next_attempt_at=delivery.not_before if delivery.state == "waiting" else None,
        )


class DeliveryPage(BaseModel):
    """Deliveries in the order of their positions. ``next_cursor`` is the ``after`` of the next page."""

    items: tuple[DeliveryAnswer, ...]
    next_cursor: int
    complete: bool
