"""Many processes: PostgreSQL beside raw COPY, relay and consumers beside the bare Kafka client, a rebuild beside
following event by event, and how long it takes until an event is seen."""

import secrets
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass
from functools import partial
from itertools import count, islice
from pathlib import Path
from statistics import median, quantiles
from typing import Any, Final
from uuid import UUID

import httpx
import psycopg
from kafka import KafkaConsumer, KafkaProducer, TopicPartition
from psycopg.sql import SQL, Identifier

from benchmarks.made_up import posts
from benchmarks.measured import Compared, Found, Informed, Tell, in_turns
from benchmarks.storing import GROUP, events, groups
from contracts.events import AnyEvent
from contracts.instruments import catalogue
from services import rebuilding, storage, wiring
from services.database import postgres as database
from services.eventlog import topics
from services.eventlog.follow import Signal
from services.eventlog.kafkafeed import BATCH, KafkaFeed
from services.eventlog.ports import Slice
from services.eventlog.records import Record, Records
from services.eventlog.relay import TICK_SECONDS, Relay
from services.eventlog.store import Codec, StoredLog
from services.projections import run, tables
from services.projections.views import Views
from services.settings import Settings
from tools import broker, postgres
from tools.installation import installed

READ_SECONDS: Final = 0.5
COPIED: Final = ("originator_id", "originator_version", "topic", "state", "ingest_key", "digest", "received")


@dataclass(frozen=True, slots=True)
class Size:
    events: int = 20_000
    repetitions: int = 3
    one_by_one: int = 1_000
    per_second: int = 200
    seconds: float = 20.0


class _Network:
    """A network of its own for each repetition: its log, its views and its topics are empty."""

    _numbers = count(1)

    def __init__(self, database_url: str, kafka: str) -> None:
        name = f"b{next(self._numbers)}-{secrets.token_hex(3)}"
        self.settings = Settings(database_url=database_url, kafka=kafka, kafka_replication=1, network=name)
        storage.migrate(self.settings)
        with closing(storage.open_keys(self.settings)) as keys:
            self.secret = keys.secret(name) or b""

    def log(self) -> StoredLog:
        return storage.open_stored_log(self.settings, self.settings.network, self.secret)

    def views(self) -> Views:
        return storage.open_views(self.settings, self.settings.network)

    def filled(self, whole: Sequence[AnyEvent]) -> StoredLog:
        log = self.log()
        for group in groups(whole):
            log.append(group, wiring.utc_now())
        return log

    def relay(self, log: StoredLog) -> Relay:
        given = self.settings
        return Relay(log, given.kafka, given.network, self.secret, given.kafka_replication, wiring.utc_now)


def relaying(size: Size, tell: Tell) -> Found:
    whole = events(size.events, 500, 16)
    with ExitStack() as stack:
        tell("starting PostgreSQL and Kafka")
        server = stack.enter_context(postgres.server())
        kafka = stack.enter_context(broker.cluster())
        fresh = partial(_Network, server.url, kafka.bootstrap)
        found = in_turns(
            {
                "append": lambda: _append(fresh(), whole),
                "copy": lambda: _copy(fresh(), whole),
                "relay": lambda: _relay(fresh(), whole),
                "produce": lambda: _produce(fresh(), whole),
            },
            size.repetitions,
            tell,
        )
        tell("publishing what is consumed")
        published = fresh()
        with closing(published.filled(whole)) as log, closing(published.relay(log)) as relay:
            _until_done(relay.step)
            time.sleep(2 * TICK_SECONDS)
            relay.step()  # tells every partition that nothing more will come
        found |= in_turns(
            {
                "views": lambda: _into_views(published, len(whole)),
                "consume": lambda: _consume(published, len(whole)),
            },
            size.repetitions,
            tell,
        )
        found |= in_turns(
            {
                "rebuild": lambda: _rebuild(fresh(), whole),
                "one by one": lambda: _one_by_one(fresh(), whole[: size.one_by_one]),
            },
            size.repetitions,
            tell,
        )
        tell(f"{size.per_second} events/s through all processes")
        own = stack.enter_context(postgres.server())  # in the other the roles would look after all networks so far
        waits = _freshness(own.url, kafka.bootstrap, size)
    per_cent = quantiles(waits, n=100)
    return [
        Compared(
            "PostgreSQL append in 500s", "raw COPY of the same rows", "events/s", found["append"], found["copy"], 0.4
        ),
        Compared("relay", "bare produce of the same records", "events/s", found["relay"], found["produce"], 0.6),
        Compared(
            "consumer into the views", "bare consume of the same records", "events/s", found["views"], found["consume"],
            0.6, "the pure fold alone takes longer than the bare client; see catch-up of the views",
        ),
        Compared("rebuild", "following event by event", "events/s", found["rebuild"], found["one by one"], 10.0),
        Informed(
            f"freshness at {size.per_second} events/s, from 201 to seen in the view",
            f"p50 {1e3 * median(waits):.0f} ms, p99 {1e3 * per_cent[98]:.0f} ms",
        ),
    ]  # fmt: skip


