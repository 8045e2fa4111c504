"""A served Resonance with something of everything in it, and Schemathesis' cases of a document sent to it."""

import json
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import httpx
import schemathesis
from hypothesis import HealthCheck, given, settings
from requests.exceptions import InvalidHeader
from schemathesis import Case, CheckContext, GenerationMode, Response
from schemathesis.checks import CheckFunction
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from contracts.events import EVENT_TYPES, canonical
from services import storage
from services.access.credential import SCOPES
from services.access.problems import KINDS
from services.ingest.accept import RESERVED
from services.settings import Settings
from tests.fhir import sent
from tests.running import served, wait_until
from tests.story import Story
from tools.compat import CONTRACTS

NOW: Final = datetime(2026, 12, 1, 12, tzinfo=UTC)
BATCH: Final = "application/cloudevents-batch+json"
NOBODY: Final = "127.0.0.1:9"
ADDRESS: Final = f"http://{NOBODY}/told"
"""Where nobody listens, and the only address of a webhook that a case may name: none of ours calls a stranger."""
SANDBOX: Final = "trial"
PROBLEM: Final = "/v1/problems/"


def never_a_defect(_: CheckContext, response: Response, case: Case[Any]) -> None:
    """No 500 for anything; a 503 is an honest answer to who asks for what the views do not show yet."""
    told = response.json() if response.status_code >= 500 else {}
    assert response.status_code < 500 or told.get("type") == f"{PROBLEM}projection-behind", response.status_code


def problems_conformance(_: CheckContext, response: Response, case: Case[Any]) -> None:
    """Whatever is refused is refused with a problem that the document names for that status, under its own title."""
    if response.status_code < 400 or "problem" not in response.headers["content-type"][0]:
        return
    told = response.json()
    slug = told["type"].removeprefix(PROBLEM)
    declared = case.operation.definition.raw["responses"][str(response.status_code)]["x-problems"]
    assert slug in declared, f"{slug} is not among {declared}"
    assert (told["title"], told["retryable"]) == next(
        (one.title, one.retryable) for name, one in KINDS.items() if name == slug
    )
    assert told["status"] == response.status_code


@schemathesis.serializer("application/x-ndjson")
def _as_it_is(_: schemathesis.SerializationContext, value: object) -> bytes:
    return value.encode() if isinstance(value, str) else json.dumps(value).encode()


CHECKS: Final[list[CheckFunction]] = [
    never_a_defect,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    problems_conformance,
]


