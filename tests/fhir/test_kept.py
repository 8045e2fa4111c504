"""What must never be stored is in no event and in no file: items, those about suicide above all, and any words."""

from pathlib import Path
from typing import Any

import pytest

from tests.fhir.conftest import Door
from tests.fhir.sent import ITEMS, LOINC, coded, episode, identifier, observation, response, without

CANARY = "Canary7291"
NINTH = "44260-8"
C_SSRS = ("93246-7", "93247-5", "93248-3", "93249-1", "93250-9", "93267-3", "93269-9", "93374-7")
WORST = "LA6571-9"
"""Nearly every day: what a ninth item must not be found by."""


def answers() -> list[dict[str, Any]]:
    """Items and panels, in each way in which they come."""
    value = {"valueCodeableConcept": {"coding": [{"system": LOINC, "code": WORST, "display": CANARY}]}}
    items = [
        without(observation(code=coded(code), identifier=[identifier(f"i-{code}")]), "valueInteger") | value
        for code in (*ITEMS, *C_SSRS)
    ]
    ninth = {"code": coded(NINTH), "valueInteger": 3}
    screener = response(questionnaire="http://forms.example/c-ssrs", identifier=identifier("r-2"))
    screener["item"] = [{"linkId": f"/{code}", "answer": [{"valueBoolean": True}]} for code in C_SSRS]
    return [
        *items,
        observation(identifier=[identifier("o-1")], component=[ninth]),
        response((3,) * 9, 27, identifier=identifier("r-1")),
        screener,
    ]


def bytes_below(folder: Path) -> bytes:
    return b"".join(path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file())


def test_no_item_reaches_the_log_or_any_file(door: Door) -> None:
    statuses = [door.post(resource).status_code for resource in answers()]
    assert statuses == [200] * (len(ITEMS) + len(C_SSRS)) + [201, 201, 422]
    scores = [[(score.scale, score.value) for score in event.data.scores] for event in door.events()]
    assert scores == [[("total", 12)], [("total", 27)]]
    stored = bytes_below(door.running.settings.data)
    assert b"phq9" in stored  # so what is kept can be found there
    for code in (*ITEMS, *C_SSRS, WORST, CANARY):
        assert code.encode() not in stored


@pytest.mark.parametrize(
    "resource",
    [
        observation(
            text={"status": "generated", "div": f'<div xmlns="http://www.w3.org/1999/xhtml">{CANARY}</div>'},
            note=[{"text": CANARY}],
            subject={"reference": "Patient/c-Zk81", "display": CANARY},
            performer=[{"reference": f"Practitioner/{CANARY}", "display": CANARY}],
            contained=[{"resourceType": "Patient", "id": "p", "name": [{"family": CANARY}], "birthDate": "1987-05-04"}],
            code={"coding": [{"system": LOINC, "code": "44261-6", "display": CANARY}], "text": CANARY},
        ),
        response(author={"reference": "Practitioner/12", "display": CANARY}),
        episode(
            id=CANARY,
            patient={"reference": f"Patient/{CANARY}", "display": CANARY},
            careManager={"reference": f"Practitioner/{CANARY}"},
        ),
    ],
)
def test_no_name_no_note_and_no_record_number_is_kept(door: Door, resource: dict[str, Any]) -> None:
    answer = door.post(resource)
    assert answer.status_code == 201
    assert CANARY not in answer.text
    stored = bytes_below(door.running.settings.data)
    assert CANARY.encode() not in stored
    assert b"1987-05-04" not in stored
