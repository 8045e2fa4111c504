"""Reading what could be known on a date, and the decision that followed from it."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from contracts.events import NORMS_SOURCE, NormsAdopted
from contracts.norms import NormsAdoptedData
from contracts.policies import policy
from tests.running import Running
from tests.story import START, Story, day, merge, stalled

CASE = "ca_stall1"


@pytest.fixture
def running(tmp_path: Path) -> Iterator[Running]:
    found = Running(tmp_path, START)
    yield found
    found.close()


def received(running: Running, number: float, *events: Any) -> None:
    """The events are posted on that day, and all that follows from them is done."""
    running.now = day(number)
    answer = running.post(events)
    assert answer.status_code == 200, answer.text
    running.settle()


def read(running: Running, what: str, number: float | None = None, case: str = CASE) -> Any:
    at = "" if number is None else f"?as_of={day(number).strftime('%Y-%m-%dT%H:%M:%SZ')}"
    answer = running.get(f"/v1/cases/{case}/{what}{at}")
    assert answer.status_code == 200, answer.text
    return answer.json()


def cases(running: Running, therapist: str, number: float) -> list[str]:
    answer = running.get(f"/v1/therapists/{therapist}/caseload?as_of={day(number).strftime('%Y-%m-%dT%H:%M:%SZ')}")
    return [entry["case_ref"] for entry in answer.json()["cases"]]


def as_it_was_seen(running: Running) -> Story:
    """A case whose sessions were each received two hours after they began."""
    story = stalled(CASE)
    for number in range(6):
        at = day(7 * number)
        received(
            running,
            7 * number + 0.1,
            *(one for one in story.events if at <= one.time + timedelta(hours=1) < at + timedelta(days=7)),
        )
    return story


def test_a_decision_says_where_a_case_stands_why_and_by_which_thresholds(running: Running) -> None:
    as_it_was_seen(running)
    found = read(running, "decision")
    assert (found["case_ref"], found["status"]) == (CASE, "stalled")
    [reason] = found["reasons"]
    assert reason["name"] == "stalled"
    assert reason["instrument"] == "ors"
    assert (reason["evidence"]["first_score"], reason["evidence"]["last_score"]) == (15.0, 16.0)
    assert found["policy"] == {"key": policy().key, "version": policy().version}
    assert (found["norms_version"], found["flags"]) == (None, [])
    assert found["due_at"] == "2026-05-05T00:00:00Z"


def test_the_decision_of_a_date_is_that_of_what_was_known_then(running: Running) -> None:
    story = as_it_was_seen(running)
    received(running, 40, story.after(5).renegotiated(previous="ta_old01").last)
    assert read(running, "decision", 8)["status"] == "not_enough_data"
    assert read(running, "decision", 39)["status"] == "stalled"
    assert read(running, "decision", 40)["status"] == "watch"
    then = read(running, "decision", 39)
    assert then["at"] == day(39).isoformat().replace("+00:00", "Z")
    assert read(running, "course", 39)["renegotiations"] == []
    assert [alert["resolved_how"] for alert in read(running, "course", 39)["alerts"]] == [None]
    assert [alert["resolved_how"] for alert in read(running, "course")["alerts"]] == ["by_renegotiation"]


def test_a_decision_names_the_norm_set_that_was_in_force_when_the_case_began(running: Running) -> None:
    received(running, 0, *Story("ca_early1").opened().session(ors=15).events)
    data = NormsAdoptedData(
        version="0123456789ab", effective_from=day(5), last_session=10, policy="default", policy_version=2, kinds=()
    )
    adopted = NormsAdopted(id="norms-1", source=NORMS_SOURCE, time=day(5), subject="network", data=data)
    running.network.log.append([adopted], day(5))
    received(running, 8, *Story("ca_later1").after(7).opened().session(ors=15).events)
    assert read(running, "decision", case="ca_early1")["norms_version"] is None
    assert read(running, "decision", case="ca_later1")["norms_version"] == "0123456789ab"
    assert read(running, "decision", 8, case="ca_later1")["norms_version"] == "0123456789ab"


def test_a_norm_set_that_came_later_is_not_known_though_it_says_to_hold_from_before(running: Running) -> None:
    received(running, 1, *Story("ca_later1").after(1).opened().session(ors=15).events)
    data = NormsAdoptedData(
        version="0123456789ab", effective_from=day(0), last_session=10, policy="default", policy_version=2, kinds=()
    )
    adopted = NormsAdopted(id="norms-1", source=NORMS_SOURCE, time=day(5), subject="network", data=data)
    running.network.log.append([adopted], day(5))
    received(running, 8, *Story("ca_other1").after(7).opened().events)
    assert read(running, "decision", 4, case="ca_later1")["norms_version"] is None
    assert read(running, "decision", 5, case="ca_later1")["norms_version"] == "0123456789ab"


def test_silence_is_judged_by_the_date_that_is_asked_for(running: Running) -> None:
    received(running, 1, *Story(CASE).opened().session(ors=15).events)
    running.now = day(60)
    assert [reason["name"] for reason in read(running, "decision", 10)["reasons"]] == []
    assert [reason["name"] for reason in read(running, "decision", 50)["reasons"]] == ["silent"]


def test_a_correction_changes_no_decision_of_a_date_before_it(running: Running) -> None:
    story = as_it_was_seen(running)
    first = next(one for one in story.events if one.type == "resonance.measure.recorded.v1")
    received(running, 45, story.corrected(first, "ors", {"total": 2.0}).last)
    assert read(running, "decision", 44)["status"] == "stalled"
    assert read(running, "decision", 45)["status"] == "reached"
    assert read(running, "course", 44)["series"][0]["points"][0]["value"] == 15


def test_the_caseload_of_a_date_is_of_who_was_known_to_be_responsible(running: Running) -> None:
    story = stalled(CASE)
    received(running, 36, *story.events)
    data = {"therapist_ref": "th_bea01", "role": "primary", "effective_from": day(3).isoformat()}
    received(running, 50, story.tell("therapist.assigned", data).last)
    assert (cases(running, "th_ada01", 49), cases(running, "th_bea01", 49)) == ([CASE], [])
    assert (cases(running, "th_ada01", 50), cases(running, "th_bea01", 50)) == ([], [CASE])


def test_a_client_is_called_what_was_known_then(running: Running) -> None:
    received(running, 36, *stalled(CASE).events)
    received(running, 40, merge("c_anna01", "c_anna02"))
    assert read(running, "course", 39)["client_ref"] == "c_anna01"
    assert read(running, "course", 40)["client_ref"] == read(running, "course")["client_ref"] == "c_anna02"


def test_what_was_not_known_by_then_is_answered_as_what_is_not_known(running: Running) -> None:
    received(running, 36, *stalled(CASE).events)
    for path in (f"cases/{CASE}/course", f"cases/{CASE}/decision"):
        early = running.get(f"/v1/{path}?as_of=2026-03-02T09:00:00Z")
        unknown = running.get(f"/v1/{path.replace(CASE, 'ca_nobody')}")
        assert (early.status_code, early.content) == (404, unknown.content)
    assert cases(running, "th_ada01", 35) == []


@pytest.mark.parametrize(
    "as_of, slug, code",
    [
        ("2026-03-02T09:00:01Z", "time-out-of-range", "in_the_future"),
        ("2026-03-02T09:00:00", "validation", "timezone_missing"),
        ("2026-03-02", "validation", "timezone_missing"),
        ("1772442000", "validation", "date_time"),
        ("2026-03-02T09:00:00%20Anna", "validation", "date_time"),
        ("", "validation", "date_time"),
    ],
)
@pytest.mark.parametrize("path", [f"cases/{CASE}/course", f"cases/{CASE}/decision", "therapists/th_ada01/caseload"])
def test_what_is_no_instant_of_the_past_is_refused_without_being_repeated(
    running: Running, path: str, as_of: str, slug: str, code: str
) -> None:
    answer = running.get(f"/v1/{path}?as_of={as_of}")
    assert answer.status_code == 422
    assert answer.json()["type"] == f"/v1/problems/{slug}"
    assert answer.json()["errors"] == [{"pointer": "/as_of", "code": code}]
    assert as_of[:10] not in answer.text or not as_of
    assert "Anna" not in answer.text


def test_the_present_instant_is_no_future(running: Running) -> None:
    received(running, 36, *stalled(CASE).events)
    assert read(running, "course", 36) == read(running, "course")
    assert read(running, "decision", 36) == read(running, "decision")


def test_a_key_for_some_clinics_sees_no_past_of_a_case_that_is_another_clinics(running: Running) -> None:
    """Until the case was opened its clinic was that of its first event."""
    stray = Story(CASE, clinic="cl_south").session(ors=15).events
    received(running, 1, *stray)
    opening = Story(CASE).after(0.5).opened().last.model_copy(update={"id": "opening"})
    received(running, 2, opening)
    key = running.create_key("read", clinics=["cl_south"])
    for what in ("course", "decision"):
        assert (
            running.get(f"/v1/cases/{CASE}/{what}?as_of={day(1.5).strftime('%Y-%m-%dT%H:%M:%SZ')}", key=key).status_code
            == 404
        )
    assert read(running, "course", 1.5)["clinic"] == "cl_south"
    assert read(running, "course")["clinic"] == "cl_north"


def test_a_case_that_is_parked_now_does_not_keep_a_key_for_some_clinics_from_the_others(running: Running) -> None:
    odd, fine = stalled("ca_odd001"), stalled("ca_fine01")
    received(running, 36, *odd.events, *fine.events)
    views = running.network.views
    views._catalogue = {key: one for key, one in views._catalogue.items() if key[0] != "phq9"}
    received(running, 40, odd.measure("phq9", {"total": 14}).last)
    key = running.create_key("read", clinics=["cl_north"])
    answer = running.get("/v1/therapists/th_ada01/caseload?as_of=2026-04-10T09:00:00Z", key=key)
    assert [entry["case_ref"] for entry in answer.json()["cases"]] == ["ca_fine01"]
    odd_then = running.get("/v1/cases/ca_odd001/course?as_of=2026-04-10T09:00:00Z", key=key)
    assert odd_then.json()["type"] == "/v1/problems/projection-behind"


def test_a_decision_holds_none_of_the_clients_words_and_wants_a_key_that_may_read(running: Running) -> None:
    words = "I would rather walk than talk"
    received(running, 36, *stalled(CASE).renegotiated(previous="ta_old01", statement=words).events)
    assert words not in running.get(f"/v1/cases/{CASE}/decision").text
    writer = running.create_key("events:write")
    assert running.get(f"/v1/cases/{CASE}/decision", key=writer).status_code == 403
