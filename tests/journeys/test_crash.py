"""kill -9 at random instants: what was acknowledged is there once, views equal a rebuild, and no mail is lost."""

import json
import random
import sqlite3
import threading
import time
from collections import Counter
from datetime import datetime, timedelta
from email import message_from_bytes
from pathlib import Path

import httpx
from typing_extensions import override

from contracts.events import AlertNotified, AlertRaised, AnyEvent, canonical
from contracts.instruments import catalogue
from services.access.keys import Keys
from services.eventlog import sqlite
from services.eventlog.ports import Recorded
from services.projections.run import rebuild
from services.projections.views import Views
from services.simulation.network import simulate
from services.simulation.spec import Spec
from tests.alerts.smtp import Postbox
from tests.journeys.program import BATCH, PATIENCE_SECONDS, Program, batch_of

KILLS = 30
SEED = 20260302
TABLES = ("case_view", "assignment", "series_view", "merge", "fact", "tracking", "parked")


class Poster(threading.Thread):
    """Posts singles and batches, again and again until each is answered, and remembers what was acknowledged."""

    def __init__(self, program: Program, events: list[AnyEvent]) -> None:
        super().__init__(daemon=True)
        self._program = program
        self._waiting = events
        self._rng = random.Random(SEED)
        self.acknowledged: set[tuple[str, str]] = set()
        self.finish = threading.Event()
        """Until it is set, the last events are kept back, so that there is something to post up to the last kill."""

    @override
    def run(self) -> None:
        rest = list(reversed(self._waiting))
        keep = len(rest) // 10
        while rest:
            if len(rest) <= keep and not self.finish.wait(0.05):
                continue
            size = self._rng.choice((1, 1, 1, 5, 40))
            events = rest[-size:]
            if self._posted(events):
                self.acknowledged |= {(event.source, event.id) for event in events}
                del rest[-len(events) :]

    def _posted(self, events: list[AnyEvent]) -> bool:
        headers = {"Authorization": f"Bearer {self._program.key}"}
        single = {"Content-Type": "application/cloudevents+json"}
        body, kind = (canonical(events[0]), single) if len(events) == 1 else (batch_of(events), BATCH)
        try:
            answer = httpx.post(f"{self._program.url}/v1/events", content=body, headers=headers | kind, timeout=10)
        except httpx.TransportError:
            time.sleep(0.02)
            return False
        if answer.status_code == 503:
            return False
        assert answer.status_code in {200, 201}, f"seed {SEED}: {answer.status_code}"
        return True


def rows(path: Path) -> dict[str, list[tuple[object, ...]]]:
    connection = sqlite3.connect(path)
    found = {table: sorted(connection.execute(f"SELECT * FROM {table}"), key=repr) for table in TABLES}
    connection.close()
    return found


def settled(program: Program, client: httpx.Client) -> None:
    """Waits until nothing new has come onto the log for a while and no letter waits."""
    deadline = time.monotonic() + 2 * PATIENCE_SECONDS
    quiet = 0
    seen = ""
    while quiet < 12:
        assert time.monotonic() < deadline, f"seed {SEED}: it does not settle"
        time.sleep(0.25)
        metrics = client.get("/metrics").text
        figures = {line.split()[0]: float(line.split()[1]) for line in metrics.splitlines() if line[0] != "#"}
        head = figures["resonance_log_position"]
        views = figures['resonance_projection_position{projection="course"}']
        waiting = figures['resonance_outbox_pending{channel="email"}']
        state = f"{head} {views} {waiting}"
        quiet = quiet + 1 if state == seen and head == views and waiting == 0 else 0
        seen = state


def test_thirty_kills_lose_nothing_and_double_nothing(
    program: Program, postbox: Postbox, tmp_path: Path, now: datetime
) -> None:
    # given a network whose half year ends today, posted while the service is killed thirty times
    start = (now - timedelta(weeks=26)).date()
    made = simulate(Spec(seed=SEED % 1000, clients=160, therapists=8, clinics=2, weeks=26, start=start))
    events = [post.event for post in made.posts if post.posted_at < now]
    rng = random.Random(SEED)
    program.start()
    with program.client() as client:
        for therapist in made.therapists:
            program.enter(therapist.ref, client)
        poster = Poster(program, events)
        poster.start()
        for _ in range(KILLS):
            time.sleep(rng.uniform(0.02, 0.5))
            program.kill()
            program.start()
        poster.finish.set()
        poster.join(120)
        assert not poster.is_alive(), f"seed {SEED}: the poster did not finish"
        settled(program, client)
    assert program.stop() == 0

    # then every acknowledged event is on the log, once
    keys = Keys(program.folder / "keys.db")
    secret = keys.secret("main")
    keys.close()
    assert secret is not None
    log = sqlite.open_log(program.folder / "main" / "log.db", secret)
    recorded: list[Recorded] = log.read(0, 1_000_000)
    times = Counter((entry.event.source, entry.event.id) for entry in recorded)
    assert max(times.values()) == 1
    assert poster.acknowledged <= times.keys()
    assert {(event.source, event.id) for event in events} == poster.acknowledged

    # and the views equal a rebuild from scratch, row by row
    fresh = Views(tmp_path / "fresh.db", catalogue())
    rebuild(log, fresh)
    fresh.close()
    log.close()
    assert rows(tmp_path / "fresh.db") == rows(program.folder / "main" / "views.db")

    # and every letter that the log says was sent has come; letters that came twice are the same letter
    told = [entry.event.data for entry in recorded if isinstance(entry.event, AlertNotified)]
    came: dict[str, set[bytes]] = {}
    for _, _, message in postbox.taken:
        came.setdefault(str(message_from_bytes(message)["Message-ID"]), set()).add(message)
    raised = [entry.event.data.alert_ref for entry in recorded if isinstance(entry.event, AlertRaised)]
    assert len(raised) == len(set(raised))
    assert len(told) > 5, json.dumps({"seed": SEED, "told": len(told)})
    assert {data.message_id for data in told} == came.keys()
    assert all(len(messages) == 1 for messages in came.values())
