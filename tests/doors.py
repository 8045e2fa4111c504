"""Every operation of the running application that takes a body, each with one that it accepts."""

import json
from collections.abc import Iterator, Mapping
from typing import Any, Final, NamedTuple

from fastapi import FastAPI
from typing_extensions import override

from tests.fhir import sent
from tests.ingest.conftest import BATCH, measured

FHIR: Final = "application/fhir+json"
NDJSON: Final = "application/x-ndjson"
JSON: Final = "application/json"
SINGLE: Final = "application/cloudevents+json"
FILLED: Final[Mapping[str, str]] = {
    "ref": "th_12ab",
    "endpoint_id": "we_000000000000000000000001",
    "delivery_id": "1",
    "source": "urn:resonance:source:north-ehr",
    "id": "1",
    "name": "im_1",
    "type": "resonance.measure.recorded.v1",
    "slug": "validation",
}
"""A well-formed value of each parameter of a path."""
THERAPIST: Final = {"time_zone": "Europe/Copenhagen", "email": "ada@clinic.example", "name": "Ada Alder"}
INWARD: Final = "198.51.100.7"
"""A host that the settings have to allow."""
ENDPOINT: Final = {"url": f"https://{INWARD}/hooks"}
RESOURCES: Final = (
    *(sent.appointment(), sent.care_team(), sent.encounter(), sent.episode(), sent.observation(), sent.response()),
)
BUNDLE: Final = {
    "resourceType": "Bundle",
    "type": "transaction",
    "entry": [{"resource": sent.observation(), "request": {"method": "POST", "url": "Observation"}}],
}
BODIES: Final[Mapping[tuple[str, str], Mapping[str, Any]]] = {
    ("POST", "/v1/events"): {SINGLE: measured(), JSON: measured(), BATCH: [measured()]},
    ("POST", "/v1/events/validate"): {SINGLE: measured(), JSON: measured(), BATCH: [measured()]},
    ("POST", "/v1/imports"): {NDJSON: measured()},
    ("PUT", "/v1/therapists/{ref}"): {JSON: THERAPIST},
    ("POST", "/v1/webhook-endpoints"): {JSON: ENDPOINT},
    ("PUT", "/v1/webhook-endpoints/{endpoint_id}"): {JSON: ENDPOINT},
    ("POST", "/v1/test/clock"): {JSON: {"forward": "P1D"}},
    ("POST", "/fhir"): {FHIR: BUNDLE, JSON: BUNDLE},
    **{("POST", f"/fhir/{one['resourceType']}"): {FHIR: one, JSON: one} for one in RESOURCES},
}


class Door(NamedTuple):
    method: str
    path: str
    kind: str
    valid: Any
    attributes: Mapping[str, str] = {}
    """Headers, where the body is an event's data alone."""

    @override
    def __str__(self) -> str:
        mode = " in binary mode" if self.attributes else ""
        return f"{self.method} {self.path} {self.kind.removeprefix('application/')}{mode}"

    @property
    def address(self) -> str:
        """The path with its parameters filled in."""
        return self.path.format_map(FILLED)

    @property
    def text(self) -> str:
        return json.dumps(self.valid)


ATTRIBUTES: Final = {f"ce-{name}": value for name, value in measured(2).items() if name != "data"}
DOORS: Final = [
    *(Door(*place, kind, valid) for place, kinds in BODIES.items() for kind, valid in kinds.items()),
    Door("POST", "/v1/events", JSON, measured()["data"], ATTRIBUTES),
]


def with_bodies(app: FastAPI) -> Iterator[tuple[tuple[str, str], set[str]]]:
    """What ``app`` says of itself: each operation that takes a body, with the media types of it."""
    for path, operations in app.openapi()["paths"].items():
        for method, operation in operations.items():
            if "requestBody" in operation:
                yield (method.upper(), path), set(operation["requestBody"]["content"])
