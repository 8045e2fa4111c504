"""Bearer tokens (JWT, RFC 7519) of issuers that the installation trusts: whom they speak for, and when they do not.

What a token may say is held against what was registered (RFC 8725 and 9068): the algorithm is one of our list and fits
the key, ``iss`` and ``aud`` are equal to the letter, it lives for an hour at most, and it permits what both it and the
registration of its client permit. Everything else in it is not read.
"""

import json
import threading
from base64 import urlsafe_b64decode
from collections.abc import Sequence
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any, Final, NamedTuple

from services.access.credential import Credential
from services.access.issuers import NAMED, Issuer, Issuers
from services.access.keysets import ALGORITHMS, KeySets, NoKeySet
from services.access.problems import Refused, problem
from services.access.scopes import common

LONGEST_TOKEN: Final = 8_192
SKEW_SECONDS: Final = 60
"""By so much an issuer's clock may differ from ours."""
LONGEST_LIFE_SECONDS: Final = 3_600
TRUSTED_FOR: Final = timedelta(seconds=60)
"""For so long a token that was checked counts on, though its client may have been disabled meanwhile."""
MOST_REMEMBERED: Final = 10_000

_CHALLENGE: Final = 'Bearer realm="resonance", error="invalid_token"'
_INVALID: Final = problem("invalid-token", headers={"WWW-Authenticate": _CHALLENGE})
_EXPIRED: Final = problem(
    "token-expired", headers={"WWW-Authenticate": f'{_CHALLENGE}, error_description="the token has expired"'}
)


class _Known(NamedTuple):
    credential: Credential
    since: datetime
    until: datetime


class Tokens:
    """Any thread may use it."""

    def __init__(self, issuers: Issuers, keysets: KeySets) -> None:
        self._issuers = issuers
        self._keysets = keysets
        self._known: dict[bytes, _Known] = {}
        self._adding = threading.Lock()

    def remembered(self, token: bytes, now: datetime) -> Credential | None:
        """Whom ``check`` would answer without asking a database or an issuer, and without any cryptography."""
        known = self._known.get(sha256(token).digest())
        return known.credential if known is not None and known.since <= now < known.until else None

    def check(self, token: bytes, now: datetime) -> Credential:
        """Whom the token speaks for at ``now``.

        Raises Refused: ``invalid-token``, which does not tell what is wrong, as an attacker would learn by it;
        ``token-expired`` where nothing else is; ``issuer-unavailable`` where the issuer's keys cannot be had.
        """
        found = self.remembered(token, now)
        if found is None:
            try:
                found, expires = self._checked(token, now)
            except (ValueError, RecursionError):
                raise Refused(_INVALID) from None
            self._remember(sha256(token).digest(), _Known(found, now, min(now + TRUSTED_FOR, expires)), now)
        return found

    def _checked(self, token: bytes, now: datetime) -> tuple[Credential, datetime]:
        """Raises Refused; and ValueError, RecursionError where the token is not valid."""
        if len(token) > LONGEST_TOKEN:
            raise ValueError
        header, claims = (_object(part) for part in token.split(b".")[:2])
        issuer = self._issuer(claims)
        self._verify(token, header, issuer, now)
        expires = _times(claims, now)
        client = self._issuers.client(issuer.name, _named(claims, issuer.claim))
        if client is None or client.disabled is not None:
            raise ValueError
        credential = Credential(
            id=client.id,
            network=issuer.network,
            clinics=client.clinics,
            sources=client.sources,
            scopes=common(_scopes(claims), client.scopes),
        )
        if expires <= now:
            raise Refused(_EXPIRED)
        return credential, expires

    def _issuer(self, claims: dict[str, Any]) -> Issuer:
        """The registration that the token's ``iss`` and ``aud`` mean: exactly one, or the token is of no network."""
        audience = claims.get("aud")
        wanted = audience if isinstance(audience, list) else [audience]
        [found] = [one for one in self._issuers.of_token(_named(claims, "iss")) if one.audience in wanted]
        return found

    def _verify(self, token: bytes, header: dict[str, Any], issuer: Issuer, now: datetime) -> None:
        """Raises ValueError unless a key of the issuer has signed the token, by an algorithm of the list."""
        from jwt import PyJWS, PyJWTError  # only who has issuers needs it

        algorithm = _text(header, "alg")
        if algorithm not in ALGORITHMS:
            raise ValueError
        try:
            key = self._keysets.key(issuer.jwks, _text(header, "kid"), algorithm, now)
        except NoKeySet:
            raise Refused(problem("issuer-unavailable")) from None
        if key is None:
            raise ValueError
        try:
            PyJWS([algorithm]).decode(token, key, [algorithm])
        except PyJWTError:
            raise ValueError from None

    def _remember(self, digest: bytes, known: _Known, now: datetime) -> None:
        with self._adding:
            if len(self._known) >= MOST_REMEMBERED:
                self._known = {key: one for key, one in self._known.items() if now < one.until}
            if len(self._known) < MOST_REMEMBERED:
                self._known[digest] = known


def _object(part: bytes) -> dict[str, Any]:
    """Raises ValueError, RecursionError."""
    found = json.loads(
        urlsafe_b64decode(part + b"=" * (-len(part) % 4)), object_pairs_hook=_once, parse_constant=_no_number
    )
    if not isinstance(found, dict):
        raise ValueError
    return found


def _once(pairs: Sequence[tuple[str, Any]]) -> dict[str, Any]:
    """What is said twice could be read in two ways."""
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError
    return found


def _no_number(_: str) -> object:
    raise ValueError


def _text(found: dict[str, Any], name: str) -> str:
    value = found.get(name)
    if not isinstance(value, str):
        raise ValueError
    return value


def _named(claims: dict[str, Any], name: str) -> str:
    """Raises ValueError where it is no name that could be registered: not every database takes every text."""
    value = _text(claims, name)
    if not NAMED.fullmatch(value):
        raise ValueError
    return value


def _times(claims: dict[str, Any], now: datetime) -> datetime:
    """Until when the token counts. Raises ValueError where it lives for too long, or does not live yet."""
    issued, expires, begins = (_seconds(claims.get(name)) for name in ("iat", "exp", "nbf"))
    latest = now.timestamp() + SKEW_SECONDS
    if issued is None or expires is None or not 0 < expires - issued <= LONGEST_LIFE_SECONDS:
        raise ValueError
    if issued > latest or (begins is not None and begins > latest):
        raise ValueError
    return datetime.fromtimestamp(expires + SKEW_SECONDS, now.tzinfo)


def _seconds(value: object) -> float | None:
    """Since 1970, in this age of the world. Raises ValueError where ``value`` is something else."""
    if value is None:
        return None
    if not isinstance(value, int | float) or isinstance(value, bool) or not 0 <= value < 1e11:
        raise ValueError
    return value


def _scopes(claims: dict[str, Any]) -> Sequence[str]:
    """``scope`` with spaces between (RFC 8693, section 4.2), or ``scp``, as some issuers have it; else none."""
    found = claims.get("scope", claims.get("scp", ""))
    parts = found.split(" ") if isinstance(found, str) else found
    return [part for part in parts if isinstance(part, str)] if isinstance(parts, list) else []
