"""Freezes the present contracts as a release that is kept for ever: ``python -m tools.release 1.0``.

contracts/released/<release>/ then holds the OpenAPI and AsyncAPI documents, the event schemas, the FHIR
CapabilityStatement, which scores each instrument takes, and a golden event of every type: as it was sent, and in the
canonical spelling that it had then.
contracts/released/digests.json holds one digest a release, by which the tests see that nobody changed it.
"""

import json
import shutil
import sys
from argparse import ArgumentParser
from collections.abc import Sequence
from hashlib import sha256
from pathlib import Path
from typing import Final

from contracts import generate
from contracts.events import EVENT_TYPES, canonical, parse
from services.openapi.document import RELEASE
from tools import asyncapi, capability, measures, openapi
from tools.compat import ASYNCAPI, CAPABILITIES, CONTRACTS, INSTRUMENTS, OPENAPI, RELEASED, broken, releases

GOLDEN: Final = "golden"
"""The folder of a release whose ``sent`` holds events, and whose ``canonical`` the same in their canonical spelling."""


def digest(folder: Path) -> str:
    """Of every file's name and content below ``folder``."""
    found = sha256()
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        content = path.read_bytes()
        found.update(f"{path.relative_to(folder).as_posix()}\n{len(content)}\n".encode() + content)
    return found.hexdigest()


def digests() -> dict[str, str]:
    """The digest of every release, as it was when it was made."""
    path = RELEASED / "digests.json"
    found: dict[str, str] = json.loads(path.read_text("utf-8")) if path.exists() else {}
    return found


def freeze(release: str) -> None:
    """Writes the folder of ``release`` and its digest."""
    folder = RELEASED / release
    for name in (OPENAPI, ASYNCAPI, CAPABILITIES):
        (folder / name).parent.mkdir(parents=True)
        shutil.copy(CONTRACTS / name, folder / name)
    shutil.copytree(CONTRACTS / "schemas", folder / "schemas")
    (folder / INSTRUMENTS).write_text(json.dumps(measures.taken(), indent=2) + "\n", "utf-8")
    for kind in ("sent", "canonical"):
        (folder / GOLDEN / kind).mkdir(parents=True)
    for event_type in EVENT_TYPES:
        sent = (CONTRACTS / "samples" / f"{event_type}.json").read_bytes()
        (folder / GOLDEN / "sent" / f"{event_type}.json").write_bytes(sent)
        (folder / GOLDEN / "canonical" / f"{event_type}.json").write_bytes(canonical(parse(sent)))
    known = digests() | {release: digest(folder)}
    (RELEASED / "digests.json").write_text(json.dumps(known, indent=2) + "\n", "utf-8")


def complaints(release: str) -> list[str]:
    """What stands against making ``release`` now."""
    found = [f"the contracts call themselves {RELEASE}: services/openapi/document.py"] if release != RELEASE else []
    if (RELEASED / release).exists() or release in digests():
        found.append(f"{release} was released; what has changed since is another release")
    for written in (generate, asyncapi, openapi, capability):
        complaint = written.main(["--check"])
        found += [complaint] if complaint else []
    return found or [f"{kept.name}: {promise}" for kept in releases() for promise in broken(kept)]


def main(arguments: Sequence[str]) -> str | None:
    """Runs the command; returns what to complain about, or None."""
    parser = ArgumentParser(description="Freeze the present contracts as a release.")
    parser.add_argument("release", help="its number, as 1.0")
    release = parser.parse_args(arguments).release
    found = complaints(release)
    if not found:
        freeze(release)
    return "\n".join(found) or None


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
