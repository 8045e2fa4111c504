"""One of the four servers that answer the same posts, in a process of its own: ``python -m benchmarks.server``.

resonance   as ``resonance up`` serves it, everything that follows a post included
unstored    the same, but its log answers at once and keeps nothing
fastapi     a plain FastAPI endpoint that reads the body into the same model
bare        an ASGI callable that reads the body

All are served by the same uvicorn: httptools, uvloop, no access log. Asked for ``{}``, it tells its address, the CPU
seconds it has used, and whether everything that follows from the posts is done.
"""

import json
import socket
import sys
import threading
import time
from collections.abc import Callable, Collection, Sequence
from datetime import datetime
from pathlib import Path
from typing import Final

import uvicorn
from fastapi import FastAPI, Request
from starlette.types import ASGIApp, Receive, Scope, Send

from contracts.data import EventKey
from contracts.events import AnyEvent, parse
from services import storage
from services.eventlog.ports import Appended, Log, Recorded, Unread
from services.serving import Service, server
from services.settings import Settings

KINDS: Final = ("resonance", "unstored", "fastapi", "bare")


class Unstored:
    """A log without storage: it says that it has every event and has none."""

    def __init__(self) -> None:
        self._position = 0

    def append(self, events: Sequence[AnyEvent], received: datetime, *, whole: bool = False) -> list[Appended]:  # noqa: ARG002
        first = self._position + 1
        self._position += len(events)
        return [Appended(position, False, False) for position in range(first, self._position + 1)]

    def read(self, after: int, limit: int) -> list[Recorded]:  # noqa: ARG002 - the port's signature
        return []

    def follow(self, after: int, limit: int) -> list[Recorded | Unread]:  # noqa: ARG002 - the port's signature
        return []

    def head(self) -> int:
        return 0

    def find(self, key: EventKey) -> Recorded | None:  # noqa: ARG002 - the port's signature
        return None

    def find_each(self, keys: Collection[EventKey]) -> dict[EventKey, Recorded]:  # noqa: ARG002 - the port's signature
        return {}

    def close(self) -> None:
        """There is nothing to close."""


def plain_fastapi() -> FastAPI:
    """The body is read by the endpoint: FastAPI's own reading would not accept the strict model's tuples."""
    app = FastAPI()

    @app.post("/v1/events", status_code=201)
    async def post_events(request: Request) -> dict[str, str]:
        return {"id": parse(await request.body()).id, "status": "accepted"}

    return app


async def bare(scope: Scope, receive: Receive, send: Send) -> None:
    if scope["type"] == "lifespan":
        return
    while (await receive()).get("more_body"):
        pass
    body = b'{"status":"accepted"}'
    headers = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(body))]
    await send({"type": "http.response.start", "status": 201, "headers": headers})
    await send({"type": "http.response.body", "body": body})


def _made(kind: str, settings: Settings) -> tuple[uvicorn.Server, Callable[[], bool]]:
    """The server, and whether all that follows from the posts is done."""
    if kind in {"resonance", "unstored"}:
        if kind == "unstored":
            storage.open_log = _no_log
        service = Service(settings)
        [network] = service.networks.values()
        return server(service.app, settings), network.caught_up
    app: ASGIApp = plain_fastapi() if kind == "fastapi" else bare
    return uvicorn.Server(uvicorn.Config(app, access_log=False, log_config=None, lifespan="off")), lambda: True


def _no_log(settings: Settings, network: str, secret: bytes) -> Log:  # noqa: ARG001 - open_log's signature
    return Unstored()


def main(kind: str, folder: str) -> None:
    settings = Settings(data=Path(folder), network="bench", events_per_minute=100_000_000)
    made, done = _made(kind, settings)
    listening = socket.create_server(("127.0.0.1", 0), backlog=256)

    def answer() -> None:
        for _ in sys.stdin:
            told = {"port": listening.getsockname()[1], "cpu": time.process_time(), "done": done()}
            print(json.dumps(told), flush=True)
        made.should_exit = True

    threading.Thread(target=answer, daemon=True).start()
    made.run([listening])


if __name__ == "__main__":
    main(*sys.argv[1:])
