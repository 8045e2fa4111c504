"""The door behind a real HTTP server: what a socket sees that a test client does not."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
import uvicorn

from tests.ingest.conftest import Service, measured


@asynccontextmanager
async def served(service: Service) -> AsyncIterator[int]:
    """The service on a port of this machine, as it runs in production."""
    config = uvicorn.Config(service.served, port=0, http="httptools", access_log=False, log_config=None)
    server = uvicorn.Server(config)
    running = asyncio.ensure_future(server.serve())
    while not server.started:  # noqa: ASYNC110 - the server has a flag to look at, and nothing to wait for
        await asyncio.sleep(0.01)
    yield server.servers[0].sockets[0].getsockname()[1]
    server.should_exit = True
    await running


def request(service: Service, body: bytes, length: int | None = None) -> bytes:
    head = (
        "POST /v1/events HTTP/1.1\r\nHost: resonance.test\r\n"
        f"Authorization: Bearer {service.key}\r\nContent-Type: application/cloudevents+json\r\n"
        f"Content-Length: {len(body) if length is None else length}\r\n\r\n"
    )
    return head.encode() + body


async def answer(reader: asyncio.StreamReader) -> tuple[bytes, dict[str, object]]:
    """Status line and body of the next answer."""
    head = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 5)
    length = next(int(line[15:]) for line in head.lower().splitlines() if line.startswith(b"content-length:"))
    return head.splitlines()[0], json.loads(await reader.readexactly(length))


def test_a_connection_carries_one_event_after_another(service: Service) -> None:
    async def talk() -> None:
        async with served(service) as port:
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            for number in range(3):
                writer.write(request(service, json.dumps(measured(number)).encode()))
                status, receipt = await answer(reader)
                assert status == b"HTTP/1.1 201 Created"
                assert receipt["position"] == number + 1
            writer.close()

    service.run(talk())


def test_a_body_that_is_announced_too_large_is_refused_before_it_is_sent(service: Service) -> None:
    async def talk() -> None:
        async with served(service) as port:
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(request(service, b"{", length=50_000_000))
            status, problem = await answer(reader)
            assert status.startswith(b"HTTP/1.1 413")
            assert problem["type"] == "/v1/problems/body-too-large"
            writer.close()

    service.run(talk())


def test_a_client_that_leaves_in_the_middle_leaves_nothing(service: Service, caplog: pytest.LogCaptureFixture) -> None:
    async def talk() -> None:
        async with served(service) as port:
            _, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(request(service, json.dumps(measured()).encode())[:-5])
            await writer.drain()
            writer.close()
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(request(service, json.dumps(measured(2)).encode()))
            status, _ = await answer(reader)
            assert status == b"HTTP/1.1 201 Created"
            writer.close()

    service.run(talk())
    assert [event.id for event in service.stored()] == [measured(2)["id"]]
    assert "Traceback" not in caplog.text
