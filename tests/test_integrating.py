"""The guide for integrators is true: its commands run as they stand, and give the answers that it shows."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from datetime import timedelta
from itertools import groupby
from pathlib import Path
from typing import Any, NamedTuple

from contracts.data import STATEMENT_LIMIT
from contracts.events import EVENT_TYPES
from contracts.policies import policy
from services import storage
from services.access.credential import SCOPES
from services.access.paging import MOST_ITEMS
from services.access.problems import KINDS
from services.ingest.accept import BATCH_LIMIT, EVENT_LIMIT, MOST_EVENTS, RESERVED
from services.ingest.imports import ERRORS_KEPT, KEPT_FOR
from services.settings import Settings
from services.webhooks.schedule import PAUSES, TIMEOUT_SECONDS
from services.wiring import utc_now
from tests.journeys.program import free_port
from tests.running import served

GUIDE = (Path(__file__).parent.parent / "docs" / "integrating.md").read_text("utf-8")
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
ADDRESS = "http://127.0.0.1:8000"
RECEIVER = "9900"
PATIENCE_SECONDS = 120
END = "--- the end of one command ---"


class Step(NamedTuple):
    language: str
    command: str
    answer: str
    """As it is shown below the command; empty where none is."""


def steps() -> Iterator[Step]:
    """Each command of the guide, in order."""
    blocks = BLOCK.findall(GUIDE)
    for (language, text), (following, answer) in zip(blocks, [*blocks[1:], ("", "")], strict=True):
        assert language in {"sh", "python", "json"}
        if language != "json":
            yield Step(language, text, answer if following == "json" else "")


def script(guide: list[Step]) -> str:
    """All commands as one shell script that marks where each ends; Python that follows on Python is one program."""
    parts = []
    for language, run in groupby(guide, key=lambda step: step.language):
        if language == "sh":
            parts += [f"{step.command}\nprintf '\\n%s\\n' '{END}'\n" for step in run]
        else:
            program = "".join(f"{step.command}\nprint('\\n{END}')\n" for step in run)
            parts.append(f"{sys.executable} <<'PROGRAM'\n{program}PROGRAM\n")
    return "".join(parts)


def without_positions(value: Any) -> Any:
    """How far the log has come depends on what the alerts have put on it meanwhile."""
    match value:
        case dict():
            return {key: "any" if key == "position" else without_positions(part) for key, part in value.items()}
        case list():
            return [without_positions(part) for part in value]
        case _:
            return value


def test_every_command_of_the_guide_gives_the_answer_that_is_shown(tmp_path: Path) -> None:
    guide = list(steps())
    receiver = free_port()
    settings = Settings(data=tmp_path / "data", port=0, inward_hosts=f"127.0.0.1:{receiver}")
    with closing(storage.open_keys(settings)) as keys:
        keys.add_network("trial", sandbox=True)  # which the guide makes before a restart
    with served(settings, utc_now) as url:
        path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
        run = subprocess.run(
            ["bash", "-euo", "pipefail"],
            input=script(guide).replace(ADDRESS, url).replace(RECEIVER, str(receiver)),
            env={"PATH": path, "RESONANCE_DATA": str(settings.data)},
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=False,
            timeout=PATIENCE_SECONDS,
        )
    assert run.returncode == 0, run.stderr
    *answers, rest = run.stdout.split(END)
    assert not rest.strip()
    for step, answer in zip(guide, answers, strict=True):
        if step.answer:
            assert without_positions(json.loads(answer)) == without_positions(json.loads(step.answer)), step.command


def test_every_type_that_may_be_posted_is_listed_and_no_other() -> None:
    listed = re.findall(r"`([a-z]+\.[a-z]+)`", GUIDE.partition("## The events")[2].partition("Their fields")[0])
    assert sorted(f"resonance.{name}.v1" for name in listed) == sorted(EVENT_TYPES.keys() - RESERVED)


def test_the_limits_are_those_of_the_service() -> None:
    assert f"| one event | {EVENT_LIMIT // 1024} KiB |" in GUIDE
    assert f"| a batch | {MOST_EVENTS:,} events, {BATCH_LIMIT // 1024**2} MiB" in GUIDE
    assert f"| events by post | {Settings(data=Path()).events_per_minute:,} a minute" in GUIDE
    assert f"| a page | {MOST_ITEMS:,} items |" in GUIDE
    assert f"a line of more than {EVENT_LIMIT // 1024} KiB" in GUIDE
    assert f"the first {ERRORS_KEPT:,} refusals are kept, for {KEPT_FOR.days} days" in GUIDE
    assert f"Answer 2xx within {TIMEOUT_SECONDS:.0f} seconds" in GUIDE
    assert (len(PAUSES) + 1, round(sum(PAUSES, timedelta()) / timedelta(days=1))) == (10, 3)
    assert "ten times over three days" in GUIDE
    assert f"{STATEMENT_LIMIT:,} characters at most" in GUIDE
    assert f"Scores older than {policy().freshness.days} days raise no alert" in GUIDE


def test_every_status_and_scope_is_told_and_what_may_be_sent_again_is_what_the_service_calls_so() -> None:
    table = GUIDE.partition("| answer | means | so |\n")[2].partition("\n\n")[0]
    rows = {line.split("|")[1].strip(): line.split("|")[3] for line in table.splitlines()[1:]}
    again = {status for answers, advice in rows.items() if "again after" in advice for status in numbers(answers)}
    stop = {status for answers, advice in rows.items() if "again" not in advice for status in numbers(answers)}
    told = {kind.status for kind in KINDS.values() if kind.status != 405}  # no method but those of this page
    assert told <= {status for answers in rows for status in numbers(answers)}
    for slug, kind in KINDS.items():
        if kind.retryable and kind.status not in {500, 409}:
            assert kind.status in again, slug
        if not kind.retryable and kind.status not in {405, 409, 412, 428}:
            assert kind.status in stop, slug
    assert {scope for scope in SCOPES if f"`{scope}`" in GUIDE} == set(SCOPES)


def numbers(text: str) -> list[int]:
    return [int(number) for number in re.findall(r"\b[2-5]\d\d\b", text)]
