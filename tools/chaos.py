"""A campaign of faults against a whole installation while events are posted, and the verdict on what became of them.

`make chaos` starts PostgreSQL, three Kafka brokers, a mail server and every role, breaks them one after the other, and
ends with a table whose last line counts what was lost, doubled, reordered or parked: nothing, or the status is 1.
"""

import argparse
import random
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import NamedTuple

import httpx
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session
from typing_extensions import override

from contracts.events import AnyEvent, canonical
from services.simulation.network import Network, simulate
from services.simulation.spec import Spec
from tools import broker, postgres, verdict
from tools.installation import HOST, Installation, Process, free_port, installed

ROLES = ("relay", "projections", "projections", "alerts")
"""Whom a fault befalls, as likely as they stand here."""
RATE = 60.0
"""Events posted in a second, about."""
STALL_SECONDS = 120.0
PAUSE_SECONDS = (2.0, 20.0)
REST_SECONDS = (0.5, 4.0)
"""Between a fault that is over and the next."""
SETTLE_SECONDS = 300.0
COHORT = 100
WEEKS = 8
"""So short a history that every alert is about the present, and mailed."""


class Fault(NamedTuple):
    name: str
    share: int
    """How many of forty."""
    seconds: float
    """How long one takes, about."""
    strike: "Callable[[Campaign], str]"
    """Breaks something, waits, and says what was broken."""


class Mailbox:
    """A mail server that keeps all it was sent."""

    def __init__(self) -> None:
        self.taken: list[bytes] = []

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: ARG002, N802 - the library's signature
        self.taken.append(envelope.original_content or b"")
        return "250 taken"


class Poster(threading.Thread):
    """Posts event after event, each again and again until it is acknowledged."""

    def __init__(self, url: str, key: str, events: Sequence[AnyEvent], rng: random.Random, rate: float) -> None:
        super().__init__(name="poster")
        self._url = url
        self._headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/cloudevents+json"}
        self._events = iter(events)
        self._rng = rng
        self._rate = rate
        self.over = threading.Event()
        self.acknowledged: list[AnyEvent] = []
        self.refused = ""

    @override
    def run(self) -> None:
        with httpx.Client(base_url=self._url, headers=self._headers, timeout=30) as client:
            for event in self._events:
                while not self.over.is_set() and not self._posted(client, event):
                    self.over.wait(0.2)
                if self.refused or self.over.wait(self._rng.expovariate(self._rate)):
                    return

    def _posted(self, client: httpx.Client, event: AnyEvent) -> bool:
        try:
            answer = client.post("/v1/events", content=canonical(event))
        except httpx.TransportError:
            return False
        if answer.status_code in {200, 201}:
            self.acknowledged.append(event)
            return True
        if answer.status_code < 500:
            self.refused = f"an event was refused with {answer.status_code}: {answer.json().get('type')}"
        return bool(self.refused)


class Campaign:
    def __init__(
        self, made: Installation, kafka: broker.Cluster, database: postgres.Server, rng: random.Random, stall: float
    ) -> None:
        self.made = made
        self.kafka = kafka
        self.database = database
        self.rng = rng
        self.stall = stall

    def victim(self) -> Process:
        return self.rng.choice(self.made.of(self.rng.choice(ROLES)))


def kill(campaign: Campaign) -> str:
    victim = campaign.victim()
    victim.kill()
    return victim.name


def pause(campaign: Campaign) -> str:
    victim = campaign.victim()
    with victim.paused():
        time.sleep(campaign.rng.uniform(*PAUSE_SECONDS))
    return victim.name


def restart_broker(campaign: Campaign) -> str:
    """The leader of a third of the partitions: they move to the two others."""
    node = campaign.rng.choice(campaign.kafka.nodes)
    if campaign.rng.random() < 0.5:
        node.kill()
    else:
        node.stop()
    time.sleep(campaign.rng.uniform(1, 6))
    node.start()
    return f"broker {node.number}"


def restart_database(campaign: Campaign) -> str:
    if campaign.rng.random() < 0.5:
        campaign.database.kill()
    else:
        campaign.database.stop()
    time.sleep(campaign.rng.uniform(0.5, 4))
    campaign.database.start()
    return "PostgreSQL"


def stall_brokers(campaign: Campaign) -> str:
    for node in campaign.kafka.nodes:
        node.pause()
    time.sleep(campaign.stall)
    for node in campaign.kafka.nodes:
        node.resume()
    return f"all brokers, {campaign.stall:.0f} s"


def add_relay(campaign: Campaign) -> str:
    [added] = campaign.made.add("relay")
    added.await_ready()
    return added.name


FAULTS = (
    Fault("kill -9 of a process", 20, 0.1, kill),
    Fault("SIGSTOP, then SIGCONT", 10, 11.0, pause),
    Fault("restart of a broker", 5, 12.0, restart_broker),
    Fault("restart of the database", 3, 4.0, restart_database),
    Fault("stall of all brokers", 1, STALL_SECONDS, stall_brokers),
    Fault("a second relay", 1, 3.0, add_relay),
)


