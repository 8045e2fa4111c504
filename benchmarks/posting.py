"""Single posts over HTTP: what durability and all that follows cost, beside servers that do less and less."""

import tempfile
import time
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from itertools import islice
from pathlib import Path
from statistics import median
from typing import Final, NamedTuple

from benchmarks.answering import Answering
from benchmarks.made_up import THERAPISTS, posts
from benchmarks.measured import Compared, Found, Informed, Tell, in_turns
from benchmarks.server import KINDS
from services import storage, wiring
from services.access.people import Therapist
from services.settings import Settings

CONNECTIONS: Final = 64
CASES: Final = 500
SESSIONS: Final = 16
PATIENCE_SECONDS: Final = 120


@dataclass(frozen=True, slots=True)
class Size:
    seconds: float = 2.0
    repetitions: int = 7
    bodies_per_second: int = 15_000
    """At least as many as Resonance can take."""


class Run(NamedTuple):
    """One server under load."""

    per_second: float
    p50_ms: float
    p99_ms: float
    cpu_us: float
    """Server CPU per request while it was under load."""
    whole_cpu_us: float
    """The same with what followed afterwards."""
    behind: float
    """Seconds until all that followed was done."""


def posting(size: Size, tell: Tell) -> Found:
    with tempfile.TemporaryDirectory(prefix="resonance-bench-") as name, ExitStack() as running:
        folder = Path(name)
        tell("making events")
        bodies = folder / "bodies"
        count = int(size.bodies_per_second * (size.seconds + 1) * size.repetitions)
        bodies.write_bytes(b"\n".join(islice(posts(wiring.utc_now(), CASES, SESSIONS), count)))
        keys = {kind: network_in(folder / kind) for kind in KINDS}
        servers = {
            kind: running.enter_context(Answering("benchmarks.server", kind, str(folder / kind))) for kind in KINDS
        }
        client = running.enter_context(Answering("benchmarks.client", str(bodies)))
        subjects = {kind: partial(_measure, client, servers[kind], kind, keys[kind], size.seconds) for kind in KINDS}
        return _compared(in_turns(subjects, size.repetitions, tell))


def network_in(folder: Path) -> str:
    """A data folder with one network and its therapists; returns a key."""
    settings = Settings(data=folder, network="bench")
    keys = storage.open_keys(settings)
    key = keys.create("bench", ["events:write", "imports:write"], wiring.utc_now())
    keys.close()
    storage.migrate(settings)
    people = storage.open_people(settings, "bench")
    for ref in THERAPISTS:
        email = f"{ref.replace('_', '-')}@clinic.example"
        people.put(Therapist(ref=ref, name=f"Therapist {ref}", email=email, time_zone="Europe/Berlin"))
    people.close()
    return key


def _measure(client: Answering, server: Answering, kind: str, key: str, seconds: float) -> Run:
    before = server.ask()
    port, fresh = before["port"], kind == "resonance"
    told = client.ask(port=port, key=key, seconds=seconds, connections=CONNECTIONS, fresh=fresh)
    under_load = server.ask()
    since = time.perf_counter()
    while not (after := server.ask())["done"]:
        if time.perf_counter() - since > PATIENCE_SECONDS:
            raise TimeoutError("the server did not finish what followed from the posts")
        time.sleep(0.02)
    if set(told["statuses"]) != {"201"}:
        raise RuntimeError(f"{kind} answered {told['statuses']}")
    return Run(
        told["per_second"],
        told["p50_ms"],
        told["p99_ms"],
        1e6 * (under_load["cpu"] - before["cpu"]) / told["sent"],
        1e6 * (after["cpu"] - before["cpu"]) / told["sent"],
        time.perf_counter() - since,
    )


def _compared(runs: dict[str, list[Run]]) -> Found:
    def against(kind: str, name: str, aim: float | None, note: str = "") -> Compared:
        mine, base = ([run.per_second for run in runs[each]] for each in ("resonance", kind))
        return Compared("single post", name, "posts/s", mine, base, aim, note)

    return [
        against("unstored", "storage removed", None),
        against("fastapi", "plain FastAPI endpoint", 0.8),
        against("bare", "bare ASGI handler", 0.5),
        *(Informed(f"{kind}: latency and CPU per post", _cost(found)) for kind, found in runs.items()),
        Informed("resonance: views, alerts and mail complete after the load", _seconds(runs["resonance"])),
    ]


def _cost(runs: list[Run]) -> str:
    p50, p99 = median(run.p50_ms for run in runs), median(run.p99_ms for run in runs)
    cpu, whole = median(run.cpu_us for run in runs), median(run.whole_cpu_us for run in runs)
    return f"p50 {p50:.1f} ms, p99 {p99:.1f} ms, {cpu:.0f} us under load, {whole:.0f} us with what follows"


def _seconds(runs: list[Run]) -> str:
    return f"{median(run.behind for run in runs):.1f} s"
