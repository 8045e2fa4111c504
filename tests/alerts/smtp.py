"""A real mail server on the loopback interface that takes, puts off, refuses or hangs up, as a test tells it to."""

import asyncio
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from ssl import SSLContext
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, Session


class Postbox:
    """What the server has taken, and what it answers instead: a reply by the step that gets it."""

    def __init__(self) -> None:
        self.taken: list[tuple[str, list[str], bytes]] = []
        self.answers: dict[str, str] = {}
        self.hangs_up = ""
        """At this step."""
        self.slowness = 0.0
        """Seconds from taking a letter to saying so."""
        self.url = ""

    # ruff: noqa: N802 - aiosmtpd looks its handlers up by these names
    async def handle_MAIL(
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        envelope.mail_from = address
        return self._answer(server, "MAIL", "250 OK")

    async def handle_RCPT(
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        envelope.rcpt_tos.append(address)
        return self._answer(server, "RCPT", "250 OK")

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        if "DATA" not in self.answers:
            assert envelope.mail_from is not None
            assert isinstance(envelope.original_content, bytes)
            self.taken.append((envelope.mail_from, list(envelope.rcpt_tos), envelope.original_content))
            await asyncio.sleep(self.slowness)
        return self._answer(server, "DATA", "250 OK")

    async def handle_QUIT(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        return self._answer(server, "QUIT", "221 Bye")

    def _answer(self, server: SMTP, step: str, usual: str) -> str:
        if step == self.hangs_up:
            assert server.transport is not None
            server.transport.close()
        return self.answers.get(step, usual)


def signs_in(server: SMTP, session: Session, envelope: Envelope, mechanism: str, given: Any) -> AuthResult:
    right = (given.login, given.password) == (b"resonance", b"p@ss:word")
    return AuthResult(success=right, handled=False)


@contextmanager
def mail_server(scheme: str = "smtp", *, signed_in: bool = False, tls: SSLContext | None = None) -> Iterator[Postbox]:
    """A server for ``scheme``; with ``signed_in`` it takes letters from ``resonance`` with its password only."""
    postbox = Postbox()
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    controller = Controller(
        postbox,
        hostname="127.0.0.1",
        port=port,
        ssl_context=tls if scheme == "smtps" else None,
        tls_context=tls if scheme == "smtp+starttls" else None,
        require_starttls=scheme == "smtp+starttls" and tls is not None,
        auth_required=signed_in,
        authenticator=signs_in,
    )
    controller.start()
    postbox.url = f"{scheme}://localhost:{port}" if tls else f"{scheme}://127.0.0.1:{port}"
    try:
        yield postbox
    finally:
        controller.stop()
