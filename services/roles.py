"""One role of an installation of many processes: it follows for every network until it is stopped, or cannot go on.

relay        PostgreSQL's log -> Kafka                        one leads, others stand by
projections  Kafka -> the views                               as many as there are partitions
alerts       the views -> alerts on the log, mail, webhooks   as many as there are partitions

A process that cannot go on says why and ends with status 1. Whoever started it starts it again: what it was doing is
then undone or found done.
"""

import asyncio
import logging
import os
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import ExitStack, asynccontextmanager, closing, contextmanager
from functools import partial
from typing import Final, Literal, Protocol, TypeAlias, TypeVar

import uvicorn
from fastapi import FastAPI

from services import operation, storage, wiring
from services.alerts.counts import Counts, OutboxCollector
from services.alerts.run import evaluate_step, send_step
from services.database.postgres import Lead
from services.eventlog.counts import RelayCollector
from services.eventlog.follow import Follower, Signal
from services.eventlog.kafkafeed import KafkaFeed
from services.eventlog.ports import Unavailable
from services.eventlog.relay import Relay
from services.projections import run
from services.projections.counts import ViewsCollector, progress
from services.serving import server
from services.settings import Settings
from services.webhooks import counts as webhook_counts
from services.webhooks.run import plan_step
from services.webhooks.run import send_step as send_webhook
from services.wiring import Clock

Role: TypeAlias = Literal["relay", "projections", "alerts"]
GROUP: Final = "resonance.{}.projections.course"
"""The consumers that share a network's partitions; another view would be another group."""
RELAY_SECONDS: Final = 0.02
"""How often the log is looked at for events to relay."""
READ_SECONDS: Final = 0.5
"""How long a read waits for events at most."""
LOOK_SECONDS: Final = 0.25
"""How often alerts look for cases that were touched or are due, and the mail for letters."""
SENDERS: Final = 2
"""How many endpoints of a network each process calls at once."""
WATCH_SECONDS: Final = 0.25
LEAVE_SECONDS: Final = 20.0
"""How long a process that cannot go on waits for its threads, one of which may hang."""

_log: Final = logging.getLogger(__name__)


class Closable(Protocol):
    def close(self) -> None: ...


Part = TypeVar("Part", bound=Closable)


