"""Pages of a list that is read in its own order: from a cursor on, with bounded work, without offsets and totals.

Where more follows, ``Link`` names the next page (RFC 8288), as ``next_cursor`` in the body does.
"""

from collections.abc import Callable, Sequence
from typing import Final, TypeVar

from services.access.refusals import Described

MOST_ITEMS: Final = 1_000
"""Of a page."""
LINKED: Final[Described] = {
    "headers": {"Link": {"description": "Where more follows: the next page (RFC 8288)", "schema": {"type": "string"}}}
}
"""For the OpenAPI document, of the answer that is a page."""
MOST_SCANNED: Final = 5_000
"""Entries that are looked at for one page, shown or not: a page can hold less than was asked for, or nothing."""
_AT_ONCE: Final = 1_000

Cursor = TypeVar("Cursor", int, str)
Entry = TypeVar("Entry")
Item = TypeVar("Item")


def page(
    read: Callable[[Cursor, int], Sequence[Entry]],
    cursor_of: Callable[[Entry], Cursor],
    shown: Callable[[Entry], Item | None],
    after: Cursor,
    limit: int,
) -> tuple[list[Item], Cursor, bool]:
    """Up to ``limit`` items, the cursor behind which the next page begins, and whether the list ended here.

    ``read`` gives the entries beyond a cursor, at most so many and none at the end; ``shown`` what the reader is given
    of an entry, or None.
    """
    items: list[Item] = []
    scanned, size = 0, limit
    while scanned < MOST_SCANNED:
        entries = read(after, size)
        if not entries:
            return items, after, True
        for entry in entries:
            after = cursor_of(entry)
            item = shown(entry)
            if item is not None:
                items.append(item)
            if len(items) == limit:
                return items, after, False
        scanned, size = scanned + len(entries), _AT_ONCE
    return items, after, False


def link(path: str, after: int | str, limit: int) -> str:
    """The value of ``Link`` that names the next page."""
    return f'<{path}?after={after}&limit={limit}>; rel="next"'
