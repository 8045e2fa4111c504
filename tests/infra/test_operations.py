"""The operators' page and the page of Kafka say what is so: settings, commands, ports, topics."""

import re
from dataclasses import fields
from pathlib import Path
from typing import Final

import pytest

from services import roles, settings
from services.__main__ import main
from services.eventlog import topics
from services.settings import Settings

ROOT: Final = Path(__file__).parent.parent.parent
PAGE: Final = (ROOT / "docs/operations.md").read_text()
KAFKA: Final = (ROOT / "infra/kafka/README.md").read_text()
BLOCKS: Final = re.findall(r"```sh\n(.*?)```", PAGE, re.DOTALL) + re.findall(r"^ {4}.+$", PAGE, re.MULTILINE)
SCRIPTS: Final = "\n".join(BLOCKS)
COMMAND: Final = re.compile(r"(?<![\w/=-])resonance((?: [a-z][a-z-]*)+)")
"""Up to what the operator chooses."""
COMMANDS: Final = sorted({words for text in [*BLOCKS, *re.findall("`.+?`", PAGE)] for words in COMMAND.findall(text)})


def table(page: str, first: str) -> list[list[str]]:
    """The rows of the table whose first heading is ``first``, without their code marks."""
    rows = page.partition(f"\n| {first} |")[2].partition("\n\n")[0].splitlines()[2:]
    return [[cell.strip().replace("`", "") for cell in row.strip("|").split("|")] for row in rows]


def test_the_table_of_settings_is_that_of_the_code() -> None:
    names = [row[0] for row in table(PAGE, "setting")]
    known = [one.name for one in fields(Settings) if one.name != "demo"]  # no setting of the environment
    assert sorted(names) == sorted(
        f"RESONANCE_{name.upper()}{' *' if name in settings.SECRET else ''}" for name in known
    )


def test_a_default_is_as_the_table_says() -> None:
    for name, told, _ in table(PAGE, "setting"):
        default = getattr(Settings(), name.partition(" ")[0].removeprefix("RESONANCE_").lower())
        assert told in {str(default or ""), "host and port"}, name


@pytest.mark.parametrize("words", COMMANDS)
def test_a_command_on_the_page_is_one(words: str) -> None:
    with pytest.raises(SystemExit) as ended:
        main([*words.split(), "--help"])
    assert ended.value.code == 0


def test_the_units_that_are_installed_and_started_are_there() -> None:
    units = {path.name for path in (ROOT / "infra/systemd").iterdir()}
    for name, instance in re.findall(r"(resonance-[a-z]+)(@?)", SCRIPTS):
        assert f"{name}{instance}.service" in units
    assert "resonance.target" in units


def test_the_ports_on_the_page_are_those_of_the_units() -> None:
    ports = {row[0].partition(":")[0]: row[1] for row in table(PAGE, "what")}
    for role in ("ingest", "relay"):
        unit = (ROOT / f"infra/systemd/resonance-{role}.service").read_text()
        assert f"RESONANCE_PORT={ports[role]}\n" in unit
    for role in ("projections", "alerts"):
        assert f"resonance-{role}@{ports[role].partition(' ')[0]}" in SCRIPTS


def test_kafka_s_page_tells_the_topics_as_they_are_made() -> None:
    replication = Settings().kafka_replication
    wanted = []
    for topic in (topics.events("<network>"), topics.marker("<network>")):
        others = [f"{name}={value}" for name, value in topic.settings.items() if name != "cleanup.policy"]
        in_sync = str(topics.in_sync(replication))
        row = [topic.name, str(topic.partitions), str(replication), in_sync, topic.settings["cleanup.policy"]]
        wanted.append([*row, ", ".join(others)])
    assert table(KAFKA, "topic") == wanted


def test_the_names_that_kafka_is_to_grant_are_those_in_use() -> None:
    for name in (topics.events("<network>").name, topics.marker("<network>").name, roles.GROUP.format("<network>")):
        assert f"`{name}`" in KAFKA
    for name in (topics.events("main").name, topics.marker("main").name):
        assert f" --topic {name}" in SCRIPTS


def test_kafka_is_of_the_version_that_the_tests_run() -> None:
    [version] = re.findall(r"<kafka\.version>(.+)</kafka\.version>", (ROOT / "infra/kafka/pom.xml").read_text())
    assert f"/kafka/{version}/kafka_2.13-{version}.tgz" in SCRIPTS
