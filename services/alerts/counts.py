"""What the alerts count for Prometheus: decisions, attempts to send, and what waits; all labels from closed sets."""

import logging
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from typing import Final, get_args

from prometheus_client import CollectorRegistry, Counter
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector
from typing_extensions import override

from contracts.alerts import AlertSuppressedData
from contracts.data import AlertReason
from contracts.events import AlertRaised, AlertResolved, AlertSuppressed
from services.alerts.mail import Outcome
from services.alerts.outbox import Backlog

WHY_NOT: Final[tuple[str, ...]] = get_args(AlertSuppressedData.model_fields["why"].annotation)
ANSWERS: Final = ("raised", "resolved", "mailed", *(f"suppressed:{why}" for why in WHY_NOT))

_log: Final = logging.getLogger(__name__)


class Counts:
    """Two counters in ``registry``, with every series there from the start: a rule sees no rise from nothing."""

    def __init__(self, registry: CollectorRegistry) -> None:
        decisions = Counter(
            "resonance_alert_decisions_total", "What was decided about alerts", ["reason", "answer"], registry=registry
        )
        attempts = Counter(
            "resonance_alert_email_attempts_total", "How attempts to send mail ended", ["outcome"], registry=registry
        )
        self._decisions: Final = {
            (reason, answer): decisions.labels(reason, answer) for reason in get_args(AlertReason) for answer in ANSWERS
        }
        self._attempts: Final = {outcome: attempts.labels(outcome) for outcome in get_args(Outcome)}

    def decided(self, event: AlertRaised | AlertSuppressed | AlertResolved, reason: AlertReason) -> None:
        """``reason`` is that of the alert which ``event`` is about."""
        self._decisions[reason, _answer(event)].inc()

    def mailed(self, reason: AlertReason) -> None:
        self._decisions[reason, "mailed"].inc()

    def attempted(self, outcome: Outcome) -> None:
        self._attempts[outcome].inc()


def _answer(event: AlertRaised | AlertSuppressed | AlertResolved) -> str:
    match event:
        case AlertRaised():
            return "raised"
        case AlertResolved():
            return "resolved"
        case AlertSuppressed():
            return f"suppressed:{event.data.why}"


class OutboxCollector(Collector):
    """How much waits in the outboxes of this process and for how long, looked up at each scrape."""

    def __init__(self, backlogs: Callable[[], Iterable[Backlog]], clock: Callable[[], datetime]) -> None:
        self._backlogs = backlogs
        self._clock = clock

    @override
    def collect(self) -> Iterator[GaugeMetricFamily]:
        try:
            found = list(self._backlogs())
        except Exception as error:  # noqa: BLE001 - an error here would take all other metrics of the scrape with it
            _log.error("the outbox cannot be read", extra={"error": type(error).__name__})
            return
        now = self._clock()
        ages = [(now - backlog.oldest).total_seconds() for backlog in found if backlog.oldest is not None]
        pending = GaugeMetricFamily("resonance_outbox_pending", "Letters that wait", labels=["channel"])
        pending.add_metric(["email"], sum(backlog.pending for backlog in found))
        oldest = GaugeMetricFamily("resonance_outbox_oldest_seconds", "Age of the oldest of them", labels=["channel"])
        oldest.add_metric(["email"], max([0.0, *ages]))
        yield from (pending, oldest)
