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
from services.access import auditing, deprecation, handlers
from services.access.bearers import Bearers
from services.access.keysets import KeySets
from services.access.limits import Limits
from services.access.problems import Refused, problem
from services.access.tokens import Tokens
from services.alerts import counts as alert_counts
from services.fhir import http as fhir_http
from services.fhir import openapi as fhir_openapi
from services.fhir.http import FhirDoor
from services.fhir.http import Parts as FhirParts
from services.ingest import counts as ingest_counts
from services.ingest import http as ingest_http
from services.ingest import importing
from services.ingest import openapi as ingest_openapi
from services.ingest.door import EventsDoor, in_front
from services.openapi import document
from services.outward import Outward
from services.pages.router import router as pages
from services.projections.counts import Progress, ViewsCollector, progress
from services.reading import events as reading_events
from services.reading import feed as reading_feed
from services.reading import http as reading_http
from services.sandbox import http as sandbox_http
from services.settings import Settings
from services.webhooks import counts as webhook_counts
from services.webhooks import http as webhooks_http
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
        self._issuers = storage.open_issuers(settings)
        self._bearers = Bearers(self._keys, Tokens(self._issuers, KeySets(Outward(settings.inward))))
        self._audit = storage.open_audit(settings, clock)
        self._limits = Limits(settings.events_per_minute)
        registry = operation.registry()
        alerted, sent = alert_counts.Counts(registry), webhook_counts.Counts(registry)
        self.networks: Final = {
            name: open_network(settings, name, self._keys.secret(name) or b"", alerted, sent, clock)
            for name in self._keys.networks()
        }
        registry.register(ViewsCollector(self._progress, clock))
        registry.register(
            alert_counts.OutboxCollector(lambda: [one.outbox.backlog() for one in self.networks.values()], clock)
        )
        registry.register(
            webhook_counts.WebhooksCollector(lambda: [one.endpoints for one in self.networks.values()], clock)
        )
        self._registry = registry
        counts = ingest_counts.Counts(registry)
        door = EventsDoor(self._bearers, self.network, catalogue(), clock, counts, self._limits, self._audit)
        self.framework: Final = self._framework(door, counts, settings, clock)
        fhir = FhirDoor(
            FhirParts(
                bearers=self._bearers,
                networks=self.network,
                catalogue=catalogue(),
                codes=settings.codes(),
                secret=lambda name: self._keys.secret(name) or b"",
                issuer=lambda: next((one.issuer for one in self._issuers.of_network(settings.network)), None),
                counts=counts,
                limits=self._limits,
                audit=self._audit,
                clock=clock,
            )
        )
        self.app: Final = deprecation.announcing(fhir_http.in_front(fhir, in_front(door, self.framework)))

    def network(self, name: str) -> Network:
        """Raises Refused for one that was made after this process was started."""
        found = self.networks.get(name)
        if found is None:
            raise Refused(problem("temporary-reduced-capacity"))
        return found

    def _framework(self, door: ASGIApp, counts: ingest_counts.Counts, settings: Settings, clock: Clock) -> FastAPI:
        # A redirect to the path with or without its last slash would repeat the path and the query.
        app = FastAPI(lifespan=self._lifespan, docs_url=None, redoc_url=None, redirect_slashes=False)
        handlers.install(app, self._audit)
        app.include_router(ingest_http.router(door, self._bearers, self.network, catalogue(), clock))
        app.include_router(importing.router(self._bearers, self.network, catalogue(), clock, counts, self._audit))
        for routes in (
            reading_events.router,
            reading_feed.router,
            reading_http.router,
            webhooks_http.router,
            sandbox_http.router,
        ):
            app.include_router(routes(self._bearers, self.network, clock))
        app.include_router(auditing.router(self._bearers, self._audit, clock))
        app.include_router(operation.router(self._registry, self._ready))
        ingest_openapi.describe(app)
        document.describe(app, fhir_openapi.described())
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
            stack.callback(self._issuers.close)
            stack.enter_context(self._audit.running())
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
