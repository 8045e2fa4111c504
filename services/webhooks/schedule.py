"""What follows from an attempt: done, when it is tried again, for how long the endpoint is left alone, when to give up.

An item has a schedule of its own, so that one that its receiver cannot digest holds up no other. What concerns the
endpoint as a whole also holds back everything for it, for some minutes at most: so a receiver that is down is asked
now and then, not by every item that waits, and one that is back has all of them soon.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Final, Literal, TypeAlias

TIMEOUT_SECONDS: Final = 15.0
"""A receiver answers within it; what takes longer it does after its answer."""
PAUSES: Final = (
    timedelta(seconds=5),
    timedelta(minutes=5),
    timedelta(minutes=30),
    timedelta(hours=2),
    timedelta(hours=5),
    timedelta(hours=10),
    timedelta(hours=14),
    timedelta(hours=20),
    timedelta(hours=24),
)
"""Between the attempts of one item, ten in all over 75.6 hours (source: Standard Webhooks, "Retry schedule")."""
JITTER: Final = 0.2
"""A pause is up to so much longer, drawn by chance: what failed at once returns spread."""
LONGEST_HOLD: Final = timedelta(minutes=5)
"""How long an endpoint that fails is left alone at most, unless it says itself when to come back."""
LONGEST_THROTTLE: Final = timedelta(hours=24)
"""What an endpoint may ask for in ``Retry-After``; whoever asks for less than the first of the pauses is given that."""
DISABLED_AFTER: Final = timedelta(hours=72)
"""An endpoint that has taken nothing for so long is disabled; so no item of an endpoint that is down is given up."""
WAS_DOWN: Final = 3
"""After so many failures in a row, one success calls for everything that waits."""

Outcome: TypeAlias = Literal[
    "delivered", "refused", "gone", "throttled", "timed_out", "unreachable", "address_not_allowed"
]
"""How an attempt ended: by the status of the answer, or without one."""
OF_THE_ENDPOINT: Final[frozenset[Outcome]] = frozenset(("throttled", "timed_out", "unreachable", "address_not_allowed"))
"""Outcomes that another item would have met as well."""
DeliveryState: TypeAlias = Literal["waiting", "delivered", "failed"]
WhyDisabled: TypeAlias = Literal["by_request", "gone", "failing"]


@dataclass(frozen=True, slots=True)
class Before:
    """What was known before an attempt: of the item along its schedule, and of the endpoint."""

    item_failures: int
    endpoint_failures: int
    failing_since: datetime | None


@dataclass(frozen=True, slots=True)
class Verdict:
    """What follows from an attempt, for the item and for the endpoint."""

    outcome: Outcome
    state: DeliveryState
    item_failures: int
    not_before: datetime
    endpoint_failures: int
    failing_since: datetime | None
    hold_until: datetime | None
    disabled: WhyDisabled | None = None
    hurry: bool = False
    """Whether everything that waits for the endpoint is due now."""


def outcome_of(status: int) -> Outcome:
    """What an answer's status says. Redirects are not followed, so they refuse."""
    if 200 <= status < 300:
        return "delivered"
    if status == 410:
        return "gone"
    return "throttled" if status in (429, 502, 503, 504) else "refused"


def asked_for(retry_after: str | None, now: datetime) -> timedelta | None:
    """What ``Retry-After`` (RFC 9110, 10.2.3: seconds, or a date) asks for, within reason; ``None`` if nothing."""
    if retry_after is None:
        return None
    text = retry_after.strip()
    if text.isascii() and text.isdigit() and len(text) < 10:
        asked = timedelta(seconds=int(text))
    else:
        try:
            asked = parsedate_to_datetime(text) - now
        except (ValueError, TypeError, OverflowError):  # no date, or one without a zone
            return None
    return min(max(asked, timedelta(0)), LONGEST_THROTTLE)


def verdict(before: Before, outcome: Outcome, asked: timedelta | None, now: datetime, chance: float) -> Verdict:
    """``asked`` is what the receiver said of when to come back; ``chance`` from 0 up to, not including, 1."""
    if outcome == "delivered":
        hurry = before.endpoint_failures >= WAS_DOWN
        return Verdict(outcome, "delivered", before.item_failures, now, 0, None, None, hurry=hurry)
    since = before.failing_since or now
    whole = outcome in OF_THE_ENDPOINT
    failures = before.endpoint_failures + whole
    if outcome == "gone" or now - since >= DISABLED_AFTER:
        why: WhyDisabled = "gone" if outcome == "gone" else "failing"
        return Verdict(outcome, "waiting", before.item_failures, now, failures, since, None, why)
    if outcome == "throttled" and asked is not None:  # its wish is no failure of the item
        back = now + max(asked, PAUSES[0]) * (1 + JITTER * chance)
        return Verdict(outcome, "waiting", before.item_failures, back, failures, since, back)
    item = before.item_failures + 1
    hold = now + min(_pause(failures, chance), LONGEST_HOLD) if whole else None
    if item > len(PAUSES):  # it is not tried again, so what comes days later must not count from here
        return Verdict(outcome, "failed", item, now, failures, before.failing_since, hold)
    return Verdict(outcome, "waiting", item, now + _pause(item, chance), failures, since, hold)


def _pause(failures: int, chance: float) -> timedelta:
    """After so many failures, at least one."""
    return PAUSES[min(failures, len(PAUSES)) - 1] * (1 + JITTER * chance)
