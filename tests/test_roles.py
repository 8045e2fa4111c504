"""The roles as processes: what each tells of itself, how it ends, and what it does when what it needs goes away."""

import json
import re
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import urlsplit
from uuid import uuid4

import httpx
import pytest
from kafka.admin import KafkaAdminClient

from contracts.events import AnyEvent, canonical
from services.__main__ import main
from services.database.ports import NotMigrated
from tests.journeys.program import BATCH, SINGLE, batch_of, enter, post, wait_until
from tests.journeys.shift import until_yesterday
from tests.live import Live
from tests.story import START, stalled
from tools import verdict
from tools.broker import Cluster
from tools.installation import Installation, Process, free_port
from tools.postgres import Server

PASSWORD = "canary-7f3a"
SCORES = (15.3, 16.7, 15.9, 16.3, 15.7, 16.9)
CANARIES = re.compile(
    rf"canary|c_anna01|th_ada01|cl_north|(?<![\d.:])(?:{'|'.join(re.escape(str(score)) for score in SCORES)})(?!\d)"
)
FIGURES = {
    "ingest": (
        'resonance_events_accepted_total{event_type="resonance.case.opened.v1"}',
        'resonance_events_rejected_total{reason="validation"}',
        "resonance_log_position",
    ),
    "relay": (
        "resonance_relay_position",
        "resonance_relay_store_head_position",
        "resonance_relay_last_commit_timestamp_seconds",
    ),
    "projections": ("resonance_log_position", 'resonance_projection_position{projection="course"}'),
    "alerts": (
        'resonance_alert_decisions_total{answer="raised",reason="stalled"}',
        'resonance_alert_email_attempts_total{outcome="sent"}',
    ),
}
"""What is more than nothing once a case was told."""
RULES = Path(__file__).parent.parent / "infra" / "prometheus" / "alerts.yml"
TAKEOVER_SECONDS = 5
HANGING = """
import sys
from services import roles
from services.__main__ import main
from services.eventlog import relay
relay.STUCK_SECONDS = roles.LEAVE_SECONDS = 1
sys.exit(main(["relay"]))
"""


@pytest.fixture
def made(own_database: str, kafka_bootstrap: str, tmp_path: Path) -> Iterator[Installation]:
    """Migrated; its roles are still to be started. The database's address, password and all, stands in a file."""
    with installation(own_database, kafka_bootstrap, tmp_path) as found:
        address = urlsplit(found.environment.pop("RESONANCE_DATABASE_URL"))
        secret = tmp_path / "database"
        secret.write_text(f"{address._replace(netloc=address.netloc.replace('@', f':{PASSWORD}@')).geturl()}\n")
        found.environment["RESONANCE_DATABASE_URL_FILE"] = str(secret)
        found.run("migrate")
        yield found


@contextmanager
def installation(database: str, kafka: str, folder: Path) -> Iterator[Installation]:
    found = Installation(folder, database, kafka, 1, network=f"n{uuid4().hex[:12]}")
    try:
        yield found
    finally:
        found.stop()


def now() -> datetime:
    return datetime.now(UTC)  # noqa: TID251 - as the processes have it


def start(made: Installation, *roles: str) -> list[Process]:
    for role in roles:
        made.add(role)
    made.await_ready()
    return made.processes


def figures(process: Process) -> dict[str, float]:
    """By name and labels."""
    lines = httpx.get(f"{process.url}/metrics", timeout=10).text.splitlines()
    return {name: float(value) for name, value in (line.rsplit(" ", 1) for line in lines if line[0] != "#")}


def accepted(client: httpx.Client, events: Sequence[AnyEvent]) -> bool:
    return client.post("/v1/events", content=batch_of(events), headers=BATCH).status_code == 200


def is_told(process: Process, figure: str, value: float) -> None:
    wait_until(lambda: figures(process)[figure] == value, f"{process.name} tells {figure} {value}")


def ended(made: Installation, *words: str) -> tuple[int, list[dict[str, str]], str]:
    """The status of a program that ends by itself, its log, and what else it has said."""
    environment = made.environment | {"RESONANCE_PORT": str(free_port())}
    done = subprocess.run(
        [sys.executable, *words], env=environment, capture_output=True, text=True, check=False, timeout=60
    )
    lines = done.stderr.splitlines(keepends=True)
    log = [json.loads(line) for line in lines if line[0] == "{"]
    return done.returncode, log, "".join(line for line in lines if line[0] != "{")


