"""Whether an installation has kept its promise: all that was acknowledged is there once, in order, and acted on."""

import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from contextlib import closing
from dataclasses import dataclass, fields
from datetime import UTC, datetime
from email import message_from_bytes
from itertools import pairwise
from typing import NamedTuple

from kafka import KafkaConsumer, TopicPartition

from contracts.events import AlertNotified, AlertRaised, AlertResolved, AlertSuppressed, AnyEvent, CaseEvent
from services import rebuilding
from services.eventlog import topics
from services.eventlog.ports import Recorded
from services.eventlog.records import Place, place
from services.storage import Stores
from tools.installation import Installation


class Found(NamedTuple):
    """What an installation holds once it is at rest."""

    recorded: Sequence[Recorded]
    """The log."""
    published: Sequence[Sequence[Place]]
    """The records of each partition, in their order."""
    viewed: AbstractSet[int]
    """The positions of the events in the views."""
    letters: Sequence[bytes]
    """Those that came."""
    cases: int
    compared: int
    """Cases whose rows were held against those of views made anew."""
    different: int
    parked: int


@dataclass(frozen=True)
class Verdict:
    """How much was looked at, and what was wrong: of that each number should be 0."""

    seen: Mapping[str, int]
    not_on_the_log: int
    not_published: int
    not_in_the_views: int
    alerts_unanswered: int
    letters_not_come: int
    letters_not_noted: int
    twice_on_the_log: int
    twice_published: int
    published_out_of_nothing: int
    alerts_twice: int
    letters_unlike: int
    holes: int
    inversions: int
    cases_unlike_a_rebuild: int
    parked: int

    @property
    def lost(self) -> int:
        log_and_views = self.not_on_the_log + self.not_published + self.not_in_the_views + self.holes
        return log_and_views + self.alerts_unanswered + self.letters_not_come + self.letters_not_noted

    @property
    def doubled(self) -> int:
        published = self.twice_published + self.published_out_of_nothing
        return self.twice_on_the_log + published + self.alerts_twice + self.letters_unlike

    @property
    def reordered(self) -> int:
        return self.inversions + self.cases_unlike_a_rebuild

    @property
    def clean(self) -> bool:
        return not (self.lost or self.doubled or self.reordered or self.parked)

    def table(self) -> Iterator[tuple[str, int]]:
        """Each number, and what it counts."""
        yield from self.seen.items()
        for one in fields(self)[1:]:
            yield one.name.replace("_", " "), getattr(self, one.name)


def judge(acknowledged: Sequence[AnyEvent], found: Found) -> Verdict:
    recorded = found.recorded
    keys = Counter((entry.event.source, entry.event.id) for entry in recorded)
    positions = {entry.position for entry in recorded}
    published = Counter(one.position for partition in found.published for one in partition if not one.is_tick)
    came = _by_id(found.letters)
    notified = {entry.event.data.message_id for entry in recorded if isinstance(entry.event, AlertNotified)}
    raised = _alerts(recorded, AlertRaised)
    return Verdict(
        seen={
            "events on the log": len(recorded),
            "cases": found.cases,
            "alerts raised": len(raised),
            "letters come": len(found.letters),
        },
        not_on_the_log=sum((event.source, event.id) not in keys for event in acknowledged),
        not_published=len(positions - published.keys()),
        not_in_the_views=len(positions - _of_no_case(recorded) - found.viewed),
        alerts_unanswered=len(raised - _alerts(recorded, AlertNotified, AlertSuppressed, AlertResolved)),
        letters_not_come=len(notified - came.keys()),
        letters_not_noted=len(came.keys() - notified),
        twice_on_the_log=sum(times > 1 for times in keys.values()),
        twice_published=sum(times > 1 for times in published.values()),
        published_out_of_nothing=len(published.keys() - positions),
        alerts_twice=_raised_while_open(recorded),
        letters_unlike=sum(len(different) > 1 for different in came.values()),
        holes=sum(_holes(partition) for partition in found.published),
        inversions=sum(_inversions(partition) for partition in found.published),
        cases_unlike_a_rebuild=found.different + abs(found.cases - found.compared),
        parked=found.parked,
    )


