"""`resonance up` as a process of its own, which can be killed and started again on the same folder."""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import httpx

from contracts.events import AnyEvent, canonical

PATIENCE_SECONDS = 30
BATCH = {"Content-Type": "application/cloudevents-batch+json"}
SINGLE = {"Content-Type": "application/cloudevents+json"}
RESONANCE = (sys.executable, "-m", "services")


@dataclass
class Program:
    """One installation in ``folder``; its mail goes to ``smtp_url``."""

    folder: Path
    smtp_url: str
    port: int = field(default_factory=lambda: free_port())
    process: subprocess.Popen[bytes] | None = None
    key: str = ""

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def environment(self) -> dict[str, str]:
        ours = {
            "RESONANCE_DATA": str(self.folder),
            "RESONANCE_PORT": str(self.port),
            "RESONANCE_SMTP_URL": self.smtp_url,
            "RESONANCE_MAIL_FROM": "resonance@clinic.example",
        }
        return {name: value for name, value in os.environ.items() if not name.startswith("RESONANCE_")} | ours

    @property
    def said(self) -> Path:
        """What the service has written to standard error since it was first started."""
        return self.folder.parent / "service.log"

    def run(self, *words: str, **settings: str) -> subprocess.CompletedProcess[str]:
        """Another command on the same installation, to its end."""
        environment = self.environment | settings
        return subprocess.run([*RESONANCE, *words], env=environment, capture_output=True, text=True, check=False)

    def command(self, *words: str) -> str:
        """What another command prints; raises CalledProcessError where it fails."""
        done = self.run(*words)
        done.check_returncode()
        return done.stdout.strip()

    def launch(self) -> None:
        with self.said.open("ab") as log:
            self.process = subprocess.Popen([*RESONANCE, "up"], env=self.environment, stderr=log)

    def start(self) -> None:
        """Returns once it says that it is ready."""
        self.launch()
        wait_until(self._ready, "the service gets ready")

    def _ready(self) -> bool:
        assert self.process is not None
        assert self.process.poll() is None, self.said.read_text("utf-8")[-2_000:]
        try:
            return httpx.get(f"{self.url}/readyz", timeout=2).status_code == 200
        except httpx.TransportError:
            return False

    def kill(self) -> None:
        """kill -9: nothing of the process gets to do anything more."""
        assert self.process is not None
        self.process.kill()
        self.process.wait()

    def stop(self) -> int:
        """SIGTERM; returns the exit status."""
        assert self.process is not None
        self.process.terminate()
        return self.process.wait(PATIENCE_SECONDS)

    def client(self) -> httpx.Client:
        self.key = self.key or self.command("keys", "create")
        return httpx.Client(base_url=self.url, headers={"Authorization": f"Bearer {self.key}"}, timeout=30)


def enter(client: httpx.Client, therapist: str) -> None:
    entry = {"name": "Ada Alder", "email": "ada@clinic.example", "time_zone": "Europe/Copenhagen"}
    client.put(f"/v1/therapists/{therapist}", json=entry).raise_for_status()


def post(client: httpx.Client, events: Sequence[AnyEvent]) -> str:
    """Posts the events as one batch; returns the position of the last of them."""
    answer = client.post("/v1/events", content=batch_of(events), headers=BATCH)
    assert answer.status_code == 200, answer.text
    return str(answer.headers["Resonance-Position"])


def batch_of(events: Sequence[AnyEvent]) -> bytes:
    return b"[" + b",".join(map(canonical, events)) + b"]"


def wait_until(holds: Callable[[], bool], what: str, patience: float = PATIENCE_SECONDS) -> None:
    deadline = time.monotonic() + patience
    while not holds():
        assert time.monotonic() < deadline, f"in vain it was waited until {what}"
        time.sleep(0.02)


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port: int = found.getsockname()[1]
    return port
