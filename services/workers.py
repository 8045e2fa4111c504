"""Several processes of one role on one machine: started, started again when they end, and stopped together."""

import ctypes
import logging
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple

LOOK_SECONDS: Final = 0.1

PR_SET_PDEATHSIG: Final = 1
"""Of prctl(2)."""

_log: Final = logging.getLogger(__name__)


class Pace(NamedTuple):
    """How fast those who end are started again, and how long they may take to stop; in seconds."""

    first_pause: float = 0.5
    """From one start to the next at least; twice as long each further time."""
    longest_pause: float = 30.0
    steady: float = 60.0
    """Whoever has worked for so long is started again after the first pause."""
    stop: float = 30.0
    """Whoever has not ended so long after SIGTERM is killed."""


class _Place:
    """One of the processes, and whoever comes after it."""

    def __init__(self, command: Sequence[str], environment: Mapping[str, str], pace: Pace) -> None:
        self._command = command
        self._environment = environment
        self._pace = pace
        self._pause = pace.first_pause
        self._since = 0.0
        self.process: subprocess.Popen[bytes] | None = None

    def fill(self, now: float) -> None:
        """Starts the process, or another in its place once it has ended and a pause is over."""
        if self.process and self.process.poll() is None:
            if now - self._since > self._pace.steady:
                self._pause = self._pace.first_pause
            return
        if self.process:
            if now - self._since < self._pause:
                return
            _log.warning("process ended and is started again", extra={"code": self.process.returncode})
            self._pause = min(2 * self._pause, self._pace.longest_pause)
        self._since = now
        self.process = subprocess.Popen(  # noqa: S603 - ourselves
            self._command,
            env=self._environment,
            preexec_fn=_end_with_parent,  # noqa: PLW1509 - there is no other thread in this process
        )


def _end_with_parent() -> None:
    """Has Linux send SIGTERM to this process when the one that started it is gone: nobody would start it again."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)


def supervise(command: Sequence[str], count: int, port: int, pace: Pace = Pace()) -> int:
    """Keeps ``count`` processes of ``command`` going until SIGTERM or Ctrl-C, and ends with them: 0.

    Each has a RESONANCE_PORT of its own: ``port`` and those after it.
    """
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    environments = [os.environ | {"RESONANCE_PORT": str(port + number)} for number in range(count)]
    places = [_Place(command, environment, pace) for environment in environments]
    try:
        while not stop.is_set():
            for place in places:
                place.fill(time.monotonic())
            stop.wait(LOOK_SECONDS)
    finally:
        _end([place.process for place in places if place.process], pace.stop)
    return 0


def _end(running: Sequence["subprocess.Popen[bytes]"], seconds: float) -> None:
    for process in running:
        process.terminate()
    deadline = time.monotonic() + seconds
    for process in running:
        try:
            process.wait(max(0.0, deadline - time.monotonic()))
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
