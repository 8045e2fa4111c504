"""Writes the JSON Schema of every event type to contracts/schemas, or checks that they are up to date.

``python -m contracts.generate`` writes them; with ``--check`` it writes nothing, names the files that differ and
ends with 1. The schemas follow JSON Schema 2020-12, https://json-schema.org/draft/2020-12.
"""

import json
import sys
from argparse import ArgumentParser
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from contracts.events import EVENT_TYPES, AnyEvent
from contracts.wire import Sent

SCHEMAS: Final = Path(__file__).with_name("schemas")


def schema(event_type: str, model: type[AnyEvent]) -> dict[str, object]:
    """The schema of one event type, as the type is sent."""
    made = model.model_json_schema(schema_generator=Sent)
    # In code these two have defaults; on the wire they tell what the rest is.
    made["required"] = list(dict.fromkeys(["specversion", "type", *made["required"]]))
    return {"$schema": Sent.schema_dialect, "$id": f"urn:resonance:schema:{event_type}", **made}


def schema_files() -> dict[str, str]:
    """The text of every schema file by its name."""
    return {
        f"{event_type}.json": json.dumps(schema(event_type, model), indent=2, ensure_ascii=False) + "\n"
        for event_type, model in EVENT_TYPES.items()
    }


def differing(folder: Path) -> list[str]:
    """The names of the files in ``folder`` that are missing, out of date, or of no event type."""
    wanted = schema_files()
    present = {path.name: path.read_text("utf-8") for path in folder.iterdir()}
    return sorted(name for name in wanted | present if wanted.get(name) != present.get(name))


def write(folder: Path) -> None:
    """Makes ``folder`` hold the schemas and nothing else."""
    wanted = schema_files()
    for path in folder.iterdir():
        if path.name not in wanted:
            path.unlink()
    for name, text in wanted.items():
        (folder / name).write_text(text, "utf-8")


def main(arguments: Sequence[str]) -> str | None:
    """Runs the command; returns what to complain about, or None."""
    parser = ArgumentParser(prog="python -m contracts.generate", description="Write the schemas of all events.")
    parser.add_argument("--check", action="store_true", help="write nothing; fail where a file is out of date")
    if not parser.parse_args(arguments).check:
        write(SCHEMAS)
        return None
    names = differing(SCHEMAS)
    return f"out of date: {', '.join(names)}" if names else None


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
