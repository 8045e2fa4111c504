"""Does the present keep what every release promised? ``python -m tools.compat`` names each promise that it breaks.

What is sent to us may only become wider, what we answer only narrower, or hold optional parts more. An answer may have
a refusal more: a client takes a status that it does not know for the first of its class (RFC 9110, section 15).
"""

import json
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from tools import measures
from tools.contained import Schema, Side, differences

CONTRACTS: Final = Path(__file__).resolve().parent.parent / "contracts"
RELEASED: Final = CONTRACTS / "released"
OPENAPI: Final = "openapi/v1.json"
ASYNCAPI: Final = "asyncapi/asyncapi.json"
CAPABILITIES: Final = "fhir/capabilitystatement.json"
INSTRUMENTS: Final = "instruments.json"


def openapi(old: Schema, new: Schema) -> list[str]:
    """What a client of the ``old`` document loses with a server of the ``new`` one."""
    found = [
        f"{name}: the credential is presented in another way"
        for name, scheme in old["components"]["securitySchemes"].items()
        if _presented(scheme) != _presented(new["components"]["securitySchemes"].get(name, {}))
    ]
    for path, operations in old["paths"].items():
        for method, operation in operations.items():
            place = f"{method.upper()} {path}"
            now = new["paths"].get(path, {}).get(method)
            if now is None:
                found.append(f"{place}: the operation is gone")
            else:
                found += _operation(Side(operation, old), Side(now, new), place)
    return found


def _presented(scheme: Schema) -> Schema:
    return {name: said for name, said in scheme.items() if name not in ("description", "bearerFormat")}


def _operation(old: Side, new: Side, place: str) -> Iterator[str]:
    if old.schema["operationId"] != new.schema["operationId"]:
        yield f"{place}: another operationId, which names the function of a generated client"
    yield from _security(old.schema.get("security", []), new.schema.get("security", []), place)
    yield from _parameters(old, new, place)
    yield from _request(old, new, place)
    yield from _answers(old, new, place)


def _security(old: list[Schema], new: list[Schema], place: str) -> Iterator[str]:
    for one in old or [{}]:
        if new and not any(
            scheme.keys() == one.keys() and all(set(scheme[name]) <= set(one[name]) for name in one) for scheme in new
        ):
            yield f"{place}: what {' and '.join(one) or 'nobody'} was asked for is no longer enough"


def _parameters(old: Side, new: Side, place: str) -> Iterator[str]:
    before, now = _named(old), _named(new)
    for name, one in before.items():
        if name not in now:
            yield f"{place} {name}: the parameter is gone"
        else:
            yield from _sent(old.to(one["schema"]), new.to(now[name]["schema"]), f"{place} {name}")
            if "default" in one["schema"] and one["schema"]["default"] != now[name]["schema"].get("default"):
                yield f"{place} {name}: another default"
    for name, one in now.items():
        if one.get("required") and not before.get(name, {}).get("required"):
            yield f"{place} {name}: the parameter is required, where it can be missing"


def _named(operation: Side) -> dict[str, Schema]:
    resolved = (operation.to(one).resolved().schema for one in operation.schema.get("parameters", []))
    return {f"{one['in']} {one['name'].lower() if one['in'] == 'header' else one['name']}": one for one in resolved}


def _request(old: Side, new: Side, place: str) -> Iterator[str]:
    before, now = (side.to(side.schema.get("requestBody", {})).resolved().schema for side in (old, new))
    if now.get("required") and not before.get("required"):
        yield f"{place} body: required, where it can be missing"
    for kind, content in before.get("content", {}).items():
        if kind not in now.get("content", {}):
            yield f"{place} body: {kind} is not accepted"
        else:
            new_schema = now["content"][kind].get("schema", True)
            yield from _sent(old.to(content.get("schema", True)), new.to(new_schema), f"{place} body")


