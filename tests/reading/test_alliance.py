"""What a reader of the API is told of the alliance, of measurement error and of whose scores they are."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.running import Running
from tests.story import Story


@pytest.fixture
def running(tmp_path: Path) -> Iterator[Running]:
    found = Running(tmp_path)
    yield found
    found.close()


def items(approach: float) -> dict[str, float]:
    return {"relationship": 9.5, "goals": 9.5, "approach": approach, "overall": 9.5}


def test_ruptures_topic_and_an_approach_that_fell_stand_in_the_course(running: Running) -> None:
    story = Story("ca_bond01").opened()
    for number, approach in enumerate((9.5, 9.5, 5.0, 5.5)):
        story.session(ors=15 + number, items=items(approach))
        if number == 2:
            story.agreed("ta_new01", "sleep_diary")
    running.told(story.events)
    told = running.get("/v1/cases/ca_bond01/course").json()["alliance"]
    [rupture] = told["ruptures"]
    assert (rupture["session"], rupture["repaired_session"], rupture["scores"]) == (3, None, 2)
    assert (rupture["level"], rupture["depth"]) == (38, 4.5)
    assert (told["unrepaired"], told["informative"], told["theme"]) == (True, True, "approach")
    [fall] = told["approach_falls"]
    assert (fall["name"], fall["task_ref"]) == ("approach_fell_after_task_changed", "ta_new01")
    assert (fall["before"], fall["after"]) == (9.5, 5.25)


def test_a_case_without_alliance_scores_has_no_reading_and_its_error_is_told(running: Running) -> None:
    running.told(Story("ca_error1").opened().session(ors=15).session(ors=17).events)
    told = running.get("/v1/cases/ca_error1/course").json()
    assert told["alliance"] is None
    [series] = told["series"]
    assert series["change"]["standard_error"] == 2.16
    assert series["client_ref"] is None


def test_the_scores_of_another_client_of_a_couple_say_whose_they_are(running: Running) -> None:
    data = {"client_ref": "c_anna01", "therapist_ref": "th_ada01", "opened_on": "2026-03-02", "modality": "couple"}
    story = Story("ca_couple1").tell("case.opened", data).session(ors=15)
    his = story.scores("ors", {"total": 30.0}, story.session_ref()) | {"client_ref": "c_ben001"}
    running.told(story.tell("measure.recorded", his).events)
    told = running.get("/v1/cases/ca_couple1/course").json()
    assert {(one["client_ref"], one["change"]["last"]) for one in told["series"]} == {(None, 15), ("c_ben001", 30)}
    assert told["flags"] == ["several_clients"]
