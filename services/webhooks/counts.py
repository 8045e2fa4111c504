"""What the webhooks tell Prometheus: attempts, what waits, and who is disabled; all labels from closed sets."""

import logging
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from typing import Final, get_args

from prometheus_client import CollectorRegistry, Counter
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector
from typing_extensions import override

from services.webhooks.endpoints import Endpoints, EndpointState
from services.webhooks.schedule import Outcome

_log: Final = logging.getLogger(__name__)


class Counts:
    """A counter in ``registry``, with every series there from the start: a rule sees no rise from nothing."""

    def __init__(self, registry: CollectorRegistry) -> None:
        attempts = Counter(
            "resonance_webhook_attempts_total", "How attempts to send a webhook ended", ["outcome"], registry=registry
        )
        self._attempts: Final = {outcome: attempts.labels(outcome) for outcome in get_args(Outcome)}

    def attempted(self, outcome: Outcome) -> None:
        self._attempts[outcome].inc()


class WebhooksCollector(Collector):
    """Sums over the networks of this process, looked up at each scrape."""

    def __init__(self, found: Callable[[], Iterable[Endpoints]], clock: Callable[[], datetime]) -> None:
        self._found = found
        self._clock = clock

    @override
    def collect(self) -> Iterator[GaugeMetricFamily]:
        try:
            waiting = [one.deliveries.backlog() for one in self._found()]
            states = [one.counts() for one in self._found()]
        except Exception as error:  # noqa: BLE001 - an error here would take all other metrics of the scrape with it
            _log.error("the webhooks cannot be read", extra={"error": type(error).__name__})
            return
        now = self._clock()
        ages = [(now - one.oldest).total_seconds() for one in waiting if one.oldest is not None]
        pending = GaugeMetricFamily("resonance_webhook_pending", "Deliveries that wait for enabled endpoints")
        pending.add_metric([], sum(one.pending for one in waiting))
        oldest = GaugeMetricFamily("resonance_webhook_oldest_seconds", "Age of the oldest of them")
        oldest.add_metric([], max(ages, default=0.0))
        endpoints = GaugeMetricFamily("resonance_webhook_endpoints", "Addresses that are registered", labels=["state"])
        for state in get_args(EndpointState):
            endpoints.add_metric([state], sum(one[state] for one in states))
        yield from (pending, oldest, endpoints)
