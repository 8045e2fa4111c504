"""What the projections tell Prometheus: how far the log and the views have come, looked up at each scrape."""

import logging
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from typing import Final, NamedTuple

from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector
from typing_extensions import override

from services.eventlog.ports import Log
from services.projections.views import Views

_log: Final = logging.getLogger(__name__)


class Progress(NamedTuple):
    """One network's log and views."""

    head: int
    position: int
    parked: int
    oldest: datetime | None
    """When the oldest event was received that is on the log and not in the views; None where there is none."""


def progress(log: Log, views: Views) -> Progress:
    position = views.position()
    waiting = log.follow(after=position, limit=1)
    return Progress(log.head(), position, views.counts()["parked"], waiting[0].received if waiting else None)


class ViewsCollector(Collector):
    """Sums over the networks of this process: which network is behind is for its own log to tell."""

    def __init__(self, progress: Callable[[], Iterable[Progress]], clock: Callable[[], datetime]) -> None:
        self._progress = progress
        self._clock = clock

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
        now = self._clock()
        ages = [(now - one.oldest).total_seconds() for one in found if one.oldest is not None]
        lag = GaugeMetricFamily(
            "resonance_projection_lag_seconds", "Age of the oldest event not applied", labels=["projection"]
        )
        lag.add_metric(["course"], max([0.0, *ages]))
        yield from (head, position, parked, lag)