def _append(network: _Network, whole: Sequence[AnyEvent]) -> float:
    with closing(network.log()) as log:
        return _rate(len(whole), lambda: [log.append(group, wiring.utc_now()) for group in groups(whole)])


def _copy(network: _Network, whole: Sequence[AnyEvent]) -> float:
    """The same rows into the same table with the same indexes, by PostgreSQL's own fastest door."""
    codec, now = Codec(network.secret), wiring.utc_now()
    entries = [codec.entry(event) for event in whole]
    rows = [(UUID(e.stream), nth, e.topic, e.state, e.key, e.digest, now) for nth, e in enumerate(entries)]
    table = Identifier(storage.schema_of(network.settings.network), "stored_events")
    copy = SQL("COPY {} ({}) FROM STDIN (FORMAT BINARY)").format(table, SQL(", ").join(map(Identifier, COPIED)))
    with psycopg.connect(network.settings.database_url) as connection:

        def all_groups() -> None:
            for start in range(0, len(rows), GROUP):
                with connection.transaction(), connection.cursor().copy(copy) as out:
                    out.set_types(("uuid", "int8", "text", "bytea", "bytea", "bytea", "timestamptz"))
                    for row in rows[start : start + GROUP]:
                        out.write_row(row)

        return _rate(len(rows), all_groups)


def _relay(network: _Network, whole: Sequence[AnyEvent]) -> float:
    with closing(network.filled(whole)) as log, closing(network.relay(log)) as relay:
        relay.start()
        return _rate(len(whole), lambda: _until_done(relay.step))


def _until_done(step: Callable[[], bool]) -> None:
    while step():
        pass


def _produce(network: _Network, whole: Sequence[AnyEvent]) -> float:
    """The records that the relay would make, made beforehand."""
    with closing(network.filled(whole)) as log:
        records = Records(network.settings.network, network.secret)
        made = [records.of_event(row, 0) for row in log.rows(0, len(whole))]
    topic = topics.events(network.settings.network).name
    producer = KafkaProducer(
        bootstrap_servers=network.settings.kafka, compression_type="lz4", batch_size=64 * 1024, linger_ms=5
    )
    with closing(producer):
        return _rate(len(made), lambda: _send(producer, topic, made))


def _send(producer: Any, topic: str, records: Sequence[Record]) -> None:
    for record in records:
        producer.send(topic, record.value, record.key, record.headers, record.partition)
    producer.flush()


def _into_views(network: _Network, number: int) -> float:
    """Into empty views, by a group of its own."""
    name = f"bench_{secrets.token_hex(4)}"
    database.migrate(network.settings.database_url, name, tables.SCHEMA)
    feed = KafkaFeed(network.settings.kafka, network.settings.network, name, network.secret)
    views = Views(database.PostgresDatabase(network.settings.database_url, name), catalogue())
    views.add_sources(storage.sources(network.settings))
    with closing(feed), closing(views), closing(network.log()) as log:
        head, applied = log.head(), Signal()
        while not run.step(feed, views, applied, READ_SECONDS):  # until it has its partitions
            pass
        before = len(views.positions())

        def follow() -> None:
            while views.position() < head:
                run.step(feed, views, applied, READ_SECONDS)

        return _rate(number - before, follow)


