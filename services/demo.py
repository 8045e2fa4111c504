"""The demo: a made-up network whose last half year is posted through the API day by day, and which then lives on.

Its clock is the network's own, so each alert is decided on the day it would have been. Nothing else differs from
``resonance up``: the same process, posts over HTTP, mail into the local mailbox.
"""

import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from itertools import groupby
from pathlib import Path
from typing import Final

import httpx
from rich.console import Console
from rich.progress import track

from contracts.events import OWN_SOURCES, AlertNotified, AlertRaised, canonical
from services import adoption, storage, wiring
from services.access.credential import SCOPES
from services.access.people import TherapistEntry
from services.alerts.mail import messages
from services.figures.fitting import fit
from services.load import Summary, load
from services.projections.course import Alert
from services.projections.norms import adopted
from services.serving import Service, server
from services.settings import Settings
from services.simulation.network import Network, simulate
from services.simulation.posts import Post
from services.simulation.spec import Spec
from services.storage import Stores

WEEKS: Final = 26
WEEKS_UNTIL_NORMS: Final = 12
"""By then enough cases are known to say what is to be expected of those to come."""
WEEKS_TO_COME: Final = 8
HOURS_A_SECOND: Final = 1.0
CLINICS: Final = 3
CLIENTS_PER_THERAPIST: Final = 33
START_WITHIN_SECONDS: Final = 30
SETTLE_WITHIN_SECONDS: Final = 60


@dataclass(frozen=True, slots=True)
class Wanted:
    seed: int
    clients: int
    stay: bool
    """Whether to serve and live on until stopped."""


class Clock:
    """An instant that is set, and told to whoever asks."""

    def __init__(self, now: datetime) -> None:
        self._now = now

    def __call__(self) -> datetime:
        return self._now

    def set(self, now: datetime) -> None:
        self._now = max(self._now, now)


