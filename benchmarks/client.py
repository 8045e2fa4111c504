"""The load generator, in a process of its own: ``python -m benchmarks.client <file of bodies, one a line>``.

Asked for ``{"port", "key", "seconds", "connections", "fresh"}``, it posts as fast as it is answered: each keep-alive
connection has one request on its way. It tells how many were answered a second and by what, after a short warm-up.
``fresh`` bodies are posted once in the life of the process; the others come round again.
"""

import asyncio
import gc
import json
import sys
import time
from collections import Counter
from collections.abc import Iterator
from itertools import cycle
from pathlib import Path
from statistics import quantiles
from typing import Any, Final, cast

import uvloop
from typing_extensions import override

WARM_UP: Final = 0.15
"""Of the seconds asked for, added before."""
REPEATED: Final = 5_000


class _Load:
    def __init__(self, bodies: Iterator[bytes], key: str, seconds: float) -> None:
        self._bodies = bodies
        self._head = (
            b"POST /v1/events HTTP/1.1\r\nHost: localhost\r\nUser-Agent: ehr/1.0\r\nAccept: */*\r\n"
            b"Authorization: Bearer " + key.encode() + b"\r\nContent-Type: application/cloudevents+json\r\n"
            b"Content-Length: %d\r\n\r\n"
        )
        self.begins = time.perf_counter() + WARM_UP * seconds
        self.ends = self.begins + seconds
        self.sent = 0
        self.waits: list[float] = []
        self.statuses = Counter[bytes]()

    def next_request(self, now: float) -> bytes | None:
        body = next(self._bodies, None) if now < self.ends else None
        if body is None:
            return None
        self.sent += 1
        return self._head % len(body) + body


class _Connection(asyncio.Protocol):
    def __init__(self, load: _Load) -> None:
        self._load = load
        self._seen = b""
        self._since = 0.0
        self.over = asyncio.get_running_loop().create_future()

    @override
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.WriteTransport, transport)  # uvloop's own are no subclass of it
        self._post()

    @override
    def data_received(self, data: bytes) -> None:
        self._seen += data
        head, found, body = self._seen.partition(b"\r\n\r\n")
        if found and len(body) == int(head.lower().partition(b"content-length:")[2].partition(b"\r\n")[0]):
            now = time.perf_counter()
            if self._load.begins <= now < self._load.ends:
                self._load.waits.append(now - self._since)
                self._load.statuses[head[9:12]] += 1
            self._seen = b""
            self._post()

    @override
    def connection_lost(self, exc: Exception | None) -> None:
        if not self.over.done():
            self.over.set_exception(exc or ConnectionError("the server hung up"))

    def _post(self) -> None:
        self._since = time.perf_counter()
        request = self._load.next_request(self._since)
        if request is None:
            self.over.set_result(None)
            self._transport.close()
        else:
            self._transport.write(request)


async def run(bodies: Iterator[bytes], port: int, key: str, seconds: float, connections: int) -> dict[str, Any]:
    load = _Load(bodies, key, seconds)
    loop = asyncio.get_running_loop()
    made = [await loop.create_connection(lambda: _Connection(load), "127.0.0.1", port) for _ in range(connections)]
    await asyncio.gather(*(connection.over for _, connection in made))
    centiles = quantiles(load.waits, n=100)
    return {
        "sent": load.sent,
        "per_second": len(load.waits) / seconds,
        "p50_ms": 1e3 * centiles[49],
        "p99_ms": 1e3 * centiles[98],
        "statuses": {status.decode(): count for status, count in load.statuses.items()},
    }


def main(file: str) -> None:
    bodies = Path(file).read_bytes().splitlines()
    once, again = iter(bodies), cycle(bodies[:REPEATED])
    gc.freeze()
    gc.disable()
    for line in sys.stdin:
        asked = json.loads(line)
        chosen = once if asked.pop("fresh") else again
        print(json.dumps(uvloop.run(run(chosen, **asked))), flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
