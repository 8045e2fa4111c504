"""A transaction in the shape in which CamCOPS sends a task: who, which questions, what was answered; and what is kept.

The shape is that of CamCOPS' FHIR export, https://github.com/ucam-department-of-psychiatry/camcops
"""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.fhir.conftest import Door, issues, statuses
from tests.fhir.sent import PHQ9, SOURCE, response

CANARY = "Kanarienvogel"


def bearing_canaries(resource: Any) -> Any:
    """``resource`` with a canary in every text that is no code, and in every element that tells of a person."""
    words = {"text": CANARY, "display": f"{CANARY} said", "description": f"about {CANARY}", "title": CANARY}
    if isinstance(resource, list):
        return [bearing_canaries(one) for one in resource]
    if not isinstance(resource, dict):
        return resource
    return {name: words.get(name, bearing_canaries(value)) for name, value in resource.items()}


def task(number: int = 1, **changes: Any) -> dict[str, Any]:
    who = {"system": "urn:oid:2.16.840.1.113883.2.1.4.1", "value": "9434765919"}
    patient = {
        "resourceType": "Patient",
        "identifier": [who],
        "name": [{"family": f"{CANARY}Family", "given": [f"{CANARY}Given"], "text": CANARY}],
        "gender": "female",
        "birthDate": "1931-07-09",
        "address": [{"line": [f"1 {CANARY} Street"], "postalCode": "CB2 0QQ"}],
        "telecom": [{"system": "email", "value": f"{CANARY}@example.org"}],
    }
    questions = {
        "resourceType": "Questionnaire",
        "status": "active",
        "identifier": [{"system": "https://camcops.example.org/fhir/questionnaire", "value": "phq9"}],
        "title": "PHQ-9",
        "item": [{"linkId": "/44250-9", "text": "a question", "type": "choice"}],
    }
    answers = response(
        identifier={"system": SOURCE, "value": f"phq9-{number}"},
        subject={"type": "Patient", "identifier": who},
        source={"type": "Patient", "identifier": who, "display": "somebody"},
        text={"status": "generated", "div": f'<div xmlns="http://www.w3.org/1999/xhtml">{CANARY}</div>'},
        questionnaire=f"{PHQ9}|6.1.0",
        **changes,
    )
    for item in answers["item"]:
        item["text"] = "a question"
    unless = f"identifier={SOURCE}|phq9-{number}"
    return {
        "resourceType": "Bundle",
        "type": "transaction",
        "entry": [
            entry(bearing_canaries(patient), f"identifier={who['system']}|{who['value']}"),
            entry(bearing_canaries(questions), "identifier=https://camcops.example.org/fhir/questionnaire|phq9"),
            entry({**bearing_canaries(answers), "text": answers["text"]}, unless),
        ],
    }


def entry(resource: dict[str, Any], unless: str) -> dict[str, Any]:
    kind = resource["resourceType"]
    return {"resource": resource, "request": {"method": "POST", "url": kind, "ifNoneExist": unless}}


def everything_below(folder: Path) -> dict[Path, bytes]:
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


PERSONAL = (CANARY, "1931-07-09", "9434765919", "2.16.840.1.113883.2.1.4.1", "CB2 0QQ", "LA6570-1", "44260-8")
"""What tells of the person, and what of single answers."""


def test_a_task_is_stored_as_its_total_and_as_nothing_else(door: Door) -> None:
    first, again, next_one = door.post(task()), door.post(task()), door.post(task(2, authored="2026-03-09T10:00:00Z"))

    assert statuses(first) == ["200", "200", "201"]
    assert statuses(again) == ["200", "200", "200"]
    assert statuses(next_one) == ["200", "200", "201"]
    one, other = door.events()
    assert [(score.scale, score.value) for score in one.data.scores] == [("total", 12)]
    assert one.data.client_ref == other.data.client_ref
    assert one.subject == other.subject


@pytest.mark.parametrize("prefer", ["minimal", "representation", "OperationOutcome"])
def test_no_byte_about_the_person_is_stored_or_answered(door: Door, prefer: str) -> None:
    given = json.dumps(task())
    assert all(word in given for word in PERSONAL)

    answers = [
        door.post(task(), Prefer=f"return={prefer}"),
        door.post(task(2, status="bogus"), Prefer=f"return={prefer}"),
        door.post(task(1, total=12, authored="2026-03-01T10:00:00Z")),
        door.ask("GET", "/QuestionnaireResponse", params={"identifier": f"{SOURCE}|phq9-1"}),
        door.ask("GET", "/QuestionnaireResponse/1"),
        door.running.get("/metrics"),
    ]
    door.running.settle()
    told = [answer.text + str(answer.headers) for answer in answers]
    found = everything_below(door.running.settings.data)

    assert [answer.status_code for answer in answers] == [200, 422, 200, 200, 200, 200]
    assert any(b"measure.recorded" in content for content in found.values())
    for word in PERSONAL:
        assert not any(word in text for text in told), word
        assert not [path for path, content in found.items() if word.encode() in content], word


def test_an_altered_answer_is_refused_as_a_whole(door: Door) -> None:
    altered = task()
    altered["entry"][2]["resource"]["item"][0]["answer"][0]["valueCoding"]["code"] = "LA6568-5"

    answer = door.post(altered)

    assert answer.status_code == 422
    [issue] = issues(answer)
    assert issue.problem == "score-mismatch"
    assert issue.place.startswith("Bundle.entry[2].resource.item[9].answer[0].value")
    assert door.events() == []
