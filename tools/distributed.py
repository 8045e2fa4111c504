"""`make demo-distributed`: the demo's network on an installation of many processes, with real PostgreSQL and Kafka.

Its clock is that of the machine: the history of half a year comes in at once, and the alerts are about today.
"""

import argparse
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import ExitStack, closing
from datetime import timedelta
from pathlib import Path

from rich.console import Console

from contracts.events import canonical
from services import demo, wiring
from services.load import load
from services.simulation.network import simulate
from services.simulation.spec import Spec
from services.storage import Stores
from tools import broker, postgres
from tools.installation import Installation, installed

SETTLE_SECONDS = 120


def run(seed: int, clients: int, projections: int, *, stay: bool, console: Console) -> int:
    """Returns 0 where every accepted event is on the log and in a view and every mail was delivered, else 1."""
    now = wiring.utc_now()
    therapists = max(demo.CLINICS, clients // demo.CLIENTS_PER_THERAPIST)
    start = now.date() - timedelta(weeks=demo.WEEKS)
    made_up = simulate(Spec(seed, demo.CLINICS, therapists, clients, demo.WEEKS, start))
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="resonance-demo-")))
        console.print("PostgreSQL and Kafka are starting")
        database = stack.enter_context(postgres.server())
        kafka = stack.enter_context(broker.cluster())
        console.print("the roles are starting: ingest, relay, projections, alerts")
        made = stack.enter_context(
            installed(folder, database.url, kafka.bootstrap, projections=projections, demo=True, network="demo")
        )
        key = made.run("keys", "create").strip()
        demo.enter_therapists(made_up, made.url, key)
        known = [canonical(post.event) for post in made_up.posts if post.posted_at < now]
        summary = load(known, made.url, key, console=console)
        with closing(made.stores()) as stores:
            _settle(stores)
            line, lost = demo.report(stores, folder / "data" / "demo" / "mailbox", summary)
            if stay:
                demo.say_where(stores, made.url, now, console)
                _stay(made, console)
        print(line)
    return 1 if lost or summary.rejected else 0


def _settle(stores: Stores) -> None:
    deadline = time.monotonic() + SETTLE_SECONDS
    while not stores.at_rest(wiring.utc_now()):
        if time.monotonic() > deadline:
            raise TimeoutError("the processes did not keep up with the posts")
        time.sleep(0.1)


def _stay(made: Installation, console: Console) -> None:
    for process in made.processes:
        console.print(f"  {process.name:<16} {process.url}/metrics")
    console.print("\nCtrl-C ends.")
    try:
        while True:
            time.sleep(1)
    except KeyboardInterrupt:
        console.print("The demo ends; its data goes with it.")


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description="The demo as many processes.")
    parser.add_argument("--once", action="store_true", help="load its history, report on one line, and stop")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--clients", type=int, default=1_600)
    parser.add_argument("--projections", type=int, default=2, help="processes that make the views")
    asked = parser.parse_args(arguments)
    return run(asked.seed, asked.clients, asked.projections, stay=not asked.once, console=Console(stderr=True))


if __name__ == "__main__":
    sys.exit(main())
