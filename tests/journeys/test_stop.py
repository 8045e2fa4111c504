"""Starting, stopping and refusing to start."""

import subprocess
from datetime import datetime, timedelta

from tests.journeys.program import BATCH, RESONANCE, Program, batch_of
from tests.journeys.test_loop import shifted
from tests.story import stalled


def test_asked_to_stop_it_keeps_what_it_accepted_and_ends_well(program: Program, now: datetime) -> None:
    program.start()
    story = stalled()
    with program.client() as client:
        events = shifted(story, now - timedelta(days=2))
        client.post("/v1/events", content=batch_of(events), headers=BATCH).raise_for_status()
    assert program.stop() == 0
    program.start()
    with program.client() as client:
        assert len(client.get(f"/v1/cases/{story.case_ref}/course").json()["sessions"]) == 6


def test_a_second_service_on_the_same_folder_is_refused_in_one_line(program: Program) -> None:
    program.start()
    second = subprocess.run([*RESONANCE, "up"], env=program.environment, capture_output=True, text=True, check=False)
    assert second.returncode == 1
    assert second.stderr.splitlines()[-1] == "resonance: another process serves this data folder"


def test_an_unknown_setting_stops_the_start(program: Program) -> None:
    wrong = program.environment | {"RESONANCE_SMPT_URL": "smtp://localhost"}
    started = subprocess.run([*RESONANCE, "up"], env=wrong, capture_output=True, text=True, check=False)
    assert started.returncode == 2
    assert started.stderr == "resonance: RESONANCE_SMPT_URL is no setting\n"


def test_views_can_be_made_anew_while_the_service_runs(program: Program, now: datetime) -> None:
    program.start()
    story = stalled()
    with program.client() as client:
        events = shifted(story, now - timedelta(days=2))
        client.post("/v1/events", content=batch_of(events), headers=BATCH).raise_for_status()
        before = client.get(f"/v1/cases/{story.case_ref}/course").json()["sessions"]
        assert program.command("rebuild").startswith("main: 1 cases")
        assert client.get(f"/v1/cases/{story.case_ref}/course").json()["sessions"] == before
        metrics = client.get("/metrics").text
        assert "resonance_log_position" in metrics
        assert [ref for ref in (story.case_ref, "th_ada01", "cl_north") if ref in metrics] == []
