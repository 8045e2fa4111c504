"""Posts every example resource of a folder through the FHIR door and writes down what became of it, as a table.

``python -m tests.fhir.us_core FOLDER`` prints the table that is committed as contracts/fhir/us-core-results.md.
"""

import json
import sys
import tempfile
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import httpx

from tests.running import Running

NOW: Final = datetime(2026, 3, 10, 9, tzinfo=UTC)
SOURCE: Final = "urn:example:us-core"
HEAD: Final = """# What becomes of the example resources of US Core

Each example is posted twice to a network that holds nothing else: as it is, and with an identity given by
`If-None-Exist`, which the examples lack. The credential speaks for one clinic. Checked by `tests/fhir/test_us_core.py`.

- **201** stored, with the event that it became.
- **200** understood and rightly not stored, and why.
- **404**, **422** refused: the kind of the problem, what is wrong, and the element.

| Example | As it is | With an identity |
|---|---|---|
"""


def table(folder: Path) -> str:
    """The whole document, an example a row."""
    with tempfile.TemporaryDirectory() as place:
        network = Running(Path(place), NOW)
        try:
            key = network.create_key("events:write", clinics=["cl_07"], sources=[SOURCE])
            return HEAD + "".join(_rows(network, key, sorted(folder.glob("*.json"))))
        finally:
            network.close()


def _rows(network: Running, key: str, paths: list[Path]) -> Iterator[str]:
    for number, path in enumerate(paths):
        resource = json.loads(path.read_bytes())
        identity = f"identifier={SOURCE}|example-{number}"
        answers = (_post(network, key, resource, {}), _post(network, key, resource, {"If-None-Exist": identity}))
        yield f"| {path.stem} | {' | '.join(_told(network, answer) for answer in answers)} |\n"


def _post(network: Running, key: str, resource: dict[str, Any], headers: dict[str, str]) -> httpx.Response:
    headers = {"Content-Type": "application/fhir+json", "Prefer": "return=OperationOutcome"} | headers
    return network.ask("POST", f"/fhir/{resource['resourceType']}", key=key, json=resource, headers=headers)


def _told(network: Running, answer: httpx.Response) -> str:
    if answer.status_code == 201:
        return f"201 `{network.events()[-1].type}`"
    [issue] = answer.json()["issue"]
    if answer.status_code == 200:
        return f"200 {issue['details']['text']}"
    codes = [coding["code"] for coding in issue["details"]["coding"]]
    return " ".join([str(answer.status_code), *(f"`{one}`" for one in [*codes, *issue.get("expression", [])])])


if __name__ == "__main__":
    sys.stdout.write(table(Path(sys.argv[1])))
