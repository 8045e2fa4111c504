"""The compose file: everything that it names is there, is pinned, and fits together."""

import re
from pathlib import Path
from typing import Any, Final

import pytest
import yaml  # type: ignore[import-untyped]  # it ships no types

from services import settings
from services.__main__ import main

INFRA: Final = Path(__file__).parent.parent.parent / "infra"
COMPOSE: Final = yaml.safe_load((INFRA / "compose.yaml").read_text())
SERVICES: Final[dict[str, Any]] = COMPOSE["services"]
OURS: Final = [name for name, service in SERVICES.items() if "build" in service]
ROLES: Final = ["ingest", "relay", "projections", "alerts"]


def settings_of(name: str, folder: Path) -> settings.Settings:
    """What the process of a service reads from its environment; its secrets are files in ``folder``."""
    environment = SERVICES[name]["environment"]
    for secret in SERVICES[name]["secrets"]:
        (folder / secret).write_text("postgresql://made-up")
    return settings.read({key: value.replace("/run/secrets", str(folder)) for key, value in environment.items()})


def test_there_is_a_service_for_each_role_and_one_that_migrates() -> None:
    assert ["migrate", *ROLES] == OURS


@pytest.mark.parametrize("name", OURS)
def test_a_service_runs_the_command_of_its_name(name: str) -> None:
    assert SERVICES[name]["command"] == [name]
    with pytest.raises(SystemExit) as ended:
        main([name, "--help"])
    assert ended.value.code == 0


@pytest.mark.parametrize("name", OURS)
def test_a_service_is_given_settings_that_are_known(name: str, tmp_path: Path) -> None:
    found = settings_of(name, tmp_path)
    assert found.database_url == "postgresql://made-up"
    assert found.kafka == "kafka:9092"
    broker = SERVICES["kafka"]["environment"]
    assert str(found.kafka_replication) == broker["KAFKA_TRANSACTION_STATE_LOG_REPLICATION_FACTOR"]


def test_whoever_mails_or_shows_mail_knows_the_mail_server(tmp_path: Path) -> None:
    assert {name for name in OURS if settings_of(name, tmp_path).smtp_url} == {"ingest", "alerts"}


def test_every_other_image_is_pinned_to_one_release() -> None:
    for name, service in SERVICES.items():
        if name not in OURS:
            assert re.search(r":v?\d+\.\d+(\.\d+)?$", service["image"]), name


def test_kafka_is_of_the_version_that_the_tests_run() -> None:
    [version] = re.findall(r"<kafka\.version>(.+)</kafka\.version>", (INFRA / "kafka/pom.xml").read_text())
    assert SERVICES["kafka"]["image"].endswith(f":{version}")


def test_no_secret_stands_in_it() -> None:
    for name, service in SERVICES.items():
        for variable, value in service.get("environment", {}).items():
            if "PASSWORD" in variable or "DATABASE_URL" in variable:
                assert value in {f"/run/secrets/{secret}" for secret in service["secrets"]}, f"{name}: {variable}"
    ignored = (INFRA / ".gitignore").read_text().splitlines()
    assert all(f"/{Path(secret['file']).parent}/" in ignored for secret in COMPOSE["secrets"].values())


def test_what_services_use_is_declared_and_what_is_declared_is_used() -> None:
    used = [secret for service in SERVICES.values() for secret in service.get("secrets", [])]
    assert set(used) == set(COMPOSE["secrets"])
    volumes = [volume.split(":")[0] for service in SERVICES.values() for volume in service.get("volumes", [])]
    assert {volume for volume in volumes if not volume.startswith(".")} == set(COMPOSE["volumes"])
    assert [volume for volume in volumes if volume.startswith(".") and not (INFRA / volume).exists()] == []


def test_nobody_waits_for_what_does_not_come() -> None:
    has_a_check = {name for name, service in SERVICES.items() if "test" in service.get("healthcheck", {})}
    for service in SERVICES.values():
        for awaited, how in service.get("depends_on", {}).items():
            if how["condition"] == "service_completed_successfully":
                assert SERVICES[awaited]["restart"] == "no"
            else:
                assert awaited in has_a_check | {"mail"}  # whose image brings its own


def test_only_this_machine_reaches_it() -> None:
    ports = [port for service in SERVICES.values() for port in service.get("ports", [])]
    assert len(ports) == 4
    assert all(port.startswith("127.0.0.1:") for port in ports)
