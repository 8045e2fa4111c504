"""Writes contracts/asyncapi/asyncapi.json, what travels through Kafka and to webhooks, from the code; or checks it.

With ``--check`` it writes nothing and ends with 1 where the file is out of date. Whoever reads the topics beside
Resonance, or is called by it, starts from this file. It follows AsyncAPI 3.0 with its Kafka bindings 0.5.0 and HTTP
bindings 0.3.0; the schemas in it are JSON Schema of draft 7, as AsyncAPI's own are.
Sources: https://www.asyncapi.com/docs/reference/specification/v3.0.0,
https://github.com/asyncapi/bindings/blob/master/kafka/README.md,
https://github.com/asyncapi/bindings/blob/master/http/README.md,
https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
"""

import json
import sys
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Any

from contracts.events import EVENT_TYPES
from contracts.feed import FeedItem
from contracts.wire import Sent
from services.eventlog import records, topics
from services.eventlog.topics import PARTITIONS, Topic
from services.roles import GROUP
from services.settings import Settings
from tools.written import command

DOCUMENT = Path(__file__).resolve().parent.parent / "contracts/asyncapi/asyncapi.json"
EVENTS, MARKER = topics.events("{network}"), topics.marker("{network}")
BINDING, HTTP_BINDING = "0.5.0", "0.3.0"
WEBHOOK = "resonance.feed-item"
NETWORK = "[a-z][a-z0-9-]{0,31}"
STREAM = {"type": "string", "pattern": "^[0-9a-f]{32}$"}
POSITION = {"type": "string", "pattern": "^(0|[1-9][0-9]*)$"}
# CloudEvents 1.0 in Kafka's binary mode. All headers are UTF-8 text.
COMMON = {
    "ce_specversion": {"const": "1.0"},
    "ce_source": {"type": "string", "pattern": f"^urn:resonance:log:{NETWORK}$"},
    "ce_time": {
        "type": "string",
        "format": "date-time",
        "description": "When the event was received, the tick made.",
    },
    "ce_position": {**POSITION, "description": "Of the record on the log; rises within a partition."},
    "ce_prevposition": {
        **POSITION,
        "description": "The position of the record before it in its partition. Who has not seen that one lacks events.",
    },
}
SEALED = """The stored event, whole, sealed with AES-256-GCM-SIV (RFC 8452): ciphertext, then a tag of 16 bytes.
The key is HMAC-SHA256 of "{purpose}" with the network's secret, the nonce ce_position in 12 bytes, big-endian.
The associated data are ce_subject, "|" and ce_type. The plaintext is JSON, after the message's x-plaintext."""


def document() -> dict[str, Any]:
    of_events = {event_type: _event(event_type) for event_type in EVENT_TYPES} | {records.TICK: _tick()}
    of_marker = {"resonance.relay-position": _marker()}
    of_webhooks = {WEBHOOK: _webhook()}
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "Resonance in Kafka, and by webhook",
            "version": "1",
            "description": (
                "The log of a network as it is relayed to Kafka: every event once and in the log's order per case."
                " The log is the truth; these topics can be lost and made again. Headers tell nothing about a person."
                " What became of an alert is told to the addresses that were registered for it as well."
            ),
            "license": {"name": "Apache-2.0", "url": "https://www.apache.org/licenses/LICENSE-2.0"},
        },
        "channels": {
            "events": _channel(
                EVENTS, "Every event of the log, sealed. The partition follows from the key.", of_events
            ),
            "relayPosition": _channel(
                MARKER, "How far the log is published, in the same transactions as the events.", of_marker
            ),
            "webhook": {
                "address": None,
                "description": "An address that was registered with the API: each item of the feed, until it is taken.",
                "messages": {name: {"$ref": f"#/components/messages/{name}"} for name in of_webhooks},
            },
        },
        "operations": {
            "relayEvents": _operation("send", "events", "The relay publishes the log, in transactions."),
            "relayPosition": _operation("send", "relayPosition", "The relay notes how far it is."),
            "followEvents": _operation("receive", "events", "Projections read committed records into their views.")
            | {"bindings": {"kafka": {"groupId": _group(), "bindingVersion": BINDING}}},
            "findPosition": _operation("receive", "relayPosition", "A relay that starts reads where to go on."),
            "callWebhook": _operation("send", "webhook", "What became of an alert is told, and told again if need be.")
            | {"bindings": {"http": {"method": "POST", "bindingVersion": HTTP_BINDING}}},
        },
        "components": {
            "messages": of_events | of_marker | of_webhooks,
            "schemas": {"eventHeaders": _event_headers(), "sealed": _sealed()},
        },
    }


def _channel(topic: Topic, description: str, messages: Collection[str]) -> dict[str, Any]:
    replicas = Settings().kafka_replication
    settings = {**topic.settings, "min.insync.replicas": str(topics.in_sync(replicas))}
    kafka = {
        "partitions": topic.partitions,
        "replicas": replicas,
        "topicConfiguration": {name: _typed(name, value) for name, value in settings.items()},
        "bindingVersion": BINDING,
    }
    return {
        "address": topic.name,
        "description": description,
        "parameters": {"network": {"description": f"The network's name: {NETWORK}"}},
        "messages": {name: {"$ref": f"#/components/messages/{name}"} for name in messages},
        "bindings": {"kafka": kafka},
    }


