"""Is every value that one JSON Schema allows also allowed by another? The reasons against it, or none.

Of JSON Schema 2020-12 and of draft 7 it knows what our contracts use. What it cannot tell it calls a difference: a
pattern, a format or a step that is not the same, and every keyword that it does not know. Object properties are judged
by the rule of the contracts: a new optional one is no difference to a reader, and one that is gone is a difference to
anybody.
"""

from collections.abc import Iterator
from typing import Any, Final, NamedTuple, TypeAlias

Schema: TypeAlias = dict[str, Any]

_LEAST: Final = ("minimum", "exclusiveMinimum", "minLength", "minItems", "minProperties")
_MOST: Final = ("maximum", "exclusiveMaximum", "maxLength", "maxItems", "maxProperties")
_COUNTS: Final = ("minLength", "minItems", "minProperties")
_SAME: Final = ("pattern", "format", "multipleOf", "uniqueItems", "contentEncoding")
_ANNOTATIONS: Final = frozenset(
    {"title", "description", "default", "examples", "example", "deprecated", "discriminator", "$schema", "$id", "$defs"}
)
_KNOWN: Final = _ANNOTATIONS.union(
    ("type", "enum", "const", "$ref", "allOf", "anyOf", "oneOf"),
    ("properties", "required", "additionalProperties", "items", "prefixItems"),
    (*_LEAST, *_MOST, *_SAME),
)
_EVERY_TYPE: Final = ("array", "boolean", "integer", "null", "number", "object", "string")


class Side(NamedTuple):
    """A schema, and the document that its references lead into."""

    schema: Any
    document: Schema

    def to(self, schema: Any) -> "Side":
        return Side(schema, self.document)

    def reference(self) -> str:
        """Empty where it is none."""
        return self.schema.get("$ref", "") if isinstance(self.schema, dict) else ""

    def resolved(self) -> "Side":
        """Where a reference leads, with what stands beside it."""
        side = self
        while isinstance(side.schema, dict) and "$ref" in side.schema:
            beside = {name: said for name, said in side.schema.items() if name != "$ref" and name not in _ANNOTATIONS}
            found: Any = side.document
            for step in side.schema["$ref"].removeprefix("#/").split("/"):
                found = found[step]
            side = side.to(found | beside if beside else found)
        if isinstance(side.schema, dict) and "allOf" in side.schema:
            rest = {name: said for name, said in side.schema.items() if name != "allOf"}
            return side.to(_merged([*(side.to(part).resolved().schema for part in side.schema["allOf"]), rest]))
        return side

    def kinds(self) -> list["Side"]:
        """The members of a union; of any other schema itself."""
        for name in ("anyOf", "oneOf"):
            if name in self.schema:
                rest = {key: said for key, said in self.schema.items() if key != name and key not in _ANNOTATIONS}
                return [self.to({**one, **rest} if rest else one).resolved() for one in self.schema[name]]
        return [self]

    def types(self) -> set[str]:
        said = self.schema.get("type")
        if said is not None:
            return {said} if isinstance(said, str) else set(said)
        values = self.values()
        return set(_EVERY_TYPE) if values is None else {_type(value) for value in values}

    def values(self) -> list[Any] | None:
        """The only values that are possible, where they are listed."""
        if "const" in self.schema:
            return [self.schema["const"]]
        listed: list[Any] | None = self.schema.get("enum")
        return listed

    def says_nothing(self) -> bool:
        return self.schema is True or not set(self.schema) - _ANNOTATIONS

    def open(self) -> Any:
        """What a property has to be that is not named; False where there may be none."""
        return self.schema.get("additionalProperties", True)


def differences(inner: Side, outer: Side, place: str = "", *, old_is_inner: bool) -> list[str]:
    """Why some value of ``inner`` is none of ``outer``: each reason with its place. Empty where there is no such value.

    ``old_is_inner``: the inner schema is the earlier one, as of what is sent to us; else the outer one, as of answers.
    """
    return list(dict.fromkeys(_Comparison(old_is_inner).of(inner, outer, place)))


