"""The registry of issuers whose tokens are trusted, and of the clients (record systems) that their tokens are for.

Which network a token opens is said here, not in the token: an issuer with one audience belongs to one network.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Final

from services.access.credential import SCOPES
from services.access.kept import instant, listed, names, random
from services.access.scopes import is_smart
from services.database.ports import Database, Row
from services.database.texts import statements

CLAIM: Final = "client_id"
"""The claim that names the client, unless the issuer's registration says another (RFC 9068, section 2.2)."""
_SQL: Final = statements("services.access", "issuers")
SCHEMA: Final = _SQL["schema"]
_NAME: Final = re.compile(r"[a-z][a-z0-9-]{0,31}")
NAMED: Final = re.compile(r"[!-~]{1,256}")
"""What an issuer, an audience, a claim and a client can be called; nothing else is looked for."""


@dataclass(frozen=True, slots=True)
class Issuer:
    """``name`` is ours; ``issuer``, ``audience`` and ``claim`` are as in tokens; ``jwks`` is where its keys are."""

    name: str
    network: str
    issuer: str
    audience: str
    jwks: str
    claim: str = CLAIM


@dataclass(frozen=True, slots=True)
class ApiClient:
    """A record system that gets its tokens elsewhere; None, as in keys, where it speaks for all of its network."""

    id: str
    """Ours; what the audit, the limits and commands know it by."""
    issuer: str
    """The issuer's name."""
    client: str
    """What its tokens say in the issuer's claim."""
    clinics: frozenset[str] | None
    sources: frozenset[str] | None
    scopes: frozenset[str]
    created: datetime
    disabled: datetime | None


class Issuers:
    """One for all networks of an installation, in the tables of ``SCHEMA``. Any thread may use it."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, issuer: Issuer) -> None:
        """Trusts ``issuer`` from now on. That its network is one, and its address may be called, the caller has seen.

        Raises ValueError where it is unfit, or there already under this name or with this audience.
        """
        if not _NAME.fullmatch(issuer.name):
            raise ValueError("an issuer's name is 1 to 32 small letters, digits and hyphens, beginning with a letter")
        if not all(map(NAMED.fullmatch, (issuer.issuer, issuer.audience, issuer.claim))):
            raise ValueError("issuer, audience and claim are 1 to 256 characters of ASCII without space")
        if not self._database.connection().execute(_SQL["add_issuer"], asdict(issuer)).rowcount:
            raise ValueError("there is an issuer of this name, or with this issuer and audience")

    def of_network(self, network: str) -> Sequence[Issuer]:
        """In the order of their names."""
        return [_issuer(row) for row in self._database.connection().execute(_SQL["issuers"], {"network": network})]

    def of_token(self, issuer: str) -> Sequence[Issuer]:
        """What is registered for the ``iss`` of a token, to the letter: one for each audience."""
        return [_issuer(row) for row in self._database.connection().execute(_SQL["of_token"], {"issuer": issuer})]

    def remove(self, name: str) -> bool:
        """Trusts it and its clients no longer, elsewhere within ``REVOKED_WITHIN``; False where there is none."""
        with self._database.transaction() as connection:
            connection.execute(_SQL["remove_clients"], {"name": name})
            return connection.execute(_SQL["remove_issuer"], {"name": name}).rowcount > 0

    def add_client(
        self,
        issuer: str,
        client: str,
        scopes: Iterable[str],
        now: datetime,
        *,
        clinics: Iterable[str] | None = None,
        sources: Iterable[str] | None = None,
    ) -> str:
        """Registers a client of the issuer of that name, for these clinics and sources, or all; returns its id.

        ``scopes`` are ours, or SMART's for systems. Raises ValueError where something is unfit or there already.
        """
        wanted = sorted(set(scopes))
        if not NAMED.fullmatch(client):
            raise ValueError("a client is named by 1 to 256 characters of ASCII without space")
        if not all(scope in SCOPES or is_smart(scope) for scope in wanted):
            raise ValueError("there is a scope that is neither ours nor one of SMART for systems")
        found = random(8)
        row = {
            "id": found,
            "issuer": issuer,
            "client": client,
            "clinics": listed(clinics),
            "sources": listed(sources),
            "scopes": listed(wanted),
            "created": int(now.timestamp()),
        }
        with self._database.transaction() as connection:
            if connection.execute(_SQL["named"], {"name": issuer}).fetchone() is None:
                raise ValueError("there is no such issuer")
            if not connection.execute(_SQL["add_client"], row).rowcount:
                raise ValueError("the issuer has this client already")
        return found

    def clients(self, network: str) -> Sequence[ApiClient]:
        """In the order of their issuers and names."""
        return [_client(row) for row in self._database.connection().execute(_SQL["clients"], {"network": network})]

    def client(self, issuer: str, client: str) -> ApiClient | None:
        """Whom the issuer of that name means by ``client``, to the letter."""
        values = {"issuer": issuer, "client": client}
        row = self._database.connection().execute(_SQL["client"], values).fetchone()
        return None if row is None else _client(row)

    def disable(self, client_id: str, now: datetime) -> bool:
        """Refuses the client's tokens within ``REVOKED_WITHIN``; False where there was nothing to disable."""
        values = {"id": client_id, "now": int(now.timestamp())}
        return self._database.connection().execute(_SQL["disable"], values).rowcount > 0

    def enable(self, client_id: str) -> bool:
        """Takes the client's tokens again; False where it was not disabled."""
        return self._database.connection().execute(_SQL["enable"], {"id": client_id}).rowcount > 0

    def close(self) -> None:
        self._database.close()


def _issuer(row: Row) -> Issuer:
    return Issuer(row["name"], row["network"], row["issuer"], row["audience"], row["jwks"], row["claim"])


def _client(row: Row) -> ApiClient:
    return ApiClient(
        id=row["id"],
        issuer=row["issuer"],
        client=row["client"],
        clinics=names(row["clinics"]),
        sources=names(row["sources"]),
        scopes=names(row["scopes"]) or frozenset(),
        created=instant(row["created"]),
        disabled=None if row["disabled"] is None else instant(row["disabled"]),
    )