def _answers(old: Side, new: Side, place: str) -> Iterator[str]:
    before, now = old.schema["responses"], new.schema["responses"]
    for status in before.keys() - now.keys():
        yield f"{place} {status}: the status is gone"
    for status in now.keys() - before.keys():
        if status < "400":
            yield f"{place} {status}: a status of success more"
    for status in before.keys() & now.keys():
        was, is_now = old.to(before[status]).resolved().schema, new.to(now[status]).resolved().schema
        for header in was.get("headers", {}).keys() - is_now.get("headers", {}).keys():
            yield f"{place} {status}: the header {header} is gone"
        for header in was.get("headers", {}).keys() & is_now.get("headers", {}).keys():
            told, is_told = (
                side.to(answer["headers"][header]).resolved().schema.get("schema", True)
                for side, answer in ((old, was), (new, is_now))
            )
            yield from _answered(old.to(told), new.to(is_told), f"{place} {status} {header}")
        for kind, content in was.get("content", {}).items():
            if kind not in is_now.get("content", {}):
                yield f"{place} {status}: {kind} is no longer given"
            else:
                schema = is_now["content"][kind].get("schema", True)
                yield from _answered(old.to(content.get("schema", True)), new.to(schema), f"{place} {status}")
        for kind in is_now.get("content", {}).keys() - was.get("content", {}).keys():
            yield f"{place} {status}: {kind} may be given as well"


def events(old: Mapping[str, Schema], new: Mapping[str, Schema]) -> list[str]:
    """Which events that the ``old`` schemas allow the ``new`` ones refuse; both by the event's type."""
    found: list[str] = []
    for name, schema in old.items():
        if name not in new:
            found.append(f"{name}: the event type is gone")
        else:
            found += _sent(Side(schema, schema), Side(new[name], new[name]), name)
    return found


def asyncapi(old: Schema, new: Schema) -> list[str]:
    """What a reader of our messages loses that was built for the ``old`` document."""
    found: list[str] = []
    for name, channel in old["channels"].items():
        now = new["channels"].get(name)
        if now is None or now["address"] != channel["address"]:
            found.append(f"{name}: the channel is gone")
        else:
            gone = channel["messages"].keys() - now["messages"].keys()
            found += [f"{name} {message}: the message is gone" for message in sorted(gone)]
    messages = new["components"]["messages"]
    for name, message in old["components"]["messages"].items():
        if name not in messages:
            continue  # told above, as a message that its channel lacks
        for part in ("headers", "payload"):
            if part in message:
                now = Side(messages[name].get(part, True), new)
                found += _answered(Side(message[part], old), now, f"{name} {part}")
        key, is_now = (one.get("bindings", {}).get("kafka", {}).get("key", True) for one in (message, messages[name]))
        found += _answered(Side(key, old), Side(is_now, new), f"{name} key")
        if message.get("contentType") != messages[name].get("contentType"):
            found.append(f"{name}: another content type")
    return found


def capabilities(old: Schema, new: Schema) -> list[str]:
    """Which resources, interactions and searches of the ``old`` FHIR CapabilityStatement the ``new`` one lacks."""
    return [f"{one}: the capability is gone" for one in sorted(_abilities(old) - _abilities(new))]


def _abilities(statement: Schema) -> set[str]:
    found: set[str] = set()
    for rest in statement.get("rest", []):
        found |= {f"system {one['code']}" for one in rest.get("interaction", [])}
        for resource in rest.get("resource", []):
            found |= {f"{resource['type']} {one['code']}" for one in resource.get("interaction", [])}
            found |= {f"{resource['type']}?{one['name']}=" for one in resource.get("searchParam", [])}
    return found


def _sent(old: Side, new: Side, place: str) -> list[str]:
    return differences(old, new, place, old_is_inner=True)


def _answered(old: Side, new: Side, place: str) -> list[str]:
    return differences(new, old, place, old_is_inner=False)


def read(path: Path) -> Any:
    return json.loads(path.read_text("utf-8"))


def schemas(folder: Path) -> dict[str, Schema]:
    return {path.stem: read(path) for path in sorted((folder / "schemas").iterdir())}


def broken(release: Path, present: Path = CONTRACTS) -> list[str]:
    """The promises of ``release``, the folder of one, that ``present`` breaks."""
    return [
        *openapi(read(release / OPENAPI), read(present / OPENAPI)),
        *events(schemas(release), schemas(present)),
        *asyncapi(read(release / ASYNCAPI), read(present / ASYNCAPI)),
        *capabilities(read(release / CAPABILITIES), read(present / CAPABILITIES)),
        *measures.refused(read(release / INSTRUMENTS), measures.taken()),
    ]


def releases() -> list[Path]:
    """The folder of every release, the oldest first."""
    return sorted(path for path in RELEASED.glob("*") if path.is_dir())


def main() -> str | None:
    """Runs the command; returns what to complain about, or None."""
    found = [f"{release.name}: {one}" for release in releases() for one in broken(release)]
    return "\n".join(found) or None


if __name__ == "__main__":
    sys.exit(main())