class _Comparison:
    def __init__(self, old_is_inner: bool, begun: frozenset[tuple[str, str]] = frozenset()) -> None:
        self._old_is_inner = old_is_inner
        self._begun = set(begun)
        """References that were followed, in pairs: what refers to itself is compared once."""

    def of(self, inner: Side, outer: Side, place: str) -> Iterator[str]:
        pair = inner.reference(), outer.reference()
        inner, outer = inner.resolved(), outer.resolved()
        if (all(pair) and pair in self._begun) or outer.says_nothing() or inner.schema is False:
            return
        self._begun.add(pair)
        if outer.schema is False:
            yield f"{place}: nothing is allowed any more"
        elif inner.says_nothing():
            yield f"{place}: anything is allowed on one side only"
        else:
            yield from self._of_parts(inner, outer, place)

    def _of_parts(self, inner: Side, outer: Side, place: str) -> Iterator[str]:
        wanted, offered = inner.kinds(), outer.kinds()
        if len(wanted) == len(offered) == 1:
            yield from self._of_one(wanted[0], offered[0], place)
            return
        for kind in wanted:
            named = _name(kind)
            by_offer = [
                (
                    _name(one) == named,
                    list(_Comparison(self._old_is_inner, frozenset(self._begun)).of(kind, one, place)),
                )
                for one in offered
            ]
            if any(not found for _, found in by_offer):
                continue
            same = [found for agrees, found in by_offer if agrees and named]
            yield from same[0] if same else [f"{place}: {named or 'a kind'} is not among the kinds"]

    def _of_one(self, inner: Side, outer: Side, place: str) -> Iterator[str]:
        allowed = outer.types() | ({"integer"} if "number" in outer.types() else set())
        if not inner.types() <= allowed:
            yield f"{place}: type {', '.join(sorted(inner.types() - allowed))} is not allowed"
            return
        yield from self._of_values(inner, outer, place)
        yield from self._of_bounds(inner.schema, outer.schema, place)
        for name in sorted(outer.schema.keys() - _KNOWN):
            if not name.startswith("x-") and outer.schema[name] != inner.schema.get(name):
                yield f"{place}: {name}, of which nobody here can tell what it shuts out"
        yield from self._of_arrays(inner, outer, place)
        if "object" in inner.types():
            yield from self._of_objects(inner, outer, place)

    def _of_values(self, inner: Side, outer: Side, place: str) -> Iterator[str]:
        values, allowed = inner.values(), outer.values()
        if allowed is None:
            return
        if values is None:
            yield f"{place}: any value, where only some are allowed"
        elif missing := [value for value in values if value not in allowed]:
            yield f"{place}: value {', '.join(map(str, missing))} is not allowed"

    def _of_bounds(self, inner: Schema, outer: Schema, place: str) -> Iterator[str]:
        listed = "enum" in inner or "const" in inner
        for name in () if listed else (*_LEAST, *_MOST, *_SAME):
            if name not in outer or outer[name] is False or (name in _COUNTS and not outer[name]):
                continue
            bound, own = outer[name], inner.get(name)
            fits = own is not None and (
                own == bound if name in _SAME else own >= bound if name in _LEAST else own <= bound
            )
            if not fits:
                yield f"{place}: {name} {bound}, where it was or may be {'without one' if own is None else own}"

    def _of_arrays(self, inner: Side, outer: Side, place: str) -> Iterator[str]:
        if "items" in inner.schema or "items" in outer.schema:
            yield from self.of(
                inner.to(inner.schema.get("items", True)), outer.to(outer.schema.get("items", True)), f"{place}/*"
            )
        pairs = zip(inner.schema.get("prefixItems", []), outer.schema.get("prefixItems", []), strict=False)
        for number, (one, other) in enumerate(pairs):
            yield from self.of(inner.to(one), outer.to(other), f"{place}/{number}")
        if len(inner.schema.get("prefixItems", [])) != len(outer.schema.get("prefixItems", [])):
            yield f"{place}: another number of entries"

    def _of_objects(self, inner: Side, outer: Side, place: str) -> Iterator[str]:
        for name in sorted(set(outer.schema.get("required", [])) - set(inner.schema.get("required", []))):
            yield f"{place}/{name}: required, where it can be missing"
        one, other = inner.schema.get("properties", {}), outer.schema.get("properties", {})
        old, new = (one, other) if self._old_is_inner else (other, one)
        for name in sorted(old.keys() - new.keys()):
            yield f"{place}/{name}: the property is gone"
        for name in sorted(one.keys() & other.keys()):
            yield from self.of(inner.to(one[name]), outer.to(other[name]), f"{place}/{name}")
        if outer.open() is False and inner.open() is not False:
            yield f"{place}: further properties are not allowed"
        elif isinstance(outer.open(), dict):
            yield from self.of(inner.to(inner.open()), outer.to(outer.open()), f"{place}/*")


def _merged(parts: list[Schema]) -> Schema:
    """One schema for all of ``parts``, of which a later one says more about the same."""
    merged: Schema = {}
    for part in parts:
        both = merged.get("properties", {}), part.get("properties", {})
        required = {*merged.get("required", []), *part.get("required", [])}
        merged = (
            merged
            | part
            | {"properties": {name: both[0].get(name, {}) | both[1].get(name, {}) for name in both[0] | both[1]}}
        )
        merged["required"] = sorted(required)
    return merged


def _name(side: Side) -> str | None:
    """What tells a kind of a union from the others: its ``type``, or what it is called."""
    if not isinstance(side.schema, dict):
        return None
    told = side.schema.get("properties", {}).get("type", {})
    name = told.get("const") if isinstance(told, dict) else None
    name = name or side.schema.get("title") or side.schema.get("type")
    return name if isinstance(name, str) else None


def _type(value: object) -> str:
    match value:
        case bool():
            return "boolean"
        case None:
            return "null"
        case str():
            return "string"
        case int():
            return "integer"
        case float():
            return "number"
        case dict():
            return "object"
        case _:
            return "array"
