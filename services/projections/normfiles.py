"""Norm sets as files: one JSON file per version, written once and never changed."""

from collections.abc import Iterator
from pathlib import Path
from typing import Final

from pydantic import TypeAdapter

from services.projections.norms import NormSet

_JSON: Final = TypeAdapter(NormSet)


def write(folder: Path, norms: NormSet) -> Path:
    """Keeps ``norms`` in ``folder`` under its version. Raises FileExistsError where it is there already."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{norms.version}.json"
    with path.open("xb") as file:
        file.write(_JSON.dump_json(norms, indent=1))
    return path


def read(folder: Path) -> Iterator[NormSet]:
    """Every norm set in ``folder``, the earliest in force first; none where there is no such folder."""
    sets = (_JSON.validate_json(path.read_bytes()) for path in folder.glob("*.json"))
    yield from sorted(sets, key=lambda norms: (norms.effective_from, norms.version))
