"""A correction or a retraction changes what is read from then on; what was made of the mistake stays as history."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from contracts.events import AnyCaseEvent
from services.alerts.mail import messages
from tests.running import Running
from tests.story import START, Story, stalled

ADA = {"name": "Ada", "email": "ada@clinic.example", "time_zone": "Europe/Prague", "clinic": "cl_north"}


@pytest.fixture
def running(tmp_path: Path) -> Iterator[Running]:
    found = Running(tmp_path, START)
    found.ask("PUT", "/v1/therapists/th_ada01", json=ADA)
    yield found
    found.close()


def course(running: Running, case_ref: str) -> dict[str, Any]:
    found: dict[str, Any] = running.get(f"/v1/cases/{case_ref}/course").json()
    return found


def scores(story: Story) -> list[AnyCaseEvent]:
    return [
        event
        for event in story.events
        if event.type == "resonance.measure.recorded.v1" and event.data.instrument.key == "ors"
    ]


def test_a_corrected_and_a_retracted_score_count_at_once_and_the_log_keeps_all(running: Running) -> None:
    story = Story().opened().session(ors=15).session(ors=16).session(ors=17)
    first, second, _ = scores(story)
    running.told(story.events)
    before = course(running, story.case_ref)["series"][0]
    posted = len(story.events)
    story.corrected(first, "ors", {"total": 11}).retracted(second)
    running.told(story.events[posted:])
    after = course(running, story.case_ref)["series"][0]
    assert [point["value"] for point in before["points"]] == [15, 16, 17]
    assert [point["value"] for point in after["points"]] == [11, 17]
    assert (before["change"]["gain"], after["change"]["gain"]) == (2, 6)
    kept = {event.id for event in running.events()}
    assert {event.id for event in story.events} <= kept


def test_an_alert_that_was_mailed_is_resolved_by_the_correction_and_not_taken_away(running: Running) -> None:
    story = stalled(scores=(15, 16, 15, 16, 15))
    running.told(story.events)
    [alert] = [one for one in course(running, story.case_ref)["alerts"] if one["reason"] != "silent"]
    mailbox = running.settings.data / running.settings.network / "mailbox"
    letters = {mail.message_id for mail in messages(mailbox)}
    assert alert["open"] is True
    assert alert["notified_at"] is not None
    assert letters
    posted = len(story.events)
    story.after(1).retracted(scores(story)[-1])
    running.told(story.events[posted:])
    [same] = [one for one in course(running, story.case_ref)["alerts"] if one["ref"] == alert["ref"]]
    assert (same["open"], same["resolved_how"]) == (False, "by_correction")
    for member in ("reason", "raised_at", "evidence", "notified_at"):
        assert same[member] == alert[member]
    assert letters <= {mail.message_id for mail in messages(mailbox)}
