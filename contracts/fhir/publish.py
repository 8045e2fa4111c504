"""Writes codesystem.json and scale-map.json beside this module, the code map as FHIR R4 tells it; or checks them.

The CodeSystem lists a code for every scale of every instrument, the ConceptMap which codes of others mean which.
``python -m contracts.fhir.publish`` writes them; with ``--check`` it writes nothing and ends with 1 where they differ.
Sources: https://hl7.org/fhir/R4/codesystem.html, https://hl7.org/fhir/R4/conceptmap.html
"""

import json
import sys
from argparse import ArgumentParser
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from contracts.fhir import SCALES, Scored, codes, own_scales
from contracts.instruments import Instrument, catalogue

FOLDER: Final = Path(__file__).parent
_COMMON: Final = {"status": "active", "version": "1"}
_PROPERTIES: Final = {
    "instrument": ("string", "Key of the instrument"),
    "instrumentVersion": ("string", "Age band or form of the instrument"),
    "scale": ("string", "Name of the scale"),
    "minimum": ("decimal", "Lowest score"),
    "maximum": ("decimal", "Highest score"),
    "higherIsBetter": ("boolean", "Whether a higher score is the better one"),
}


def code_system() -> dict[str, Any]:
    """Our scales, as a CodeSystem."""
    return {
        "resourceType": "CodeSystem",
        "url": SCALES,
        **_COMMON,
        "name": "ResonanceScale",
        "caseSensitive": True,
        "content": "complete",
        "property": [
            {"code": code, "type": kind, "description": description}
            for code, (kind, description) in _PROPERTIES.items()
        ],
        "concept": [
            {"code": code, "property": _properties(meant, catalogue()[meant.instrument, meant.version])}
            for (_, code), meant in own_scales()
        ],
    }


def scale_map() -> dict[str, Any]:
    """Codes of other systems -> our scales, as a ConceptMap."""
    groups: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for (system, code), meant in codes().meanings.items():
        if isinstance(meant, Scored) and system != SCALES:
            ours = f"{meant.instrument}-{meant.version}-{meant.scale}"
            groups[system].append({"code": code, "target": [{"code": ours, "equivalence": "equivalent"}]})
    return {
        "resourceType": "ConceptMap",
        "url": f"{SCALES}:map",
        **_COMMON,
        "name": "ResonanceScaleMap",
        "group": [
            {"source": system, "target": SCALES, "element": elements} for system, elements in sorted(groups.items())
        ],
    }


def files() -> dict[Path, str]:
    """The text of each file."""
    made = {"codesystem.json": code_system(), "scale-map.json": scale_map()}
    return {FOLDER / name: json.dumps(content, indent=2) + "\n" for name, content in made.items()}


def main(arguments: Sequence[str]) -> str | None:
    """Runs the command; returns what to complain about, or None."""
    parser = ArgumentParser(prog="python -m contracts.fhir.publish", description="Write the code map as FHIR tells it.")
    parser.add_argument("--check", action="store_true", help="write nothing; fail where a file is out of date")
    if parser.parse_args(arguments).check:
        names = [path.name for path, text in files().items() if not path.exists() or path.read_text("utf-8") != text]
        return f"out of date: {', '.join(names)}; python -m contracts.fhir.publish writes them" if names else None
    for path, text in files().items():
        path.write_text(text, "utf-8")
    return None


def _properties(meant: Scored, instrument: Instrument) -> list[dict[str, Any]]:
    [scale] = [one for one in (instrument.total, *instrument.parts) if one.name == meant.scale]
    return [
        {"code": "instrument", "valueString": meant.instrument},
        {"code": "instrumentVersion", "valueString": meant.version},
        {"code": "scale", "valueString": meant.scale},
        {"code": "minimum", "valueDecimal": scale.minimum},
        {"code": "maximum", "valueDecimal": scale.maximum},
        {"code": "higherIsBetter", "valueBoolean": instrument.higher_is_better},
    ]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
