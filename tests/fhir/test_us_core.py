"""The example resources of US Core, as HL7 publishes them, become what the committed table says."""

import json
from pathlib import Path
from typing import Any, Final

import pytest

from contracts.data import EventKey
from tests.fhir.sent import SOURCE, Known, discarded, problem
from tests.fhir.us_core import table

EXAMPLES: Final = Path(__file__).parents[3] / "shared/data/fhir-us-core"
TABLE: Final = Path(__file__).parents[2] / "contracts/fhir/us-core-results.md"

pytestmark = pytest.mark.skipif(not EXAMPLES.is_dir(), reason="the examples of US Core are not beside this repository")


def example(name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((EXAMPLES / f"{name}.json").read_bytes())
    return found


def total(resource: dict[str, Any]) -> float:
    [event] = Known().tell(resource, EventKey(source=SOURCE, id="x"))
    [score] = event.data.scores  # type: ignore[union-attr]
    return score.value


def test_every_example_becomes_what_the_table_says() -> None:
    assert table(EXAMPLES) == TABLE.read_text("utf-8")


def test_no_example_is_answered_with_a_defect() -> None:
    answers = [cell.split()[0] for row in TABLE.read_text("utf-8").splitlines()[12:] for cell in row.split(" | ")[1:]]
    assert set(answers) == {"200", "201", "404", "422"}


def test_the_phq9_response_and_its_observation_yield_twelve() -> None:
    assert total(example("QuestionnaireResponse-phq-9-example")) == 12
    assert total(example("Observation-PHQ9-item-example-44261-6")) == 12


def test_one_altered_answer_of_the_phq9_response_is_a_score_mismatch() -> None:
    response = example("QuestionnaireResponse-phq-9-example")
    for item in response["item"][:9]:
        before = item["answer"][0]["valueCoding"]["code"]
        item["answer"][0]["valueCoding"]["code"] = "LA6571-9"
        found = problem(response, identifier=EventKey(source=SOURCE, id="x"))
        assert found.slug == "score-mismatch"
        item["answer"][0]["valueCoding"]["code"] = before


def test_no_item_of_the_phq9_is_stored() -> None:
    items = [path.stem for path in EXAMPLES.glob("Observation-PHQ9-item-*.json") if "44261-6" not in path.name]
    assert items
    assert {discarded(example(name)) for name in items} == {"item"}
