"""Whoever asks at the position of their own write is never shown less than it, however much is written meanwhile."""

import asyncio
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from contracts.events import AnyCaseEvent, canonical
from tests.running import Running
from tests.story import Story

WRITERS = 6
SESSIONS = 8


@pytest.fixture
def running(tmp_path: Path) -> Iterator[Running]:
    found = Running(tmp_path)
    yield found
    found.close()


async def sessions_seen(running: Running, case_ref: str, events: Sequence[AnyCaseEvent]) -> list[int]:
    """How many sessions a writer is shown after each of these, at its position."""
    headers = {"Authorization": f"Bearer {running.key}"}
    kind = {"Content-Type": "application/cloudevents+json"}
    seen = []
    for event in events:
        posted = await running.client.post("/v1/events", content=canonical(event), headers=headers | kind)
        position = {"Resonance-Min-Position": posted.headers["Resonance-Position"], "Prefer": "wait=10"}
        answer = await running.client.get(f"/v1/cases/{case_ref}/course", headers=headers | position)
        assert int(answer.headers["Resonance-Position"]) >= int(posted.headers["Resonance-Position"])
        seen.append(len(answer.json()["sessions"]))
    return seen


def test_every_writer_sees_each_of_their_writes_while_the_others_write(running: Running) -> None:
    stories = [Story(f"ca_case{number:02d}") for number in range(WRITERS)]
    for story in stories:
        for _ in range(SESSIONS):
            story.session()

    async def all_at_once() -> list[list[int]]:
        return await asyncio.gather(*(sessions_seen(running, story.case_ref, story.events) for story in stories))

    assert running.run(all_at_once()) == [list(range(1, SESSIONS + 1))] * WRITERS


def test_an_event_that_is_sent_again_is_seen_at_the_position_that_its_receipt_tells(running: Running) -> None:
    event = Story().session().last
    assert running.run(sessions_seen(running, "ca_case01", [event, event])) == [1, 1]
