"""Writes requirements.lock anew from pyproject.toml, for all platforms and Pythons; called by `make lock`."""

import subprocess
import tempfile
import venv
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
UV = "uv==0.13.9"


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        venv.create(folder, with_pip=True)
        programs = Path(folder) / "bin"
        subprocess.run([programs / "python", "-m", "pip", "install", "--quiet", UV], check=True)
        subprocess.run(
            [
                *(programs / "uv", "pip", "compile", "--quiet", "--upgrade", "--universal", "--python-version", "3.11"),
                *("--generate-hashes", "--no-annotate", "--no-header", "--group", "dev"),
                *("pyproject.toml", "--output-file", "requirements.lock"),
            ],
            check=True,
            cwd=ROOT,
        )
    print("requirements.lock is written; read the difference, then run make test.")


if __name__ == "__main__":
    main()