class Worker:
    """The followers of one role, for every network there was when it was started."""

    def __init__(self, settings: Settings, role: Role, clock: Clock = wiring.utc_now) -> None:
        """Opens what the role works with. Raises WrongSchema, Unavailable."""
        self._settings = settings
        self._clock = clock
        self._stop = threading.Event()
        self._closing = ExitStack()
        self._stuck: list[Callable[[], bool]] = []
        self._registry = operation.registry()
        start = {"relay": self._relay, "projections": self._projections, "alerts": self._alerts}[role]
        with closing(storage.open_keys(settings)) as keys:
            secrets = {name: keys.secret(name) or b"" for name in keys.networks()}
        with ExitStack() as failing:
            failing.push(self._closing)
            self._followers = start(secrets)
            failing.pop_all()
        self.app: Final = FastAPI(lifespan=self._lifespan, openapi_url=None)
        self.app.include_router(operation.router(self._registry, self.ready))

    def ready(self) -> bool:
        return all(one.is_alive() for one in self._followers) and not any(stuck() for stuck in self._stuck)

    def why(self) -> str:
        """Why it is ready no longer, in a line that anybody may read."""
        failures = (str(one.failure) for one in self._followers if one.failure)
        return next(failures, "nothing can be published")

    def _relay(self, secrets: dict[str, bytes]) -> list[Follower]:
        followers, relays = [], []
        for name, secret in secrets.items():
            log = self._opened(storage.open_stored_log(self._settings, name, secret))
            lead = self._opened(Lead(self._settings.database_url, f"relay of {name}"))
            settings = self._settings
            relay = self._opened(
                Relay(
                    log,
                    settings.kafka,
                    name,
                    secret,
                    settings.kafka_replication,
                    self._clock,
                    settings.relays_after(name),
                )
            )
            relays.append(relay)
            self._stuck.append(lambda relay=relay: relay.stuck(time.monotonic()))  # type: ignore[misc]  # mypy cannot type a default of a lambda
            followers.append(self._follower(partial(_lead, lead, relay), f"{name}/relay", RELAY_SECONDS))
        self._registry.register(RelayCollector(lambda: [relay.progress for relay in relays]))
        return followers

    def _projections(self, secrets: dict[str, bytes]) -> list[Follower]:
        followers = []
        networks = []
        for name, secret in secrets.items():
            log = self._opened(storage.open_log(self._settings, name, secret))
            views = self._opened(storage.open_views(self._settings, name))
            feed = self._opened(KafkaFeed(self._settings.kafka, name, GROUP.format(name), secret))
            networks.append((log, views))
            step = partial(run.step, feed, views, Signal(), READ_SECONDS)
            followers.append(self._follower(step, f"{name}/projections", 0))
        self._registry.register(ViewsCollector(lambda: [progress(log, views) for log, views in networks], self._clock))
        return followers

    def _alerts(self, secrets: dict[str, bytes]) -> list[Follower]:
        counts, sent = Counts(self._registry), webhook_counts.Counts(self._registry)
        followers = []
        outboxes = []
        endpoints = []
        for name, secret in secrets.items():
            stores = self._opened(storage.open_stores(self._settings, name, secret))
            clock = self._clock
            sandbox = storage.open_sandbox(self._settings, name, clock)
            if sandbox:
                clock = self._opened(sandbox).now
                followers.append(self._follower(sandbox.look, f"{name}/clock", wiring.CLOCK_SECONDS))
            office = wiring.open_office(self._settings, name, secret, stores, counts, clock, lambda _: None, sandbox)
            outboxes.append(stores.outbox)
            followers.append(self._follower(partial(evaluate_step, office), f"{name}/alerts", LOOK_SECONDS))
            followers.append(self._follower(partial(send_step, office), f"{name}/mail", LOOK_SECONDS))
            sender = wiring.open_sender(self._settings, stores, sent, self._clock)
            endpoints.append(stores.endpoints)
            followers.append(self._follower(partial(plan_step, sender), f"{name}/feed", LOOK_SECONDS))
            for number in range(SENDERS):
                step = partial(send_webhook, sender)
                followers.append(self._follower(step, f"{name}/webhooks-{number}", LOOK_SECONDS))
        self._registry.register(OutboxCollector(lambda: [one.backlog() for one in outboxes], self._clock))
        self._registry.register(webhook_counts.WebhooksCollector(lambda: endpoints, self._clock))
        return followers

    def _follower(self, step: Callable[[], bool], name: str, idle: float) -> Follower:
        return Follower(step, lambda _: self._stop.wait(idle), self._stop, name)

    def _opened(self, part: Part) -> Part:
        return self._closing.enter_context(closing(part))

    @asynccontextmanager
    async def _lifespan(self, _: FastAPI) -> AsyncIterator[None]:
        for follower in self._followers:
            follower.start()
        try:
            yield
        finally:
            self._stop.set()
            for follower in self._followers:
                await asyncio.to_thread(follower.join)
            self._closing.close()


def _lead(lead: Lead, relay: Relay) -> bool:
    """One step, if this is the relay that leads; another one stands by."""
    try:
        leads = lead.held()
    except Unavailable:
        relay.stand_by()
        raise
    if leads:
        return relay.step()
    relay.stand_by()
    return False


def serve(settings: Settings, role: Role) -> int:
    """Works until it is told to stop (0), or cannot go on (1): why, its log says. Raises WrongSchema, Unavailable."""
    worker = Worker(settings, role)
    running = server(worker.app, settings)
    with _watched(worker, running) as failed:
        running.run()
    return int(failed.is_set())


@contextmanager
def _watched(worker: Worker, running: uvicorn.Server) -> Iterator[threading.Event]:
    """Sets the event and stops the server once its worker is no longer ready."""
    over, failed = threading.Event(), threading.Event()

    def watch() -> None:
        while not over.wait(WATCH_SECONDS):
            if running.started and not running.should_exit and not worker.ready():
                _log.critical("role cannot go on", extra={"error": worker.why()})
                failed.set()
                running.should_exit = True
                if not over.wait(LEAVE_SECONDS):
                    _log.critical("process ends without its threads")
                    os._exit(1)

    thread = threading.Thread(target=watch, name="watch", daemon=True)
    thread.start()
    try:
        yield failed
    finally:
        over.set()
        thread.join()
