"""Reading back what was posted: all of one's own, nothing of anybody else's, and never the client's words."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx
import pytest

from contracts.events import AnyEvent, canonical, parse
from services.access import paging
from tests.running import Running
from tests.story import SOURCE, Story, merge, stalled

OTHER = "urn:resonance:source:other"
WORDS = "I would rather walk than talk"


@pytest.fixture
def running(tmp_path: Path) -> Iterator[Running]:
    found = Running(tmp_path)
    yield found
    found.close()


def of(source: str, event: AnyEvent) -> AnyEvent:
    return event.model_copy(update={"source": source})


def walked(running: Running, path: str, key: str | None = None) -> list[httpx.Response]:
    """All pages, each found by the link of the one before."""
    pages = [running.get(path, key=key)]
    while link := pages[-1].headers.get("Link"):
        target, _, relation = link.partition("; ")
        assert relation == 'rel="next"'
        pages.append(running.get(target.strip("<>"), key=key))
    return pages


def items(pages: list[httpx.Response]) -> list[dict[str, Any]]:
    return [item for page in pages for item in page.json()["items"]]


def test_every_event_that_was_posted_is_listed_once_in_the_order_of_the_log(running: Running) -> None:
    events = [*stalled().events, merge("c_anna01", "c_anna02")]
    running.post(events)
    for limit in (1, 7, len(events), 1000):
        found = items(walked(running, f"/v1/events?limit={limit}"))
        assert [item["id"] for item in found] == [event.id for event in events]
        positions = [item["rsnposition"] for item in found]
        assert positions == sorted(set(positions))


def test_an_event_is_listed_as_it_was_posted_with_its_position_and_when_it_was_received(running: Running) -> None:
    event = stalled().events[0]
    posted = running.post([event])
    [item] = items([running.get("/v1/events")])
    assert item.pop("rsnposition") == posted.json()["position"]
    assert item.pop("rsnreceived") == running.now.isoformat().replace("+00:00", "Z")
    assert parse(httpx.Response(200, json=item).content) == event


def test_the_end_is_told_and_gone_on_from_later(running: Running) -> None:
    first, *later = stalled().events
    running.post([first])
    page = running.get("/v1/events").json()
    assert page["complete"] is True
    again = running.get(f"/v1/events?after={page['next_cursor']}").json()
    assert (again["items"], again["complete"]) == ([], True)
    assert again["next_cursor"] >= page["next_cursor"]
    running.post(later)
    page = running.get(f"/v1/events?after={page['next_cursor']}").json()
    assert [item["id"] for item in page["items"]] == [event.id for event in later]


def test_what_resonance_appends_itself_is_not_listed(running: Running) -> None:
    events = stalled(scores=(15, 16, 15, 16, 15, 16, 15, 15)).events
    running.told(events)
    own = [event for event in running.events() if event.source == "urn:resonance:alerts"]
    assert own
    assert [item["id"] for item in items(walked(running, "/v1/events"))] == [event.id for event in events]
    assert running.get(f"/v1/events/{own[0].source}/{own[0].id}").status_code == 404


def test_a_credential_is_shown_its_own_sources_and_clinics_only(running: Running) -> None:
    mine, south, foreign = Story(), Story("ca_south1", clinic="cl_south"), Story("ca_other1")
    running.post([*mine.opened().events, *south.opened().events, of(OTHER, foreign.opened().last)])
    everything = items(walked(running, "/v1/events"))
    assert len(everything) == 3
    key = running.create_key("events:read", clinics=["cl_north"], sources=[SOURCE])
    assert items(walked(running, "/v1/events", key)) == everything[:1]
    for item in everything[1:]:
        answer = running.get(f"/v1/events/{item['source']}/{item['id']}", key=key)
        unknown = running.get(f"/v1/events/{item['source']}/nobody", key=key)
        assert answer.status_code == 404
        assert (answer.content, answer.headers) == (unknown.content, unknown.headers)


def test_a_page_that_has_looked_at_enough_is_short_and_says_that_there_is_more(
    running: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(paging, "MOST_SCANNED", 4)
    monkeypatch.setattr(paging, "_AT_ONCE", 4)
    foreign, own = stalled("ca_other1").events, stalled("ca_mine01").events
    running.post([*(of(OTHER, event) for event in foreign), *own])
    key = running.create_key("events:read", sources=[SOURCE])
    first = running.get("/v1/events?limit=2", key=key)
    assert (first.json()["items"], first.json()["complete"]) == ([], False)
    assert "Link" in first.headers
    assert [item["id"] for item in items(walked(running, "/v1/events?limit=2", key))] == [event.id for event in own]


@pytest.mark.parametrize("spelt", [str, lambda text: quote(text, safe="")])
def test_one_event_is_found_under_its_source_and_id_however_they_are_spelt(running: Running, spelt: Any) -> None:
    event = Story().opened().last.model_copy(update={"id": "a.b:c-d_1"})
    running.post([event])
    answer = running.get(f"/v1/events/{spelt(event.source)}/{spelt(event.id)}")
    assert answer.status_code == 200
    assert answer.json() == items([running.get("/v1/events")])[0]


@pytest.mark.parametrize(
    "path,status",
    [
        (f"/v1/events/{SOURCE}/unknown", 404),
        ("/v1/events/urn:resonance:source:unknown/x", 404),
        ("/v1/events/Anna%20Example/x", 422),
        (f"/v1/events/{SOURCE}/Anna%20Example", 422),
        (f"/v1/events/{SOURCE}/a%2Fb", 422),
        (f"/v1/events/{SOURCE}", 404),
        ("/v1/events?after=-1", 422),
        ("/v1/events?after=9223372036854775808", 422),
        ("/v1/events?after=Anna", 422),
        ("/v1/events?limit=0", 422),
        ("/v1/events?limit=1001", 422),
        ("/v1/pending?after=Anna", 422),
    ],
)
def test_what_is_not_there_or_cannot_be_is_refused_and_not_repeated(running: Running, path: str, status: int) -> None:
    answer = running.get(path)
    assert (answer.status_code, answer.headers["Content-Type"]) == (status, "application/problem+json")
    assert "Anna" not in answer.text


def test_the_clients_words_are_not_given_back_but_that_they_exist_is(running: Running) -> None:
    story = Story().opened().session(ors=15)
    story.said("pace", statement=WORDS).said("role", stance="guide")
    running.post(story.events)
    pages = walked(running, "/v1/events")
    one = running.get(f"/v1/events/{SOURCE}/{story.events[-2].id}")
    assert all(WORDS not in page.text for page in [*pages, one])
    with_words, without = items(pages)[-2:]
    assert with_words == one.json()
    assert (with_words["data"]["domain"], with_words["data"]["statement_present"]) == ("pace", True)
    assert "statement_present" not in without["data"]


def test_reading_back_needs_its_scope(running: Running) -> None:
    key = running.create_key("read", "events:write")
    for path in ("/v1/events", f"/v1/events/{SOURCE}/x", "/v1/pending"):
        assert running.get(path, key=key).json()["type"] == "/v1/problems/insufficient-scope"
        assert running.get(path, key="nobody").status_code == 401


def pending(running: Running, key: str | None = None) -> list[dict[str, Any]]:
    """What waits, as of everything that is on the log."""
    headers = {"Resonance_Min_Position": str(running.network.log.head()), "Prefer": "wait=10"}
    answer = running.get("/v1/pending", key=key, **headers)
    assert answer.status_code == 200
    found: list[dict[str, Any]] = answer.json()["items"]
    return found


def test_a_score_that_came_before_its_case_is_listed_until_the_case_has_come(running: Running) -> None:
    story = Story().opened().session(ors=15)
    opened, *rest = story.events
    assert running.post(rest).status_code == 200
    assert pending(running) == [
        {"case_ref": "ca_case01", "clinic": "cl_north", "missing": [{"what": "case", "source": SOURCE}]}
    ]
    assert running.get("/v1/cases/ca_case01/course").json()["pending"] == ["case"]
    running.post([opened])
    assert pending(running) == []
    course = running.get("/v1/cases/ca_case01/course").json()
    assert (course["pending"], course["series"][0]["points"][0]["value"]) == ([], 15)


def test_a_correction_before_what_it_corrects_is_listed_with_its_target(running: Running) -> None:
    story = Story().opened().session(ors=15)
    measure = story.last
    correction = story.corrected(measure, "ors", {"total": 16}).last
    running.post([event for event in story.events if event is not measure])
    target = {"source": SOURCE, "id": measure.id}
    [case] = pending(running)
    assert case["missing"] == [{"what": "amended_event", "source": SOURCE, "id": correction.id, "target": target}]
    running.post([measure])
    assert pending(running) == []


def test_a_credential_is_told_what_its_own_events_wait_for(running: Running) -> None:
    south = Story("ca_south1", clinic="cl_south").session().events
    mixed = Story().session(ors=15).events
    running.post([*south, mixed[0], of(OTHER, mixed[1])])
    key = running.create_key("events:read", clinics=["cl_north"], sources=[OTHER])
    assert len(pending(running)) == 2
    [case] = pending(running, key)
    assert (case["case_ref"], case["missing"]) == ("ca_case01", [{"what": "case", "source": OTHER}])
    nobody = running.create_key("events:read", sources=["urn:resonance:source:third"])
    assert pending(running, nobody) == []


def test_what_waits_is_walked_page_by_page(running: Running) -> None:
    stories = [Story(f"ca_case{number:02d}").session() for number in range(5)]
    running.post([event for story in stories for event in story.events])
    assert len(pending(running)) == 5
    pages = walked(running, "/v1/pending?limit=2")
    assert [item["case_ref"] for item in items(pages)] == [story.case_ref for story in stories]
    assert "next_cursor" not in pages[-1].json()


def test_what_waits_is_never_told_as_of_before_ones_own_write(running: Running) -> None:
    answer = running.get("/v1/pending", Resonance_Min_Position="999999", Prefer="wait=0")
    assert answer.json()["type"] == "/v1/problems/projection-behind"


def test_an_event_that_was_listed_can_be_sent_again_and_is_known(running: Running) -> None:
    """So that whoever lost their queue can compare: what comes back is the event, by content and by key."""
    event = Story().opened().last
    running.post([event])
    assert canonical(event) == canonical(running.events()[0])
    assert running.post([event]).json()["duplicates"] == 1
