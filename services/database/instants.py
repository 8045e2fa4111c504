"""Instants as they stand in tables."""

from datetime import UTC, datetime
from typing import overload


def text(instant: datetime) -> str:
    """UTC in one spelling, so that texts sort as instants do."""
    return instant.astimezone(UTC).isoformat(timespec="microseconds")


@overload
def instant(kept: str) -> datetime: ...
@overload
def instant(kept: None) -> None: ...
def instant(kept: str | None) -> datetime | None:
    """What ``text`` made, or nothing of nothing."""
    return None if kept is None else datetime.fromisoformat(kept)
