"""What the projections tell Prometheus: how far the log and the views have come, looked up at each scrape."""

import logging
from collections.abc import Callable, Iterable, Iterator
from typing import Final, NamedTuple

from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector
from typing_extensions import override

_log: Final = logging.getLogger(__name__)


class Progress(NamedTuple):
    """One network's log and views."""

    head: int
    position: int
    parked: int


class ViewsCollector(Collector):
    """Sums over the networks of this process: which network is behind is for its own log to tell."""

    def __init__(self, progress: Callable[[], Iterable[Progress]]) -> None:
        self._progress = progress

    @override
    def collect(self) -> Iterator[GaugeMetricFamily]:
        try:
            found = list(self._progress())
        except Exception as error:  # noqa: BLE001 - an error here would take all other metrics of the scrape with it
            _log.error("the views cannot be read", extra={"error": type(error).__name__})
            return
        head = GaugeMetricFamily("resonance_log_position", "Position of the last event")
        head.add_metric([], sum(one.head for one in found))
        position = GaugeMetricFamily("resonance_projection_position", "Position applied", labels=["projection"])
        position.add_metric(["course"], sum(one.position for one in found))
        parked = GaugeMetricFamily("resonance_projection_parked", "Cases that cannot be folded", labels=["projection"])
        parked.add_metric(["course"], sum(one.parked for one in found))
        yield from (head, position, parked)