class Api:
    """The address of a Resonance, what is known to be in it, and how to ask it."""

    def __init__(self, address: str, key: str, sandbox_key: str) -> None:
        self.address = address
        self._keys = {True: sandbox_key, False: key}
        self.client = httpx.Client(base_url=address, headers={"Authorization": f"Bearer {key}"}, timeout=30)
        self.known: dict[str, Mapping[str, str]] = {}
        """For each templated path the parameters of something that is there."""

    def fill(self) -> None:
        """An event of every type, the story of a stalled case, an import and an address to be told."""
        for event_type in sorted(EVENT_TYPES.keys() - RESERVED):
            sample = (CONTRACTS / "samples" / f"{event_type}.json").read_bytes()
            self._done("/v1/events", content=sample, headers={"Content-Type": "application/cloudevents+json"})
        story = Story().opened()
        for _ in range(9):
            story.session(ors=14, srs=36)
        body = b"[" + b",".join(map(canonical, story.events)) + b"]"
        self._done("/v1/events", content=body, headers={"Content-Type": BATCH})
        first = story.events[0]
        therapist = {
            "name": "Ada",
            "email": "ada@clinic.example",
            "time_zone": "Europe/Prague",
            "clinic": first.rsnclinic,
        }
        assert self.client.put("/v1/therapists/th_ada01", json=therapist).is_success
        self.known |= {
            "/v1/cases/{ref}/course": {"ref": first.case_ref},
            "/v1/cases/{ref}/decision": {"ref": first.case_ref},
            "/v1/event-types/{type}": {"type": first.type},
            "/v1/events/{source}/{id}": {"source": first.source, "id": first.id},
            "/v1/problems/{slug}": {"slug": "validation"},
            "/v1/therapists/{ref}": {"ref": "th_ada01"},
            "/v1/therapists/{ref}/caseload": {"ref": "th_ada01"},
            "/v1/therapists/{ref}/summary": {"ref": "th_ada01"},
        }

    def _done(self, path: str, **request: Any) -> httpx.Response:
        answer = self.client.post(path, **request)
        assert answer.is_success, answer.text
        return answer

    def check(
        self,
        operation: schemathesis.APIOperation[Any, Any, Any, Any],
        mode: GenerationMode,
        examples: int,
        checks: list[CheckFunction] = CHECKS,
        **fixed: Any,
    ) -> set[int]:
        """Sends ``examples`` cases of the operation and checks each answer; which statuses there were."""
        seen: set[int] = set()
        key = self._keys[operation.path.startswith("/v1/test")]
        headers = {"Authorization": f"Bearer {key}", "Prefer": "wait=0"}

        @settings(max_examples=examples, suppress_health_check=list(HealthCheck), database=None)
        @given(case=operation.as_strategy(generation_mode=mode, **fixed))
        def ask(case: Case[Any]) -> None:
            case.body = whole(case.body)
            if isinstance(case.body, dict) and isinstance(case.body.get("url"), str):
                case.body["url"] = ADDRESS
            try:
                response = case.call(base_url=self.address, headers=headers, timeout=30)
            except InvalidHeader:  # the client of HTTP refuses to send it
                return
            seen.add(response.status_code)
            case.validate_response(response, checks=checks)

        ask()
        return seen

    def fill_fhir(self, key: str) -> None:
        """A resource of every type, by a key that is of one clinic, which is theirs."""
        headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/fhir+json"}
        changed = {"lastUpdated": "2026-03-02T17:00:00+01:00"}
        resources = [sent.encounter(), sent.observation(), sent.appointment(), sent.response(), sent.care_team()]
        for resource in [sent.episode(meta=changed), *resources]:
            kind = resource["resourceType"]
            answer = self._done(f"/fhir/{kind}", json=resource, headers=headers)
            self.known[f"/fhir/{kind}/{{id}}"] = {"id": answer.headers["Location"].rpartition("/")[2]}

    def fill_outbound(self) -> None:
        """An import, an address to be told, and what became of an alert."""
        lines = b"\n".join(
            [(CONTRACTS / "samples/resonance.case.closed.v1.json").read_bytes().replace(b"\n", b""), b"{"]
        )
        answer = self._done("/v1/imports", content=lines, headers={"Content-Type": "application/x-ndjson"})
        imported = {"name": answer.json()["id"]}
        address = {"url": ADDRESS, "types": ["resonance.alert.raised.v1"]}
        endpoint = {"endpoint_id": self._done("/v1/webhook-endpoints", json=address).json()["id"]}
        wait_until(lambda: bool(self._raised()))
        self.known |= {
            "/v1/imports/{name}": imported,
            "/v1/imports/{name}/errors": imported,
            "/v1/webhook-endpoints/{endpoint_id}": endpoint,
            "/v1/webhook-endpoints/{endpoint_id}/deliveries": endpoint,
            "/v1/alerts/{ref}": {"ref": self._raised()[0]},
        }

    def _raised(self) -> list[str]:
        """The alerts that were raised; the samples name another one, which never was."""
        items = self.client.get("/v1/feed").json()["items"]
        return [item["alert_ref"] for item in items if item["type"] == "resonance.alert.raised.v1"]


def whole(value: Any) -> Any:
    """``value`` with 50.0 spelt 50: the same number to JSON Schema, and a decimal fraction to us."""
    match value:
        case float() if value.is_integer():
            return int(value)
        case list():
            return [whole(one) for one in value]
        case dict():
            return {name: whole(one) for name, one in value.items()}
        case _:
            return value


@contextmanager
def filled(folder: Path) -> Iterator[Api]:
    settings = Settings(data=folder / "data", port=0, inward_hosts=NOBODY)
    with closing(storage.open_keys(settings)) as keys:
        keys.add_network(SANDBOX, sandbox=True)
    with served(settings, lambda: NOW) as address:
        with closing(storage.open_keys(settings)) as keys:
            found = Api(address, *(keys.create(name, SCOPES, NOW) for name in (settings.network, SANDBOX)))
        found.fill()
        found.fill_outbound()
        with closing(storage.open_keys(settings)) as keys:
            found.fill_fhir(keys.create(settings.network, ["events:write"], NOW, clinics=["cl_07"]))
        yield found
        found.client.close()


def operations(document: dict[str, Any]) -> list[tuple[str, str]]:
    """Method and path of each operation of an OpenAPI document."""
    return [(method.upper(), path) for path, found in document["paths"].items() for method in found]


def read(path: Path) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(path.read_text("utf-8"))
    return document
