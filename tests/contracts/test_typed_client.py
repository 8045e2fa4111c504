"""A client that a generator of others makes from our document: its types hold what we say, we take what they say."""

import importlib.util
import subprocess
import sys
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from types import ModuleType
from typing import Any, Final

import pytest

from contracts.events import EVENT_TYPES
from services.ingest.accept import RESERVED
from tests.running import Running
from tools.compat import CONTRACTS, OPENAPI, releases

POSTABLE: Final = sorted(EVENT_TYPES.keys() - RESERVED)
GENERATOR: Final = (
    *(sys.executable, "-m", "datamodel_code_generator", "--input-file-type", "openapi"),
    *("--output-model-type", "pydantic_v2.BaseModel", "--use-annotated", "--disable-timestamp"),
    *("--target-python-version", "3.11", "--formatters", "builtin"),
)


def generated(document: Path, folder: Path) -> ModuleType:
    """The models of the document, as the generator writes them."""
    place = folder / "client.py"
    subprocess.run([*GENERATOR, "--input", document, "--output", place], check=True, capture_output=True)
    spec = importlib.util.spec_from_file_location(f"client_of_{folder.name}", place)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # where its models look up the names of each other
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module", params=[CONTRACTS, *releases()], ids=lambda path: path.name)
def client(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> ModuleType:
    return generated(request.param / OPENAPI, tmp_path_factory.mktemp(f"client_{request.param.name.replace('.', '_')}"))


@pytest.fixture
def running(tmp_path: Path) -> Iterator[Running]:
    found = Running(tmp_path, datetime.fromisoformat("2026-12-01T12:00:00Z"))
    yield found
    found.close()


def sample(event_type: str) -> bytes:
    return (CONTRACTS / "samples" / f"{event_type}.json").read_bytes()


def post(running: Running, body: bytes, kind: str = "application/cloudevents+json") -> Any:
    return running.ask("POST", "/v1/events", content=body, headers={"Content-Type": kind})


def test_every_valid_sample_goes_through_the_generated_types_and_comes_back_as_itself(
    client: ModuleType, running: Running
) -> None:
    for event_type in POSTABLE:
        typed = client.Event.model_validate_json(sample(event_type))
        assert type(typed.root).__name__ == EVENT_TYPES[event_type].__name__
        answer = post(running, typed.model_dump_json(exclude_none=True, exclude_unset=True).encode())
        assert answer.status_code == 201, answer.text
        receipt = client.Receipt.model_validate(answer.json())
        again = post(running, sample(event_type))  # the very event: so nothing was lost, and nothing added
        assert (again.status_code, again.json()["position"]) == (200, receipt.position)
        source, name = typed.root.source, typed.root.id
        stored = client.StoredEvent.model_validate(running.get(f"/v1/events/{source}/{name}").json())
        assert (stored.rsnposition, stored.type, stored.time) == (receipt.position, event_type, typed.root.time)


def test_what_a_generated_client_leaves_out_may_be_null(client: ModuleType, running: Running) -> None:
    """Many clients write null for what is not there; so it is taken, though no schema of ours says so."""
    typed = client.Event.model_validate_json(sample("resonance.session.held.v1"))
    assert b"null" in typed.model_dump_json().encode()
    assert post(running, typed.model_dump_json().encode()).status_code == 201
    assert post(running, sample("resonance.session.held.v1")).status_code == 200


def test_the_answer_to_a_batch_and_a_problem_are_of_the_generated_types(client: ModuleType, running: Running) -> None:
    body = b"[" + sample("resonance.case.opened.v1") + b', {"id": "01J9ZK"}]'
    answer = post(running, body, "application/cloudevents-batch+json")
    assert answer.status_code == 207
    result = client.BatchResult.model_validate(answer.json())
    assert [one.http_status for one in result.results] == [201, 422]
    refused = post(running, b"{")
    problem = client.ProblemDocument.model_validate(refused.json())
    assert (problem.status, problem.errors[0].code) == (400, "syntax")
