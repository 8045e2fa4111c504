"""What the bearer of an API key may do, and for whom it may speak."""

from dataclasses import dataclass
from typing import Final, Literal, TypeAlias, get_args

from services.access.problems import Refused, problem

Scope: TypeAlias = Literal["events:write", "read", "registry:manage"]
SCOPES: Final[tuple[Scope, ...]] = get_args(Scope)


@dataclass(frozen=True, slots=True)
class Credential:
    """A verified key. ``clinics`` and ``sources`` are ``None`` where the key speaks for all of its network."""

    key_id: str
    network: str
    clinics: frozenset[str] | None
    sources: frozenset[str] | None
    scopes: frozenset[str]

    def require(self, scope: Scope) -> None:
        """Raises Refused (``insufficient-scope``) unless the key carries ``scope``."""
        if scope not in self.scopes:
            challenge = f'Bearer realm="resonance", error="insufficient_scope", scope="{scope}"'
            raise Refused(problem("insufficient-scope", headers={"WWW-Authenticate": challenge}))

    def speaks_for_clinic(self, clinic: str | None) -> bool:
        return self.clinics is None or clinic in self.clinics

    def speaks_for_source(self, source: str) -> bool:
        return self.sources is None or source in self.sources
