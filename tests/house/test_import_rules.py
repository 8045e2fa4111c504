"""Every import rule of pyproject.toml is proven by breaking it once."""

import os
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent
SETTINGS = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]
LINTER = Path(sys.executable).parent / "lint-imports"

LAYERS = "Layers: imports point down"
CONTRACTS = "Contracts import nobody of ours"
PURE = "The pure core touches no clock, disk, network or log"
STORE_DOOR = "One door to the event sourcing library"
KAFKA_DOOR = "One door to Kafka"
CIPHER_DOOR = "One door to ciphers"

# Where the offending line goes, the line, and the rules that it breaks.
OFFENCES = {
    "a lower layer imports a higher one": ("services/projections/course.py", "import services.alerts.decide", LAYERS),
    "a layer imports its neighbour": ("services/ingest/accept.py", "import services.projections.course", LAYERS),
    "a new file nobody placed": ("services/novel.py", "", LAYERS),
    "contracts import a service": ("contracts/events.py", "import services.eventlog.ports", CONTRACTS),
    "the fold reads the clock": ("services/projections/course.py", "import time", PURE),
    "the clock comes through another of our modules": ("contracts/data.py", "import time", PURE),
    "a decision logs": ("services/alerts/decide.py", "import logging", PURE),
    "a package of the core opens a database": ("services/projections/__init__.py", "import sqlite3", PURE),
    "a second door to the store": ("services/projections/run.py", "import eventsourcing.persistence", STORE_DOOR),
    "a second door to Kafka": ("services/eventlog/relay.py", "import kafka", KAFKA_DOOR),
    "a second door to ciphers": ("services/access/session.py", "import cryptography", CIPHER_DOOR),
}


@pytest.fixture
def house(tmp_path: Path) -> Path:
    """A copy of what the linter reads, to be broken."""
    for folder in SETTINGS["root_packages"]:
        shutil.copytree(ROOT / folder, tmp_path / folder, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    return tmp_path


def broken_rules(house: Path) -> set[str]:
    done = subprocess.run(
        [LINTER, "--no-cache"],
        cwd=house,
        env=os.environ | {"PYTHONPATH": str(house), "NO_COLOR": "1", "COLUMNS": "200"},
        capture_output=True,
        text=True,
        check=False,
    )
    broken = set(re.findall(r"^(.+) BROKEN", done.stdout, flags=re.MULTILINE))
    assert (done.returncode == 0) is not bool(broken), done.stdout + done.stderr
    return broken


@pytest.mark.parametrize("offence", OFFENCES)
def test_an_import_against_the_rule_is_refused_by_name(house: Path, offence: str) -> None:
    place, line, rule = OFFENCES[offence]
    with (house / place).open("a") as file:
        file.write(f"\n{line}\n")
    assert rule in broken_rules(house)


def test_the_house_as_it_stands_breaks_no_rule(house: Path) -> None:
    assert broken_rules(house) == set()


def test_every_rule_is_broken_here_once() -> None:
    assert {rule for _, _, rule in OFFENCES.values()} == {rule["name"] for rule in SETTINGS["contracts"]}
