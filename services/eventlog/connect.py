"""Getting at Kafka: its clients, made so that nothing stays behind where one cannot be made."""

from collections.abc import Callable
from importlib.util import find_spec
from typing import Any, Final, NamedTuple, TypeVar

from kafka.errors import KafkaError
from kafka.net.compat import KafkaNetClient

from services.eventlog.ports import Explained, Unavailable

FAILURES: Final = (KafkaError, OSError)
"""What tells that Kafka is away, or refuses."""

Client = TypeVar("Client")


class Limits(NamedTuple):
    """How long Kafka may take, in seconds, until whoever waits for it gives up and starts over."""

    connect: float = 10.0
    """To be reached, and to tell what a topic is."""
    request: float = 10.0
    """To answer one request."""
    transaction: float = 30.0
    """To have a whole transaction. Where one is left open, it holds back all readers as long."""


class NoChecksums(Explained):
    """crc32c is not installed. Without it Kafka's checksums are computed in Python, three to six times as slow."""

    def __init__(self) -> None:
        super().__init__("the package crc32c is not installed: install Resonance as requirements.lock says")


def client(kind: Callable[..., Client], bootstrap: str, limits: Limits, **settings: Any) -> Client:
    """Raises Unavailable where Kafka cannot be reached, NoChecksums."""
    if find_spec("crc32c") is None:
        raise NoChecksums
    inner: list[Any] = []

    def remembered(**given: Any) -> Any:
        inner.append(KafkaNetClient(**given))
        return inner[-1]

    try:
        return kind(
            bootstrap_servers=bootstrap,
            bootstrap_timeout_ms=int(limits.connect * 1000),
            request_timeout_ms=int(limits.request * 1000),
            kafka_client=remembered,
            **settings,
        )
    except FAILURES as error:
        for one in inner:  # a client that gives up leaves its thread and its sockets (kafka-python 3.0.12)
            one.close()
        raise Unavailable(type(error).__name__) from None
