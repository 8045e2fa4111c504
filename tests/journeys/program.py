"""`resonance up` as a process of its own, which can be killed and started again on the same folder."""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import httpx

from contracts.events import AnyEvent, canonical

PATIENCE_SECONDS = 30
BATCH = {"Content-Type": "application/cloudevents-batch+json"}


@dataclass
class Program:
    """One installation in ``folder``; its mail goes to ``smtp_url``."""

    folder: Path
    smtp_url: str
    port: int = field(default_factory=lambda: _free_port())
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

    def command(self, *words: str) -> str:
        """What another command prints; raises CalledProcessError where it fails."""
        done = subprocess.run([*RESONANCE, *words], env=self.environment, capture_output=True, text=True, check=True)
        return done.stdout.strip()

    def start(self) -> None:
        with (self.folder.parent / "service.log").open("ab") as log:
            self.process = subprocess.Popen([*RESONANCE, "up"], env=self.environment, stderr=log)
        deadline = time.monotonic() + PATIENCE_SECONDS
        while not self._ready():
            assert self.process.poll() is None, "the service ended by itself"
            assert time.monotonic() < deadline, "the service did not get ready"
            time.sleep(0.02)

    def _ready(self) -> bool:
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

    def enter(self, therapist: str, client: httpx.Client) -> None:
        entry = {"name": "Ada Alder", "email": f"{therapist}@clinic.example", "time_zone": "Europe/Copenhagen"}
        client.put(f"/v1/therapists/{therapist}", json=entry).raise_for_status()


RESONANCE = (sys.executable, "-m", "services")


def batch_of(events: Sequence[AnyEvent]) -> bytes:
    return b"[" + b",".join(map(canonical, events)) + b"]"


def _free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port: int = found.getsockname()[1]
    return port
