"""The lock file covers what pyproject.toml asks for: pinned, with hashes, and from nowhere in particular."""

import re
import tomllib
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parent.parent.parent
SETTINGS = tomllib.loads((ROOT / "pyproject.toml").read_text())
LOCK = (ROOT / "requirements.lock").read_text()
PINS = re.findall(r"^([a-z0-9-]+)==(\S+)(?: ; [^\\]+)? \\\n    --hash=sha256:", LOCK, flags=re.MULTILINE)


def test_every_dependency_is_pinned_to_an_allowed_version() -> None:
    wanted = [
        *SETTINGS["project"]["dependencies"],
        *SETTINGS["dependency-groups"]["dev"],
        *SETTINGS["build-system"]["requires"],
    ]
    for requirement in map(Requirement, wanted):
        versions = [version for name, version in PINS if name == canonicalize_name(requirement.name)]
        assert versions, f"{requirement.name} is not in requirements.lock: make lock"
        assert all(version in requirement.specifier for version in versions), f"{requirement}: make lock"


def test_every_pin_has_a_hash() -> None:
    assert len(PINS) == LOCK.count("==", 0) - len(re.findall(r" ; .*==", LOCK))


def test_the_lock_names_no_place_to_load_from() -> None:
    assert not re.search(r"://|--index|--extra-index|--find-links", LOCK)
