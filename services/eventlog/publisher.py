"""Kafka transactions that are whole or not at all: the producer's side of exactly once.

kafka-python 3.0.12 needs some care for that, partly beyond its public door:

- A record that expires unsent does not stop its transaction: `commit_transaction` commits the others and returns. So
  everything is flushed and looked at before the commit.
- `commit_transaction` waits without a limit.
- `close` gives up, and leaves everything running, where a flush does not come to an end.
"""

from collections.abc import Iterable
from contextlib import suppress
from typing import Any, Final

from kafka import KafkaProducer
from kafka.errors import (
    InvalidProducerEpochError,
    KafkaError,
    KafkaTimeoutError,
    ProducerFencedError,
)

from services.eventlog.connect import FAILURES, Limits, client
from services.eventlog.ports import Explained, Unavailable
from services.eventlog.records import Record

CLOSE_SECONDS: Final = 1.0
NEVER_MS: Final = 2**31 - 1


class Fenced(Explained):
    """Another process publishes under the same name, or the transaction took too long; what was open is undone."""


class Publisher:
    """The only one under its name: making it fences whoever had the name before, and undoes what they left open.

    After any error it is good for nothing but to be closed. Every method can raise Unavailable, and Fenced.
    """

    def __init__(self, bootstrap: str, name: str, limits: Limits) -> None:
        self._limits = limits
        self._producer = client(
            KafkaProducer,
            bootstrap,
            limits,
            transactional_id=name,
            transaction_timeout_ms=int(limits.transaction * 1000),
            max_block_ms=int(limits.connect * 1000),
            delivery_timeout_ms=NEVER_MS,  # the flush has a limit, which undoes all of the transaction
            allow_auto_create_topics=False,
            compression_type="lz4",
            batch_size=64 * 1024,
            linger_ms=1_000,  # nothing waits so long, as every transaction ends with a flush; but batches get full
            metrics_enabled=False,
        )
        try:
            self._producer.init_transactions()
        except FAILURES as error:
            self.close()
            raise self._told(error) from None

    def publish(self, records: Iterable[tuple[str, Record]]) -> None:
        """Writes all ``records``, each to its topic, in one transaction.

        Where it raises, they may be written all the same, but then all of them.
        """
        try:
            self._producer.begin_transaction()
            sent = [
                self._producer.send(topic, record.value, record.key, record.headers, record.partition)
                for topic, record in records
            ]
            self._producer.flush(self._limits.transaction)
            for future in sent:
                if not future.succeeded():
                    raise future.exception or KafkaTimeoutError()
            self._commit()
        except FAILURES as error:
            raise self._told(error) from None

    def _commit(self) -> None:
        # What commit_transaction does, but not for ever.
        outcome = self._manager.begin_commit()
        self._producer._sender.wakeup()
        if not outcome.wait(self._limits.transaction * 1000):
            raise KafkaTimeoutError

    def close(self) -> None:
        """Leaves what is open to be undone by the next of this name."""
        sender = self._producer._sender
        sender.force_close()
        sender.join(CLOSE_SECONDS)
        with suppress(KafkaError):  # of a sender that is still at it; it is told to end, and its thread is a daemon
            self._producer._accumulator.abort_incomplete_batches()
            self._producer.close(timeout=0)

    @property
    def _manager(self) -> Any:
        return self._producer._transaction_manager

    def _told(self, error: Exception) -> Exception:
        # What is raised late says only that there was an error before.
        reasons = [self._manager.last_error, error]
        if any(isinstance(reason, ProducerFencedError | InvalidProducerEpochError) for reason in reasons):
            return Fenced("another process publishes in this one's place, or this one was held up for too long")
        return Unavailable(type(reasons[0] or error).__name__)
