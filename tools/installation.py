"""A whole installation of many processes on this machine: PostgreSQL, Kafka and one process or more for each role."""

import os
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from pathlib import Path

from services import settings as settings_
from services import storage
from services.settings import Settings
from services.storage import Stores

READY_SECONDS = 60
STOP_SECONDS = 30
HOST = "127.0.0.1"
TEND_SECONDS = 0.3


class Process:
    """One process of a role. It keeps its port from one start to the next, and its log in one file."""

    def __init__(
        self, role: str, number: int, folder: Path, environment: Mapping[str, str], arguments: Sequence[str]
    ) -> None:
        self.name = f"{role}-{number}"
        self.port = free_port()
        self.log = folder / f"{self.name}.log"
        self._command = [sys.executable, "-m", "services", role, *arguments]
        self._environment = {**environment, "RESONANCE_PORT": str(self.port)}
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"http://{HOST}:{self.port}"

    def start(self) -> None:
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                self._command, env=self._environment, stdin=subprocess.DEVNULL, stdout=log, stderr=log
            )

    @property
    def running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def ready(self) -> bool:
        try:
            with urllib.request.urlopen(f"{self.url}/readyz", timeout=2) as answer:  # noqa: S310 - our own address
                return bool(answer.status == 200)
        except OSError:
            return False

    def await_ready(self) -> None:
        deadline = time.monotonic() + READY_SECONDS
        while not self.ready():
            if not self.running or time.monotonic() > deadline:
                raise RuntimeError(f"{self.name} is not ready:\n{self.tail()}")
            time.sleep(0.05)

    def tail(self) -> str:
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-20:]) if self.log.exists() else ""

    def memory(self) -> int:
        """Bytes that it has in memory at present."""
        pages = Path(f"/proc/{self._process.pid}/statm").read_text().split()[1] if self._process else "0"
        return int(pages) * os.sysconf("SC_PAGE_SIZE")

    def signal(self, number: int) -> None:
        if self._process and self._process.poll() is None:
            self._process.send_signal(number)

    def kill(self) -> None:
        """SIGKILL; returns when it is gone."""
        killed = self._process  # somebody may start the next one while this one is waited for
        self.signal(signal.SIGKILL)
        if killed:
            killed.wait()

    @contextmanager
    def paused(self) -> Iterator[None]:
        """SIGSTOP, and SIGCONT at the end."""
        self.signal(signal.SIGSTOP)
        try:
            yield
        finally:
            self.signal(signal.SIGCONT)

    def stop(self) -> int:
        """SIGTERM, also to one that is stopped; returns its status."""
        self.signal(signal.SIGCONT)
        self.signal(signal.SIGTERM)
        if self._process is None:
            return 0
        try:
            return self._process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self.kill()
            return self._process.returncode


class Installation:
    """Its processes, by role; more can be added. ``environment`` is what a command of this installation needs."""

    def __init__(self, folder: Path, database_url: str, kafka: str, replication: int, **settings: str) -> None:
        self.folder = folder
        own = {
            "RESONANCE_DATA": str(folder / "data"),
            "RESONANCE_DATABASE_URL": database_url,
            "RESONANCE_KAFKA": kafka,
            "RESONANCE_KAFKA_REPLICATION": str(replication),
        }
        given = {f"RESONANCE_{name.upper()}": value for name, value in settings.items()}
        kept = {name: value for name, value in os.environ.items() if not name.startswith("RESONANCE_")}
        self.environment = kept | own | given
        self.processes: list[Process] = []

    @property
    def settings(self) -> Settings:
        return settings_.read(self.environment)

    def stores(self) -> Stores:
        """What the installation's network keeps, opened anew."""
        with closing(storage.open_keys(self.settings)) as keys:
            secret = keys.secret(self.settings.network) or b""
        return storage.open_stores(self.settings, self.settings.network, secret)

    def run(self, *arguments: str) -> str:
        """A command of ``resonance``; returns what it printed. Raises RuntimeError where it fails."""
        done = subprocess.run(
            [sys.executable, "-m", "services", *arguments],
            env=self.environment,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            raise RuntimeError(f"resonance {' '.join(arguments)} ended with {done.returncode}:\n{done.stderr}")
        return done.stdout

    def add(self, role: str, count: int = 1, arguments: Sequence[str] = ()) -> Sequence[Process]:
        """Starts so many more processes of ``role``."""
        there = len(self.of(role))
        added = [Process(role, there + number + 1, self.folder, self.environment, arguments) for number in range(count)]
        for process in added:
            process.start()
        self.processes += added
        return added

    def of(self, role: str) -> list[Process]:
        return [process for process in self.processes if process.name.startswith(f"{role}-")]

    @property
    def url(self) -> str:
        """Where events are posted and pages stand."""
        return self.of("ingest")[0].url

    def await_ready(self) -> None:
        for process in self.processes:
            process.await_ready()

    @contextmanager
    def tended(self) -> Iterator[None]:
        """Whoever ends is started again, as by a supervisor, until the block ends."""
        over = threading.Event()

        def tend() -> None:
            while not over.wait(TEND_SECONDS):
                for process in self.processes:
                    if not process.running:
                        process.start()

        thread = threading.Thread(target=tend, name="tend")
        thread.start()
        try:
            yield
        finally:
            over.set()
            thread.join()

    def stop(self) -> None:
        for process in self.processes:
            process.signal(signal.SIGCONT)
            process.signal(signal.SIGTERM)
        for process in self.processes:
            process.stop()


@contextmanager
def installed(
    folder: Path,
    database_url: str,
    kafka: str,
    *,
    replication: int = 1,
    projections: int = 2,
    alerts: int = 1,
    demo: bool = False,
    **settings: str,
) -> Iterator[Installation]:
    """Migrated, with all roles ready; all are stopped at the end. ``settings`` are RESONANCE_'s, in small letters.

    ``demo``: anyone may sign in as any therapist.
    """
    made = Installation(folder, database_url, kafka, replication, **settings)
    made.run("migrate")
    try:
        made.add("ingest", arguments=["--demo"] if demo else [])
        made.add("relay")
        made.add("projections", projections)
        made.add("alerts", alerts)
        made.await_ready()
        yield made
    finally:
        made.stop()


def free_port() -> int:
    with socket.socket() as found:
        found.bind((HOST, 0))
        port: int = found.getsockname()[1]
        return port
