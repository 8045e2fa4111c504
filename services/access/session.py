"""The signed cookie of a page session: who has signed in, until when; and the token that guards its forms.

HMAC-SHA-256 (RFC 2104) under keys derived from the network's secret, one for each purpose. Nothing is kept on the
server: a session ends at its expiry.
"""

import hmac
import re
from base64 import urlsafe_b64encode
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from contracts.data import REFERENCE

_COOKIE: Final = re.compile(
    rf"([a-z][a-z0-9-]{{0,31}})\.({REFERENCE})\.([0-9]{{1,11}})\.([A-Za-z0-9_-]{{43}})", re.ASCII
)


@dataclass(frozen=True, slots=True)
class PageSession:
    """A therapist who has signed in to the pages of one network; ``expires`` is exact to the second."""

    network: str
    therapist_ref: str
    expires: datetime


def sign(session: PageSession, secret: bytes) -> str:
    """The cookie value for ``session`` under its network's secret; letters, digits and ``._-`` only."""
    claim = f"{session.network}.{session.therapist_ref}.{int(session.expires.timestamp())}"
    return f"{claim}.{_signature(secret, 'page-session', claim)}"


def verify(cookie: str, secret_of: Callable[[str], bytes | None], now: datetime) -> PageSession | None:
    """The session that ``cookie`` proves, unless it is forged, malformed or over; ``secret_of`` a network, if known."""
    match = _COOKIE.fullmatch(cookie)
    secret = secret_of(match[1]) if match else None
    if match is None or secret is None:
        return None
    network, therapist_ref, seconds, signature = match.groups()
    claim = f"{network}.{therapist_ref}.{seconds}"
    if not hmac.compare_digest(signature, _signature(secret, "page-session", claim)):
        return None
    expires = datetime.fromtimestamp(int(seconds), UTC)
    return PageSession(network, therapist_ref, expires) if now < expires else None


def form_token(cookie: str, secret: bytes) -> str:
    """What a form of this session carries, so that no other site can send it (OWASP: HMAC-based CSRF token)."""
    return _signature(secret, "form", cookie)


def is_form_token(token: str, cookie: str, secret: bytes) -> bool:
    return hmac.compare_digest(token.encode(), form_token(cookie, secret).encode())


def _signature(secret: bytes, purpose: str, text: str) -> str:
    key = hmac.digest(secret, purpose.encode(), "sha256")
    return urlsafe_b64encode(hmac.digest(key, text.encode(), "sha256")).rstrip(b"=").decode()
