"""Counts what was accepted and what was refused; the labels come from closed sets, never from what was sent."""

from typing import Final

from prometheus_client import CollectorRegistry, Counter

from contracts.events import EVENT_TYPES
from services.access.problems import KINDS, Slug


class Counts:
    """Two counters in ``registry``, with every series there from the start."""

    def __init__(self, registry: CollectorRegistry) -> None:
        accepted = Counter(
            "resonance_events_accepted_total", "Events put on the log", ["event_type"], registry=registry
        )
        rejected = Counter(
            "resonance_events_rejected_total", "Events and requests refused", ["reason"], registry=registry
        )
        self._accepted: Final = {name: accepted.labels(name) for name in EVENT_TYPES}
        self._rejected: Final = {slug: rejected.labels(slug) for slug in KINDS}

    def accepted(self, event_type: str) -> None:
        self._accepted[event_type].inc()

    def rejected(self, reason: Slug) -> None:
        self._rejected[reason].inc()
