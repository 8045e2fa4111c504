"""The networks' secrets and the API keys: made, listed, revoked and checked.

A key reads ``rsn_live_<key id>_<32 random letters and digits><CRC-32 of all before it>``, much as GitHub's tokens do:
scanners find a leaked one, and a mistyped one never reaches the database (source: "Behind GitHub's new authentication
token formats", GitHub blog, 2021). What is kept is its key id and its SHA-256, which needs no salt at 190 random bits.
A sandbox is a network for trying out; its keys begin ``rsn_test_``, and neither kind of key opens the other's networks.
"""

import hmac
import re
import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Final, NamedTuple
from zlib import crc32

from services.access.credential import Credential, Scope
from services.access.kept import LETTERS, instant, listed, names, random
from services.access.problems import Refused, problem
from services.database.ports import Database
from services.database.texts import statements

LONGEST_LIFE: Final = timedelta(days=365)
REVOKED_WITHIN: Final = timedelta(seconds=60)
"""For so long a process trusts a key that it has checked, though another process may have revoked it."""

_BEARER: Final = re.compile(rb"(?i:bearer) (rsn_(?:live|test)_([0-9A-Za-z]{8})_[0-9A-Za-z]{32})([0-9A-Za-z]{6})")
_SQL: Final = statements("services.access", "keys")
SCHEMA: Final = _SQL["schema"]
_NETWORK: Final = re.compile(r"[a-z][a-z0-9-]{0,31}")
_INVALID: Final = problem("invalid-key", headers={"WWW-Authenticate": 'Bearer realm="resonance"'})


@dataclass(frozen=True, slots=True)
class KeyRecord:
    """What may be shown of a key; ``clinics`` and ``sources`` are None where it speaks for all of its network."""

    key_id: str
    network: str
    clinics: frozenset[str] | None
    sources: frozenset[str] | None
    scopes: frozenset[str]
    created: datetime
    expires: datetime
    revoked: datetime | None


class _Known(NamedTuple):
    credential: Credential
    since: datetime
    until: datetime


