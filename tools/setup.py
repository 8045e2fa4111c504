"""Makes .venv from requirements.lock, and says so while it does; called by `make setup`, standard library only."""

import subprocess
import sys
import venv
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
PYTHON = VENV / "bin/python"
LOCK = ROOT / "requirements.lock"
PIP = (str(PYTHON), "-m", "pip", "--disable-pip-version-check", "--no-input", "install", "--no-deps")


def say(line: str) -> None:
    print(line, flush=True)


def usable() -> bool:
    """Whether .venv is there, runs, and is of the same Python as the one running this file."""
    question = "import sys, pip; print(*sys.version_info[:2])"
    try:
        answer = subprocess.run([PYTHON, "-c", question], capture_output=True, text=True, check=True).stdout
    except (OSError, subprocess.CalledProcessError):
        return False
    return answer.split() == [str(number) for number in sys.version_info[:2]]


def install(*what: str) -> None:
    """Runs pip, counting the packages on a terminal; its whole output is shown only when it fails.

    Raises SystemExit with pip's status.
    """
    lines: list[str] = []
    packages = 0
    with subprocess.Popen([*PIP, *what], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, cwd=ROOT) as pip:
        for line in pip.stdout or ():
            lines.append(line)
            if line.startswith("Collecting") and sys.stdout.isatty():
                packages += 1
                print(f"\r      {packages} packages", end="", flush=True)
    if packages:
        say("")
    if pip.returncode:
        say("".join(lines))
        raise SystemExit(pip.returncode)


def main() -> None:
    version = ".".join(str(number) for number in sys.version_info[:3])
    say(f"Setting up .venv with Python {version}: about a minute, and only when the dependencies change.")
    if not usable():
        say("[1/3] a fresh virtual environment")
        venv.create(VENV, clear=True, with_pip=True, symlinks=True)
    else:
        say("[1/3] the virtual environment is there")
    say("[2/3] the packages named in requirements.lock, each checked against its hash")
    install("--require-hashes", "-r", str(LOCK))
    say("[3/3] Resonance itself, from this folder")
    install("--no-build-isolation", "--editable", ".")


if __name__ == "__main__":
    main()
