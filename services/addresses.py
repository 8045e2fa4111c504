"""What an address on the web says: read in one way only, and whether a machine is on the public internet."""

import re
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from typing import Final, NamedTuple

LONGEST_ADDRESS: Final = 2_048

_LABEL: Final = r"[A-Za-z0-9_](?:[A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?"
_REST: Final = r"[A-Za-z0-9._~:/?@!$&'()*+,;=%\[\]-]*"
_URL: Final = re.compile(
    rf"(https?)://((?:{_LABEL}\.)*{_LABEL}\.?|\[[0-9A-Fa-f:.]{{2,45}}\])(?::([0-9]{{1,5}}))?([/?]{_REST})?"
)
"""Stricter than RFC 3986: no user, no fragment, no backslash, so that nobody reads another host in it than we do."""
_PORTS: Final = {"https": 443, "http": 80}
_NUMBER_LAST: Final = re.compile(r"(.*\.)?([0-9]+|0[xX][0-9A-Fa-f]*)\.?")
_ONLY_GLOBAL: Final = ip_network("2000::/3")
_CARRIES_IPV4: Final = ip_network("2002::/16")
_NOT_FOR_HOSTS: Final = (ip_network("192.0.0.0/24"), ip_network("192.88.99.0/24"))
_DOCUMENTED: Final = ip_network("3fff::/20")


class Target(NamedTuple):
    scheme: str
    named: str
    """The host as it stands in the URL, in small letters."""
    port: int
    path: str

    @property
    def host(self) -> str:
        """Without the brackets of an IPv6 address."""
        return self.named.strip("[]")

    @property
    def authority(self) -> str:
        """As the header ``Host`` has it."""
        return self.named if self.port == _PORTS[self.scheme] else f"{self.named}:{self.port}"


def is_public(address: str) -> bool:
    """Whether an address is one of the public internet, by IANA's registries of special-purpose addresses."""
    try:
        found = ip_address(address)
    except ValueError:
        return False
    if not found.is_global or found.is_multicast or found.is_reserved:
        return False
    if isinstance(found, IPv4Address):
        return not any(found in network for network in _NOT_FOR_HOSTS)
    # Whatever lies elsewhere, or carries an IPv4 address in it, leads to one that this function would have to see.
    return found in _ONLY_GLOBAL and found not in _CARRIES_IPV4 and found not in _DOCUMENTED


def target(url: str) -> Target:
    """Raises ValueError where ``url`` is not one that every reader understands alike, of http or https."""
    match = _URL.fullmatch(url) if len(url) <= LONGEST_ADDRESS else None
    if match is None:
        raise ValueError("not an address")
    scheme, named, digits, rest = match.groups()
    port = int(digits) if digits else _PORTS[scheme]
    if not 0 < port < 65_536 or len(named) > 253 or not _is_host(named):
        raise ValueError("not an address")
    path = rest or "/"
    return Target(scheme, named.lower(), port, path if path[0] == "/" else f"/{path}")


def _is_host(named: str) -> bool:
    """Old resolvers read ``2130706433`` and ``0177.1`` as addresses; no name ends in a number (WHATWG URL, 2021)."""
    try:
        if named.startswith("["):
            IPv6Address(named.strip("[]"))
        elif _NUMBER_LAST.fullmatch(named):
            IPv4Address(named)
    except ValueError:
        return False
    return True
