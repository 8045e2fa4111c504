"""kill -9 at random instants: what was acknowledged is there once, views equal a rebuild, and no mail is lost."""

import random
import threading
import time
from collections import Counter
from datetime import datetime, timedelta
from email import message_from_bytes
from pathlib import Path

import httpx
import pytest
from typing_extensions import override

from contracts.events import AlertNotified, AlertRaised, AlertResolved, AlertSuppressed, AnyEvent, canonical
from services.simulation.network import simulate
from services.simulation.spec import Spec
from tests.alerts.smtp import Postbox
from tests.journeys.disk import disk_of
from tests.journeys.program import BATCH, PATIENCE_SECONDS, SINGLE, Program, batch_of, enter

KILLS = 30
POSTERS = 2
PAUSE_SECONDS = 0.025
"""On average, between two posts: so that there is something to post up to the last kill."""

ANSWERS = (AlertNotified, AlertSuppressed, AlertResolved)


class Poster(threading.Thread):
    """Posts singles and small batches at random moments, again and again until each event is acknowledged."""

    def __init__(self, program: Program, events: list[AnyEvent], rng: random.Random, finish: threading.Event) -> None:
        """Until ``finish`` is set the last events are kept back, so that there is something to post at every kill."""
        super().__init__(daemon=True)
        self._program = program
        self._waiting = list(reversed(events))
        self._kept = len(events) // 10
        self._rng = rng
        self._finish = finish
        self.acknowledged: set[tuple[str, str]] = set()

    @override
    def run(self) -> None:
        headers = {"Authorization": f"Bearer {self._program.key}"}
        with httpx.Client(base_url=self._program.url, headers=headers, timeout=10) as client:
            while self._waiting:
                if len(self._waiting) <= self._kept and not self._finish.wait(0.05):
                    continue
                events = self._waiting[-self._rng.choice((1, 1, 1, 5, 20)) :]
                time.sleep(self._rng.expovariate(1 / PAUSE_SECONDS))
                answered = _posted(client, events)
                self.acknowledged |= {(event.source, event.id) for event in answered}
                if len(answered) == len(events):
                    del self._waiting[-len(events) :]


def _posted(client: httpx.Client, events: list[AnyEvent]) -> list[AnyEvent]:
    """Those of ``events`` that the program says it has."""
    try:
        if len(events) == 1:
            answer = client.post("/v1/events", content=canonical(events[0]), headers=SINGLE)
            return events if answer.status_code in {200, 201} else []
        answer = client.post("/v1/events", content=batch_of(events), headers=BATCH)
    except httpx.TransportError:
        time.sleep(0.02)
        return []
    results = answer.json().get("results", ())
    return [event for event, result in zip(events, results, strict=False) if result["status"] != "rejected"]


@pytest.mark.parametrize("seed", [20260302])
def test_thirty_kills_lose_nothing_and_double_nothing(
    seed: int, program: Program, postbox: Postbox, tmp_path: Path, now: datetime
) -> None:
    # given a network whose twelve weeks end today, and a mail server that takes its time to say that it has a letter
    start = (now - timedelta(weeks=12)).date()
    made = simulate(Spec(seed=seed, clinics=3, therapists=24, clients=240, weeks=12, start=start))
    events = [event for _, event in made.posts]
    postbox.slowness = 0.1
    with program.client() as client:
        for therapist in made.therapists:
            enter(client, therapist.ref)

    # when it is posted, and the service killed thirty times, now and then while it starts
    rng = random.Random(seed)
    finish = threading.Event()
    posters = [Poster(program, events[nth::POSTERS], random.Random(f"{seed}/{nth}"), finish) for nth in range(POSTERS)]
    for poster in posters:
        poster.start()
    for nth in range(KILLS):
        time.sleep(rng.uniform(0.02, 0.6))
        program.kill()
        if nth % 6 == 0:
            program.launch()
        else:
            program.start()
    finish.set()
    for poster in posters:
        poster.join(2 * PATIENCE_SECONDS)
        assert not poster.is_alive(), "the poster did not finish"

    with disk_of(program.folder) as disk:
        disk.settle(2 * PATIENCE_SECONDS)
        assert program.stop() == 0

        # then every event was acknowledged and is on the log, once
        recorded = [entry.event for entry in disk.recorded()]
        times = Counter((event.source, event.id) for event in recorded)
        assert max(times.values()) == 1
        acknowledged = set[tuple[str, str]]().union(*(poster.acknowledged for poster in posters))
        assert acknowledged == {(event.source, event.id) for event in events}
        assert acknowledged <= times.keys()

        # and the views equal a rebuild from scratch, row by row
        assert disk.views() == disk.views_from_scratch(tmp_path / "fresh.db")

        # and no alert was raised while it was open, or left without a mail and without a reason for that
        assert_raised_once_at_a_time(recorded)
        answered = {event.data.alert_ref for event in recorded if isinstance(event, ANSWERS)}
        assert {event.data.alert_ref for event in recorded if isinstance(event, AlertRaised)} == answered

        # and every letter that the log says was sent has come; what came twice is the same letter
        came: dict[str, set[bytes]] = {}
        for _, _, message in postbox.taken:
            came.setdefault(str(message_from_bytes(message)["Message-ID"]), set()).add(message)
        notified = [event.data.message_id for event in recorded if isinstance(event, AlertNotified)]
        assert len(notified) > 5
        assert set(notified) == came.keys()
        assert disk.letters() == dict.fromkeys(came, "sent")
        assert [len(different) for different in came.values() if len(different) > 1] == []


def assert_raised_once_at_a_time(recorded: list[AnyEvent]) -> None:
    known: set[str] = set()
    opened: dict[str, tuple[str, str]] = {}
    for event in recorded:
        if isinstance(event, AlertRaised):
            assert event.data.alert_ref not in known
            assert (event.case_ref, event.data.reason) not in opened.values()
            known.add(event.data.alert_ref)
            opened[event.data.alert_ref] = (event.case_ref, event.data.reason)
        if isinstance(event, AlertResolved):
            del opened[event.data.alert_ref]