def test_every_role_lives_is_ready_tells_how_it_does_and_names_nobody_and_ends_when_asked(made: Installation) -> None:
    # given every role, and a case that is told through them until a letter is sent, and then cannot be folded
    ingest, _, projections, alerts = start(made, *FIGURES)
    bearer = {"Authorization": f"Bearer {made.run('keys', 'create').strip()}"}
    with httpx.Client(base_url=ingest.url, headers=bearer, timeout=30) as client:
        enter(client, "th_ada01")
        post(client, until_yesterday(stalled("ca_canary1", scores=SCORES).events, now()))
        assert client.post("/v1/events", content=b'{"subject": "case/ca_canary1"}', headers=SINGLE).status_code == 422
        for path in ("/v1/cases/ca_canary2/course", "/cases/ca_canary1", "/a/canary", "/canary?a=canary"):
            assert client.get(path).status_code in {303, 404}, path
    is_told(alerts, 'resonance_alert_email_attempts_total{outcome="sent"}', 1)
    with closing(Live(made.settings)) as live:
        live.append_of_a_later_release("ca_canary1", "x1")
    is_told(projections, 'resonance_projection_parked{projection="course"}', 1)

    # then each says how it is
    names, texts = set[str](), []
    for role, process in zip(FIGURES, made.processes, strict=True):
        assert httpx.get(f"{process.url}/healthz").json() == {"status": "alive"}
        assert httpx.get(f"{process.url}/readyz").json() == {"status": "ready"}
        told = figures(process)
        assert [name for name in FIGURES[role] if told[name] <= 0] == []
        names |= {name.partition("{")[0] for name in told}
        texts.append(httpx.get(f"{process.url}/metrics").text)
    assert set(re.findall(r"resonance_\w+", RULES.read_text())) <= names

    # and ends when it is asked to, and nothing about anybody was said
    assert [process.stop() for process in made.processes] == [0, 0, 0, 0]
    for process in made.processes:
        texts.append(process.log.read_text())
        assert "Application shutdown complete." in [json.loads(line)["message"] for line in texts[-1].splitlines()]
    assert [CANARIES.findall(text) for text in texts if CANARIES.search(text)] == []


def test_several_workers_of_a_role_each_have_a_port_and_end_together(made: Installation) -> None:
    [supervisor] = made.add("projections", arguments=["--workers", "2"])
    second = f"http://127.0.0.1:{supervisor.port + 1}/readyz"
    supervisor.await_ready()
    wait_until(lambda: answers(second), "the second worker is ready")
    assert supervisor.stop() == 0
    assert not supervisor.ready()
    assert not answers(second)


def answers(url: str) -> bool:
    try:
        return httpx.get(url, timeout=2).status_code == 200
    except httpx.TransportError:
        return False


