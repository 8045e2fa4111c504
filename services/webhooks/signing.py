"""Signs what is sent, so that a receiver knows who sent it, and that it is whole and new.

Source: Standard Webhooks, https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md:
HMAC-SHA-256 (RFC 2104) over ``<webhook-id>.<webhook-timestamp>.<body>``, base64 after ``v1,``; one signature per secret
that is valid, with spaces between.
"""

import hmac
import secrets
from base64 import b64decode, b64encode
from collections.abc import Iterable
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Final

PREFIX: Final = "whsec_"
BOTH_FOR: Final = timedelta(hours=24)
"""For so long after a rotation the secret before it signs as well."""


def new_secret() -> str:
    """``whsec_`` and 32 random bytes in base64."""
    return PREFIX + b64encode(secrets.token_bytes(32)).decode()


def signed(item_id: str, body: bytes, at: datetime, keys: Iterable[str]) -> dict[str, str]:
    """The headers that go with ``body`` when it is sent at ``at``; ``keys`` are the secrets that are valid then."""
    seconds = str(int(at.timestamp()))
    content = b".".join((item_id.encode(), seconds.encode(), body))
    return {
        "webhook-id": item_id,
        "webhook-timestamp": seconds,
        "webhook-signature": " ".join(_signature(content, key) for key in keys),
    }


def _signature(content: bytes, key: str) -> str:
    return "v1," + b64encode(hmac.digest(b64decode(key.removeprefix(PREFIX)), content, sha256)).decode()
