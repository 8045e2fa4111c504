"""A network that fails: a TCP proxy that cuts connections at random, on the way there and on the way back."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from random import Random

CHUNK = 64 * 1024
BYTES_THERE = 2_000_000
"""How much a connection carries on average before it is cut in the middle of a request."""
ANSWERS = 8
"""How many answers come through on average before one is lost with its connection: what was asked for is done by then,
and who asked does not know."""


class _Connection:
    """One connection, both ways."""

    def __init__(self, client: socket.socket, server: socket.socket, there: float, answers: float) -> None:
        self._client = client
        self._server = server
        self._there = there
        self._answers = answers
        self._asked = False

    def carry_there(self) -> bool:
        """Returns whether it was cut, and not ended by either side."""
        with suppress(OSError):
            while data := self._client.recv(CHUNK):
                self._asked = True
                self._there -= len(data)
                if self._there < 0:
                    self._server.sendall(data[: len(data) // 2])
                    return True
                self._server.sendall(data)
        return False

    def carry_back(self) -> bool:
        with suppress(OSError):
            while data := self._server.recv(CHUNK):
                self._answers -= self._asked  # what follows belongs to the same answer
                self._asked = False
                if self._answers < 0:
                    return True
                self._client.sendall(data)
        return False

    def end(self) -> None:
        for one in (self._client, self._server):
            with suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
            one.close()


class Unreliable:
    """Forwards to ``port``, from a port of its own; ``chance`` decides how long each connection lives."""

    def __init__(self, port: int, chance: Random) -> None:
        self._port = port
        self._chance = chance
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.cuts_there = self.cuts_back = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._listening.getsockname()[1]}"

    def serve(self) -> None:
        """Until ``close``."""
        with suppress(OSError):  # it is closed
            while True:
                client, _ = self._listening.accept()
                try:
                    server = socket.create_connection(("127.0.0.1", self._port))
                except OSError:
                    client.close()
                    continue
                there, answers = self._chance.expovariate(1 / BYTES_THERE), self._chance.expovariate(1 / ANSWERS)
                connection = _Connection(client, server, there, answers)
                for work in (self._carry_there, self._carry_back):
                    threading.Thread(target=work, args=(connection,), daemon=True).start()

    def close(self) -> None:
        self._listening.shutdown(socket.SHUT_RDWR)
        self._listening.close()

    def _carry_there(self, connection: _Connection) -> None:
        self.cuts_there += connection.carry_there()
        connection.end()

    def _carry_back(self, connection: _Connection) -> None:
        self.cuts_back += connection.carry_back()
        connection.end()


@contextmanager
def unreliable(port: int, chance: Random) -> Iterator[Unreliable]:
    found = Unreliable(port, chance)
    thread = threading.Thread(target=found.serve, daemon=True)
    thread.start()
    try:
        yield found
    finally:
        found.close()
        thread.join()
