"""A match that forgets a case is refused by the type checker, so a new event lists every fold that must change."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent
FOLD = '''"""A fold over two events."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Held:
    minutes: int


@dataclass(frozen=True)
class Missed:
    kind: str


def minutes(event: Held | Missed) -> int:
    total = 0
    match event:
        case Held():
            total += event.minutes
{rest}    return total
'''


def mypy(folder: Path, source: str) -> str:
    (folder / "fold.py").write_text(source)
    settings = f"--config-file={ROOT / 'pyproject.toml'}"
    command = [sys.executable, "-m", "mypy", settings, "--cache-dir=cache", "fold.py"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    return done.stdout


def test_a_forgotten_event_is_an_error(tmp_path: Path) -> None:
    assert "[exhaustive-match]" in mypy(tmp_path, FOLD.format(rest=""))


def test_a_fold_over_every_event_is_accepted(tmp_path: Path) -> None:
    assert "Success" in mypy(tmp_path, FOLD.format(rest="        case Missed():\n            pass\n"))
