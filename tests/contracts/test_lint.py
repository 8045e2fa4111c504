"""The tools of others read our contracts and have nothing to say against them; they do where there is something."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import pytest

from tools import lint
from tools.compat import ASYNCAPI, CONTRACTS, OPENAPI, read, releases

Tool = Callable[[Path], str]
PLACES: Final = [CONTRACTS, *releases()]


@pytest.fixture(scope="module", autouse=True)
def installed() -> None:
    lint.install()


@pytest.mark.parametrize("place", PLACES, ids=lambda path: path.name)
@pytest.mark.parametrize("tool", [lint.redocly, lint.spectral])
def test_the_openapi_document_lints_clean(place: Path, tool: Tool) -> None:
    tool(place / OPENAPI)


@pytest.mark.parametrize("place", PLACES, ids=lambda path: path.name)
def test_the_asyncapi_document_is_accepted_by_its_own_parser(place: Path) -> None:
    lint.asyncapi(place / ASYNCAPI)


def test_the_tools_are_pinned_by_their_content_and_come_from_nowhere_in_particular() -> None:
    packages = {name: one for name, one in read(lint.WANTED / "package-lock.json")["packages"].items() if name}
    assert packages
    for package in packages.values():
        assert package["integrity"].startswith("sha512-")
        assert "resolved" not in package
        assert package["version"]


def spoilt(folder: Path, name: str, change: Callable[[Any], object]) -> Path:
    """A copy of a document of ours with a fault in it."""
    document = read(CONTRACTS / name)
    change(document)
    path = folder / "spoilt.json"
    path.write_text(json.dumps(document), "utf-8")
    return path


@pytest.mark.parametrize("tool", [lint.redocly, lint.spectral])
def test_a_reference_that_leads_nowhere_is_found(tmp_path: Path, tool: Tool) -> None:
    with pytest.raises(lint.Failed, match=r"Receipt|resolve \$ref"):
        tool(spoilt(tmp_path, OPENAPI, lambda document: document["components"]["schemas"].pop("Receipt")))


@pytest.mark.parametrize("tool", [lint.redocly, lint.spectral])
def test_an_example_that_is_none_is_found(tmp_path: Path, tool: Tool) -> None:
    def change(document: Any) -> None:
        document["components"]["examples"]["resonance.case.closed.v1"]["value"]["data"]["ending"] = "moved"

    with pytest.raises(lint.Failed, match="ending"):
        tool(spoilt(tmp_path, OPENAPI, change))


def test_an_asyncapi_document_with_a_fault_is_refused(tmp_path: Path) -> None:
    with pytest.raises(lint.Failed, match="channel"):
        lint.asyncapi(spoilt(tmp_path, ASYNCAPI, lambda document: document["operations"]["relayEvents"].pop("channel")))
