"""A whole ingest service over a real SQLite log, spoken to as a record system would."""

import asyncio
import json
from collections.abc import Callable, Coroutine, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

import httpx
import pytest
from fastapi import FastAPI
from prometheus_client import CollectorRegistry, generate_latest

from contracts.events import AnyEvent
from contracts.instruments import catalogue
from services.access.credential import Scope
from services.access.handlers import install
from services.access.limits import Limits
from services.access.people import People
from services.eventlog import sqlite
from services.ingest.commit import Committer
from services.ingest.counts import Counts
from services.ingest.door import PATH, VALIDATE, EventsDoor, in_front
from services.ingest.http import router
from services.ingest.openapi import describe
from tests.parts import audit_at, bearers_at, keys_at, people_at

NOW = datetime(2026, 3, 3, 12, 0, tzinfo=UTC)
SINGLE = "application/cloudevents+json"
BATCH = "application/cloudevents-batch+json"
Result = TypeVar("Result")


def measured(number: int = 1, **data: Any) -> dict[str, Any]:
    """An ORS total before a session, as a CloudEvent; ``data`` replaces members of its data."""
    return {
        "specversion": "1.0",
        "id": f"01J9ZK7Q4X-{number:04d}",
        "source": "urn:resonance:source:north-ehr",
        "type": "resonance.measure.recorded.v1",
        "subject": "case/ca_8d2fQ4",
        "rsnclinic": "cl_07",
        "time": "2026-03-02T16:05:00+01:00",
        "data": {
            "measurement_ref": "ms_1029",
            "instrument": {"key": "ors", "version": "adult"},
            "scores": [{"scale": "total", "value": 17.4}],
        }
        | data,
    }


def told(kind: str, data: Mapping[str, Any], number: int = 1) -> dict[str, Any]:
    """Any other event of the same case."""
    return measured(number) | {"type": f"resonance.{kind}.v1", "data": dict(data)}


class Network(NamedTuple):
    """One network's parts."""

    committer: Committer
    people: People
    clock: Callable[[], datetime]
    magic: None = None


class Service:
    """The service with its clock at ``NOW`` and one network, ``north``. Tests set the clock."""

    def __init__(self, folder: Path, room: int = 5_000, quota: int = 1_000_000) -> None:
        self.now = NOW
        self.folder = folder
        self.registry = CollectorRegistry()
        self.keys = keys_at(folder / "keys.db")
        self.keys.add_network("north")
        secret = self.keys.secret("north")
        assert secret is not None
        sqlite.migrate(folder / "log.db")
        self.log = sqlite.open_log(folder / "log.db", secret)
        self.announced: list[int] = []
        self.network = Network(
            Committer(self.log, lambda: self.now, self.announced.append, room=room),
            people_at(folder / "people.db"),
            lambda: self.now,
        )
        bearers = bearers_at(folder / "issuers.db", self.keys)
        self.audit = audit_at(folder / "audit.db", lambda: self.now)
        door = EventsDoor(
            bearers,
            self._network,
            catalogue(),
            lambda: self.now,
            Counts(self.registry),
            Limits(quota),
            self.audit,
        )
        self.app = FastAPI()
        install(self.app, self.audit)
        describe(self.app)
        self.app.include_router(router(door, bearers, self._network, catalogue(), lambda: self.now))
        self.served = in_front(door, self.app)
        self.client = httpx.AsyncClient(transport=httpx.ASGITransport(self.served), base_url="https://resonance.test")
        self.key = self.create_key("events:write", "read", "registry:manage")
        self._runner = asyncio.Runner()
        self.run(self._started())

    def create_key(self, *scopes: Scope, **limits: Any) -> str:
        return self.keys.create("north", scopes, self.now, **limits)

    def run(self, work: Coroutine[Any, Any, Result]) -> Result:
        return self._runner.run(work)

    def ask(self, method: str, path: str, *, key: str | None = None, **request: Any) -> httpx.Response:
        return self.run(self.asking(method, path, key=key, **request))

    async def asking(self, method: str, path: str, *, key: str | None = None, **request: Any) -> httpx.Response:
        request["headers"] = {"Authorization": f"Bearer {key or self.key}"} | request.get("headers", {})
        return await self.client.request(method, path, **request)

    async def posting(
        self, body: object, kind: str = SINGLE, *, key: str | None = None, path: str = PATH, **more: str
    ) -> httpx.Response:
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        headers = {"Content-Type": kind} | {name.replace("_", "-"): value for name, value in more.items()}
        return await self.asking("POST", path, key=key, content=content, headers=headers)

    def post(self, body: object, kind: str = SINGLE, *, key: str | None = None, **more: str) -> httpx.Response:
        """Posts an event (an object, or the very bytes); ``more`` are further headers."""
        return self.run(self.posting(body, kind, key=key, **more))

    def post_batch(self, body: object, **more: str) -> httpx.Response:
        return self.post(body, BATCH, **more)

    def validate(self, body: object, kind: str = SINGLE, **more: str) -> httpx.Response:
        """Asks whether it could be posted."""
        return self.run(self.posting(body, kind, path=VALIDATE, **more))

    def post_at_once(self, bodies: Sequence[object]) -> list[httpx.Response]:
        async def all_of_them() -> list[httpx.Response]:
            return list(await asyncio.gather(*(self.posting(body) for body in bodies)))

        return self.run(all_of_them())

    def stored(self) -> list[AnyEvent]:
        return [recorded.event for recorded in self.log.read(0, 10_000)]

    def metrics(self) -> str:
        return generate_latest(self.registry).decode()

    def later(self, time: timedelta) -> None:
        self.now += time

    def close(self) -> None:
        self.run(self._stopped())
        self._runner.close()
        self.log.close()
        self.network.people.close()
        self.keys.close()

    def _network(self, name: str) -> Network:
        return {"north": self.network}[name]

    async def _started(self) -> None:
        self.network.committer.start()

    async def _stopped(self) -> None:
        await self.network.committer.close()
        await self.client.aclose()


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """One for all examples of a table, which leave nothing behind, or what nobody else sends."""
    running = Service(tmp_path_factory.mktemp("shared"))
    yield running
    running.close()


@pytest.fixture
def service(tmp_path: Path) -> Iterator[Service]:
    running = Service(tmp_path)
    yield running
    running.close()
