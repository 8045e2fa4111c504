"""Puts what was said on a page on the log, and waits until the pages show it."""

from typing import Final, Literal, TypeAlias

from contracts.events import AnyEvent
from services.pages.parts import Parts

PATIENCE_SECONDS: Final = 2.0
Kept: TypeAlias = Literal["kept", "already", "soon"]
"""It is on the log and shown; it, or something of its id, was there before; it is there and not shown yet."""
SAID: Final[dict[str, str]] = {
    "kept": "Noted, thank you.",
    "already": "This had been noted already, so nothing was stored a second time. "
    "If you have changed something since, please record it anew.",
    "soon": "Noted, thank you. It will be shown here in a moment.",
}
"""What the next page says about it."""
NOT_NOW: Final = "This cannot be stored at the moment, and nothing was changed. Please send it again in a minute."


async def keep(parts: Parts, event: AnyEvent) -> Kept:
    """Raises what ``parts.submit`` raises."""
    appended = await parts.submit(event)
    shown = await parts.applied.reached(appended.position, PATIENCE_SECONDS)
    if appended.duplicate or appended.conflict:  # sent twice it bears two times of day, and is a conflict
        return "already"
    return "kept" if shown else "soon"
