"""A QuestionnaireResponse becomes its total: checked against its items, which are then dropped."""

import json
from typing import Any

import pytest

from contracts.events import MeasureCorrected, MeasureDeclined, MeasureRecorded
from contracts.fhir import codes, read
from services.access.problems import Fault
from tests.fhir.sent import ITEMS, LOINC, Known, discarded, fault, problem, response, told, without


def values(event: Any) -> dict[str, float]:
    return {score.scale: score.value for score in event.data.scores}


def test_the_declared_total_is_recorded_and_no_item_is() -> None:
    event = told(response())
    assert isinstance(event, MeasureRecorded)
    assert values(event) == {"total": 12}
    assert not any(code in event.model_dump_json() for code in (*ITEMS, "LA6570-1"))


def test_an_altered_answer_is_a_score_mismatch_at_the_declared_total() -> None:
    assert fault(response((3, 2, 2, 2, 1, 1, 2, 0, 0))) == (
        "score-mismatch",
        Fault("/item/9/answer/0/valueDecimal", "mismatch"),
    )
    assert fault(response(total=13)) == ("score-mismatch", Fault("/item/9/answer/0/valueDecimal", "mismatch"))


def test_without_a_declared_total_it_is_the_sum_of_all_items() -> None:
    assert values(told(response(total=None))) == {"total": 12}


def test_items_that_do_not_all_map_leave_the_declared_total_as_it_is_and_make_none() -> None:
    assert values(told(response((2, 2), 12))) == {"total": 12}
    assert fault(response((2, 2), None)) == ("validation", Fault("/item", "total_missing"))
    unknown = response()
    unknown["item"][0]["answer"][0]["valueCoding"]["code"] = "LA-none"
    assert values(told(unknown)) == {"total": 12}
    assert fault(without(response(), "item")) == ("validation", Fault("/item", "total_missing"))


def test_items_are_found_in_groups_and_below_answers() -> None:
    sent = response()
    sent["item"] = [{"linkId": "group", "item": sent["item"][:5]}, *sent["item"][5:]]
    assert values(told(sent)) == {"total": 12}
    sent["item"][0]["item"][0]["answer"][0]["valueCoding"]["code"] = "LA6571-9"
    assert problem(sent).slug == "score-mismatch"
    below = response()
    below["item"][0]["answer"][0]["item"] = [below["item"].pop()]
    assert values(told(below)) == {"total": 12}


def test_an_item_that_is_answered_twice_tells_nothing() -> None:
    sent = response()
    sent["item"][0]["answer"] *= 2
    sent["item"].append(dict(sent["item"][1]))
    assert values(told(sent)) == {"total": 12}


def test_numbers_are_worth_themselves() -> None:
    sent = response(total=None)
    for item in sent["item"]:
        item["answer"] = [{"valueInteger": 2}]
    assert values(told(sent)) == {"total": 18}
    sent["item"][0]["answer"] = [{"valueInteger": 12}]
    assert fault(sent) == ("score-out-of-range", Fault("/item", "range"))


def test_an_unknown_questionnaire_is_refused() -> None:
    assert fault(response(questionnaire="http://forms.example/phq-9")) == (
        "unknown-instrument",
        Fault("/questionnaire", "unknown_code"),
    )
    assert fault(without(response(), "questionnaire")) == ("validation", Fault("/questionnaire", "missing"))


def test_our_own_questionnaires_take_each_scale_by_its_name() -> None:
    parts = {"individual": 4.1, "interpersonal": 5, "social": 3.9, "overall": 4}
    items = [{"linkId": name, "answer": [{"valueDecimal": value}]} for name, value in parts.items()]
    canonical = "urn:resonance:fhir:questionnaire:ors:adolescent"
    event = told(response(questionnaire=canonical, item=items))
    assert (values(event), event.data.instrument.version) == (parts, "adolescent")


def test_a_network_names_its_own_questionnaire_by_whatever_link_ids_it_has() -> None:
    own = """
    [[questionnaires]]
    canonicals = ["http://forms.example/gad"]
    instrument = "gad7"
    version = "adult"
    items = ["q1", "q2", "q3", "q4", "q5", "q6", "q7"]
    """
    known = Known(codes=read([own]))
    items = [{"linkId": f"q{number}", "answer": [{"valueInteger": 1}]} for number in range(1, 8)]
    event = known.one(response(questionnaire="http://forms.example/gad|2", item=items))
    assert (event.data.instrument.key, values(event)) == ("gad7", {"total": 7})
    assert "http://forms.example/gad" not in codes().questionnaires


def test_what_is_in_progress_is_not_stored_and_what_was_stopped_is_declined() -> None:
    assert discarded(response(status="in-progress")) == "status"
    event = told(response(status="stopped"))
    assert isinstance(event, MeasureDeclined)
    assert (event.data.instrument.key, event.data.reason) == ("phq9", "declined")


def test_an_amended_response_corrects_the_one_before() -> None:
    known = Known()
    first = known.one(response())
    amended = response((3, 2, 2, 2, 1, 1, 2, 0, 0), 13, status="amended")
    assert fault(amended, known) == ("validation", Fault("/meta/lastUpdated", "missing"))
    event = known.one(amended | {"meta": {"lastUpdated": "2026-03-03T08:00:00Z"}})
    assert isinstance(event, MeasureCorrected)
    assert (event.data.supersedes, values(event)) == (first.key, {"total": 13})


def test_what_was_entered_in_error_is_retracted() -> None:
    known = Known()
    first = known.one(response())
    bare = without(response(status="entered-in-error"), "item", "authored")
    assert known.one(bare).data.target == first.key


@pytest.mark.parametrize("status", ["bogus", "final", "COMPLETED", ""])
def test_a_status_that_there_is_not_is_refused(status: str) -> None:
    slug, error = fault(response(status=status))
    assert (slug, error.pointer) == ("validation", "/status")


def test_a_response_without_its_time_is_refused() -> None:
    assert fault(without(response(), "authored")) == ("validation", Fault("/authored", "missing"))


def test_nothing_that_was_sent_comes_back_in_a_refusal() -> None:
    canary = "Canary-7291"
    sent = response(questionnaire=canary, status=canary, authored=canary)
    sent |= {canary: 1, "item": [{"linkId": canary, canary: {"x": canary}, "answer": [{"valueCoding": canary}]}]}
    found = problem(sent)
    assert canary not in json.dumps(found.document())
    for resource in (sent | {"status": "completed"}, response(questionnaire=canary), response(subject={canary: LOINC})):
        assert canary not in json.dumps(problem(resource).document())
