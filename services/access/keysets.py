"""The key sets of issuers (JWKS, RFC 7517), fetched and kept for as long as they say, within bounds.

A key set is asked for at its registered address alone: what a token says (``jku``, ``x5u``, ``jwk``) is not read.
"""

import json
import logging
import re
import threading
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

from services.outward import NotAllowed, Outward, Unreachable

if TYPE_CHECKING:
    from jwt import PyJWK

_log = logging.getLogger(__name__)

ALGORITHMS: Final = ("RS256", "RS384", "ES256", "ES384", "EdDSA")
"""Signatures that only the issuer can make, and no more of them than issuers use: RS384 and ES384 are those that SMART
demands. With HMAC whoever can check could sign, and with a public key taken for its secret so could everyone."""
FETCH_SECONDS: Final = 5.0
KEPT: Final = (timedelta(minutes=1), timedelta(minutes=10), timedelta(hours=1))
"""For how long a set is trusted: at least, where it does not say, and at most."""
STALE: Final = timedelta(hours=1)
"""For so long after that it is used on, while it cannot be fetched anew."""
FORCED_EVERY: Final = timedelta(minutes=1)
"""How often a key that is not in the set makes it be fetched before its time, or a failed fetch is tried again."""
SMALLEST_RSA: Final = 2_048

_NEVER: Final = datetime.fromtimestamp(0, UTC)
_MAX_AGE: Final = re.compile(r"(?:^|[,\s])max-age=\"?([0-9]{1,9})")
_FITTING: Final[Mapping[tuple[str, str], tuple[str, ...]]] = {
    ("RSA", ""): ("RS256", "RS384"),
    ("EC", "P-256"): ("ES256",),
    ("EC", "P-384"): ("ES384",),
    ("OKP", "Ed25519"): ("EdDSA",),
}


class NoKeySet(Exception):
    """The issuer's keys are not known, and cannot be fetched now."""


class _Kept:
    """What is known of one address. A clock that was set back is before all instants here, and prolongs nothing."""

    def __init__(self) -> None:
        self.lock: Final = threading.Lock()
        self.keys: Mapping[tuple[str, str], PyJWK] | None = None
        self.since = self.until = self.tried = _NEVER

    def is_fresh(self, now: datetime) -> bool:
        return self.since <= now < self.until

    def is_usable(self, now: datetime) -> bool:
        return self.since <= now < self.until + STALE

    def was_tried(self, now: datetime) -> bool:
        return self.tried <= now < self.tried + FORCED_EVERY


class KeySets:
    """The keys at each address. Any thread may use it; one fetches, and others who need what it fetches wait."""

    def __init__(self, outward: Outward) -> None:
        self._outward = outward
        self._kept: dict[str, _Kept] = {}

    def key(self, address: str, kid: str, algorithm: str, now: datetime) -> "PyJWK | None":
        """The key of this id in the set at ``address`` that fits the algorithm, one of ``ALGORITHMS``, if there is one.

        Raises NoKeySet.
        """
        kept, wanted = self._kept.setdefault(address, _Kept()), (kid, algorithm)
        if kept.is_fresh(now) and kept.keys and wanted in kept.keys:
            return kept.keys[wanted]  # without the lock: somebody's unknown key may make the set be fetched now
        with kept.lock:
            is_due = not kept.is_fresh(now) or (kept.keys is not None and wanted not in kept.keys)
            if is_due and not kept.was_tried(now):
                self._fetch(address, kept, now)
            if kept.keys is None or not kept.is_usable(now):
                raise NoKeySet
            return kept.keys.get(wanted)

    def _fetch(self, address: str, kept: _Kept, now: datetime) -> None:
        """Replaces what is kept, unless that fails."""
        kept.tried = now
        try:
            answer = self._outward.get(address, {"Accept": "application/jwk-set+json, application/json"}, FETCH_SECONDS)
        except (NotAllowed, Unreachable) as error:
            _log.warning("the key set at %s: %s", address, error.code)
            return
        found = read(answer.body) if answer.status == 200 else None
        if found is None:
            _log.warning("the key set at %s: status %d and no key set", address, answer.status)
            return
        kept.keys, kept.since = found, now
        kept.until = now + kept_for(answer.headers.get("cache-control", ""))


def read(body: bytes) -> "Mapping[tuple[str, str], PyJWK] | None":
    """The public keys of a set by id and algorithm; None where it is no key set.

    Left out, as others may use them: keys without an id, for encryption, of other kinds, symmetric, private, too weak.
    """
    try:
        document = json.loads(body)
    except (ValueError, RecursionError):
        return None
    keys = document.get("keys") if isinstance(document, dict) else None
    if not isinstance(keys, list):
        return None
    return {(jwk["kid"], name): key for jwk in keys if _is_public(jwk) for name, key in _fitting(jwk).items()}


def kept_for(cache_control: str) -> timedelta:
    """For how long an answer with this header may be kept (RFC 9111, section 5.2.2), within ``KEPT``."""
    least, usual, most = KEPT
    directives = cache_control.lower()
    if "no-store" in directives or "no-cache" in directives:
        return least
    match = _MAX_AGE.search(directives)
    return usual if match is None else min(max(timedelta(seconds=int(match[1])), least), most)


def _is_public(jwk: object) -> bool:
    return (
        isinstance(jwk, dict)
        and isinstance(jwk.get("kid"), str)
        and jwk.get("use", "sig") == "sig"
        and not {"d", "k"} & jwk.keys()
    )


def _fitting(jwk: dict[str, Any]) -> "dict[str, PyJWK]":
    """The key for each of our algorithms that it fits, or for the one that it names."""
    from jwt import PyJWK, PyJWKError  # only who has issuers needs it
    from jwt.exceptions import InvalidKeyError

    found = {}
    for name in _FITTING.get((str(jwk.get("kty")), str(jwk.get("crv", ""))), ()):
        if jwk.get("alg", name) != name:
            continue
        try:
            key = PyJWK(jwk, algorithm=name)
        except (InvalidKeyError, PyJWKError):
            continue
        if jwk["kty"] != "RSA" or key.key.key_size >= SMALLEST_RSA:
            found[name] = key
    return found
