"""Makes the topics of a network in Kafka, and says where they are not as they have to be."""

from collections.abc import Iterator
from contextlib import closing, suppress
from typing import Any

from kafka.admin import (
    ConfigResource,
    ConfigResourceType,
    KafkaAdminClient,
)
from kafka.errors import InvalidReplicationFactorError, TopicAlreadyExistsError

from services.eventlog import topics
from services.eventlog.connect import FAILURES, Limits, client
from services.eventlog.ports import Unavailable, WrongTopics
from services.eventlog.topics import Topic


def migrate(bootstrap: str, network: str, replication: int, limits: Limits = Limits()) -> None:
    """Makes the topics of ``network``, each kept ``replication`` times; leaves alone those that are as they have to be.

    Raises WrongTopics, Unavailable.
    """
    with closing(client(KafkaAdminClient, bootstrap, limits)) as admin:
        try:
            for topic in wanted(network):
                _make(admin, topic, replication)
            admin.wait_for_topics([topic.name for topic in wanted(network)], timeout_ms=int(limits.connect * 1000))
        except FAILURES as error:
            raise Unavailable(type(error).__name__) from None
    verify(bootstrap, network, replication, limits)


def verify(bootstrap: str, network: str, replication: int, limits: Limits = Limits()) -> None:
    """Raises WrongTopics, Unavailable."""
    with closing(client(KafkaAdminClient, bootstrap, limits)) as admin:
        try:
            found = {one["name"]: one for one in admin.describe_topics([topic.name for topic in wanted(network)])}
            settings = admin.describe_configs(
                [ConfigResource(ConfigResourceType.TOPIC, topic.name) for topic in wanted(network)],
                config_filter="all",
            )["topic"]
        except FAILURES as error:
            raise Unavailable(type(error).__name__) from None
    for topic in wanted(network):
        for fault in _faults(topic, found[topic.name], settings[topic.name], replication):
            raise WrongTopics(f"{topic.name} {fault}")


def wanted(network: str) -> tuple[Topic, Topic]:
    return topics.events(network), topics.marker(network)


def _make(admin: Any, topic: Topic, replication: int) -> None:
    given = {
        "num_partitions": topic.partitions,
        "replication_factor": replication,
        "configs": {**topic.settings, "min.insync.replicas": str(topics.in_sync(replication))},
    }
    with suppress(TopicAlreadyExistsError):
        try:
            admin.create_topics({topic.name: given})
        except InvalidReplicationFactorError:
            raise WrongTopics(f"{topic.name} cannot be kept {replication} times: Kafka has fewer brokers") from None


def _faults(topic: Topic, found: Any, settings: Any, replication: int) -> Iterator[str]:
    if not found["partitions"]:
        yield "is not there: run `resonance migrate`"
        return
    if (count := len(found["partitions"])) != topic.partitions:
        yield f"has {count} partitions instead of {topic.partitions}: it cannot be used, and the number never changes"
    if (copies := min(len(one["replica_nodes"]) for one in found["partitions"])) < replication:
        yield f"is kept {copies} times instead of {replication}: have Kafka reassign its replicas, or ask for less"
    if (least := int(settings["min.insync.replicas"]["value"])) < topics.in_sync(replication):
        yield f"has min.insync.replicas {least}: set it to {topics.in_sync(replication)}"
    if (policy := settings["cleanup.policy"]["value"]) != topic.settings["cleanup.policy"]:
        yield f"has cleanup.policy {policy}: set it to {topic.settings['cleanup.policy']}"
