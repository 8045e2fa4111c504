"""Settings become running parts: the only module that knows every adapter, and the clock.

In one process threads follow: log -> views -> alerts -> mail, and views -> webhooks. Each is woken by the one before
it and looks by itself once a second. With a database for many processes they are spread over roles
(services/roles.py).
"""

import asyncio
import random
import secrets
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, closing, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Final

from filelock import FileLock, Timeout

from contracts.events import AnyEvent
from contracts.policies import Policy, policy
from services import storage
from services.access.idempotency import Replies
from services.access.people import People
from services.access.problems import Problem
from services.alerts import counts as alert_counts
from services.alerts.letter import Letterhead
from services.alerts.mail import Delivery, MailboxDelivery, SmtpDelivery
from services.alerts.outbox import Outbox
from services.alerts.run import Office, evaluate_step, send_step
from services.eventlog.feed import LogFeed
from services.eventlog.follow import SHARED, Follower, Signal
from services.eventlog.ports import Appended, Log
from services.ingest.commit import Committer
from services.ingest.imports import Imports
from services.outward import Outward
from services.pages.parts import Parts
from services.projections import run
from services.projections.views import Views
from services.sandbox import magic
from services.sandbox.sandbox import Sandbox
from services.settings import Settings
from services.storage import Stores
from services.webhooks import counts as webhook_counts
from services.webhooks.endpoints import Endpoints
from services.webhooks.run import SENDERS, Sender
from services.webhooks.run import plan_step as plan_webhooks
from services.webhooks.run import send_step as send_webhook

Clock = Callable[[], datetime]
LOOK_SECONDS: Final = 0.05
"""How often a process without followers looks how far those of the others have come."""
CLOCK_SECONDS: Final = 0.5
"""How often each process looks whether another has moved a sandbox's clock."""
GATHER_SECONDS: Final = 0.1
"""What comes within it is made into webhooks together."""


def utc_now() -> datetime:
    return datetime.now(UTC)


class InUse(RuntimeError):
    """Another process serves this data folder: two would each mail."""


