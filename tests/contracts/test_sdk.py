"""The official CloudEvents SDK posts to us as it is, in each of the modes that it has."""

import json
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from typing import Any, Final

import httpx
import pytest
from cloudevents.core.bindings.http import HTTPMessage, from_http_event, to_binary, to_structured
from cloudevents.core.formats.json import JSONFormat
from cloudevents.core.v1.event import CloudEvent

from services import storage
from services.settings import Settings
from tests.running import served

NOW: Final = datetime(2026, 3, 3, 12, tzinfo=UTC)
BATCH: Final = "application/cloudevents-batch+json"


def measured(number: int = 1, **attributes: Any) -> CloudEvent:
    """An ORS total, made as the SDK's own documentation makes events."""
    return CloudEvent(
        attributes={
            "id": f"sdk-{number}",
            "source": "urn:resonance:source:north-ehr",
            "type": "resonance.measure.recorded.v1",
            "subject": "case/ca_8d2fQ4",
            "rsnclinic": "cl_07",
            "time": datetime(2026, 3, 2, 16, 5, tzinfo=UTC),
            "datacontenttype": "application/json",
            "specversion": "1.0",
        }
        | attributes,
        data={
            "measurement_ref": "ms_1029",
            "instrument": {"key": "ors", "version": "adult"},
            "scores": [{"scale": "total", "value": 17.4}],
        },
    )


class Resonance:
    """A served one, and a client of HTTP that knows its address and a key."""

    def __init__(self, address: str, key: str) -> None:
        self.client = httpx.Client(base_url=address, headers={"Authorization": f"Bearer {key}"})

    def post(self, message: HTTPMessage) -> httpx.Response:
        return self.client.post("/v1/events", headers=message.headers, content=message.body)


@pytest.fixture(scope="module")
def resonance(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Resonance]:
    settings = Settings(data=tmp_path_factory.mktemp("sdk") / "data", port=0)
    with served(settings, lambda: NOW) as address:
        with closing(storage.open_keys(settings)) as keys:
            key = keys.create(settings.network, ["events:write"], NOW)
        found = Resonance(address, key)
        yield found
        found.client.close()


def test_a_structured_event_is_accepted_once(resonance: Resonance) -> None:
    message = to_structured(measured(1), JSONFormat())
    answers = [resonance.post(message) for _ in range(2)]
    assert [(answer.status_code, answer.json()["status"]) for answer in answers] == [
        (201, "accepted"),
        (200, "duplicate"),
    ]


def test_a_binary_event_is_the_same_event_as_a_structured_one(resonance: Resonance) -> None:
    assert resonance.post(to_binary(measured(2), JSONFormat())).status_code == 201
    again = resonance.post(to_structured(measured(2), JSONFormat()))
    assert (again.status_code, again.json()["status"]) == (200, "duplicate")


def test_a_batch_of_structured_events_is_accepted(resonance: Resonance) -> None:
    """The SDK has no batches of its own; they are arrays of its structured events."""
    events = [json.loads(to_structured(measured(number), JSONFormat()).body) for number in (3, 4)]
    answer = resonance.post(HTTPMessage({"content-type": BATCH}, json.dumps(events).encode()))
    assert (answer.status_code, answer.json()["accepted"]) == (200, 2)


@pytest.mark.parametrize("mode", [to_structured, to_binary])
def test_what_is_wrong_is_named_in_either_mode(resonance: Resonance, mode: Any) -> None:
    answer = resonance.post(mode(measured(5, rsnclinic="canary smith"), JSONFormat()))
    assert (answer.status_code, answer.json()["type"]) == (422, "/v1/problems/free-text-not-allowed")
    assert answer.json()["errors"] == [{"pointer": "/rsnclinic", "code": "pattern"}]
    unknown = resonance.post(mode(measured(5, canary="1"), JSONFormat()))
    assert unknown.json()["errors"] == [{"pointer": "", "code": "unknown_property"}]
    assert "canary" not in answer.text + unknown.text


@pytest.mark.parametrize("data", [b"", b"{", b'{}, "id": "canary"', b'{} {"canary": 1}', b'{"a": 1, "a": 2}'])
def test_the_data_of_a_binary_event_is_one_value_and_cannot_add_attributes(resonance: Resonance, data: bytes) -> None:
    headers = to_binary(measured(6), JSONFormat()).headers
    answer = resonance.post(HTTPMessage(headers, data))
    assert (answer.status_code, answer.json()["type"]) == (400, "/v1/problems/malformed-json")


def test_a_header_is_unquoted_as_the_binding_says(resonance: Resonance) -> None:
    message = to_binary(measured(7), JSONFormat())
    quoted = {
        name: value.replace("r", "%72") if name == "ce-type" else value for name, value in message.headers.items()
    }
    assert resonance.post(HTTPMessage(quoted, message.body)).status_code == 201
    assert resonance.post(message).json()["status"] == "duplicate"


def test_our_samples_are_events_to_the_sdk(sample: Any) -> None:
    document = sample("resonance.measure.recorded.v1")
    message = HTTPMessage({"content-type": "application/cloudevents+json"}, json.dumps(document).encode())
    event = from_http_event(message, JSONFormat())
    assert (event.get_id(), event.get_data()) == (document["id"], document["data"])
