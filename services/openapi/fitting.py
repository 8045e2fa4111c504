"""Fits an OpenAPI document to the generators of others: what is optional is never null, what nobody needs is gone."""

import re
from collections.abc import Iterator
from typing import Any, Final

from services.access.refusals import Described

_NONE: Final = re.compile(r"(?<![-\w])None(?![-\w])")


def not_null(schema: Described) -> Described:
    """``schema`` of what may be left out, which is then never null."""
    kinds = [kind for kind in schema.get("anyOf", []) if kind != {"type": "null"}]
    if len(kinds) != 1 or len(kinds) == len(schema["anyOf"]):
        return schema
    found: Described = kinds[0]
    return found | {name: said for name, said in schema.items() if name != "anyOf" and said is not None}


def without_null(part: Any) -> None:
    """The same for every property that may be left out, of whatever is described within ``part`` itself."""
    if isinstance(part, list):
        for inner in part:
            without_null(inner)
    if not isinstance(part, dict):
        return
    for name, said in part.get("properties", {}).items():
        if name not in part.get("required", []):
            part["properties"][name] = not_null(said)
    for inner in part.values():
        without_null(inner)


def spell_shortly(part: Any) -> None:
    """Spells one type or null as a list of types, a tuple of one type as an array: many generators know no others."""
    if isinstance(part, list):
        for inner in part:
            spell_shortly(inner)
    if not isinstance(part, dict):
        return
    kinds = part.get("anyOf", [])
    if len(kinds) == 2 and kinds[1] == {"type": "null"} and isinstance(kinds[0].get("type"), str):
        del part["anyOf"]
        one = kinds[0]
        part |= one | {"type": [one["type"], "null"]} | ({"enum": [*one["enum"], None]} if "enum" in one else {})
    entries = part.get("prefixItems")
    if entries and all(entry == entries[0] for entry in entries):
        part["items"] = part.pop("prefixItems")[0]
    elif entries:
        part["items"] = {"description": "Nothing: all that are there are listed one by one."}
    for inner in part.values():
        spell_shortly(inner)


def spell_null(part: Any) -> None:
    """Spells null in descriptions as JSON does: they are those of the code, in which it is ``None``."""
    if isinstance(part, list):
        for inner in part:
            spell_null(inner)
    if not isinstance(part, dict):
        return
    if isinstance(part.get("description"), str):
        part["description"] = _NONE.sub("null", part["description"])
    for inner in part.values():
        spell_null(inner)


def _references(part: Any) -> Iterator[str]:
    """What ``part`` refers to, of whatever section of the components."""
    if isinstance(part, dict):
        for name, value in part.items():
            if isinstance(value, str) and value.startswith("#/components/") and name not in ("description", "title"):
                yield value
            else:
                yield from _references(value)
    elif isinstance(part, list):
        for value in part:
            yield from _references(value)


def part_of(document: Described, reference: str) -> Described:
    part: Described = document
    for step in reference.removeprefix("#/").split("/"):
        part = part[step]
    return part


def reached(document: Described, *parts: Any) -> set[str]:
    """Everything that ``parts`` refer to, in so many steps."""
    found: set[str] = set()
    new = {reference for part in parts for reference in _references(part)}
    while new:
        found |= new
        new = {further for name in new for further in _references(part_of(document, name))} - found
    return found


def prune(document: Described) -> None:
    needed = reached(document, document["paths"])
    for section, entries in document["components"].items():
        if section != "securitySchemes":
            kept = {name: said for name, said in entries.items() if f"#/components/{section}/{name}" in needed}
            document["components"][section] = dict(sorted(kept.items()))
