"""Writes contracts/fhir/capabilitystatement.json, what the FHIR door says that it can do; or checks it.

With ``--check`` it writes nothing and ends with 1 where the file is out of date.
"""

import json
import sys
from collections.abc import Sequence
from pathlib import Path

from services.fhir.capability import statement
from tools.written import command

DOCUMENT = Path(__file__).resolve().parent.parent / "contracts/fhir/capabilitystatement.json"


def text() -> str:
    return json.dumps(statement(), indent=2, ensure_ascii=False) + "\n"


def main(arguments: Sequence[str]) -> str | None:
    """Runs the command; returns what to complain about, or None."""
    return command(arguments, "capability", "Write the CapabilityStatement of the FHIR door.", DOCUMENT, text)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
