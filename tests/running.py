"""A whole Resonance in one folder, as `resonance up` runs it, with a clock that tests set: asked directly or served."""

import asyncio
import gc
import sqlite3
import threading
import time
from collections.abc import Callable, Coroutine, Iterator, Sequence
from contextlib import closing, contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Self, TypeVar

import httpx

from contracts.events import AnyEvent, canonical
from services import storage, wiring
from services.access.credential import SCOPES, Scope
from services.serving import Service, server
from services.settings import Settings
from tests.story import day

PATIENCE_SECONDS = 20
BATCH = "application/cloudevents-batch+json"
Result = TypeVar("Result")


class Running:
    """Its network is ``main`` unless ``settings`` say otherwise; ``key`` may do everything in it."""

    def __init__(self, folder: Path, now: datetime | None = None, **settings: Any) -> None:
        self.now = now or day(60)
        self.settings = Settings(data=folder / "data", **settings)
        storage.migrate(self.settings)
        self.key = self.create_key()
        self.service = Service(self.settings, lambda: self.now)
        self._runner = asyncio.Runner()
        self._life = self.service.framework.router.lifespan_context(self.service.framework)
        self.run(self._life.__aenter__())
        transport = httpx.ASGITransport(self.service.app)
        self.client = httpx.AsyncClient(transport=transport, base_url="https://resonance.test")

    @property
    def network(self) -> wiring.Network:
        return self.service.networks[self.settings.network]

    def create_key(self, *scopes: Scope, network: str | None = None, **limits: Any) -> str:
        keys = storage.open_keys(self.settings)
        name = network or self.settings.network
        keys.add_network(name)
        key = keys.create(name, scopes or SCOPES, self.now, **limits)
        keys.close()
        return key

    def run(self, work: Coroutine[Any, Any, Result]) -> Result:
        return self._runner.run(work)

    def ask(self, method: str, path: str, *, key: str | None = None, **request: Any) -> httpx.Response:
        request["headers"] = {"Authorization": f"Bearer {key or self.key}"} | request.get("headers", {})
        return self.run(self.client.request(method, path, **request))

    def get(self, path: str, *, key: str | None = None, **headers: str) -> httpx.Response:
        """``headers`` are named with underscores."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return self.ask("GET", path, key=key, headers=named)

    def post(self, events: Sequence[AnyEvent], *, key: str | None = None) -> httpx.Response:
        """Posts the events as one batch; their position stands in the answer."""
        body = b"[" + b",".join(map(canonical, events)) + b"]"
        return self.ask("POST", "/v1/events", key=key, content=body, headers={"Content-Type": BATCH})

    def told(self, events: Sequence[AnyEvent]) -> Self:
        """The events are posted an hour after the last of them, and everything that follows from them is done."""
        self.now = max(self.now, events[-1].time + timedelta(hours=1))
        answer = self.post(events)
        assert answer.status_code == 200, answer.text
        self.settle()
        return self

    def settle(self) -> None:
        """Waits until the views show every event, every case was judged, and every letter is sent."""
        wait_until(self.network.caught_up)

    def events(self) -> list[AnyEvent]:
        """What stands on the log."""
        return [recorded.event for recorded in self.network.log.read(0, 100_000)]

    def close(self) -> None:
        self.run(self.client.aclose())
        self.run(self._life.__aexit__(None, None, None))
        self._runner.close()


def spoil(log: Path, state: str) -> None:
    """Puts a row that no release can read at the end of the log in that file, which holds an event already."""
    columns = "originator_id, originator_version, topic, state, ingest_key, digest, received"
    taken = "originator_id, 99, topic, CAST(? AS BLOB), randomblob(16), randomblob(16), received"
    with closing(sqlite3.connect(log)) as connection, connection:
        connection.execute(f"INSERT INTO stored_events ({columns}) SELECT {taken} FROM stored_events LIMIT 1", (state,))


def wait_until(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not holds():
        assert time.monotonic() < deadline, "it did not come about"
        time.sleep(0.002)


@contextmanager
def served(settings: Settings, clock: wiring.Clock = lambda: day(60)) -> Iterator[str]:
    """The address of a Resonance that a real server serves, on a port of this machine that was free."""
    storage.migrate(settings)
    thresholds = gc.get_threshold()
    running = server(Service(settings, clock).app, settings)
    thread = threading.Thread(target=running.run, name="server")
    thread.start()
    try:
        wait_until(lambda: running.started or not thread.is_alive())
        yield f"http://127.0.0.1:{running.servers[0].sockets[0].getsockname()[1]}"
    finally:
        running.should_exit = True
        thread.join()
        gc.set_threshold(*thresholds)
        gc.unfreeze()
