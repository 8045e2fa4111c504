"""A therapist's summary over HTTP: every view by itself, with what it rests on."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.pages.place import ADA
from tests.pages.test_figures import closed_cases, colleagues
from tests.running import Running


@pytest.fixture
def running(tmp_path: Path) -> Iterator[Running]:
    found = Running(tmp_path)
    yield found
    found.close()


def test_each_figure_stands_by_itself_with_its_interval_and_the_network(running: Running) -> None:
    stories = [*closed_cases(ADA.ref, 10, 10, "ten"), *colleagues()]
    running.told([event for story in stories for event in story.events])
    found = running.get(f"/v1/therapists/{ADA.ref}/summary").json()
    assert (found["open_cases"], found["closed_cases"]) == (0, 10)
    [outcome] = [one for one in found["figures"] if one["measure"] == "outcome"]
    assert (outcome["instrument"], outcome["n"], outcome["standing"]) == ("ors", 10, "early")
    assert outcome["interval95"][0] < outcome["interval80"][0] < outcome["estimate"] < outcome["interval80"][1]
    assert outcome["network"] < outcome["estimate"] < outcome["observed"]
    assert outcome["distinguishable"] is True
    assert (found["alerts"], found["renegotiation"]) == (0, None)
    assert not {"score", "rank"} & found.keys()


def test_of_a_therapist_nobody_knows_there_is_not_enough(running: Running) -> None:
    found = running.get("/v1/therapists/th_nobody/summary").json()
    assert {(one["standing"], one["n"], one["estimate"]) for one in found["figures"]} == {("not_enough_data", 0, None)}
    assert found["alliance_and_outcome"] is None