def _consume(network: _Network, number: int) -> float:
    topic = topics.events(network.settings.network).name
    consumer = KafkaConsumer(
        bootstrap_servers=network.settings.kafka,
        isolation_level="read_committed",
        auto_offset_reset="earliest",
        enable_auto_commit=False,
        max_poll_records=BATCH,
    )
    with closing(consumer):
        consumer.assign([TopicPartition(topic, partition) for partition in range(topics.PARTITIONS)])
        seen = 0
        while not seen:
            seen = _polled(consumer)
        rest = number - seen

        def poll() -> None:
            left = rest
            while left > 0:
                left -= _polled(consumer)

        return _rate(rest, poll)


def _polled(consumer: Any) -> int:
    polled = consumer.poll(timeout_ms=500)
    return sum(map(len, polled.values()))  # with the few ticks that came with the events


def _rebuild(network: _Network, whole: Sequence[AnyEvent]) -> float:
    network.filled(whole).close()
    name = network.settings.network
    return _rate(
        len(whole), lambda: rebuilding.rebuild(network.settings, name, lambda *_: None, wiring.utc_now(), sample=0)
    )


def _one_by_one(network: _Network, some: Sequence[AnyEvent]) -> float:
    """Each event in a transaction of its own, as a consumer without batches would."""
    with closing(network.filled(some)) as log, closing(network.views()) as views:
        recorded = log.read(0, len(some))

        def follow() -> None:
            last = 0
            for one in recorded:
                views.apply(Slice(topics.source(0), 0, last, [one], one.position))
                last = one.position

        return _rate(len(recorded), follow)


def _freshness(database_url: str, kafka: str, size: Size) -> list[float]:
    """Seconds from each answer to the moment at which the view of the event's partition has come so far."""
    answered: list[tuple[float, str, int]] = []
    standing: list[tuple[float, dict[str, int]]] = []
    over = threading.Event()
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="resonance-bench-")))
        made = stack.enter_context(installed(folder, database_url, kafka, network=f"f-{secrets.token_hex(3)}"))
        settings = Settings(database_url=database_url, kafka=kafka, network=made.environment["RESONANCE_NETWORK"])
        with closing(storage.open_keys(settings)) as keys:
            codec = Codec(keys.secret(settings.network) or b"")
        key = made.run("keys", "create").strip()
        views = stack.enter_context(closing(storage.open_views(settings, settings.network)))

        def watch() -> None:
            with closing(storage.open_views(settings, settings.network)) as own:
                while not over.is_set():
                    marks = own.marks(list(storage.sources(settings)))
                    standing.append((time.perf_counter(), {source: mark.position for source, mark in marks.items()}))
                    time.sleep(0.002)

        watcher = threading.Thread(target=watch)
        watcher.start()
        bodies = posts(wiring.utc_now(), 500, 16)
        headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/cloudevents+json"}
        with httpx.Client(base_url=made.url, headers=headers) as client:
            began = time.perf_counter()
            for nth, body in enumerate(islice(bodies, int(size.per_second * size.seconds))):
                time.sleep(max(0.0, began + nth / size.per_second - time.perf_counter()))
                answer = client.post("/v1/events", content=body)
                answer.raise_for_status()
                case_ref = body.partition(b'"subject":"')[2].partition(b'"')[0].decode()
                source = topics.source(topics.partition_of(codec.stream(case_ref)))
                answered.append((time.perf_counter(), source, int(answer.headers["Resonance-Position"])))
        deadline = time.monotonic() + 30
        while views.position() < answered[-1][2] and time.monotonic() < deadline:
            time.sleep(0.05)
        over.set()
        watcher.join()
    return list(_waits(answered, standing))


def _waits(
    answered: Sequence[tuple[float, str, int]], standing: Sequence[tuple[float, dict[str, int]]]
) -> Iterator[float]:
    for at, source, position in answered:
        seen = next(when for when, positions in standing if when >= at and positions[source] >= position)
        yield seen - at


def _rate(number: int, work: Callable[[], object]) -> float:
    began = time.perf_counter()
    work()
    return number / (time.perf_counter() - began)
