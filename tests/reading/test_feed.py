"""The feed over HTTP: each item once, in order, of one's own clinics; and where an alert stands."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.running import Running
from tests.story import Story, stalled

ADA = {"name": "Ada Example", "email": "ada@clinic.example", "time_zone": "Europe/Berlin"}


@pytest.fixture
def running(tmp_path: Path) -> Iterator[Running]:
    found = Running(tmp_path)
    yield found
    found.close()


@pytest.fixture
def alerted(running: Running) -> Running:
    """Two stalled cases, in the north and in the south, and their therapist was told."""
    running.ask("PUT", "/v1/therapists/th_ada01", json=ADA)
    south = Story("ca_stall2", "cl_south").opened("th_ben01", "c_ben0001")
    for score in (15, 16, 15, 16, 15, 16):
        south.session(ors=score)
    return running.told([*stalled().events, *south.events])


def items(running: Running, query: str = "", **asked: Any) -> list[dict[str, Any]]:
    answer = running.get(f"/v1/feed{query}", **asked)
    assert answer.status_code == 200, answer.text
    found: list[dict[str, Any]] = answer.json()["items"]
    return found


def test_the_feed_tells_what_became_of_alerts_as_it_stands_on_the_log(alerted: Running) -> None:
    found = items(alerted)
    on_log = [
        (recorded.position, recorded.event.type, recorded.event.data.alert_ref)  # type: ignore[union-attr]
        for recorded in alerted.network.log.read(0, 100_000)
        if recorded.event.type.startswith("resonance.alert.")
    ]
    assert [(one["position"], one["type"], one["alert_ref"]) for one in found] == on_log
    assert {one["type"] for one in found} >= {"resonance.alert.raised.v1", "resonance.alert.notified.v1"}
    assert {frozenset(one) for one in found} == {frozenset(("id", "type", "position", "time", "alert_ref"))}


def test_the_feed_says_nothing_of_client_case_therapist_or_clinic(alerted: Running) -> None:
    text = alerted.get("/v1/feed").text
    assert text.count("al_") > 2
    for word in ("c_anna01", "ca_stall1", "th_ada01", "cl_north", "stalled_", "15.0"):
        assert word not in text


@pytest.mark.parametrize("limit", [1, 2, 3, 1000])
def test_pages_of_any_size_bring_each_item_once_and_in_order(alerted: Running, limit: int) -> None:
    whole, found, path, cursor = items(alerted), [], f"/v1/feed?limit={limit}", 0
    while path:
        answer = alerted.get(path)
        page = answer.json()
        assert len(page["items"]) <= limit
        found += page["items"]
        cursor = page["next_cursor"]
        link = answer.headers.get("Link", "")
        assert page["complete"] == (not link)
        path = link.removesuffix('>; rel="next"').removeprefix("<")
    assert found == whole
    assert items(alerted, f"?after={cursor}") == []
    alerted.told(stalled("ca_stall3").events)
    later = items(alerted, f"?after={cursor}")
    assert whole + later == items(alerted)
    assert later


def test_a_credential_for_some_clinics_is_given_their_items_alone(alerted: Running) -> None:
    north, south, none = (
        alerted.create_key("feed:read", "alerts:read", clinics=[clinic])
        for clinic in ("cl_north", "cl_south", "cl_west")
    )
    of_north, of_south = items(alerted, key=north), items(alerted, key=south)
    assert of_north
    assert of_south
    assert sorted([*of_north, *of_south], key=lambda one: one["position"]) == items(alerted)
    assert items(alerted, key=none) == []
    foreign = alerted.get(f"/v1/alerts/{of_south[0]['alert_ref']}", key=north)
    unknown = alerted.get("/v1/alerts/al_0000000000000000", key=north)
    assert foreign.status_code == unknown.status_code == 404
    assert (foreign.content, foreign.headers) == (unknown.content, unknown.headers)
    assert alerted.get(f"/v1/alerts/{of_south[0]['alert_ref']}", key=south).status_code == 200


def test_an_alert_is_read_back_with_where_it_stands(alerted: Running) -> None:
    [raised] = [one for one in items(alerted) if one["type"].endswith("raised.v1")][:1]
    path = f"/v1/alerts/{raised['alert_ref']}"
    found = alerted.get(path).json()
    assert found.pop("raised_at") == raised["time"]
    assert found.pop("notified_at")
    assert found == {
        "alert_ref": raised["alert_ref"],
        "reason": "stalled",
        "state": "open",
        "case_ref": "ca_stall1",
        "clinic": "cl_north",
        "therapist_ref": "th_ada01",
    }
    story = stalled()
    story.tell("alert.acknowledged", {"alert_ref": raised["alert_ref"], "by": "th_ada01", "action": "will_discuss"}, 90)
    alerted.told([story.last])
    assert alerted.get(path).json()["state"] == "acknowledged"
    story.tell("alert.snoozed", {"alert_ref": raised["alert_ref"], "by": "th_ada01"}, 95)
    alerted.told([story.last])
    assert alerted.get(path).json()["state"] == "snoozed"
    alerted.told(story.session(ors=30).renegotiated().session(ors=31).events)
    resolved = alerted.get(path).json()
    assert (resolved["state"], "resolved_at" in resolved) == ("resolved", True)


def test_the_feed_can_be_read_at_the_position_of_ones_own_write(alerted: Running) -> None:
    story = stalled()
    [raised, *_] = items(alerted)
    story.tell("alert.acknowledged", {"alert_ref": raised["alert_ref"], "by": "th_ada01", "action": "seen"}, 90)
    position = alerted.post([story.last]).headers["Resonance-Position"]
    wait = {"Resonance_Min_Position": position, "Prefer": "wait=5"}
    assert items(alerted, f"?after={int(position) - 1}", **wait)[0]["position"] == int(position)
    behind = alerted.get("/v1/feed", Resonance_Min_Position="999999", Prefer="wait=0")
    assert (behind.status_code, behind.json()["type"]) == (503, "/v1/problems/projection-behind")


@pytest.mark.parametrize("query", ["?after=-1", "?after=soon", "?limit=0", "?limit=1001", f"?after={2**63}"])
def test_what_is_no_cursor_or_size_is_refused(running: Running, query: str) -> None:
    answer = running.get(f"/v1/feed{query}")
    assert (answer.status_code, answer.json()["type"]) == (422, "/v1/problems/validation")


def test_each_needs_its_own_scope(alerted: Running) -> None:
    feed, alerts = alerted.create_key("feed:read"), alerted.create_key("alerts:read")
    path = f"/v1/alerts/{items(alerted)[0]['alert_ref']}"
    assert [alerted.get(path, key=key).status_code for key in (feed, alerts, "nobody")] == [403, 200, 401]
    assert [alerted.get("/v1/feed", key=key).status_code for key in (feed, alerts, "nobody")] == [200, 403, 401]