def planned(number: int, rng: random.Random) -> list[Fault]:
    """So many faults in the shares of forty, in an order by chance; of few, the commonest."""
    whole = sum(fault.share for fault in FAULTS)
    due = sorted(((nth + 0.5) / fault.share, nth, fault.name) for fault in FAULTS for nth in range(fault.share))
    names = [name for _, _, name in due * (number // whole + 1)][:number]
    rng.shuffle(names)
    return [fault for name in names for fault in FAULTS if fault.name == name]


def run(number: int, seed: int, stall: float, brokers: int) -> verdict.Verdict:
    rng = random.Random(seed)
    faults = planned(number, rng)
    seconds = 30 + sum((stall if fault.strike is stall_brokers else fault.seconds) + 3 for fault in faults)
    mailbox = Mailbox()
    made_up = _made_up(seed, int(RATE * seconds))
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="chaos-")))
        database = stack.enter_context(postgres.server())
        kafka = stack.enter_context(broker.cluster(nodes=brokers))
        smtp = stack.enter_context(_listening(mailbox))
        where = (folder, database.url, kafka.bootstrap)
        made = stack.enter_context(installed(*where, replication=brokers, projections=3, alerts=2, smtp_url=smtp))
        stack.enter_context(made.tended())
        key = made.run("keys", "create").strip()
        _enter_therapists(made_up, made.url, key)
        events = _in_cohorts(made_up)
        posters = [Poster(made.url, key, events[nth::2], random.Random(f"{seed}/{nth}"), RATE / 2) for nth in range(2)]
        campaign = Campaign(made, kafka, database, rng, stall)
        struck = Counter[str]()
        with _posting(posters):
            for nth, fault in enumerate(faults, 1):
                time.sleep(rng.uniform(*REST_SECONDS))
                what = fault.strike(campaign)
                struck[fault.name] += 1
                _say(f"{nth:>3}/{number}  {fault.name}: {what}")
        acknowledged = [event for poster in posters for event in poster.acknowledged]
        _say(f"{len(acknowledged)} events were acknowledged; waiting until all that follows from them is done")
        found = verdict.judge(acknowledged, verdict.look(made, kafka.bootstrap, mailbox.taken, SETTLE_SECONDS))
    for fault in FAULTS:
        print(f"{struck[fault.name]:>7}  {fault.name}")
    for what, count in found.table():
        print(f"{count:>7}  {what}")
    print(
        f"faults={number} acknowledged={len(acknowledged)} lost={found.lost} doubled={found.doubled}"
        f" reordered={found.reordered} parked={found.parked}"
    )
    return found


def _made_up(seed: int, events: int) -> Network:
    start = (datetime.now(UTC) - timedelta(weeks=WEEKS)).date()  # noqa: TID251 - a campaign has the clock of the machine
    return simulate(Spec(seed=seed, clinics=3, therapists=60, clients=max(60, events // 7), weeks=WEEKS, start=start))


def _in_cohorts(made_up: Network) -> list[AnyEvent]:
    """A hundred cases at a time, each whole: so there are stalled ones from the first minute on."""
    order: dict[str, int] = {}
    for post in made_up.posts:
        order.setdefault(post.event.subject, len(order))
    events = [post.event for post in made_up.posts]
    return sorted(events, key=lambda event: order[event.subject] // COHORT)


def _enter_therapists(made_up: Network, url: str, key: str) -> None:
    with httpx.Client(base_url=url, headers={"Authorization": f"Bearer {key}"}, timeout=30) as client:
        for number, therapist in enumerate(made_up.therapists):
            entry = {
                "name": therapist.name,
                "email": f"therapist{number}@clinic.example",
                "time_zone": therapist.clinic.zone.key,
            }
            client.put(f"/v1/therapists/{therapist.ref}", json=entry).raise_for_status()


@contextmanager
def _posting(posters: Sequence[Poster]) -> Iterator[None]:
    """Raises RuntimeError where an event was refused."""
    for poster in posters:
        poster.start()
    try:
        yield
    finally:
        for poster in posters:
            poster.over.set()
        for poster in posters:
            poster.join()
    for poster in posters:
        if poster.refused:
            raise RuntimeError(poster.refused)


@contextmanager
def _listening(mailbox: Mailbox) -> Iterator[str]:
    controller = Controller(mailbox, hostname=HOST, port=free_port())
    controller.start()
    try:
        yield f"smtp://{controller.hostname}:{controller.port}"
    finally:
        controller.stop()


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description="Breaks an installation again and again, and counts what is lost.")
    parser.add_argument("--faults", type=int, default=40)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--stall", type=float, default=STALL_SECONDS, help="seconds that all brokers stand still (120)")
    parser.add_argument("--brokers", type=int, choices=(1, 3), default=3)
    asked = parser.parse_args(arguments)
    return 0 if run(asked.faults, asked.seed, asked.stall, asked.brokers).clean else 1


if __name__ == "__main__":
    sys.exit(main())
