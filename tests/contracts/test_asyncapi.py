"""What travels through Kafka and to webhooks is what contracts/asyncapi says: each message, and the topics as well."""

import json
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final
from uuid import uuid4

import pytest
from jsonschema import Draft7Validator, Draft202012Validator  # type: ignore[import-untyped]  # jsonschema ships no types
from kafka import KafkaConsumer, TopicPartition
from kafka.admin import ConfigResource, ConfigResourceType, KafkaAdminClient

from contracts.data import EventKey
from contracts.events import EVENT_TYPES, OWN_SOURCE, AnyEvent
from contracts.feed import FEED_TYPES, FeedItem, FeedType, item_id, spelling
from services.eventlog import sqlite, topics, topology
from services.eventlog.marker import Marker
from services.eventlog.records import TICK, Record, Records
from services.eventlog.relay import Relay
from services.eventlog.store import Codec, Row
from services.webhooks import signing
from tests.running import Running, wait_until
from tests.story import Story
from tests.webhooks.receiver import Receiver
from tools import asyncapi

Sample = Callable[[str], dict[str, Any]]

DOCUMENT: Final = json.loads(asyncapi.DOCUMENT.read_text("utf-8"))
MESSAGES: Final = DOCUMENT["components"]["messages"]
POSITION: Final = "resonance.relay-position"
SECRET: Final = b"only for tests"
NOON: Final = datetime(2026, 3, 2, 12, tzinfo=UTC)
PATIENCE_SECONDS: Final = 30


def complaints(part: str, value: object) -> list[str]:
    """What the schema at ``part``, a path into the document, says against ``value``."""
    schema = {"$ref": f"#/{part}", "components": DOCUMENT["components"]}
    return [error.message for error in Draft7Validator(schema).iter_errors(value)]


def against_the_document(message: str, key: bytes, headers: list[tuple[str, bytes]]) -> list[str]:
    said = {name: value.decode() for name, value in headers}
    assert len(said) == len(headers), "a header is there twice"
    return [
        *complaints(f"components/messages/{message}/headers", said),
        *complaints(f"components/messages/{message}/bindings/kafka/key", key.decode()),
    ]


def plaintext_schema(event_type: str) -> Any:
    place = asyncapi.DOCUMENT.parent / MESSAGES[event_type]["x-plaintext"]["$ref"]
    return json.loads(place.read_text("utf-8"))


def event_of(document: dict[str, Any]) -> AnyEvent:
    return EVENT_TYPES[document["type"]].model_validate_json(json.dumps(document))


def row_of(event: AnyEvent, position: int) -> Row:
    entry = Codec(SECRET).entry(event)
    return Row(position, NOON, entry.topic, entry.state, entry.stream, entry.key)


def record_of(event: AnyEvent) -> Record:
    return Records("north", SECRET).of_event(row_of(event, 7), 3)


def references(part: object) -> Iterator[str]:
    if isinstance(part, dict):
        for name, value in part.items():
            if name == "$ref":
                yield value
            else:
                yield from references(value)
    elif isinstance(part, list):
        for value in part:
            yield from references(value)


def test_the_committed_document_is_that_of_the_code() -> None:
    assert asyncapi.main(["--check"]) is None


