"""The systemd units: each runs what it says with settings that are known, and as shut in as the others."""

import re
import shutil
import subprocess
from pathlib import Path
from typing import Final

import pytest

from services import settings
from services.__main__ import main

INFRA: Final = Path(__file__).parent.parent.parent / "infra"
UNITS: Final = sorted((INFRA / "systemd").glob("resonance-*.service"))
SECRETS: Final = {"database_url": "postgresql:///resonance?host=/run/postgresql", "smtp_url": "smtp://mail.example"}
PROGRAM: Final = "/opt/resonance/current/venv/bin/resonance"


def lines(unit: Path) -> list[str]:
    return [line for line in unit.read_text().splitlines() if line and not line.startswith("#")]


def values(unit: Path, name: str) -> list[str]:
    return [line.partition("=")[2] for line in lines(unit) if line.startswith(f"{name}=")]


def command(unit: Path) -> str:
    [started] = values(unit, "ExecStart")
    program, _, role = started.partition(" ")
    assert program == PROGRAM
    return role


def environment(unit: Path, folder: Path) -> dict[str, str]:
    """What a process of ``unit`` finds, with its credentials as files in ``folder``."""
    shared = (INFRA / "systemd/environment").read_text().splitlines()
    given = [line for line in shared if line and not line.startswith("#")]
    for credential in values(unit, "LoadCredential"):
        name, _, source = credential.partition(":")
        assert source == f"/etc/resonance/{name}"
        (folder / name).write_text(SECRETS[name])
    own = "\n".join(values(unit, "Environment"))
    for specifier, meaning in {"%d": str(folder), "%S": "/var/lib", "%i": "8123"}.items():
        own = own.replace(specifier, meaning)
    return dict(line.split("=", 1) for line in [*given, *own.splitlines()])


@pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit.stem)
def test_a_unit_runs_the_command_of_its_name(unit: Path) -> None:
    assert unit.stem.rstrip("@") == f"resonance-{command(unit)}"
    with pytest.raises(SystemExit) as ended:
        main([command(unit), "--help"])
    assert ended.value.code == 0


@pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit.stem)
def test_a_unit_gives_settings_that_are_known_and_its_secrets_as_files(unit: Path, tmp_path: Path) -> None:
    found = settings.read(environment(unit, tmp_path))
    assert found.database_url == SECRETS["database_url"]
    assert bool(found.smtp_url) == (command(unit) in {"ingest", "alerts"})
    assert str(found.data) == "/var/lib/resonance"
    assert (found.port == 8123) == unit.stem.endswith("@")


def test_no_two_units_listen_on_one_port(tmp_path: Path) -> None:
    ports = [settings.read(environment(unit, tmp_path)).port for unit in UNITS if command(unit) in {"ingest", "relay"}]
    assert sorted(ports) == [8000, 8010]


def test_all_are_shut_in_alike() -> None:
    ways = {unit.read_text().partition("# It sees")[2].partition("\n[Install]")[0].strip() for unit in UNITS}
    assert len(ways) == 1
    assert "NoNewPrivileges=yes" in ways.pop()


@pytest.mark.parametrize("unit", [unit for unit in UNITS if "migrate" not in unit.stem], ids=lambda unit: unit.stem)
def test_a_role_is_started_again_whenever_it_ends_and_belongs_to_the_target(unit: Path) -> None:
    assert values(unit, "Restart") == ["always"]
    assert values(unit, "StartLimitIntervalSec") == ["0"]
    assert values(unit, "PartOf") == values(unit, "WantedBy") == ["resonance.target"]


def test_the_command_for_operators_reads_what_the_units_read(tmp_path: Path) -> None:
    script = (INFRA / "systemd/resonance").read_text()
    [alerts] = [unit for unit in UNITS if "alerts" in unit.stem]
    named = set(re.findall(r"^(RESONANCE_\w+)=", script, re.MULTILINE))
    assert named == {line.partition("=")[0] for line in values(alerts, "Environment")} - {"RESONANCE_PORT"}
    assert PROGRAM in script
    assert subprocess.run(["sh", "-n", INFRA / "systemd/resonance"], check=False).returncode == 0


def test_systemd_finds_nothing_wrong_with_any(tmp_path: Path) -> None:
    if not shutil.which("systemd-analyze"):
        pytest.skip("systemd-analyze is not on PATH")
    for unit in (INFRA / "systemd").iterdir():
        if unit.suffix in {".service", ".target"}:
            # The programs are not on this machine.
            there = re.sub(r"^ExecStart=\S+", "ExecStart=/bin/true", unit.read_text(), flags=re.MULTILINE)
            (tmp_path / unit.name).write_text(there)
    done = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", *sorted(tmp_path.iterdir())],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
