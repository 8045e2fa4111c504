"""Reading over HTTP: one's own write, one's own clinics, and never the client's words."""

import asyncio
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import httpx
import pytest

from contracts.events import canonical
from tests.running import Running
from tests.story import Story, merge, stalled

WORDS = "I would rather walk than talk"


@pytest.fixture
def running(tmp_path: Path) -> Iterator[Running]:
    found = Running(tmp_path)
    yield found
    found.close()


def test_a_course_is_read_back_at_the_position_of_ones_own_write(running: Running) -> None:
    story = stalled()
    position = running.post(story.events).headers["Resonance-Position"]
    wait = {"Resonance_Min_Position": position, "Prefer": "wait=5"}
    answer = running.get(f"/v1/cases/{story.case_ref}/course", **wait)
    assert answer.status_code == 200
    assert [point["value"] for point in answer.json()["series"][0]["points"]] == [15, 16, 15, 16, 15, 16]
    assert int(answer.headers["Resonance-Position"]) >= int(position)


def test_a_view_that_is_not_there_in_time_says_so_and_when_to_come_back(running: Running) -> None:
    running.told(stalled().events)
    answer = running.get("/v1/cases/ca_stall1/course", Resonance_Min_Position="999999", Prefer="wait=0")
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "1")
    assert answer.json()["type"] == "/v1/problems/projection-behind"


def test_a_reader_who_waits_is_answered_as_soon_as_the_view_has_come_so_far(running: Running) -> None:
    running.told(stalled().events)
    next_position = running.network.log.head() + 1
    headers = {"Authorization": f"Bearer {running.key}", "Prefer": "respond-async, wait=10"}
    later = Story("ca_later1").opened().events

    async def read_before_it_is_written() -> httpx.Response:
        asked = asyncio.ensure_future(
            running.client.get(
                "/v1/cases/ca_later1/course", headers=headers | {"Resonance-Min-Position": str(next_position)}
            )
        )
        await asyncio.sleep(0.05)
        assert not asked.done()
        kind = {"Content-Type": "application/cloudevents+json"}
        posted = await running.client.post("/v1/events", content=canonical(later[0]), headers=headers | kind)
        assert posted.headers["Resonance-Position"] == str(next_position)
        return await asked

    assert running.run(read_before_it_is_written()).json()["case_ref"] == "ca_later1"


@pytest.mark.parametrize("position", ["-1", "soon", "1.5"])
def test_what_is_no_position_is_refused(running: Running, position: str) -> None:
    answer = running.get("/v1/cases/ca_stall1/course", Resonance_Min_Position=position)
    assert answer.status_code == 422
    assert answer.json()["type"] == "/v1/problems/validation"


def test_what_is_no_reference_is_refused_without_being_repeated(running: Running) -> None:
    answer = running.get("/v1/cases/Anna%20Example/course")
    assert answer.status_code == 422
    assert "Anna" not in answer.text


def test_another_clinics_case_is_answered_as_an_unknown_one(running: Running) -> None:
    running.told(stalled().events)
    stranger = running.create_key("read", clinics=["cl_south"])
    foreign = running.get("/v1/cases/ca_stall1/course", key=stranger)
    unknown = running.get("/v1/cases/ca_nobody/course", key=stranger)
    assert foreign.status_code == unknown.status_code == 404
    assert foreign.content == unknown.content
    assert foreign.headers == unknown.headers
    assert running.get("/v1/therapists/th_ada01/caseload", key=stranger).json()["cases"] == []
    assert running.get("/v1/therapists/th_ada01/summary", key=stranger).status_code == 403


def test_nobody_comes_to_see_a_case_of_another_clinic_by_telling_that_they_opened_it(running: Running) -> None:
    running.told(stalled().events)
    stranger = running.create_key("events:write", "read", "alerts:read", clinics=["cl_south"])
    alert_ref = running.get("/v1/feed").json()["items"][0]["alert_ref"]
    [opening, *_] = Story("ca_stall1", clinic="cl_south").opened().events
    earlier = {"id": "taken", "source": "urn:resonance:source:south", "time": opening.time - timedelta(days=1)}
    assert running.post([opening.model_copy(update=earlier)], key=stranger).status_code == 200
    running.settle()
    for path in ("/v1/cases/ca_stall1/course", "/v1/cases/ca_stall1/decision", f"/v1/alerts/{alert_ref}"):
        assert running.get(path, key=stranger).status_code == 404
        assert running.get(path).status_code == 200