def _alerts(
    recorded: Sequence[Recorded], *kinds: type[AlertRaised | AlertNotified | AlertSuppressed | AlertResolved]
) -> set[str]:
    return {entry.event.data.alert_ref for entry in recorded if isinstance(entry.event, kinds)}


def _of_no_case(recorded: Sequence[Recorded]) -> set[int]:
    """Merges and norm sets are kept apart from the cases' events."""
    return {entry.position for entry in recorded if not isinstance(entry.event, CaseEvent)}


def _by_id(letters: Sequence[bytes]) -> Mapping[str, set[bytes]]:
    came: dict[str, set[bytes]] = {}
    for letter in letters:
        came.setdefault(str(message_from_bytes(letter)["Message-ID"]), set()).add(letter)
    return came


def _raised_while_open(recorded: Sequence[Recorded]) -> int:
    """Alerts that were raised although one of the case and the reason was open."""
    opened: dict[str, tuple[str, str]] = {}
    twice = 0
    for _, _, event in recorded:
        if isinstance(event, AlertRaised):
            twice += (event.case_ref, event.data.reason) in opened.values() or event.data.alert_ref in opened
            opened[event.data.alert_ref] = (event.case_ref, event.data.reason)
        elif isinstance(event, AlertResolved):
            opened.pop(event.data.alert_ref, None)
    return twice


def _holes(places: Sequence[Place]) -> int:
    """Records whose predecessor is not the record before them."""
    before = [0, *(one.position for one in places[:-1])]
    return sum(one.previous != last for one, last in zip(places, before, strict=True))


def _inversions(places: Sequence[Place]) -> int:
    return sum(later.position < earlier.position for earlier, later in pairwise(places))


def look(made: Installation, kafka: str, letters: Sequence[bytes], patience: float) -> Found:
    """Waits until the installation is at rest, then looks. Raises TimeoutError where it does not come to rest."""
    given = made.settings
    with closing(made.stores()) as stores:
        _settle(made, stores, patience)
        recorded = stores.log.read(0, 10_000_000)
        viewed = stores.views.positions()
        parked = stores.views.counts()["parked"]
    published = list(places(kafka, given.network))
    now = datetime.now(UTC)  # noqa: TID251 - the clock of the machine
    rebuilt = rebuilding.rebuild(given, given.network, lambda *_: None, now, sample=10_000_000)
    return Found(recorded, published, viewed, letters, rebuilt.cases, rebuilt.compared, rebuilt.different, parked)


def _settle(made: Installation, stores: Stores, patience: float) -> None:
    deadline = time.monotonic() + patience
    quiet = 0
    while quiet < 3:
        time.sleep(0.5)
        if time.monotonic() > deadline:
            raise TimeoutError("\n".join(process.tail() for process in made.processes))
        quiet = quiet + 1 if stores.at_rest(datetime.now(UTC)) else 0  # noqa: TID251 - the clock of the machine


def places(kafka: str, network: str) -> Iterator[Sequence[Place]]:
    """What stands in each partition of a network's events, in its order."""
    consumer = KafkaConsumer(bootstrap_servers=kafka, isolation_level="read_committed", enable_auto_commit=False)
    with closing(consumer):
        for partition in range(topics.PARTITIONS):
            source = TopicPartition(topics.events(network).name, partition)
            consumer.assign([source])
            consumer.seek_to_beginning(source)
            [end] = consumer.end_offsets([source]).values()
            found: list[Place] = []
            while consumer.position(source) < end:
                records = consumer.poll(timeout_ms=500).get(source, ())
                found.extend(place(dict(record.headers)) for record in records)
            yield found
