"""Whom an ``Authorization`` header speaks for: an API key, or a token of an issuer that the installation trusts."""

import re
from datetime import datetime
from typing import Final

from services.access.credential import Credential
from services.access.keys import Keys
from services.access.tokens import Tokens

_TOKEN: Final = re.compile(rb"(?i:bearer) +([A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]*)")
"""The compact form of a signed token (RFC 7515, section 7.1): no API key has a full stop in it."""


class Bearers:
    """One for all networks of an installation. Any thread may use it."""

    def __init__(self, keys: Keys, tokens: Tokens) -> None:
        self._keys = keys
        self._tokens = tokens

    def remembered(self, authorization: bytes | None, now: datetime) -> Credential | None:
        """Whom ``check`` would answer without waiting for a database or a network: for an event loop."""
        token = _TOKEN.fullmatch(authorization or b"")
        return self._tokens.remembered(token[1], now) if token else self._keys.remembered(authorization, now)

    def check(self, authorization: bytes | None, now: datetime) -> Credential:
        """Whom the value of an ``Authorization`` header speaks for, at ``now``.

        Raises Refused: status 401, or 503 where a token cannot be checked at the moment.
        """
        token = _TOKEN.fullmatch(authorization or b"")
        return self._tokens.check(token[1], now) if token else self._keys.check(authorization, now)