def test_the_clients_words_are_in_no_answer_but_that_they_exist_is(running: Running) -> None:
    story = stalled().renegotiated(previous="ta_old01", statement=WORDS)
    data = {"kind": "preference", "domain": "pace", "statement": WORDS}
    running.told(story.tell("preference.recorded", data, minutes=40).events)
    answer = running.get("/v1/cases/ca_stall1/course")
    for path in ("/v1/therapists/th_ada01/caseload", "/v1/therapists/th_ada01/summary", "/metrics"):
        assert WORDS not in running.get(path).text
    assert WORDS not in answer.text
    assert answer.json()["renegotiations"][0]["statement_present"] is True
    assert answer.json()["preferences"][0]["statement_present"] is True


def test_a_course_tells_the_record_with_its_revisions_and_what_is_worth_a_question(running: Running) -> None:
    story = Story("ca_wish01").opened().session(ors=15).said("role", stance="guide").agreed(fit=3.0)
    story.session(ors=17).said("activity", activity={"directiveness": -3}).session(ors=20).said("role", stance="coach")
    running.told(story.events)
    told = running.get("/v1/cases/ca_wish01/course").json()
    assert [(one["domain"], one["stance"], one["until"] is None) for one in told["preferences"]] == [
        ("role", "guide", False),
        ("activity", None, True),
        ("role", "coach", True),
    ]
    [match] = told["agreement"]["matches"]
    assert match["observed"] == ["task_fit_low", "task_older_than_preferences"]
    assert match["newer"] == ["activity", "role"]
    assert [(one["scale"], one["towards"]) for one in told["agreement"]["strong"]] == [
        ("directiveness", "client_leads")
    ]
    assert [(one["scores"], one["moved"]) for one in told["litmus"]] == [(2, 3.5)]


def test_the_caseload_and_the_summary_say_what_they_can(running: Running) -> None:
    running.told(stalled().events)
    [case] = running.get("/v1/therapists/th_ada01/caseload").json()["cases"]
    assert (case["case_ref"], case["sessions"], case["instrument"]) == ("ca_stall1", 6, "ors")
    summary = running.get("/v1/therapists/th_ada01/summary").json()
    assert (summary["open_cases"], summary["closed_cases"]) == (1, 0)
    assert {figure["standing"] for figure in summary["figures"]} == {"not_enough_data"}


def test_a_merged_client_is_shown_under_the_reference_that_remains(running: Running) -> None:
    running.told([*stalled().events, merge("c_anna01", "c_anna02")])
    assert running.get("/v1/cases/ca_stall1/course").json()["client_ref"] == "c_anna02"


def test_merges_are_followed_to_the_last_reference_whichever_came_first(running: Running) -> None:
    running.told([merge("c_anna02", "c_anna03"), *stalled().events, merge("c_anna01", "c_anna02")])
    assert running.get("/v1/cases/ca_stall1/course").json()["client_ref"] == "c_anna03"


def test_a_key_for_some_clinics_reads_their_cases_and_no_summary(running: Running) -> None:
    running.told([*stalled().events, *Story("ca_south1", clinic="cl_south").opened().events])
    key = running.create_key("read", clinics=["cl_south"])
    [case] = running.get("/v1/therapists/th_ada01/caseload", key=key).json()["cases"]
    assert case["case_ref"] == "ca_south1"
    refused = running.get("/v1/therapists/th_ada01/summary", key=key)
    assert (refused.status_code, refused.json()["type"]) == (403, "/v1/problems/clinic-not-allowed")


def test_reading_needs_a_key_with_the_scope_to_read(running: Running) -> None:
    writer = running.create_key("events:write")
    assert running.get("/v1/cases/ca_stall1/course", key=writer).status_code == 403
    assert running.get("/v1/cases/ca_stall1/course", key="nobody").status_code == 401
