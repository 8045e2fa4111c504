"""With many processes those of role ``alerts`` send the webhooks, and one that is killed leaves none behind."""

import asyncio
from collections.abc import Iterator
from contextlib import AsyncExitStack, closing
from datetime import timedelta
from pathlib import Path

import httpx
import pytest

from services import storage
from services.roles import Worker
from services.settings import Settings
from services.webhooks.endpoints import Endpoints
from services.webhooks.signing import new_secret
from tests.live import Live
from tests.running import Running, wait_until
from tests.story import day, stalled
from tests.webhooks.desk import raised
from tests.webhooks.receiver import Receiver

NOW = day(60)


@pytest.fixture
def settings(own_database: str) -> Settings:
    found = Settings(database_url=own_database, inward_hosts="127.0.0.1")
    storage.migrate(found)
    return found


@pytest.fixture
def live(settings: Settings) -> Iterator[Live]:
    with closing(Live(settings)) as found:
        yield found


@pytest.fixture
def endpoints(settings: Settings) -> Iterator[Endpoints]:
    with closing(storage.open_endpoints(settings, settings.network)) as found:
        yield found


def test_processes_of_the_alerts_send_each_item_once_and_count_it(
    settings: Settings, live: Live, endpoints: Endpoints, receiver: Receiver
) -> None:
    endpoints.add("we_1", receiver.url, None, "enabled", None, new_secret(), 0, NOW)
    live.log.append([event for number in range(20) for event in raised(number).events], NOW)
    live.follow()
    workers = [Worker(settings, "alerts", lambda: NOW) for _ in range(2)]

    def settled() -> bool:
        return endpoints.deliveries.backlog().pending == 0

    async def work() -> str:
        async with AsyncExitStack() as stack:
            for one in workers:
                await stack.enter_async_context(one.app.router.lifespan_context(one.app))
            await asyncio.to_thread(wait_until, lambda: len(receiver.ids) >= 20 and settled())
            assert all(one.ready() for one in workers)
            transport = httpx.ASGITransport(workers[0].app)
            async with httpx.AsyncClient(transport=transport, base_url="http://resonance.test") as client:
                return (await client.get("/metrics")).text

    metrics = asyncio.run(work())
    items = live.views.feed_items(0, live.views.position(), 100)
    assert len(items) == 20
    assert receiver.ids == [item.id for item in items]
    assert "resonance_webhook_pending 0.0" in metrics
    assert "resonance_webhook_attempts_total" in metrics


def test_what_a_killed_service_was_sending_goes_out_when_it_is_started_again(
    tmp_path: Path, receiver: Receiver
) -> None:
    receiver.answers(500)
    first = Running(tmp_path, inward_hosts="127.0.0.1")
    path = "/v1/webhook-endpoints"
    assert first.ask("POST", path, json={"url": receiver.url}).status_code == 201
    first.told(stalled().events)
    wait_until(lambda: first.network.endpoints.deliveries.backlog().pending > 0)
    later = first.now + timedelta(hours=1)
    wait_until(lambda: first.network.endpoints.deliveries.lease(later, 1_000_000) is not None)
    first.close()
    receiver.answers(204)
    second = Running(tmp_path, later, inward_hosts="127.0.0.1")
    wait_until(lambda: second.network.endpoints.deliveries.backlog().pending == 0)
    assert set(receiver.ids) == {item["id"] for item in second.get("/v1/feed").json()["items"]}
    second.close()
