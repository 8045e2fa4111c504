"""Calls to addresses that others have named: webhooks (POST) and key sets of issuers (GET), never into the own network.

Whoever names an address could have this service reach what only its machine can (server-side request forgery, OWASP).
So a call is https to a public address; the name is resolved here, every address found is checked, and the connection
goes to the very address that was checked, which leaves a name that changes its answers (rebinding) nothing to win.
Redirects are not followed, proxies of the environment not used, and an answer has a limit in size and in time.
"""

import socket
import ssl
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Final, Literal, NamedTuple, TypeAlias

import httpcore
from typing_extensions import override

from services.addresses import Target, is_public, target

MOST_BYTES: Final = 256 * 1024
"""Of an answer's body. The head of an answer is limited by the library, to 100 KiB."""
Resolve: TypeAlias = Callable[[str, int], Sequence[str]]
"""The addresses of a host, as text, for a connection to a port; raises OSError where it has none."""


class NotAllowed(Exception):
    """The address may not be called; the text is the ``code`` alone."""

    def __init__(self, code: Literal["not_an_address", "https_required", "inward"]) -> None:
        super().__init__(code)
        self.code: Final = code


class Unreachable(Exception):
    """It was called, or looked for, and gave no answer that can be used; the text is the ``code`` alone."""

    def __init__(self, code: Literal["unknown_host", "connect", "tls", "timeout", "too_large", "protocol"]) -> None:
        super().__init__(code)
        self.code: Final = code


class Answer(NamedTuple):
    """``headers`` by their names in small letters, each with its last value."""

    status: int
    headers: Mapping[str, str]
    body: bytes


def resolved(host: str, port: int) -> Sequence[str]:
    """What the machine's own resolver says. Raises OSError."""
    return [str(found[4][0]) for found in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)]


@cache
def _trusted() -> ssl.SSLContext:
    """The certificates that this machine trusts; an operator adds an own authority there, or by ``SSL_CERT_FILE``."""
    return ssl.create_default_context()


@dataclass(frozen=True, slots=True)
class Outward:
    """Any thread may use it; it keeps nothing between two calls.

    ``inward`` are hosts (``host`` or ``host:port``, as they stand in the URL) of the own network that may be called
    nevertheless, by http as well. ``context`` is for tests with a certificate of their own.
    """

    inward: frozenset[str] = frozenset()
    resolve: Resolve = resolved
    context: Callable[[], ssl.SSLContext] = _trusted

    def check(self, url: str) -> None:
        """For the registration of an address: whether it may be called, as far as can be told now.

        Raises NotAllowed, and Unreachable (``unknown_host``) where the name has no address.
        """
        self._checked(_read_as(url))

    def post(self, url: str, body: bytes, headers: Mapping[str, str], seconds: float) -> Answer:
        """Posts ``body``; the answer's own body is not read. All of it takes at most ``seconds``, save the resolver.

        Every status is an answer, a redirect as well. Raises NotAllowed, Unreachable.
        """
        return self._call("POST", url, body, headers, seconds, most=None)

    def get(self, url: str, headers: Mapping[str, str], seconds: float, most: int = MOST_BYTES) -> Answer:
        """What is there, if it has no more than ``most`` bytes, within ``seconds``. As ``post`` otherwise."""
        return self._call("GET", url, b"", headers, seconds, most)

    def _checked(self, target: Target) -> Sequence[str]:
        """The addresses to connect to. One that may not be called forbids all: they are one host's."""
        trusted = not self.inward.isdisjoint({target.named, f"{target.named}:{target.port}"})
        if target.scheme == "http" and not trusted:
            raise NotAllowed("https_required")
        try:
            found = self.resolve(target.host, target.port)
        except (OSError, UnicodeError):
            raise Unreachable("unknown_host") from None
        if not found:
            raise Unreachable("unknown_host")
        if not trusted and not all(map(is_public, found)):
            raise NotAllowed("inward")
        return found

    def _call(
        self, method: str, url: str, body: bytes, headers: Mapping[str, str], seconds: float, most: int | None
    ) -> Answer:
        limit = _Limit(time.monotonic() + seconds)
        target = _read_as(url)
        backend = _Pinned(self._checked(target), limit)
        given: list[tuple[bytes | str, bytes | str]] = [("Host", target.authority), ("Connection", "close")]
        given += [("Accept-Encoding", "identity"), *headers.items()]
        if method == "POST":
            given.append(("Content-Length", str(len(body))))
        asked = httpcore.URL(
            scheme=target.scheme.encode(), host=target.host.encode(), port=target.port, target=target.path.encode()
        )
        try:
            with (
                httpcore.ConnectionPool(ssl_context=self.context(), network_backend=backend) as pool,
                pool.stream(method, asked, headers=given, content=body) as answer,
            ):
                found = b"" if most is None else _read(answer.iter_stream(), most)
                named = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in answer.headers}
                return Answer(answer.status, named, found)
        except httpcore.TimeoutException:
            raise Unreachable("timeout") from None
        except httpcore.ProtocolError:
            raise Unreachable("protocol") from None
        except httpcore.NetworkError as error:
            raise Unreachable("tls" if isinstance(next(iter(error.args), None), ssl.SSLError) else "connect") from None


def _read_as(url: str) -> Target:
    try:
        return target(url)
    except ValueError:
        raise NotAllowed("not_an_address") from None


def _read(parts: Iterable[bytes], most: int) -> bytes:
    found = bytearray()
    for part in parts:
        found += part
        if len(found) > most:
            raise Unreachable("too_large")
    return bytes(found)


class _Limit(NamedTuple):
    until: float

    def left(self) -> float:
        """Seconds; a whole call has them, not each of its steps. Raises the library's error where none are left."""
        left = self.until - time.monotonic()
        if left <= 0:
            raise httpcore.ReadTimeout
        return left


class _Pinned(httpcore.NetworkBackend):
    """Connects to addresses that were checked, whatever the host's name would lead to by now."""

    def __init__(self, checked: Sequence[str], limit: _Limit) -> None:
        self._checked = checked
        self._limit = limit
        self._sockets = httpcore.SyncBackend()

    @override
    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.NetworkStream:
        failed: Exception | None = None
        for tried, address in enumerate(self._checked):
            seconds = self._limit.left() / (len(self._checked) - tried)  # a silent one leaves the others their share
            try:
                found = self._sockets.connect_tcp(address, port, seconds, local_address, socket_options)
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                failed = error
            else:
                return _Timed(found, self._limit)
        raise failed or httpcore.ConnectError


class _Timed(httpcore.NetworkStream):
    """A stream whose every step ends when the time of the whole call does."""

    def __init__(self, stream: httpcore.NetworkStream, limit: _Limit) -> None:
        self._stream = stream
        self._limit = limit

    @override
    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self._stream.read(max_bytes, self._limit.left())

    @override
    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._stream.write(buffer, self._limit.left())

    @override
    def close(self) -> None:
        self._stream.close()

    @override
    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        return _Timed(self._stream.start_tls(ssl_context, server_hostname, self._limit.left()), self._limit)

    @override
    def get_extra_info(self, info: str) -> object:
        return self._stream.get_extra_info(info)
