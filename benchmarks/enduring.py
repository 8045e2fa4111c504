"""Millions of events through relay and projections, and what memory each of these processes takes meanwhile."""

import secrets
import tempfile
import threading
import time
from contextlib import ExitStack, closing
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Final

from benchmarks.made_up import posts
from benchmarks.measured import Found, Informed, Tell
from benchmarks.storing import GROUP
from contracts.events import parse
from services import storage, wiring
from services.settings import Settings
from tools import broker, postgres
from tools.installation import Installation, Process, installed

LOOK_SECONDS: Final = 0.5
AHEAD: Final = 100_000
"""So many events at most the log is ahead of the views."""
CASES: Final = 2_000


@dataclass(frozen=True, slots=True)
class Size:
    events: int = 5_000_000


def enduring(size: Size, tell: Tell) -> Found:
    """Megabytes of each process after every tenth of the events; flat, where nothing is kept that should not be."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="resonance-bench-")))
        server = stack.enter_context(postgres.server())
        kafka = stack.enter_context(broker.cluster())
        network = f"e-{secrets.token_hex(3)}"
        made = stack.enter_context(
            installed(folder, server.url, kafka.bootstrap, projections=1, alerts=0, network=network)
        )
        settings = Settings(database_url=server.url, network=network)
        began = time.perf_counter()
        writer = threading.Thread(target=_write, args=(settings, size.events))
        writer.start()
        seen: dict[str, list[int]] = {process.name: [] for process in _watched(made)}
        with closing(storage.open_views(settings, network)) as views:
            for tenth in range(1, 11):
                while views.position() < tenth * size.events // 10:
                    time.sleep(LOOK_SECONDS)
                tell(f"{tenth} of 10 tenths")
                for process in _watched(made):
                    seen[process.name].append(process.memory() // 2**20)
        took = time.perf_counter() - began
        writer.join()
    lines = [Informed(f"{name}: MB after each tenth", " ".join(map(str, found))) for name, found in seen.items()]
    return [Informed("events through relay and projections", f"{size.events:,} in {took:.0f} s"), *lines]


def _watched(made: Installation) -> list[Process]:
    return [*made.of("relay"), *made.of("projections")]


def _write(settings: Settings, number: int) -> None:
    with closing(storage.open_keys(settings)) as keys:
        secret = keys.secret(settings.network) or b""
    bodies = islice(posts(wiring.utc_now(), CASES, 16), number)
    with (
        closing(storage.open_log(settings, settings.network, secret)) as log,
        closing(storage.open_views(settings, settings.network)) as views,
    ):
        written = 0
        while group := [parse(body) for body in islice(bodies, GROUP)]:
            log.append(group, wiring.utc_now())
            written += len(group)
            while written - views.position() > AHEAD:
                time.sleep(LOOK_SECONDS)