class Keys:
    """One for all networks of an installation, in the tables of ``SCHEMA``. Any thread may use it."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._known: dict[bytes, _Known] = {}
        self._secrets: dict[str, bytes] = {}

    def add_network(self, name: str, *, sandbox: bool | None = None) -> None:
        """Gives the network ``name`` its 32 secret bytes, unless it has them; a new one is live unless told otherwise.

        Raises ValueError for an unfit name, and where the network is there already and of the other kind.
        """
        if not _NETWORK.fullmatch(name):
            raise ValueError("a network's name is 1 to 32 small letters, digits and hyphens, beginning with a letter")
        with self._database.transaction() as connection:
            row = {"name": name, "secret": secrets.token_bytes(32)}
            is_new = connection.execute(_SQL["add_network"], row).rowcount > 0
            if is_new and sandbox:
                connection.execute(_SQL["add_sandbox"], {"network": name})
        if sandbox is not None and self.is_sandbox(name) != sandbox:
            raise ValueError("a network is a sandbox from its making on, or never")

    def is_sandbox(self, name: str) -> bool:
        """Whether the network is one for trying out; so it was made, and so it stays."""
        return self._database.connection().execute(_SQL["sandbox"], {"network": name}).fetchone() is not None

    def networks(self) -> list[str]:
        return [row["name"] for row in self._database.connection().execute(_SQL["networks"])]

    def secret(self, network: str) -> bytes | None:
        """The secret of ``network``, which never changes; None where there is no such network."""
        if network not in self._secrets:
            for row in self._database.connection().execute(_SQL["secret"], {"name": network}):
                self._secrets[network] = row["secret"]
        return self._secrets.get(network)

    def create(
        self,
        network: str,
        scopes: Iterable[Scope],
        now: datetime,
        *,
        clinics: Iterable[str] | None = None,
        sources: Iterable[str] | None = None,
        life: timedelta = LONGEST_LIFE,
    ) -> str:
        """A new key, which cannot be read again: for these clinics and sources, or for all, valid for ``life``.

        Raises ValueError where ``life`` exceeds 365 days, or where there is no such network.
        """
        if not timedelta(0) < life <= LONGEST_LIFE:
            raise ValueError("a key lives for at most 365 days")
        if self.secret(network) is None:
            raise ValueError("there is no such network")
        key_id = random(8)
        bare = f"rsn_{'test' if self.is_sandbox(network) else 'live'}_{key_id}_{random(32)}"
        key = bare + _checksum(bare.encode())
        row = {
            "key_id": key_id,
            "network": network,
            "digest": sha256(key.encode()).digest(),
            "clinics": listed(clinics),
            "sources": listed(sources),
            "scopes": listed(scopes),
            "created": int(now.timestamp()),
            "expires": int((now + life).timestamp()),
        }
        with self._database.transaction() as connection:
            connection.execute(_SQL["add_key"], row)
            connection.execute(_SQL["add_number"], {"key_id": key_id})
        return key

    def records(self, network: str) -> list[KeyRecord]:
        """The keys of ``network`` in the order in which they were made."""
        return [
            KeyRecord(
                key_id=row["key_id"],
                network=network,
                clinics=names(row["clinics"]),
                sources=names(row["sources"]),
                scopes=names(row["scopes"]) or frozenset(),
                created=instant(row["created"]),
                expires=instant(row["expires"]),
                revoked=None if row["revoked"] is None else instant(row["revoked"]),
            )
            for row in self._database.connection().execute(_SQL["keys"], {"network": network})
        ]

    def revoke(self, key_id: str, now: datetime) -> bool:
        """Refuses the key from now on, elsewhere within ``REVOKED_WITHIN``; False where there was nothing to revoke."""
        values = {"key_id": key_id, "now": int(now.timestamp())}
        revoked = self._database.connection().execute(_SQL["revoke"], values).rowcount
        self._known.clear()
        return revoked > 0

    def remembered(self, authorization: bytes | None, now: datetime) -> Credential | None:
        """Whom ``check`` would answer without asking the database: for an event loop, which must not wait for it."""
        match = _BEARER.fullmatch(authorization or b"")
        known = self._known.get(sha256(match[1] + match[3]).digest()) if match else None
        return known.credential if known is not None and known.since <= now < known.until else None

    def check(self, authorization: bytes | None, now: datetime) -> Credential:
        """Whom the value of an ``Authorization`` header speaks for, at ``now``.

        Raises Refused (``invalid-key``), which does not tell an unknown key from an expired or revoked one.
        """
        match = _BEARER.fullmatch(authorization or b"")
        if match is None:
            raise Refused(_INVALID)
        digest = sha256(match[1] + match[3]).digest()
        known = self._known.get(digest)
        if known is None or not known.since <= now < known.until:
            if match[3] != _checksum(match[1]).encode():
                raise Refused(_INVALID)
            known = self._known[digest] = self._looked_up(match[2].decode(), digest, now)
        return known.credential

    def close(self) -> None:
        self._database.close()

    def _looked_up(self, key_id: str, digest: bytes, now: datetime) -> _Known:
        for row in self._database.connection().execute(_SQL["key"], {"key_id": key_id}):
            expires = instant(row["expires"])
            if hmac.compare_digest(row["digest"], digest) and row["revoked"] is None and now < expires:
                credential = Credential(
                    id=key_id,
                    network=row["network"],
                    clinics=names(row["clinics"]),
                    sources=names(row["sources"]),
                    scopes=names(row["scopes"]) or frozenset(),
                )
                return _Known(credential, now, min(now + REVOKED_WITHIN, expires))
        raise Refused(_INVALID)


def _checksum(text: bytes) -> str:
    """CRC-32 in six letters and digits."""
    rest, letters = crc32(text), ""
    for _ in range(6):
        rest, digit = divmod(rest, len(LETTERS))
        letters = LETTERS[digit] + letters
    return letters
