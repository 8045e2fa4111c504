"""An issuer of tokens as others run it: own keys, a key set on a real server, and tokens that say what a test wants."""

import json
from base64 import urlsafe_b64encode
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from typing import Any, Final, TypeAlias

import jwt
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from jwt.algorithms import get_default_algorithms

from tests.peers import Asked, Peer, Said, peer

Private: TypeAlias = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey

ISSUER: Final = "https://id.north.example/realms/ehr"
AUDIENCE: Final = "https://resonance.example/north"
CLIENT: Final = "north-ehr"
SCOPES: Final = "events:write read"

RSA: Final = rsa.generate_private_key(public_exponent=65_537, key_size=2_048)
P256: Final = ec.generate_private_key(ec.SECP256R1())
P384: Final = ec.generate_private_key(ec.SECP384R1())
ED25519: Final = ed25519.Ed25519PrivateKey.generate()
OF: Final[Mapping[str, Private]] = {"RS256": RSA, "RS384": RSA, "ES256": P256, "ES384": P384, "EdDSA": ED25519}
"""A key that can sign so."""


def public(key: Private, kid: str = "first", algorithm: str = "ES384", **more: Any) -> dict[str, Any]:
    """The public key as a key set has it."""
    found: dict[str, Any] = get_default_algorithms()[algorithm].to_jwk(key.public_key(), as_dict=True)
    return {name: value for name, value in found.items() if name != "key_ops"} | {"kid": kid, "use": "sig"} | more


def claims(now: datetime, **other: Any) -> dict[str, Any]:
    """Those of a token that is in order; what ``other`` gives as None is left out."""
    issued = int(now.timestamp())
    found = {
        "iss": ISSUER,
        "aud": AUDIENCE,
        "client_id": CLIENT,
        "sub": CLIENT,
        "iat": issued,
        "exp": issued + 300,
        "scope": SCOPES,
        "jti": "a1",
    }
    return {name: value for name, value in (found | other).items() if value is not None}


def signed(said: object, key: Any = P384, algorithm: str = "ES384", **header: Any) -> str:
    """A token that says so, whatever it is. What ``header`` gives as None is left out."""
    named = {name: value for name, value in ({"kid": "first"} | header).items() if value is not None}
    return jwt.PyJWS().encode(json.dumps(said).encode(), key, algorithm, named)


def assembled(header: object, said: object, signature: bytes = b"") -> str:
    """A token that no library would make."""
    parts = (json.dumps(header).encode(), json.dumps(said).encode(), signature)
    return ".".join(urlsafe_b64encode(part).rstrip(b"=").decode() for part in parts)


class KeySet:
    """What an issuer shows at the address of its keys; it can change."""

    def __init__(self, *keys: dict[str, Any]) -> None:
        self.keys = list(keys)
        self.headers: dict[str, str] = {}
        self.status = 200

    def says(self, _: Asked) -> Said:
        return Said(self.status, self.headers, json.dumps({"keys": self.keys}).encode())


@contextmanager
def showing(found: KeySet) -> Iterator[Peer]:
    with peer(found.says) as there:
        yield there
