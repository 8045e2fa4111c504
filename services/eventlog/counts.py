"""What the relay tells Prometheus, looked up at each scrape."""

from collections.abc import Callable, Iterable, Iterator

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.registry import Collector
from typing_extensions import override

from services.eventlog.relay import Progress


class RelayCollector(Collector):
    """Sums over the networks of this process; the instant is that of the network longest without a commit."""

    def __init__(self, progress: Callable[[], Iterable[Progress]]) -> None:
        self._progress = progress

    @override
    def collect(self) -> Iterator[GaugeMetricFamily | CounterMetricFamily]:
        found = list(self._progress())
        yield _gauge("relay_position", "Position published to Kafka", sum(one.position for one in found))
        yield _gauge("relay_store_head_position", "Position of the log's last event", sum(one.head for one in found))
        committed = [one.committed.timestamp() for one in found if one.committed]
        yield _gauge("relay_last_commit_timestamp_seconds", "Last transaction confirmed", min(committed, default=0.0))
        restarts = CounterMetricFamily("resonance_relay_producer_restarts", "Producers thrown away", labels=["reason"])
        for one in found:
            for reason, number in one.restarts.items():
                restarts.add_metric([reason], number)
        yield restarts
        fenced = CounterMetricFamily("resonance_relay_fenced", "Times that another relay took over")
        fenced.add_metric([], sum(one.fenced for one in found))
        yield fenced


def _gauge(name: str, meaning: str, value: float) -> GaugeMetricFamily:
    gauge = GaugeMetricFamily(f"resonance_{name}", meaning)
    gauge.add_metric([], value)
    return gauge
