"""Whatever is sent, the answer is exact, nothing of it is stored, and it repeats nothing of what was sent."""

import gzip
import json
import logging
import time
from typing import Any

import pytest

from services.access.problems import KINDS
from services.ingest.accept import BATCH_LIMIT, EVENT_LIMIT
from tests.ingest.conftest import Service, measured
from tests.ingest.hostile import BROKEN_EVENTS, BROKEN_TEXT, HOSTILE, UNFIT, Hostile


def named(cases: list[Hostile]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("hostile", cases, ids=[case.name for case in cases])


def says(problem: dict[str, Any], hostile: Hostile) -> bool:
    return (
        problem["type"] == f"/v1/problems/{hostile.slug}"
        and problem["status"] == hostile.status
        and problem["errors"] == [{"pointer": hostile.pointer, "code": hostile.code}]
        and problem["retryable"] is False
    )


@named(HOSTILE)
def test_a_hostile_event_is_refused_exactly_and_leaves_no_trace(
    shared: Service, hostile: Hostile, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    before = shared.log.head()
    answer = shared.post(hostile.body)
    assert answer.status_code == hostile.status
    assert answer.headers["content-type"] == "application/problem+json"
    assert says(answer.json(), hostile), answer.text
    assert shared.log.head() == before
    seen = answer.text + str(answer.headers) + caplog.text + shared.metrics()
    assert "canary" not in seen.lower()


@named(BROKEN_EVENTS + UNFIT)
def test_a_hostile_event_does_not_fail_its_neighbours_in_a_batch(shared: Service, hostile: Hostile) -> None:
    before = shared.log.head()
    first, last = measured(before + 1001), measured(before + 1002)
    body = b"[%s, %s,%s ]" % (json.dumps(first).encode(), hostile.body, json.dumps(last).encode())
    answer = shared.post_batch(body)
    assert answer.status_code == 207
    accepted, refused, also_accepted = answer.json()["results"]
    assert (accepted["status"], also_accepted["status"]) == ("accepted", "accepted")
    assert (refused["index"], refused["status"], refused["http_status"]) == (1, "rejected", hostile.status)
    assert refused["retryable"] is False
    assert says(refused["problem"], hostile), answer.text
    stored = [recorded.event.id for recorded in shared.log.read(before, 10)]
    assert stored == [first["id"], last["id"]]
    assert "canary" not in answer.text.lower()


@named([case for case in BROKEN_TEXT if case.name not in {"nothing", "cut off", "more behind it"}])
def test_a_batch_that_is_broken_as_a_text_is_refused_as_a_whole(shared: Service, hostile: Hostile) -> None:
    before = shared.log.head()
    good = json.dumps(measured(before + 1001)).encode()
    answer = shared.post_batch(b"[%s,%s]" % (good, hostile.body))
    assert (answer.status_code, answer.json()["errors"]) == (400, [{"pointer": "", "code": hostile.code}])
    assert shared.log.head() == before


@pytest.mark.parametrize(
    "body",
    [b"[", b"[{}", b"[{},", b"[{},]", b"[,{}]", b"[{}{}]", b"[{}]]", b"[{}] x", b"{", b"]", b"[1 2]"],
    ids=bytes.decode,
)
def test_what_is_no_array_is_no_batch(shared: Service, body: bytes) -> None:
    assert shared.post_batch(body).json()["errors"] == [{"pointer": "", "code": "syntax"}]


def test_one_event_is_no_batch(service: Service) -> None:
    answer = service.post_batch(measured())
    assert (answer.status_code, answer.json()["errors"]) == (422, [{"pointer": "", "code": "type"}])
    assert service.stored() == []


def test_every_fault_of_an_event_is_told_at_once(service: Service) -> None:
    event = measured(scores=[{"scale": "total", "value": 41}, {"scale": "mood", "value": 1}])
    event["time"] = "2027-01-01T00:00:00Z"
    problem = service.post(event).json()
    assert problem["type"] == "/v1/problems/validation"
    assert problem["errors"] == [
        {"pointer": "/time", "code": "in_the_future"},
        {"pointer": "/data/scores/0/value", "code": "range"},
        {"pointer": "/data/scores/1/scale", "code": "enum"},
    ]


@pytest.mark.parametrize("length", [EVENT_LIMIT + 1, 1_000_000])
@pytest.mark.parametrize("announced", [True, False], ids=["announced", "streamed"])
def test_an_event_above_64_kib_is_refused_however_it_is_sent(service: Service, length: int, announced: bool) -> None:
    async def parts() -> Any:
        for _ in range(length // 1000 + 1):
            yield b"1" * 1000

    body = b"1" * length if announced else parts()
    headers = {"Content-Type": "application/json"}
    answer = service.ask("POST", "/v1/events", content=body, headers=headers)
    assert answer.status_code == 413
    assert answer.json()["type"] == "/v1/problems/body-too-large"
    assert "65536" in answer.json()["detail"]


def test_an_event_above_64_kib_fails_alone_in_a_batch(service: Service) -> None:
    huge = measured(2) | {"dataschema": "x" * EVENT_LIMIT}
    answer = service.post_batch([measured(1), huge, measured(3)]).json()
    assert [result["http_status"] for result in answer["results"]] == [201, 413, 201]
    many_bytes = measured(4) | {"dataschema": "ä" * (EVENT_LIMIT // 2)}
    answer = service.post_batch(json.dumps([many_bytes], ensure_ascii=False).encode()).json()
    assert answer["results"][0]["http_status"] == 413


def test_a_batch_above_4_mib_or_1000_events_is_refused_as_a_whole(service: Service) -> None:
    assert service.post_batch(b" " * (BATCH_LIMIT + 1)).status_code == 413
    answer = service.post_batch([measured(number) for number in range(1_001)])
    assert (answer.status_code, answer.json()["type"]) == (413, "/v1/problems/batch-too-large")
    assert service.stored() == []


@pytest.mark.parametrize("body", [b'{"time":' + b"9" * 60_000 + b"}", b"0." + b"9" * 65_000, b"[" * 65_000])
def test_large_numbers_and_deep_nesting_take_no_time(service: Service, body: bytes) -> None:
    begun = time.perf_counter()
    assert service.post(body).status_code in {400, 422}
    assert service.post_batch(b"[" + b",".join([b"9" * 1_000_000] * 4) + b"]").status_code == 207
    assert time.perf_counter() - begun < 3


def test_a_packed_body_is_unpacked_and_a_bomb_is_not(service: Service) -> None:
    packed = gzip.compress(json.dumps(measured()).encode())
    assert service.post(packed, content_encoding="gzip").status_code == 201
    bomb = gzip.compress(b" " * 50_000_000)
    assert len(bomb) < EVENT_LIMIT
    assert service.post(bomb, content_encoding="gzip").status_code == 413


@pytest.mark.parametrize(
    "body", [b"no gzip", gzip.compress(b"{}")[:-1], gzip.compress(b"{}") + b"more"], ids=["other", "cut off", "more"]
)
def test_a_body_that_is_not_packed_as_it_says_is_refused(service: Service, body: bytes) -> None:
    answer = service.post(body, content_encoding="gzip")
    assert (answer.status_code, answer.json()["errors"]) == (400, [{"pointer": "", "code": "encoding"}])


@pytest.mark.parametrize(
    "kind",
    ["", "text/plain", "application/xml", "application/x-ndjson", "application/json; charset=latin-1", "canary/json"],
)
def test_another_media_type_is_refused_before_the_body_is_read(service: Service, kind: str) -> None:
    answer = service.post(b"canary, and no JSON", kind)
    assert answer.status_code == 415
    assert answer.json()["type"] == "/v1/problems/unsupported-media-type"
    assert "canary" not in answer.text
    assert service.post(measured(), content_encoding="br").status_code == 415


@pytest.mark.parametrize("kind", ["application/json", "Application/CloudEvents+JSON ; charset=UTF-8"])
def test_a_media_type_may_be_written_in_any_case_and_name_utf_8(service: Service, kind: str) -> None:
    assert service.post(measured(), kind).status_code == 201


def test_refusals_are_counted_by_their_reason_only(service: Service) -> None:
    service.post(b"canary")
    service.post_batch([measured(1), {"canary": 1}])
    lines = service.metrics()
    assert 'resonance_events_rejected_total{reason="malformed-json"} 1.0' in lines
    assert 'resonance_events_rejected_total{reason="validation"} 1.0' in lines
    assert 'resonance_events_accepted_total{event_type="resonance.measure.recorded.v1"} 1.0' in lines
    assert all(f'reason="{slug}"' in lines for slug in KINDS)
