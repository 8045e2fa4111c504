"""What the bearer of an API key or of a token may do, and for whom it may speak."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, Literal, TypeAlias, get_args

from services.access.problems import Refused, problem
from services.access.scopes import permits

Scope: TypeAlias = Literal[
    "events:write",
    "events:read",
    "imports:write",
    "read",
    "feed:read",
    "alerts:read",
    "webhooks:manage",
    "registry:manage",
    "audit:read",
]
SCOPES: Final[tuple[Scope, ...]] = get_args(Scope)


@dataclass(frozen=True, slots=True)
class Credential:
    """A verified key or token. ``clinics`` and ``sources`` are ``None`` where it speaks for all of its network."""

    id: str
    """Of the key, or of the client that the token is for: never secret, and never about a person."""
    network: str
    clinics: frozenset[str] | None
    sources: frozenset[str] | None
    scopes: frozenset[str]

    def require(self, scope: Scope) -> None:
        """Raises Refused (``insufficient-scope``) unless it carries ``scope``."""
        if scope not in self.scopes:
            raise _insufficient(scope)

    def may_create(self, resource_type: str) -> bool:
        """Whether it carries ``events:write``, or SMART's scope to create FHIR resources of this type."""
        return permits(self.scopes, "c", resource_type)

    def may_read(self, resource_type: str) -> bool:
        """Whether it carries ``events:read``, or SMART's scope to read FHIR resources of this type."""
        return permits(self.scopes, "r", resource_type)

    def require_create(self, resource_type: str) -> None:
        """Raises Refused (``insufficient-scope``) unless it may. ``resource_type`` is one of ours, as it is echoed."""
        if not self.may_create(resource_type):
            raise _insufficient(f"system/{resource_type}.c")

    def require_read(self, resource_type: str) -> None:
        """The same for reading."""
        if not self.may_read(resource_type):
            raise _insufficient(f"system/{resource_type}.r")

    def speaks_for_clinic(self, clinic: str | None) -> bool:
        return self.clinics is None or clinic in self.clinics

    def speaks_for_clinics(self, clinics: Iterable[str]) -> bool:
        """Whether for each of them."""
        return all(map(self.speaks_for_clinic, clinics))

    def speaks_for_source(self, source: str) -> bool:
        return self.sources is None or source in self.sources


def _insufficient(scope: str) -> Refused:
    challenge = f'Bearer realm="resonance", error="insufficient_scope", scope="{scope}"'
    return Refused(problem("insufficient-scope", headers={"WWW-Authenticate": challenge}))