def test_the_check_tells_how_to_write_a_document_that_is_missing_or_out_of_date(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(asyncapi, "DOCUMENT", tmp_path / "asyncapi" / "asyncapi.json")
    complaint = "out of date: asyncapi.json; python -m tools.asyncapi writes it"
    assert asyncapi.main(["--check"]) == complaint
    assert asyncapi.main([]) is None
    assert asyncapi.main(["--check"]) is None
    asyncapi.DOCUMENT.write_text("{}")
    assert asyncapi.main(["--check"]) == complaint


def test_every_reference_leads_somewhere() -> None:
    for reference in references(DOCUMENT):
        place, _, within = reference.partition("#/")
        part = json.loads((asyncapi.DOCUMENT.parent / place).read_text("utf-8")) if place else DOCUMENT
        for name in filter(None, within.split("/")):
            part = part[name]
        assert part


def test_every_message_is_on_one_channel_and_every_operation_has_its_channel() -> None:
    on_channels = [message for channel in DOCUMENT["channels"].values() for message in channel["messages"]]
    assert sorted(on_channels) == sorted(MESSAGES) == sorted([*EVENT_TYPES, TICK, POSITION, asyncapi.WEBHOOK])
    assert {operation["channel"]["$ref"] for operation in DOCUMENT["operations"].values()} == {
        f"#/channels/{name}" for name in DOCUMENT["channels"]
    }


@pytest.mark.parametrize("event_type", EVENT_TYPES)
def test_a_record_of_every_event_has_the_headers_and_the_key_of_its_message(event_type: str, sample: Sample) -> None:
    record = record_of(event_of(sample(event_type)))
    assert against_the_document(event_type, record.key, record.headers) == []
    others = [other for other in EVENT_TYPES if not against_the_document(other, record.key, record.headers)]
    assert others == [event_type]


@pytest.mark.parametrize("event_type", EVENT_TYPES)
def test_what_is_sealed_in_a_record_is_of_the_plaintext_schema(event_type: str, sample: Sample) -> None:
    record = record_of(event_of(sample(event_type)))
    state = Records("north", SECRET).row(dict(record.headers), record.value).state
    assert Draft202012Validator(plaintext_schema(event_type)).is_valid(json.loads(state))


@pytest.mark.parametrize("header", DOCUMENT["components"]["schemas"]["eventHeaders"]["required"])
def test_no_header_may_be_missing_or_too_many(header: str, sample: Sample) -> None:
    record = record_of(event_of(sample("resonance.case.opened.v1")))
    fewer = [(name, value) for name, value in record.headers if name != header]
    assert against_the_document("resonance.case.opened.v1", record.key, fewer) != []
    more = [*record.headers, (f"x_{header}", b"")]
    assert against_the_document("resonance.case.opened.v1", record.key, more) != []


def test_a_tick_is_its_message() -> None:
    tick = Records("north", SECRET).of_tick(11, 9, 4, NOON)
    assert against_the_document(TICK, tick.key, tick.headers) == []
    assert complaints(f"components/messages/{TICK}/payload", tick.value) == []


def test_the_marker_is_its_message() -> None:
    marker = Marker.at(12).record("north")
    assert against_the_document(POSITION, marker.key, marker.headers) == []
    assert complaints(f"components/messages/{POSITION}/payload", json.loads(marker.value or b"")) == []


@pytest.mark.parametrize("feed_type", FEED_TYPES)
@pytest.mark.parametrize("secrets", [1, 2])
def test_a_signed_webhook_is_its_message(feed_type: FeedType, secrets: int) -> None:
    key = EventKey(source=OWN_SOURCE, id="01J9ZK7Q4X")
    item = FeedItem(id=item_id(key), type=feed_type, position=12, time=NOON, alert_ref="al_5tG7")
    body = spelling(item)
    headers = signing.signed(item.id, body, NOON, [signing.new_secret() for _ in range(secrets)])
    part = f"components/messages/{asyncapi.WEBHOOK}"
    assert complaints(f"{part}/headers", headers | {"content-type": "application/json"}) == []
    assert complaints(f"{part}/payload", json.loads(body)) == []
    for header in headers:
        assert complaints(f"{part}/headers", headers | {"content-type": "application/json", header: "v1,"}) != []
    assert complaints(f"{part}/payload", json.loads(body) | {"alert_ref": None}) != []


def test_every_webhook_that_a_record_system_receives_is_the_message(tmp_path: Path) -> None:
    story = Story().opened()
    for _ in range(9):
        story.session(ors=14, srs=36)
    with closing(Receiver()) as receiver, closing(Running(tmp_path, inward_hosts=receiver.host)) as running:
        assert running.ask("POST", "/v1/webhook-endpoints", json={"url": receiver.url}).status_code == 201
        running.told(story.events)
        told = running.get("/v1/feed").json()["items"]
        wait_until(lambda: len(receiver.received) >= len(told) > 0)
    for received in receiver.received:
        part = f"components/messages/{asyncapi.WEBHOOK}"
        assert complaints(f"{part}/headers", received.headers) == []
        assert complaints(f"{part}/payload", json.loads(received.body)) == []


@pytest.fixture
def published(kafka_bootstrap: str, tmp_path: Path, sample: Sample) -> str:
    """The name of a network whose relay has published one event of every type, and what else it publishes."""
    network = f"n{uuid4().hex[:16]}"
    topology.migrate(kafka_bootstrap, network, 1)
    sqlite.migrate(tmp_path / "log.db")
    with closing(sqlite.open_log(tmp_path / "log.db", SECRET)) as log:
        log.append([event_of(sample(event_type)) for event_type in EVENT_TYPES], NOON)
        with closing(Relay(log, kafka_bootstrap, network, SECRET, 1, lambda: NOON)) as relay:
            relay.step()
    return network


def records(bootstrap: str, topic: topics.Topic) -> Iterator[Any]:
    """All that is committed in ``topic``."""
    consumer = KafkaConsumer(bootstrap_servers=bootstrap, isolation_level="read_committed", enable_auto_commit=False)
    with closing(consumer):
        for number in range(topic.partitions):
            partition = TopicPartition(topic.name, number)
            consumer.assign([partition])
            consumer.seek_to_beginning(partition)
            [end] = consumer.end_offsets([partition]).values()
            while consumer.position(partition) < end:
                yield from consumer.poll(timeout_ms=200).get(partition, ())


def test_every_published_record_is_a_message_of_its_channel(kafka_bootstrap: str, published: str) -> None:
    found = [
        (dict(record.headers)["ce_type"].decode(), record)
        for record in records(kafka_bootstrap, topics.events(published))
    ]
    assert {name for name, _ in found} == {*EVENT_TYPES, TICK}
    for name, record in found:
        assert against_the_document(name, record.key, record.headers) == []
        if name != TICK:
            state = Records(published, SECRET).row(dict(record.headers), record.value).state
            assert Draft202012Validator(plaintext_schema(name)).is_valid(json.loads(state))
    [marker] = records(kafka_bootstrap, topics.marker(published))
    assert against_the_document(POSITION, marker.key, marker.headers) == []
    assert complaints(f"components/messages/{POSITION}/payload", json.loads(marker.value)) == []


def test_the_topics_are_made_as_the_document_says(kafka_bootstrap: str, published: str) -> None:
    with closing(KafkaAdminClient(bootstrap_servers=kafka_bootstrap)) as admin:
        for channel in (one for one in DOCUMENT["channels"].values() if "bindings" in one):
            name, said = channel["address"].format(network=published), channel["bindings"]["kafka"]
            [topic] = admin.describe_topics([name])
            assert len(topic["partitions"]) == said["partitions"]
            resource = ConfigResource(ConfigResourceType.TOPIC, name)
            settings = admin.describe_configs([resource], config_filter="all")["topic"][name]
            wanted = said["topicConfiguration"] | {"min.insync.replicas": 1}  # as this Kafka has one node
            assert {key: settings[key]["value"] for key in wanted} == {
                key: value[0] if isinstance(value, list) else str(value) for key, value in wanted.items()
            }