def run(settings: Settings, wanted: Wanted, console: Console) -> int:
    """Returns 0 where every accepted event is on the log and in a view and every mail was delivered, else 1."""
    today = wiring.utc_now().replace(hour=0, minute=0, second=0, microsecond=0)
    start = today.date() - timedelta(weeks=WEEKS)
    therapists = max(CLINICS, wanted.clients // CLIENTS_PER_THERAPIST)
    spec = Spec(wanted.seed, CLINICS, therapists, wanted.clients, WEEKS + WEEKS_TO_COME, start)
    made = simulate(spec)
    with tempfile.TemporaryDirectory(prefix="resonance-demo-") as folder:
        # Nothing of an installation whose settings may be around: neither its mail server nor its database.
        apart = {"smtp_url": "", "database_url": "", "kafka": "", "relay_after": ""}
        own = replace(settings, data=Path(folder), network="demo", demo=True, **apart)  # type: ignore[arg-type]  # each is a text
        clock = Clock(datetime.combine(start, datetime.min.time(), UTC))
        storage.migrate(own)
        service = Service(own, clock)
        with _serving(service, own) as url:
            key = _key(own, clock())
            enter_therapists(made, url, key)
            known = [post for post in made.posts if post.posted_at < today]
            network = service.networks["demo"]
            summary = Summary()
            days = [list(day) for _, day in groupby(known, key=lambda post: post.posted_at.date())]
            norms_at = start + timedelta(weeks=WEEKS_UNTIL_NORMS)
            for day in track(days, f"{len(known):,} posts of {WEEKS} weeks", console=console):
                if not network.views.norm_sets() and day[0].posted_at.date() >= norms_at:
                    _adopt_norms(network, clock)
                _post_day(network, clock, day, url, key, summary)
            line, lost = report(network.stores, storage.folder_of(own, own.network) / "mailbox", summary)
            if wanted.stay:
                say_where(network.stores, url, clock(), console)
                _live_on(clock, made.posts[len(known) :], url, key, console)
        print(line)
        return 1 if lost or summary.rejected else 0


@contextmanager
def _serving(service: Service, settings: Settings) -> Iterator[str]:
    running = server(service.app, settings)
    thread = threading.Thread(target=running.run, name="server")
    thread.start()
    try:
        for _ in range(START_WITHIN_SECONDS * 20):
            if running.started or not thread.is_alive():
                break
            time.sleep(0.05)
        if not running.started:
            raise OSError(f"the demo could not listen on port {settings.port}; choose another with --port")
        yield settings.own_url
    finally:
        running.should_exit = True
        thread.join()


def _key(settings: Settings, now: datetime) -> str:
    keys = storage.open_keys(settings)
    try:
        return keys.create("demo", SCOPES, now)
    finally:
        keys.close()


def enter_therapists(made: Network, url: str, key: str) -> None:
    """So that they have an address to mail to."""
    with httpx.Client(base_url=url, headers={"Authorization": f"Bearer {key}"}) as client:
        for number, therapist in enumerate(made.therapists, 1):
            entry = TherapistEntry(
                name=therapist.name,
                email=f"therapist{number}@clinic.example",
                time_zone=therapist.clinic.zone.key,
                supervisor_ref=therapist.supervisor,
                clinic=therapist.clinic.ref,
            )
            client.put(f"/v1/therapists/{therapist.ref}", json=entry.model_dump()).raise_for_status()


def _post_day(network: wiring.Network, clock: Clock, day: Sequence[Post], url: str, key: str, summary: Summary) -> None:
    """Posts a day's events in the evening, and waits until the service has judged every case they touched."""
    clock.set(datetime.combine(day[0].posted_at.date(), datetime.max.time(), UTC))
    sent = load([canonical(post.event) for post in day], url, key, console=Console(quiet=True))
    summary.accepted += sent.accepted
    summary.duplicates += sent.duplicates
    summary.problems += sent.problems
    _settle(network)


def _adopt_norms(network: wiring.Network, clock: Clock) -> None:
    """As `resonance norms fit --anyway` does: cases that begin from now on are held against those that there were."""
    fitted = fit(adoption.known(network.views).every, network.policy.norms, clock())
    if fitted.is_empty:
        return
    network.office.append([adopted(fitted, network.policy, clock())])
    _settle(network)


def _settle(network: wiring.Network) -> None:
    deadline = time.monotonic() + SETTLE_WITHIN_SECONDS
    while not network.caught_up():
        if time.monotonic() > deadline or not network.ready:
            raise TimeoutError("the service did not keep up with the posts")
        time.sleep(0.002)


def report(stores: Stores, mailbox: Path, summary: Summary) -> tuple[str, int]:
    """The line that sums up, and how much is lost: accepted events that are not on the log, or mails not delivered."""
    position = raised = posted = 0
    told: set[str] = set()
    while batch := stores.log.read(position, 5_000):
        position = batch[-1].position
        for _, _, event in batch:
            match event:
                case AlertRaised():
                    raised += 1
                case AlertNotified():
                    told.add(event.data.message_id)
                case _:
                    posted += event.source not in OWN_SOURCES
    mails = messages(mailbox)
    lost = abs(summary.accepted - posted) + len(told - {mail.message_id for mail in mails})
    cases = stores.views.counts()["cases"]
    return f"events={summary.accepted} cases={cases} alerts={raised} mails={len(mails)} lost={lost}", lost


def say_where(stores: Stores, url: str, now: datetime, console: Console) -> None:
    told = [course for course in stores.views.courses() if any(_about_a_stall(alert) for alert in course.alerts)]
    shown = max(told, key=lambda course: (bool(course.renegotiations), len(course.sessions)), default=None)
    therapist = stores.people.get(shown.therapist(now) or "") if shown else None
    console.print("\nSign in by picking a name; all people are made up.")
    console.print(f"  a caseload       {url}/caseload")
    if shown and therapist:
        console.print(f"  a stalled case   {url}/cases/{shown.case_ref}  (sign in as {therapist.name})", soft_wrap=True)
    console.print(f"  the mailbox      {url}/mailbox\n")


def _about_a_stall(alert: Alert) -> bool:
    return alert.open and alert.notified_at is not None and alert.reason != "deteriorating"


def _live_on(clock: Clock, posts: Sequence[Post], url: str, key: str, console: Console) -> None:
    """Lets the network live at an hour a second until Ctrl-C, then goes on serving what there is."""
    waiting = list(reversed(posts))
    try:
        with console.status("") as status:
            while True:
                time.sleep(1)
                clock.set(clock() + timedelta(hours=HOURS_A_SECOND))
                due = []
                while waiting and waiting[-1].posted_at <= clock():
                    due.append(canonical(waiting.pop().event))
                if due:
                    load(due, url, key, console=Console(quiet=True))
                what = f"{len(waiting):,} posts to come" if waiting else "all is posted"
                status.update(f"{clock():%A %d %B, %H:%M} in the network; {what}. Ctrl-C ends.")
    except KeyboardInterrupt:
        console.print("The demo ends; its data goes with it.")
