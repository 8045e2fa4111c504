"""The two steps of the webhooks of one network: what comes next becomes deliveries, and deliveries are sent.

Both may end between any two statements and be done again: an item then leaves a second time, under the same id.
"""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from services.outward import NotAllowed, Outward, Unreachable
from services.projections.views import Views
from services.webhooks.counts import Counts
from services.webhooks.deliveries import Leased
from services.webhooks.endpoints import Endpoint, Endpoints
from services.webhooks.schedule import TIMEOUT_SECONDS, Outcome, asked_for, outcome_of, verdict
from services.webhooks.signing import signed

BATCH: Final = 500
"""Items that become deliveries of one endpoint in one step."""
SENDERS: Final = 4
"""How many endpoints of a network are called at once, by each process: so many slow ones hold up the others, and for
one time-out at most, as they then come last."""
LEASE_SECONDS: Final = 60.0
"""The time-out, with room for a resolver of names that does not answer."""

_log: Final = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Sender:
    """What the webhooks of one network work with."""

    views: Views
    endpoints: Endpoints
    outward: Outward
    counts: Counts
    clock: Callable[[], datetime]
    """The real one, also where a network has its own: receivers compare it with theirs."""
    chance: Callable[[], float]
    """From 0 up to, not including, 1."""


def plan_step(sender: Sender) -> bool:
    """Makes deliveries of what the views have beyond each endpoint's place; False where there was nothing.

    Raises what the databases raise.
    """
    upto = sender.views.position()  # first: nothing can come in below it any more
    planned = [_plan(sender, one, upto) for one in sender.endpoints.all() if one.state == "enabled"]
    return any(planned)


def _plan(sender: Sender, endpoint: Endpoint, upto: int) -> bool:
    items = sender.views.feed_items(endpoint.position, upto, BATCH, endpoint.clinics)
    if not items:
        return False
    told = [item for item in items if endpoint.types is None or item.type in endpoint.types]
    return sender.endpoints.deliveries.add(endpoint.id, endpoint.position, told, items[-1].position, sender.clock())


def send_step(sender: Sender) -> bool:
    """Sends the next item that is due and notes what became of it; False where there is none.

    Raises what the database raises; what is then not noted is sent again when the lease is over.
    """
    deliveries = sender.endpoints.deliveries
    leased = deliveries.lease(sender.clock(), LEASE_SECONDS)
    if leased is None:
        return False
    outcome, asked = _attempt(sender, leased)
    sender.counts.attempted(outcome)
    now = sender.clock()
    found = verdict(leased.before, outcome, asked, now, sender.chance())
    if deliveries.note(leased, found, now) and found.disabled is not None:
        _log.warning("webhook endpoint disabled", extra={"outcome": outcome})
    return True


def _attempt(sender: Sender, leased: Leased) -> tuple[Outcome, timedelta | None]:
    """How it ended, and what the receiver said of when to come back."""
    now = sender.clock()
    headers = {
        "Content-Type": "application/json",
        "User-Agent": "Resonance",
        **signed(leased.item_id, leased.body, now, leased.secrets),
    }
    try:
        answer = sender.outward.post(leased.url, leased.body, headers, TIMEOUT_SECONDS)
    except NotAllowed:
        return "address_not_allowed", None
    except Unreachable as error:
        return ("timed_out" if error.code == "timeout" else "unreachable"), None
    except Exception as error:  # noqa: BLE001 - whatever it is, it concerns this endpoint only and the others go on
        _log.error("webhook not sent", extra={"error": type(error).__name__})
        return "unreachable", None
    outcome = outcome_of(answer.status)
    return outcome, asked_for(answer.headers.get("retry-after"), now) if outcome == "throttled" else None
