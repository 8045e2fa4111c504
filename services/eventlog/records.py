"""What an event looks like on its way through Kafka: headers that tell nothing about a person, and a sealed value.

The headers are CloudEvents 1.0 in Kafka's binary mode. Source:
https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/bindings/kafka-protocol-binding.md
"""

import hmac
from collections.abc import Mapping
from datetime import datetime
from functools import lru_cache
from typing import Final, NamedTuple, TypeAlias

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCMSIV

from services.eventlog.ports import Unreadable
from services.eventlog.store import Row
from services.eventlog.topics import partition_of

TICK: Final = "resonance.tick"
"""The type of a record that is no event: it says that its partition holds no further event up to a position."""
_TICK: Final = TICK.encode()
PURPOSE: Final = b"resonance kafka payload 1"

Headers: TypeAlias = Mapping[str, bytes]


class Record(NamedTuple):
    partition: int
    key: bytes
    value: bytes | None
    headers: list[tuple[str, bytes]]


class Place(NamedTuple):
    """Where a record stands, told by its headers alone."""

    position: int
    previous: int
    """The position of the record before it in its partition; 0 where there is none."""
    is_tick: bool


class Records:
    """Makes records of one network's rows, and rows of its records.

    A value is sealed with AES-256-GCM-SIV (RFC 8452) under a key of its own, derived from the network's secret. Its
    nonce is the position, which is not sent a second time. Unlike plain GCM this mode stays safe where a log that was
    restored from a backup gives a position to another event. Stream and type are sealed in, so that no value can be
    passed off as another's.
    """

    def __init__(self, network: str, secret: bytes) -> None:
        self._cipher = AESGCMSIV(hmac.digest(secret, PURPOSE, "sha256"))
        self._network = network.encode()
        self._source = f"urn:resonance:log:{network}".encode()

    def of_event(self, row: Row, previous: int) -> Record:
        stream = row.stream.encode()
        event_type, schema = _typed(row.topic)
        headers = [
            ("content-type", b"application/octet-stream"),
            ("ce_specversion", b"1.0"),
            ("ce_id", row.key.hex().encode()),
            ("ce_type", event_type),
            ("ce_source", self._source),
            ("ce_time", row.received.isoformat().encode()),
            ("ce_subject", stream),
            ("ce_partitionkey", stream),
            ("ce_dataschema", schema),
            ("ce_position", b"%d" % row.position),
            ("ce_prevposition", b"%d" % previous),
        ]
        sealed = self._cipher.encrypt(_nonce(row.position), row.state, b"%b|%b" % (stream, event_type))
        return Record(partition_of(row.stream), stream, sealed, headers)

    def of_tick(self, partition: int, position: int, previous: int, at: datetime) -> Record:
        headers = [
            ("ce_specversion", b"1.0"),
            ("ce_id", b"tick-%d-%d" % (partition, position)),
            ("ce_type", _TICK),
            ("ce_source", self._source),
            ("ce_time", at.isoformat().encode()),
            ("ce_position", b"%d" % position),
            ("ce_prevposition", b"%d" % previous),
        ]
        return Record(partition, self._network, None, headers)

    def row(self, headers: Headers, value: bytes | None) -> Row:
        """The row that an event's record was made of. Raises Unreadable where it was not made with this secret."""
        position = place(headers).position
        try:
            stream, event_type = headers["ce_subject"], headers["ce_type"]
            state = self._cipher.decrypt(_nonce(position), value or b"", b"%b|%b" % (stream, event_type))
            received = datetime.fromisoformat(headers["ce_time"].decode())
            key = bytes.fromhex(headers["ce_id"].decode())
        except (KeyError, ValueError, TypeError, AttributeError, OverflowError, InvalidTag):
            raise Unreadable(position) from None
        return Row(position, received, event_type.decode(), state, stream.decode(), key)


def place(headers: Headers) -> Place:
    """Raises Unreadable, with position 0, where the headers do not tell."""
    try:
        return Place(int(headers["ce_position"]), int(headers["ce_prevposition"]), headers["ce_type"] == _TICK)
    except (KeyError, ValueError, TypeError):
        raise Unreadable(0) from None


def _nonce(position: int) -> bytes:
    return position.to_bytes(12)


@lru_cache
def _typed(topic: str) -> tuple[bytes, bytes]:
    return topic.encode(), f"urn:resonance:schema:{topic}".encode()
