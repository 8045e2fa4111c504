"""Schemathesis reads the document and asks for everything in it: the service answers as the document says."""

from collections.abc import Iterator
from typing import Final

import pytest
import schemathesis
from schemathesis import GenerationMode

from tests.contracts.api import Api, filled, operations, read
from tools.compat import CONTRACTS, OPENAPI

DOCUMENT: Final = read(CONTRACTS / OPENAPI)
pytestmark = pytest.mark.filterwarnings("ignore:Do not use the `random` module")  # of Schemathesis itself
SCHEMA: Final = schemathesis.openapi.from_dict(DOCUMENT)
OPERATIONS: Final = operations(DOCUMENT)
EXAMPLES: Final = 12
CASES: Final = [
    pytest.param(method, path, mode, id=f"{method} {path} {mode.value}")
    for method, path in OPERATIONS
    for mode in GenerationMode
    if mode is GenerationMode.POSITIVE or {"parameters", "requestBody"} & DOCUMENT["paths"][path][method.lower()].keys()
]
"""Of what takes nothing, nothing can be wrong."""


@pytest.fixture(scope="module")
def api(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Api]:
    with filled(tmp_path_factory.mktemp("schemathesis")) as found:
        yield found


@pytest.mark.parametrize("method, path, mode", CASES)
def test_whatever_is_asked_is_answered_as_the_document_says(
    api: Api, method: str, path: str, mode: GenerationMode
) -> None:
    api.check(SCHEMA[path][method], mode, EXAMPLES)


@pytest.mark.parametrize("path", [path for method, path in OPERATIONS if "{" in path and method == "GET"])
def test_what_is_there_is_given_as_the_document_says(api: Api, path: str) -> None:
    assert path in api.known, "tests/contracts/api.py has to put something of it there"
    seen = api.check(SCHEMA[path]["GET"], GenerationMode.POSITIVE, EXAMPLES, path_parameters=dict(api.known[path]))
    assert any(status < 300 for status in seen)
