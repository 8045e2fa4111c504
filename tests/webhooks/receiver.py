"""A record system's end of a webhook: a real HTTP server on this machine that keeps what it was sent."""

import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, NamedTuple

from typing_extensions import override

Answer = tuple[int, Mapping[str, str]]


class Received(NamedTuple):
    """``headers`` by their names in small letters."""

    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def id(self) -> str:
        return self.headers["webhook-id"]


class Receiver:
    """It answers what ``answer`` says; where it says nothing it hangs until ``close``."""

    def __init__(self, port: int = 0) -> None:
        self.received: list[Received] = []
        self.answer: Callable[[Received], Answer | None] = lambda _: (204, {})
        self.came = threading.Event()
        self._over = threading.Event()
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                got = Received(self.path, {name.lower(): value for name, value in self.headers.items()}, body)
                receiver.received.append(got)
                receiver.came.set()
                answer = receiver.answer(got)
                if answer is None:
                    receiver._over.wait()
                    return
                status, headers = answer
                self.send_response(status)
                for name, value in headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", "0")
                self.end_headers()

            @override
            def log_message(self, *_: Any) -> None:
                """Says nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
        self._server.daemon_threads = True
        self.port: int = self._server.server_address[1]
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01})
        self._thread.start()

    @property
    def host(self) -> str:
        return f"127.0.0.1:{self.port}"

    @property
    def url(self) -> str:
        return f"http://{self.host}/inbox"

    @property
    def ids(self) -> list[str]:
        return [one.id for one in self.received]

    def answers(self, status: int, **headers: str) -> None:
        """From now on, to everything."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        self.answer = lambda _: (status, named)

    def hangs(self) -> None:
        self.answer = lambda _: None

    def close(self) -> None:
        self._over.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


@contextmanager
def receiver(port: int = 0) -> Iterator[Receiver]:
    found = Receiver(port)
    try:
        yield found
    finally:
        found.close()
