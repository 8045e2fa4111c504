"""How the tables of keys and clients keep ids, sets of names and instants."""

import json
import secrets
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Final

LETTERS: Final = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"


def random(length: int) -> str:
    """So many letters and digits, 5.95 random bits each."""
    return "".join(secrets.choice(LETTERS) for _ in range(length))


def listed(names: Iterable[str] | None) -> str | None:
    """As an array in JSON; None stays None."""
    return None if names is None else json.dumps(sorted(set(names)))


def names(text: str | None) -> frozenset[str] | None:
    """What ``listed`` was given."""
    return None if text is None else frozenset(json.loads(text))


def instant(seconds: int) -> datetime:
    """Of seconds since 1970."""
    return datetime.fromtimestamp(seconds, UTC)
