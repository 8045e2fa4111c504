"""An afternoon's script: years of events go in over a network that fails, by what the guide says, and none is lost."""

import json
import os
import re
import subprocess
import sys
from datetime import datetime, timedelta
from pathlib import Path
from random import Random

from contracts.events import canonical
from services.simulation.network import simulate
from services.simulation.spec import Spec
from tests.journeys.program import Program
from tests.journeys.proxy import unreliable

GUIDE = Path(__file__).parents[2] / "docs" / "integrating.md"
EVENTS = 100_000
BY_FILE = 70_000
"""The rest goes in as it would from day to day."""
SEED = 20260302
WEEKS = 52

DAY_TO_DAY = """
with Client(os.environ["URL"], os.environ["RESONANCE_KEY"]) as resonance:
    recent = [line.strip() for line in Path("recent.ndjson").open("rb")]
    results = list(resonance.post_all(recent))
    mine |= {(event["source"], event["id"]) for event in map(json.loads, recent)}
    theirs += [(listed.source, listed.id) for listed in resonance.events(after=status.position)]
print(json.dumps({
    "refused": sum(result.status == "rejected" for result in results),
    "doubtful": sum(result.status == "duplicate" for result in results),
    "theirs": len(theirs), "missing": len(mine - set(theirs)), "more": len(set(theirs) - mine),
    "twice": len(theirs) - len(set(theirs)),
}))
"""


def backfill() -> str:
    """The guide's program for a file of history, as it stands there."""
    section = GUIDE.read_text("utf-8").partition("## A file\n")[2]
    found = re.search(r"^```python\n(.*?)^```$", section, re.MULTILINE | re.DOTALL)
    assert found
    return found[1]


def test_a_backfill_over_a_failing_network_ends_with_exactly_what_was_sent(
    program: Program, tmp_path: Path, now: datetime
) -> None:
    start = (now - timedelta(weeks=WEEKS)).date()
    made = simulate(Spec(seed=SEED, clinics=6, therapists=100, clients=4_200, weeks=WEEKS, start=start))
    lines = list({(event.source, event.id): canonical(event) for _, event in made.posts}.values())[:EVENTS]
    assert len(lines) == EVENTS
    (tmp_path / "history.ndjson").write_bytes(b"\n".join(lines[:BY_FILE]) + b"\n")
    (tmp_path / "recent.ndjson").write_bytes(b"\n".join(lines[BY_FILE:]) + b"\n")

    with unreliable(program.port, Random(SEED)) as network:
        key = program.command("keys", "create")
        run = subprocess.run(
            [sys.executable, "-c", backfill() + DAY_TO_DAY],
            env={"PATH": os.environ["PATH"], "URL": network.url, "RESONANCE_KEY": key},
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=False,
        )
        assert network.cuts_there > 5
        assert network.cuts_back > 2
    assert run.returncode == 0, run.stderr
    history, whole = map(json.loads, run.stdout.splitlines())
    assert history == {"refused": 0, "missing": 0, "twice": 0}
    assert whole.pop("doubtful") > 0
    assert whole == {"refused": 0, "theirs": EVENTS, "missing": 0, "more": 0, "twice": 0}
