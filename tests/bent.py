"""Bodies that are nearly right: valid JSON values that were bent in some places, and spelt in some way or other."""

import json
from collections.abc import Callable, Mapping, Sequence
from random import Random
from typing import Any, Final

CANARY: Final = "canary"
"""No problem may hold it."""
VALUES: Final[Sequence[Any]] = (
    *(None, True, False, 0, 1, -1, 17.4, 10**30, 1e308, [], {}, [[]], {"": {}}, [{}], [None]),
    *("", "12", "1.0", "urn:a:b", ":", "a:b", "{}", '"', "\\", "\0", "\n", "\x7f", "é", "\U0001f642"),
    *("e\u0301" * 2_000, "x" * 70_000, "specversion", '","specversion":"', "2026-02-30", "2026-03-02T16:05:00Z"),
    *("9999-12-31T23:59:59-14:00", "0001-01-01T00:00:00+14:00", "2026-03-02T24:00:00Z", "case/ca_12", "th_12"),
    *(
        "resonance.measure.recorded.v1",
        "ors",
        CANARY,
        f"{CANARY} smith",
        "total",
        "Patient/1",
        "final",
        "http://loinc.org",
        "44261-6",
    ),
)
"""What may stand where something else stood."""
SPELT: Final = (
    *("NaN", "Infinity", "-Infinity", "1e999", "-1e999", "1e-999", "-0", "0.0", "17", "17.40", "01", "1.", "+1"),
    *("9" * 5_000, "0." + "0" * 5_000 + "1", "[" * 500 + "]" * 500, "[" * 20_000, '{"a":' * 20_000),
    *('"\\ud800"', '"\\u0000"', '"\\u0022"', '"\\"'),
)
"""Values that only a text can hold."""
TOKENS: Final = (
    *('"', '\\"', "\\", ":", " :", "\n:", ",", "{", "}", "[", "]", "null", "\0", "\ufeff", " ", "//", "é", "\u2028"),
    *('"specversion":"1.0",', '"id":"1",', '"\\u0069d":"1",', ",{}", "},{", '":', "\\ud83d\\ude42", "\t" * 70_000),
)
"""What may come in between."""
GAPS: Final = ("", "", "", " ", "\n  ", "\t", "\r\n")


class Members(list[tuple[str, Any]]):
    """An object that may bear a name twice."""


def bent(value: object, rng: Random) -> bytes:
    """``value`` as JSON, bent in up to four places, which may leave it as it is, spell it anew or break it."""
    tree = _tree(value)
    for _ in range(rng.choice((0, 1, 1, 2, 3))):
        tree = _bend(tree, rng)
    text = _spelt(tree, rng, rng.choice(GAPS), rng.choice(GAPS), ascii_only=rng.random() < 0.5)
    body = text.encode("utf-8", "surrogatepass")
    if rng.random() < 0.3:
        body = _broken(body, rng)
    return body


def _tree(value: object) -> Any:
    match value:
        case Mapping():
            return Members((name, _tree(each)) for name, each in value.items())
        case list():
            return [_tree(each) for each in value]
        case _:
            return value


def _bend(tree: Any, rng: Random) -> Any:
    """Something was done to one place, found by going down some way."""
    if not isinstance(tree, list) or not tree or rng.random() < 0.2:
        return rng.choice((tree, _tree(rng.choice(VALUES)), [tree], Members([(CANARY, tree)])))
    at = rng.randrange(len(tree))
    if isinstance(tree, Members):
        name, value = tree[at]
        ways: Sequence[Callable[[], list[tuple[str, Any]]]] = (
            list,
            lambda: [(name, value), (name, _tree(rng.choice(VALUES)))],
            lambda: [(name, value), (name, value)],
            lambda: [(rng.choice((CANARY, "data", "type", "", name.upper())), value)],
            *[lambda: [(name, _bend(value, rng))]] * 6,
        )
        changed = Members([*tree[:at], *rng.choice(ways)(), *tree[at + 1 :]])
        if rng.random() < 0.2:
            rng.shuffle(changed)
        return changed
    return [*tree[:at], *rng.choice(([], [tree[at]] * 2, [_bend(tree[at], rng)])), *tree[at + 1 :]]


def _spelt(tree: Any, rng: Random, before: str, after: str, *, ascii_only: bool) -> str:
    """JSON with gaps before colons and after signs."""

    def text(tree: Any) -> str:
        if rng.random() < 0.005:
            return rng.choice(SPELT)
        if isinstance(tree, Members):
            members = (
                f"{json.dumps(name, ensure_ascii=ascii_only)}{before}:{after}{text(each)}" for name, each in tree
            )
            return "{" + f",{after}".join(members) + "}"
        if isinstance(tree, list):
            return "[" + f",{after}".join(map(text, tree)) + "]"
        return json.dumps(tree, ensure_ascii=ascii_only)

    return text(tree)


def _broken(body: bytes, rng: Random) -> bytes:
    start = rng.randrange(len(body) + 1)
    end = min(len(body), start + rng.choice((0, 1, 2, 10, 200)))
    token = rng.choice(TOKENS).encode()
    return body[:start] + rng.choice((b"", token, body[start:end] * 2, bytes([rng.randrange(256)]))) + body[end:]
