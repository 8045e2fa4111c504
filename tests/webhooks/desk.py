"""The webhooks of one network as a process has them, without the service around: its clock is moved by hand."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Self

from prometheus_client import CollectorRegistry

from contracts.feed import FeedItem, FeedType
from services.eventlog.ports import Recorded
from services.outward import Outward
from services.webhooks.counts import Counts
from services.webhooks.endpoints import Endpoint
from services.webhooks.run import Sender, plan_step, send_step
from services.webhooks.signing import new_secret
from tests.homes import Home
from tests.parts import sliced
from tests.story import Story, day

LOOPBACK = frozenset({"127.0.0.1"})


def raised(number: int, clinic: str = "cl_north") -> Story:
    """A case of which an alert was raised."""
    data = {"alert_ref": f"al_{number:04d}", "reason": "stalled", "policy": "default", "policy_version": 1}
    return Story(f"ca_{number:04d}", clinic).tell("alert.raised", data)


class Desk:
    """Everything is opened anew by another Desk in the same home, as by a process that starts again."""

    def __init__(self, home: Home, outward: Outward | None = None, now: datetime | None = None) -> None:
        self.home = home
        self.views = home.views()
        self.endpoints = home.endpoints()
        self.registry = CollectorRegistry()
        self.now = now or day(0)
        self.sender = Sender(
            views=self.views,
            endpoints=self.endpoints,
            outward=outward or Outward(LOOPBACK),
            counts=Counts(self.registry),
            clock=lambda: self.now,
            chance=lambda: 0.0,
        )

    def registers(
        self, url: str, types: tuple[FeedType, ...] | None = None, clinics: frozenset[str] | None = None
    ) -> Endpoint:
        name = f"we_{len(self.endpoints.all()):024x}"
        found = self.endpoints.add(name, url, types, "enabled", clinics, new_secret(), self.views.position(), self.now)
        assert found is not None
        return found

    def enables(self, endpoint: Endpoint) -> None:
        self.endpoints.put(
            endpoint.id, lambda _: None, endpoint.url, endpoint.types, "enabled", self.views.position(), self.now
        )

    def happens(self, *stories: Story) -> list[FeedItem]:
        """What the stories tell is in the views from now on."""
        before = self.views.position()
        events = [event for story in stories for event in story.events]
        self.views.apply(sliced([Recorded(at, self.now, event) for at, event in enumerate(events, before + 1)]))
        return self.views.feed_items(before, self.views.position(), 1_000)

    def plans(self) -> None:
        while plan_step(self.sender):
            pass

    def works(self) -> Self:
        """All that is due now is sent."""
        self.plans()
        while send_step(self.sender):
            pass
        return self

    def until(self, then: datetime, step: Callable[[], object] = lambda: None) -> None:
        """Works in steps of ten minutes, ``step`` before each."""
        while self.now < then:
            step()
            self.works()
            self.now += timedelta(minutes=10)

    def state(self, endpoint: Endpoint) -> tuple[str, str | None]:
        found = self.endpoints.get(endpoint.id)
        assert found is not None
        return found.state, found.why

    def statuses(self, endpoint: Endpoint) -> list[str]:
        return [one.state for one in self.endpoints.deliveries.page(endpoint.id, 0, 1_000)]

    def attempted(self, outcome: str) -> float | None:
        return self.registry.get_sample_value("resonance_webhook_attempts_total", {"outcome": outcome})

    def closes(self) -> None:
        self.views.close()
        self.endpoints.close()
