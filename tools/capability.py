"""Writes contracts/fhir/capabilitystatement.json, what the FHIR door says that it can do; or checks it.

With ``--check`` it writes nothing and ends with 1 where the file is out of date.
"""

import json
import sys
from argparse import ArgumentParser
from collections.abc import Sequence
from pathlib import Path

from services.fhir.capability import statement

DOCUMENT = Path(__file__).resolve().parent.parent / "contracts/fhir/capabilitystatement.json"


def text() -> str:
    return json.dumps(statement(), indent=2, ensure_ascii=False) + "\n"


def main(arguments: Sequence[str]) -> str | None:
    """Runs the command; returns what to complain about, or None."""
    parser = ArgumentParser(description="Write the CapabilityStatement of the FHIR door.")
    parser.add_argument("--check", action="store_true", help="write nothing; fail where the file is out of date")
    if not parser.parse_args(arguments).check:
        DOCUMENT.write_text(text(), "utf-8")
        return None
    found = DOCUMENT.read_text("utf-8") if DOCUMENT.exists() else ""
    return None if found == text() else f"out of date: {DOCUMENT.name}; python -m tools.capability writes it"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
