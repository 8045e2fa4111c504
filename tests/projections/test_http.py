"""Reading over HTTP: one's own write, one's own clinics, and never the client's words."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.running import Running
from tests.story import merge, stalled

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


def test_another_clinics_case_is_answered_as_an_unknown_one(running: Running) -> None:
    running.told(stalled().events)
    stranger = running.create_key("read", clinics=["cl_south"])
    foreign = running.get("/v1/cases/ca_stall1/course", key=stranger)
    unknown = running.get("/v1/cases/ca_nobody/course", key=stranger)
    assert foreign.status_code == unknown.status_code == 404
    assert foreign.content == unknown.content
    assert running.get("/v1/therapists/th_ada01/caseload", key=stranger).json()["cases"] == []
    assert running.get("/v1/therapists/th_ada01/summary", key=stranger).status_code == 403


def test_the_clients_words_are_in_no_answer_but_that_they_exist_is(running: Running) -> None:
    story = stalled().renegotiated(previous="ta_old01", statement=WORDS)
    data = {"kind": "preference", "domain": "pace", "statement": WORDS}
    running.told(story.tell("preference.recorded", data, minutes=40).events)
    answer = running.get("/v1/cases/ca_stall1/course")
    assert WORDS not in answer.text
    assert answer.json()["renegotiations"][0]["statement_present"] is True
    assert answer.json()["preferences"][0]["statement_present"] is True


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


def test_reading_needs_a_key_with_the_scope_to_read(running: Running) -> None:
    writer = running.create_key("events:write")
    assert running.get("/v1/cases/ca_stall1/course", key=writer).status_code == 403
    assert running.get("/v1/cases/ca_stall1/course", key="nobody").status_code == 401