def _typed(name: str, value: str) -> object:
    if name == "cleanup.policy":
        return [value]
    return int(value) if value.isdecimal() else value


def _operation(action: str, channel: str, summary: str) -> dict[str, Any]:
    return {"action": action, "channel": {"$ref": f"#/channels/{channel}"}, "summary": summary}


def _group() -> dict[str, Any]:
    before, _, after = GROUP.partition("{}")
    return {"type": "string", "pattern": f"^{before}{NETWORK}{after}$".replace(".", r"\.")}


def _event(event_type: str) -> dict[str, Any]:
    own = {"ce_type": {"const": event_type}, "ce_dataschema": {"const": f"urn:resonance:schema:{event_type}"}}
    return {
        "contentType": "application/octet-stream",
        "headers": {"type": "object", "allOf": [{"$ref": "#/components/schemas/eventHeaders"}, {"properties": own}]},
        "payload": {"$ref": "#/components/schemas/sealed"},
        "x-plaintext": {"$ref": f"../schemas/{event_type}.json"},
        "bindings": _key({**STREAM, "description": "The stream: a pseudonym of what it is about, a case mostly."}),
    }


def _event_headers() -> dict[str, Any]:
    return _headers(
        {
            **COMMON,
            "content-type": {"const": "application/octet-stream"},
            "ce_id": {"type": "string", "pattern": "^[0-9a-f]{32}$", "description": "Of the event; a pseudonym."},
            "ce_type": {"type": "string"},
            "ce_subject": {**STREAM, "description": "The stream, which is the record's key."},
            "ce_partitionkey": {**STREAM, "description": "The same."},
            "ce_dataschema": {"type": "string", "description": "The $id of the schema of the plaintext."},
        }
    )


def _sealed() -> dict[str, Any]:
    return {"type": "string", "format": "binary", "description": SEALED.format(purpose=records.PURPOSE.decode())}


def _tick() -> dict[str, Any]:
    own = {
        "ce_id": {"type": "string", "pattern": "^tick-(0|[1-9][0-9]*)-[1-9][0-9]*$"},
        "ce_type": {"const": records.TICK},
    }
    return {
        "summary": "No event: its partition holds no further one up to ce_position.",
        "headers": _headers({**COMMON, **own}),
        "payload": {"type": "null"},
        "bindings": _key({"type": "string", "pattern": f"^{NETWORK}$", "description": "The network."}),
    }


def _marker() -> dict[str, Any]:
    position = {"type": "integer", "minimum": 0}
    partitions = [str(partition) for partition in range(PARTITIONS)]
    said = {
        "position": {**position, "description": "Everything on the log up to here is published, or never will be."},
        "partitions": {"const": PARTITIONS},
        "chain": {
            "description": "The position of the last record of each partition.",
            "type": "object",
            "additionalProperties": False,
            "required": partitions,
            "properties": dict.fromkeys(partitions, position),
        },
        "key": {
            "description": "The pseudonym of the event at that position; empty while there is none.",
            "type": "string",
            "pattern": "^([0-9a-f]{32})?$",
        },
    }
    return {
        "contentType": "application/json",
        "headers": _headers({"content-type": {"const": "application/json"}}),
        "payload": {"type": "object", "additionalProperties": False, "required": list(said), "properties": said},
        "bindings": _key({"type": "string", "pattern": f"^{NETWORK}$", "description": "The network."}),
    }


def _webhook() -> dict[str, Any]:
    payload = FeedItem.model_json_schema(schema_generator=Sent)
    told = {
        "content-type": {"const": "application/json"},
        "webhook-id": {**payload["properties"]["id"], "description": "Of the item: the same at each try."},
        "webhook-timestamp": {"type": "string", "pattern": "^[0-9]{10}$", "description": "Of the try, since 1970."},
        "webhook-signature": {
            "type": "string",
            "pattern": "^v1,[A-Za-z0-9+/]{43}=( v1,[A-Za-z0-9+/]{43}=)?$",
            "description": "HMAC-SHA256 of id, timestamp and body, by each secret that is in force.",
        },
    }
    return {
        "summary": "What became of an alert: Standard Webhooks.",
        "contentType": "application/json",
        "headers": _headers(told) | {"additionalProperties": True},  # those of HTTP itself
        "payload": payload | {"additionalProperties": True},  # of a later release
    }


def _headers(properties: dict[str, Any]) -> dict[str, Any]:
    return {
        "type": "object",
        "additionalProperties": False,
        "required": list(properties),
        "properties": properties,
    }


def _key(schema: dict[str, Any]) -> dict[str, Any]:
    return {"kafka": {"key": schema, "bindingVersion": BINDING}}


def text() -> str:
    return json.dumps(document(), indent=2, ensure_ascii=False) + "\n"


def main(arguments: Sequence[str]) -> str | None:
    """Runs the command; returns what to complain about, or None."""
    return command(
        arguments, "asyncapi", "Write the description of what travels through Kafka and to webhooks.", DOCUMENT, text
    )


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
