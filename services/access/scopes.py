"""Scopes as words: our own, and those of SMART on FHIR for backend services, compared by what they permit.

``system/Observation.c`` and ``system/*.cruds`` (SMART 2.x, "Scopes for requesting FHIR Resources"), ``.write``,
``.read`` and ``.*`` (SMART 1) permit interactions on a type of resource. ``events:write`` permits to create any type,
``events:read`` to read and to search any. A scope with a query (``?category=…``) permits less than can be kept here,
so it permits nothing; ``user/`` and ``patient/`` scopes are about people, and permit nothing either.
"""

import re
from collections.abc import Iterable, Iterator
from typing import Final

_SMART: Final = re.compile(r"system/(\*|[A-Z][A-Za-z]{1,63})\.(c?r?u?d?s?|read|write|\*)", re.ASCII)
_FIRST_VERSION: Final = {"read": "rs", "write": "cud", "*": "cruds"}
_NATIVE: Final = {"events:write": "c", "events:read": "rs"}


def is_smart(scope: str) -> bool:
    return _SMART.fullmatch(scope) is not None


def common(token: Iterable[str], registered: Iterable[str]) -> frozenset[str]:
    """What both permit: own scopes that stand in both, and FHIR interactions one by one, as ``system/Encounter.c``."""
    asked, allowed = set(token), set(registered)
    interactions = {
        f"system/{one if other == '*' else other}.{letter}"
        for one, letter in _interactions(asked)
        for other, also in _interactions(allowed)
        if letter == also and (one == other or "*" in {one, other})
    }
    return frozenset(interactions | {scope for scope in asked & allowed if not is_smart(scope)})


def permits(scopes: Iterable[str], interaction: str, resource_type: str) -> bool:
    """Whether they permit an interaction, one letter of SMART 2: ``c`` create, ``r`` read, ``s`` search."""
    return any(letter == interaction and found in {"*", resource_type} for found, letter in _interactions(scopes))


def _interactions(scopes: Iterable[str]) -> Iterator[tuple[str, str]]:
    for scope in scopes:
        match = _SMART.fullmatch(scope)
        if match:
            yield from ((match[1], letter) for letter in _FIRST_VERSION.get(match[2], match[2]))
        yield from (("*", letter) for letter in _NATIVE.get(scope, ""))
