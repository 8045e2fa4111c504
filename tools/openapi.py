"""Writes contracts/openapi/v1.json, the document of the HTTP API, as the service gives it; or checks it.

With ``--check`` it writes nothing and ends with 1 where the file is out of date.
"""

import asyncio
import json
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from services import storage
from services.serving import Service
from services.settings import Settings
from tools.written import command

DOCUMENT = Path(__file__).resolve().parent.parent / "contracts/openapi/v1.json"


def document() -> dict[str, Any]:
    """What a Resonance with nothing in it says at ``/openapi.json``."""
    with tempfile.TemporaryDirectory() as folder:
        settings = Settings(data=Path(folder))
        storage.migrate(settings)
        return asyncio.run(_document(Service(settings)))


async def _document(service: Service) -> dict[str, Any]:
    async with service.framework.router.lifespan_context(service.framework):
        return service.framework.openapi()


def text() -> str:
    return json.dumps(document(), indent=2, ensure_ascii=False) + "\n"


def main(arguments: Sequence[str]) -> str | None:
    """Runs the command; returns what to complain about, or None."""
    return command(arguments, "openapi", "Write the OpenAPI document of the service.", DOCUMENT, text)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