@dataclass(frozen=True, slots=True)
class Network:
    """The running parts of one network."""

    name: str
    stores: Stores
    policy: Policy
    committer: Committer
    written: Signal
    """The position that was last written to the log by this process."""
    applied: Signal
    """The position up to which the views have come."""
    office: Office
    sender: Sender
    pages: Parts
    clock: Clock
    sandbox: Sandbox | None
    """What only a network for trying out has."""
    stop: threading.Event
    letters: threading.Event
    """Set when a letter may wait to be sent."""
    webhooks: threading.Event
    """Set when a webhook may wait to be sent."""
    followers: tuple[Follower, ...]
    alone: bool
    """Whether no other process works on the network."""

    @property
    def log(self) -> Log:
        return self.stores.log

    @property
    def views(self) -> Views:
        return self.stores.views

    @property
    def outbox(self) -> Outbox:
        return self.stores.outbox

    @property
    def people(self) -> People:
        return self.stores.people

    @property
    def imports(self) -> Imports:
        return self.stores.imports

    @property
    def endpoints(self) -> Endpoints:
        return self.stores.endpoints

    @property
    def outward(self) -> Outward:
        return self.sender.outward

    @property
    def replies(self) -> Replies:
        return self.stores.replies

    @property
    def magic(self) -> Callable[[AnyEvent], Problem | None] | None:
        """In a sandbox, what an event's id asks to be answered."""
        return magic.spell if self.sandbox else None

    @property
    def ready(self) -> bool:
        return all(follower.is_alive() for follower in self.followers)

    def caught_up(self) -> bool:
        """Whether nothing is left to be done at this moment."""
        return self.stores.at_rest(self.office.clock())

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Commits and follows until the block ends; then what was accepted is on disk and every file is closed."""
        if self.alone:
            self.outbox.release()  # what was being sent by who was killed goes out now, not when its lease is over
            self.imports.release()
            self.endpoints.deliveries.release()
        self.committer.start()
        for follower in self.followers:
            follower.start()
        try:
            yield
        finally:
            await self.committer.close()
            self.stop.set()
            self.letters.set()
            self.webhooks.set()
            for signal in (self.written, self.applied):
                signal.close()
            for follower in self.followers:
                await asyncio.to_thread(follower.join)
            self.stores.close()
            if self.sandbox:
                self.sandbox.close()


def mailbox_of(settings: Settings, name: str, sandbox: Sandbox | None) -> Path | None:
    """The folder of this machine that mail is put into, if it is kept in one."""
    return None if settings.smtp_url or sandbox else storage.folder_of(settings, name) / "mailbox"


def open_office(
    settings: Settings,
    name: str,
    secret: bytes,
    stores: Stores,
    counts: alert_counts.Counts,
    clock: Clock,
    announce: Callable[[int], object],
    sandbox: Sandbox | None,
) -> Office:
    """What the alerts of a network work with. ``announce`` is told the position of what they put on the log.

    The mail of a sandbox never leaves, whatever the settings say.
    """
    mailbox = mailbox_of(settings, name, sandbox)
    delivery: Delivery = sandbox or (MailboxDelivery(mailbox) if mailbox else SmtpDelivery(settings.smtp_url))
    base = settings.public_url if name == settings.network else f"{settings.public_url}/{name}"
    return Office(
        log=stores.log,
        views=stores.views,
        outbox=stores.outbox,
        people=stores.people,
        policy=policy(settings.policy),
        letterhead=Letterhead(settings.mail_from, base, secret),
        delivery=delivery,
        counts=counts,
        clock=clock,
        token=partial(secrets.token_urlsafe, 16),
        chance=random.random,
        announce=announce,
    )


def open_sender(settings: Settings, stores: Stores, counts: webhook_counts.Counts, clock: Clock) -> Sender:
    """What the webhooks of a network work with. ``clock`` is the real one."""
    return Sender(stores.views, stores.endpoints, Outward(settings.inward), counts, clock, random.random)


def open_network(
    settings: Settings,
    name: str,
    secret: bytes,
    counts: alert_counts.Counts,
    sent: webhook_counts.Counts,
    clock: Clock,
) -> Network:
    """The parts of the network ``name``, not yet running. Raises WrongSchema, Unavailable."""
    stores = storage.open_stores(settings, name, secret)
    log, views, outbox, people, *_ = stores
    sender = open_sender(settings, stores, sent, clock)
    sandbox = storage.open_sandbox(settings, name, clock)
    clock = sandbox.now if sandbox else clock
    written, applied = Signal(log.head()), Signal(views.position())
    committer = Committer(log, clock, written.raise_to)
    office = open_office(settings, name, secret, stores, counts, clock, written.raise_to, sandbox)
    parts = Parts(
        network=name,
        head=office.letterhead,
        views=views,
        people=people,
        link=outbox.link,
        policy=office.policy,
        submit=partial(_submit, committer),
        applied=applied,
        clock=clock,
        demo=settings.demo,
        mailbox=mailbox_of(settings, name, sandbox),
    )
    stop, letters, webhooks = threading.Event(), threading.Event(), threading.Event()
    seen = Signal()
    followers: tuple[Follower, ...] = (
        Follower(
            partial(run.step, LogFeed(log, written.wait), views, applied),
            lambda seconds: written.wait(views.position() + 1, seconds),
            stop,
            f"{name}/projections",
            SHARED,
        ),
        Follower(
            partial(_evaluate, office, letters),
            lambda seconds: applied.wait(outbox.positions()[0] + 1, seconds),
            stop,
            f"{name}/alerts",
            SHARED,
        ),
        Follower(partial(send_step, office), partial(_rest, letters), stop, f"{name}/mail"),
        Follower(
            partial(_plan, sender, applied, seen, webhooks), partial(_gather, applied, seen, stop), stop, f"{name}/feed"
        ),
        *(
            Follower(partial(send_webhook, sender), partial(_rest, webhooks), stop, f"{name}/webhooks-{number}")
            for number in range(SENDERS)
        ),
    )
    if settings.database_url:  # other processes follow; this one looks how far they have come
        followers = (
            Follower(partial(_look, views, applied), lambda _: stop.wait(LOOK_SECONDS), stop, f"{name}/position"),
        )
    if sandbox:
        followers += (Follower(sandbox.look, lambda _: stop.wait(CLOCK_SECONDS), stop, f"{name}/clock"),)
    return Network(
        name,
        stores,
        office.policy,
        committer,
        written,
        applied,
        office,
        sender,
        parts,
        clock,
        sandbox,
        stop,
        letters,
        webhooks,
        followers,
        not settings.database_url,
    )


def _look(views: Views, applied: Signal) -> bool:
    applied.raise_to(views.position())
    return False


def _evaluate(office: Office, letters: threading.Event) -> bool:
    """One step of the alerts, after which the mail follower looks for letters."""
    busy = evaluate_step(office)
    letters.set()
    return busy


def _plan(sender: Sender, applied: Signal, seen: Signal, webhooks: threading.Event) -> bool:
    """Makes deliveries of what the views have come to by now, after which the webhooks' followers look for them."""
    seen.raise_to(applied.value)
    busy = plan_webhooks(sender)
    if busy:
        webhooks.set()
    return busy


def _gather(applied: Signal, seen: Signal, stop: threading.Event, seconds: float) -> None:
    if applied.wait(seen.value + 1, seconds):
        stop.wait(GATHER_SECONDS)


def _rest(waiting: threading.Event, seconds: float) -> None:
    waiting.wait(seconds)
    waiting.clear()  # before the next look, so that nothing that comes meanwhile goes unseen


async def _submit(committer: Committer, event: AnyEvent) -> Appended:
    [outcome] = await committer.submit([event])
    if isinstance(outcome, Exception):
        raise outcome
    return outcome


def now_in(settings: Settings, name: str) -> datetime:
    """The instant that it is in the network, whose clock may have been moved. Raises Unavailable."""
    sandbox = storage.open_sandbox(settings, name, utc_now)
    if sandbox is None:
        return utc_now()
    with closing(sandbox):
        return sandbox.now()


def rebuild(settings: Settings, name: str) -> tuple[int, int]:
    """Makes the views of a network anew from its log; returns their position and how many cases there are."""
    log = storage.open_log(settings, name, storage.secret_of(settings, name))
    views = storage.open_views(settings, name)
    try:
        return run.rebuild(log, views), views.counts()["cases"]
    finally:
        views.close()
        log.close()


@contextmanager
def alone(settings: Settings) -> Iterator[None]:
    """Holds the data folder for this process alone. Raises InUse."""
    settings.data.mkdir(parents=True, exist_ok=True, mode=0o700)
    try:
        with FileLock(settings.data / "serving.lock", timeout=0):
            yield
    except Timeout:
        raise InUse("another process serves this data folder") from None
