"""The brokers that these tests ask for."""

from tests.kafka import (  # noqa: F401 - a fixture is known where it is imported
    kafka_bootstrap,
    needs_kafka,
    own_broker,
    three_brokers,
)
