"""Reads JSON more strictly than most readers do, as two readers of one ambiguous text can see two different things.

No repeated names, no NaN, no lone surrogates: RFC 8259, sections 4, 6 and 8.2.
"""

import json
import re
from collections.abc import Iterator
from itertools import islice
from typing import Final, NamedTuple, NoReturn

from services.access.problems import Fault, Problem, Refused, problem

_GAP: Final = re.compile(r"[ \t\n\r]*")
_ID: Final = re.compile(r"[A-Za-z0-9._:-]{1,128}")


class Item(NamedTuple):
    """A value as it is spelt, its well-formed ``id`` if it has one, and why it cannot be read, if so."""

    text: str
    id: str | None
    unread: Problem | None


class _Ambiguous(ValueError):
    """JSON that other readers may understand differently; its text is the code of the fault."""


def _members(pairs: list[tuple[str, object]]) -> dict[str, object]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise _Ambiguous("duplicate_key")
    return members


def _no_number(_: str) -> NoReturn:
    raise _Ambiguous("not_a_number")


_STRICT: Final = json.JSONDecoder(object_pairs_hook=_members, parse_constant=_no_number)
_LENIENT: Final = json.JSONDecoder(parse_int=len, parse_float=len)
"""Finds where a value ends that the strict decoder gave up on, whatever its numbers are."""


def read_value(body: bytes) -> str:
    """The text of ``body``, which is one JSON value. Raises Refused (``malformed-json``)."""
    item = read_item(body)
    if item.unread is not None:
        raise Refused(item.unread)
    return item.text


def read_item(body: bytes) -> Item:
    """The one JSON value that ``body`` is, or why it is none, as an entry of an array would be read."""
    try:
        text = body.decode()
        return Item(text, _id_of(_STRICT.decode(text)), None)
    except (ValueError, RecursionError) as error:
        return Item("", None, _malformed(error))


def read_array(body: bytes, most: int) -> list[Item]:
    """The entries of ``body``, a JSON array, as far as the first ``most``.

    Raises Refused: ``malformed-json`` where it cannot be told apart into entries, ``validation`` where it is no array.
    """
    try:
        return list(islice(_items(body.decode()), most))
    except (ValueError, RecursionError) as error:
        raise Refused(_malformed(error)) from None


def _items(text: str) -> Iterator[Item]:
    start = _after_gap(text, 0)
    if not text.startswith("[", start):
        _STRICT.decode(text)
        raise Refused(problem("validation", Fault("", "type"), detail="An array is expected."))
    start = end = _after_gap(text, start + 1)
    going = not text.startswith("]", start)
    while going:
        item, end = _item(text, start)
        yield item
        end = _after_gap(text, end)
        going = text.startswith(",", end)
        start = _after_gap(text, end + 1)
    if not text.startswith("]", end) or _after_gap(text, end + 1) != len(text):
        raise json.JSONDecodeError("not the end of an array", "", 0)


def _item(text: str, start: int) -> tuple[Item, int]:
    """The entry that begins at ``start``, and where it ends."""
    try:
        value, end = _STRICT.raw_decode(text, start)
    except json.JSONDecodeError:
        raise
    except ValueError as error:
        _, end = _LENIENT.raw_decode(text, start)
        return Item(text[start:end], None, _malformed(error)), end
    return Item(text[start:end], _id_of(value), None), end


def _after_gap(text: str, start: int) -> int:
    gap = _GAP.match(text, start)
    return gap.end() if gap else start


def _id_of(value: object) -> str | None:
    name = value.get("id") if isinstance(value, dict) else None
    return name if isinstance(name, str) and _ID.fullmatch(name) else None


def _malformed(error: Exception) -> Problem:
    match error:
        case json.JSONDecodeError():
            code = "syntax"
        case UnicodeDecodeError():
            code = "encoding"
        case _Ambiguous():
            code = str(error)
        case RecursionError():
            code = "depth"
        case _:
            code = "number"  # of more digits than Python reads into an integer
    return problem("malformed-json", Fault("", code))
