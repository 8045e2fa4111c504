"""The service: every network behind one application, and the server that serves it without logging who asked."""

import gc
import sys
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Final

import uvicorn
from fastapi import FastAPI
from starlette.types import ASGIApp

from contracts.instruments import catalogue
from services import operation, storage
from services.access import handlers
from services.access.problems import Refused, problem
from services.alerts import counts as alert_counts
from services.ingest import counts as ingest_counts
from services.ingest import http as ingest_http
from services.ingest import openapi
from services.ingest.door import EventsDoor, in_front
from services.pages.router import router as pages
from services.projections.counts import Progress, ViewsCollector, progress
from services.reading import http as reading_http
from services.settings import Settings
from services.wiring import Clock, Network, open_network, utc_now

STOP_WITHIN_SECONDS: Final = 5
"""How long a request that is under way may hold up a stop: one whose sender has fallen silent would do so for ever."""

SWITCH_SECONDS: Final = 0.0005
"""How long a thread that folds may go on while the one that answers requests waits: a tenth of Python's own."""


class Service:
    """Everything in one process: API, projections, alerts, mail and pages. ``app`` is what a server serves."""

    def __init__(self, settings: Settings, clock: Clock = utc_now) -> None:
        """Opens the data folder, whose logs have to be migrated. Raises WrongSchema."""
        self._keys = storage.open_keys(settings)
        registry = operation.registry()
        alerted = alert_counts.Counts(registry)
        self.networks: Final = {
            name: open_network(settings, name, self._keys.secret(name) or b"", alerted, clock)
            for name in self._keys.networks()
        }
        registry.register(ViewsCollector(self._progress, clock))
        registry.register(
            alert_counts.OutboxCollector(lambda: [one.outbox.backlog() for one in self.networks.values()], clock)
        )
        self._registry = registry
        door = EventsDoor(self._keys, self.network, catalogue(), clock, ingest_counts.Counts(registry))
        self.framework: Final = self._framework(door, settings, clock)
        self.app: Final = in_front(door, self.framework)

    def network(self, name: str) -> Network:
        """Raises Refused for one that was made after this process was started."""
        found = self.networks.get(name)
        if found is None:
            raise Refused(problem("temporary-reduced-capacity"))
        return found

    def _framework(self, door: ASGIApp, settings: Settings, clock: Clock) -> FastAPI:
        app = FastAPI(title="Resonance", version="1", lifespan=self._lifespan, docs_url=None, redoc_url=None)
        handlers.install(app)
        app.include_router(ingest_http.router(door, self._keys, self.network, catalogue(), clock))
        app.include_router(reading_http.router(self._keys, self.network, clock))
        app.include_router(operation.router(self._registry, self._ready))
        openapi.describe(app)
        for name in sorted(self.networks, key=lambda name: name == settings.network):  # the root's own pages last
            app.include_router(pages(self.networks[name].pages))
        return app

    def _ready(self) -> bool:
        return all(network.ready for network in self.networks.values())

    def _progress(self) -> list[Progress]:
        return [progress(one.log, one.views) for one in self.networks.values()]

    @asynccontextmanager
    async def _lifespan(self, _: FastAPI) -> AsyncIterator[None]:
        async with AsyncExitStack() as stack:
            stack.callback(self._keys.close)
            for network in self.networks.values():
                await stack.enter_async_context(network.running())
            yield


def server(app: ASGIApp, settings: Settings) -> uvicorn.Server:
    """A server of ``app``, in a process that is tuned for it."""
    tune()
    # No access log: paths hold references and tokens.
    config = uvicorn.Config(
        app,
        settings.host,
        settings.port,
        access_log=False,
        log_config=None,
        timeout_graceful_shutdown=STOP_WITHIN_SECONDS,
    )
    return uvicorn.Server(config)


def tune() -> None:
    """The collector of garbage leaves alone what was made before, and requests soon get the interpreter."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 10, 10)  # batches make many objects at once, all of them short-lived
    sys.setswitchinterval(SWITCH_SECONDS)