@pytest.mark.parametrize("lacking", ["RESONANCE_DATABASE_URL", "RESONANCE_KAFKA"])
@pytest.mark.parametrize("role", ["relay", "projections", "alerts"])
def test_a_role_that_is_not_told_of_database_and_kafka_is_refused(
    role: str, lacking: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("RESONANCE_DATABASE_URL", "postgresql://nowhere.invalid/resonance")
    monkeypatch.setenv("RESONANCE_KAFKA", "nowhere.invalid:9092")
    monkeypatch.delenv(lacking)
    assert main([role]) == 2
    said = "resonance: roles need RESONANCE_DATABASE_URL and RESONANCE_KAFKA; for one process there is `up`\n"
    assert capsys.readouterr().err == said


def test_what_is_for_one_process_and_what_is_for_many_do_not_mix(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("RESONANCE_DATABASE_URL", raising=False)
    assert main(["ingest"]) == 2
    assert capsys.readouterr().err == (
        "resonance: ingest needs RESONANCE_DATABASE_URL; for one process there is `up`\n"
    )
    monkeypatch.setenv("RESONANCE_DATABASE_URL", "postgresql://nowhere.invalid/resonance")
    assert main(["up"]) == 2
    assert capsys.readouterr().err == (
        "resonance: `up` keeps all in one folder; with RESONANCE_DATABASE_URL there is a command for each role\n"
    )


def test_a_second_relay_stands_by_and_takes_over_within_seconds(made: Installation) -> None:
    [first] = start(made, "relay")
    [_, second] = start(made, "relay")
    with closing(Live(made.settings)) as live:
        for number in range(3):
            live.log.append(stalled(f"ca_case0{number}").events, START)
            is_told(first, "resonance_relay_position", live.log.head())
            time.sleep(0.7)
        assert second.ready()
        assert figures(second)["resonance_relay_position"] == 0

        first.kill()
        began = time.monotonic()
        live.log.append(stalled("ca_case03").events, START)
        is_told(second, "resonance_relay_position", live.log.head())
        assert time.monotonic() - began < TAKEOVER_SECONDS

        recorded = [entry.position for entry in live.log.read(0, 1_000)]
        assert published(made) == recorded


def published(made: Installation) -> list[int]:
    partitions = verdict.places(made.settings.kafka, made.settings.network)
    return sorted(one.position for partition in partitions for one in partition if not one.is_tick)


@pytest.mark.parametrize("role", ["ingest", "relay", "projections", "alerts"])
def test_a_role_whose_database_was_never_migrated_says_so_and_ends(
    role: str, own_database: str, kafka_bootstrap: str, tmp_path: Path
) -> None:
    with installation(own_database, kafka_bootstrap, tmp_path) as made:
        said = f"resonance: {NotMigrated()}\n"
        assert ended(made, "-m", "services", role) == (1, [], said)


def test_a_relay_whose_topic_has_other_partitions_says_so_and_ends(
    own_database: str, kafka_bootstrap: str, tmp_path: Path
) -> None:
    with installation(own_database, kafka_bootstrap, tmp_path) as made:
        topic = f"resonance.{made.settings.network}.events.v1"
        with closing(KafkaAdminClient(bootstrap_servers=kafka_bootstrap)) as admin:
            admin.create_topics({topic: {"num_partitions": 3, "replication_factor": 1}})
        why = f"{topic} has 3 partitions instead of 12: it cannot be used, and the number never changes"
        assert ended(made, "-m", "services", "migrate") == (1, [], f"resonance: {why}\n")

        status, log, other = ended(made, "-m", "services", "relay")
        assert (status, other) == (1, "")
        said = f"{made.settings.network}/relay stopped: {why}"
        assert [line["error"] for line in log if line["message"] == "role cannot go on"] == [said]


def test_a_role_whose_database_does_not_answer_says_so_without_the_password_and_ends(tmp_path: Path) -> None:
    with installation(f"postgresql://ada:{PASSWORD}@127.0.0.1:1/resonance", "127.0.0.1:1", tmp_path) as made:
        said = "resonance: a store cannot be used now (OperationalError): ask again\n"
        assert ended(made, "-m", "services", "alerts") == (1, [], said)


def test_a_relay_that_hangs_ends_although_its_thread_does_not(
    own_database: str, own_broker: Cluster, tmp_path: Path
) -> None:
    with installation(own_database, own_broker.bootstrap, tmp_path) as made:
        made.run("migrate")
        own_broker.nodes[0].pause()
        status, log, other = ended(made, "-c", HANGING)
        assert (status, other) == (1, "")
        assert [(line["message"], line.get("error")) for line in log if line["logger"] == "services.roles"] == [
            ("role cannot go on", "nothing can be published"),
            ("process ends without its threads", None),
        ]
        assert log[-1]["message"] == "process ends without its threads"


def test_every_role_goes_on_after_a_restart_of_the_database(
    own_postgres: Server, kafka_bootstrap: str, tmp_path: Path
) -> None:
    with installation(own_postgres.url, kafka_bootstrap, tmp_path) as made:
        made.run("migrate")
        ingest, *_, alerts = start(made, *FIGURES)
        bearer = {"Authorization": f"Bearer {made.run('keys', 'create').strip()}"}
        with httpx.Client(base_url=ingest.url, headers=bearer, timeout=30) as client:
            enter(client, "th_ada01")
            events = until_yesterday(stalled().events, now())
            own_postgres.kill()
            try:
                refused = client.post("/v1/events", content=canonical(events[0]), headers=SINGLE)
                time.sleep(1)
            finally:
                own_postgres.start()
            assert refused.status_code == 503
            wait_until(lambda: accepted(client, events), "events are accepted again")
        is_told(alerts, 'resonance_alert_email_attempts_total{outcome="sent"}', 1)
        assert [process.name for process in made.processes if not process.ready()] == []
