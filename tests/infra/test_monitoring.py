"""What Prometheus is told to look at is there: the processes, and every figure in a rule and on the operators' page."""

import re
import shutil
import subprocess
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import pytest
import yaml  # type: ignore[import-untyped]  # it ships no types
from prometheus_client import CollectorRegistry

from services import operation
from services.alerts.counts import Counts as AlertCounts
from services.alerts.counts import OutboxCollector
from services.alerts.outbox import Backlog
from services.eventlog.counts import RelayCollector
from services.eventlog.relay import Progress as Relayed
from services.ingest.counts import Counts as IngestCounts
from services.projections.counts import Progress, ViewsCollector
from services.webhooks.counts import Counts as WebhookCounts
from services.webhooks.counts import WebhooksCollector

ROOT: Final = Path(__file__).parent.parent.parent
PROMETHEUS: Final = ROOT / "infra/prometheus"
RULES: Final = [
    rule for group in yaml.safe_load((PROMETHEUS / "alerts.yml").read_text())["groups"] for rule in group["rules"]
]
JOBS: Final[list[Any]] = yaml.safe_load((PROMETHEUS / "prometheus.yml").read_text())["scrape_configs"]
SERVICES: Final = yaml.safe_load((ROOT / "infra/compose.yaml").read_text())["services"]
ROLES: Final = {"ingest", "relay", "projections", "alerts"}
NOON: Final = datetime(2026, 3, 2, 12, tzinfo=UTC)


def told() -> CollectorRegistry:
    """All that the roles tell, together."""
    registry = operation.registry()
    IngestCounts(registry)
    AlertCounts(registry)
    registry.register(RelayCollector(lambda: [Relayed()]))
    registry.register(ViewsCollector(lambda: [Progress(9, 8, 0, NOON)], lambda: NOON))
    WebhookCounts(registry)
    registry.register(WebhooksCollector(list, lambda: NOON))
    registry.register(OutboxCollector(lambda: [Backlog(1, NOON)], lambda: NOON))
    return registry


def names() -> set[str]:
    """As they are asked for: a counter without a series yet by its name all the same."""
    found = set()
    for family in told().collect():
        found |= {sample.name for sample in family.samples} or {f"{family.name}_total"}
    return {name for name in found if not name.endswith("_created")}


def labels(name: str) -> set[str]:
    return {key for family in told().collect() for one in family.samples if one.name == name for key in one.labels}


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule["alert"])
def test_a_rule_asks_for_figures_and_jobs_that_are_there(rule: Any) -> None:
    asked = set(re.findall(r"\b(?:resonance|process)_\w+|\bup\b", rule["expr"]))
    assert asked
    assert asked <= names() | {"up"}
    jobs = re.findall(r'job=~?"([a-z|]+)"', rule["expr"])
    assert {job for one in jobs for job in one.split("|")} <= {job["job_name"] for job in JOBS}
    for by in re.findall(r"by \((\w+)\) \((resonance_\w+)", rule["expr"]):
        assert by[0] in labels(by[1])


def test_all_roles_are_scraped_at_the_port_that_the_image_listens_on() -> None:
    assert {job["job_name"] for job in JOBS} == ROLES
    [port] = re.findall(r"RESONANCE_PORT=(\d+)", (ROOT / "infra/Containerfile").read_text())
    for job in JOBS:
        [discovery] = job["dns_sd_configs"]
        assert discovery == {"names": [job["job_name"]], "type": "A", "port": int(port)}
        assert job["job_name"] in SERVICES


def test_grafana_finds_prometheus() -> None:
    [source] = yaml.safe_load((ROOT / "infra/grafana/datasource.yaml").read_text())["datasources"]
    assert source["type"] in SERVICES
    assert source["url"] == f"http://prometheus:{SERVICES['prometheus']['ports'][0].rpartition(':')[2]}"


def test_the_operators_page_tells_what_each_figure_means_and_every_rule() -> None:
    page = (ROOT / "docs/operations.md").read_text()
    described = set(re.findall(r"^\| `(resonance_\w+)` \|", page, re.MULTILINE))
    assert described == {name for name in names() if name.startswith("resonance_")}
    assert [rule["alert"] for rule in RULES if f"`{rule['alert']}`" not in page] == []


def test_the_rules_fire_when_they_should() -> None:
    if not (promtool := shutil.which("promtool")):
        pytest.skip("promtool is not on PATH")
    for asked in (["check", "config", PROMETHEUS / "prometheus.yml"], ["test", "rules", "tests/infra/rules.yml"]):
        done = subprocess.run([promtool, *asked], cwd=ROOT, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
