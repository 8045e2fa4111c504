"""The container image, read as its builder reads it: what it is made from is there, is pinned, and holds no secret."""

import re
import tomllib
from fnmatch import fnmatch
from pathlib import Path
from typing import Final

from services import settings

ROOT: Final = Path(__file__).parent.parent.parent
INSTRUCTIONS: Final = [
    line.split(maxsplit=1)
    for line in (ROOT / "infra/Containerfile").read_text().replace("\\\n", " ").splitlines()
    if line and not line.startswith("#")
]
LAST: Final = max(number for number, (name, _) in enumerate(INSTRUCTIONS) if name == "FROM")
"""Where the stage begins that becomes the image."""


def those(name: str, of: list[list[str]] = INSTRUCTIONS) -> list[str]:
    return [rest for found, rest in of if found == name]


def let_through(place: str) -> bool:
    """Whether .dockerignore lets a file or folder into the build. The last pattern that fits decides."""
    answer = True
    for line in (ROOT / ".dockerignore").read_text().splitlines():
        pattern = line.removeprefix("!")
        if line and not line.startswith("#") and fnmatch(place, pattern):
            answer = line.startswith("!")
    return answer


def test_both_stages_are_of_one_and_the_same_pinned_python() -> None:
    bases = {base.partition(" AS ")[0] for base in those("FROM")}
    assert len(bases) == 1
    assert re.fullmatch(r"docker\.io/library/python:3\.\d+\.\d+-slim-\w+", bases.pop())


def test_what_is_copied_is_there_and_reaches_the_build() -> None:
    sources = [place for copy in those("COPY") if "--from" not in copy for place in copy.split()[:-1]]
    assert sources
    assert [place for place in sources if not (ROOT / place).exists() or not let_through(place)] == []


def test_nothing_else_reaches_the_build() -> None:
    copied = {place for copy in those("COPY") if "--from" not in copy for place in copy.split()[:-1]}
    assert {path.name for path in ROOT.iterdir() if let_through(path.name)} == copied


def test_every_package_is_checked_against_its_hash_and_none_comes_from_elsewhere() -> None:
    downloads = [run for run in those("RUN") if "pip download" in run]
    assert len(downloads) == 1
    assert "--require-hashes" in downloads[0]
    assert all("--no-index" in run for run in those("RUN") if "pip install" in run)


def test_it_runs_as_nobody_in_particular() -> None:
    [user] = those("USER", INSTRUCTIONS[LAST:])
    assert int(user.partition(":")[0]) >= 1000


def test_it_starts_the_command_with_settings_that_are_known() -> None:
    scripts = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["scripts"]
    [entry] = those("ENTRYPOINT")
    assert entry == '["resonance"]'
    assert "resonance" in scripts
    given = dict(pair.split("=") for pair in those("ENV")[0].split() if pair.startswith("RESONANCE_"))
    read = settings.read(given)
    assert (str(read.data), read.port) == (*those("VOLUME"), int(those("EXPOSE")[0]))
