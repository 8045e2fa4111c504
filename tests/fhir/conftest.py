"""A whole Resonance that is spoken to in FHIR by a record system of one clinic."""

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import httpx
import pytest

from contracts.events import OWN_SOURCES
from services.access.credential import Scope
from tests.fhir.sent import SOURCE, Resource
from tests.running import Running

FHIR = "application/fhir+json"


class Issue(NamedTuple):
    """One issue of an OperationOutcome: its type, our problem, our fault, and the place."""

    code: str
    problem: str
    fault: str
    place: str


class Door:
    """``key`` speaks for the source of these tests in the clinic ``cl_07``."""

    def __init__(self, running: Running) -> None:
        self.running = running
        self.key = running.create_key("events:write", "events:read", clinics=["cl_07"], sources=[SOURCE])

    def ask(self, method: str, path: str = "", *, key: str | None = None, **request: Any) -> httpx.Response:
        return self.running.ask(method, f"/fhir{path}", key=key or self.key, **request)

    def post(self, resource: Any, path: str | None = None, *, key: str | None = None, **headers: str) -> httpx.Response:
        """Posts it where its type belongs. ``headers`` are named with underscores."""
        kind = resource["resourceType"]
        named = {name.replace("_", "-"): value for name, value in headers.items()} | {"Content-Type": FHIR}
        where = path if path is not None else "" if kind == "Bundle" else f"/{kind}"
        return self.ask("POST", where, key=key, content=json.dumps(resource), headers=named)

    def create_key(self, *scopes: Scope, **limits: Any) -> str:
        return self.running.create_key(*(scopes or ("events:write", "events:read")), **limits)

    def events(self) -> list[Any]:
        """What record systems have put on the log."""
        return [event for event in self.running.events() if event.source not in OWN_SOURCES]


def issues(answer: httpx.Response | Resource) -> list[Issue]:
    """The issues of an OperationOutcome, or of an answer that is one."""
    if isinstance(answer, httpx.Response):
        assert answer.headers["content-type"] == FHIR
    outcome: Resource = answer.json() if isinstance(answer, httpx.Response) else answer
    assert outcome["resourceType"] == "OperationOutcome"
    found = []
    for one in outcome["issue"]:
        problem, *fault = [coding["code"] for coding in one["details"].get("coding", [])] or [""]
        found.append(Issue(one["code"], problem, next(iter(fault), ""), next(iter(one.get("expression", [])), "")))
    return found


def bundle(how: str, *resources: Resource, **urls: str) -> Resource:
    """Each resource is an entry that asks to create it; ``urls`` are the full URLs, by ``e`` and the entry's number."""
    entries = []
    for index, resource in enumerate(resources):
        entry = {"resource": resource, "request": {"method": "POST", "url": resource["resourceType"]}}
        entries.append(entry | ({"fullUrl": urls[f"e{index}"]} if f"e{index}" in urls else {}))
    return {"resourceType": "Bundle", "type": how, "entry": entries}


def statuses(answer: httpx.Response) -> Sequence[str]:
    """The status of each entry of an answer to a bundle."""
    assert answer.status_code == 200, answer.text
    return [entry["response"]["status"][:3] for entry in answer.json()["entry"]]


@pytest.fixture
def running(tmp_path: Path) -> Iterator[Running]:
    found = Running(tmp_path)
    yield found
    found.close()


@pytest.fixture
def door(running: Running) -> Door:
    return Door(running)
