"""The one loop in which the log is followed, and the signal that wakes whoever waits for a position."""

import asyncio
import contextlib
import logging
import threading
import time
from collections.abc import Callable
from functools import partial
from typing import Final

from typing_extensions import override

from services.eventlog.ports import Explained, Unavailable

IDLE_SECONDS: Final = 1.0
"""How long a follower rests at most before it looks again, woken or not."""
FIRST_PAUSE_SECONDS: Final = 0.05
LONGEST_PAUSE_SECONDS: Final = 1.0
SHARED: Final = 3
"""So many times as long as a step took a follower rests after it, in a process that also answers requests: what comes
meanwhile is then handled together, and the other threads have the interpreter to themselves."""
LONGEST_REST_SECONDS: Final = 0.1

log = logging.getLogger(__name__)


class Signal:
    """A number that only rises, as the position of a log or of a view, and that threads and coroutines wait for."""

    def __init__(self, value: int = 0) -> None:
        self._value = value
        self._closed = False
        self._changed = threading.Condition()
        self._coroutines: dict[asyncio.Future[None], int] = {}

    @property
    def value(self) -> int:
        return self._value

    def raise_to(self, value: int) -> None:
        """Wakes those who wait for ``value`` or less. A lower value than the present one changes nothing."""
        with self._changed:
            self._value = max(self._value, value)
            self._wake()

    def close(self) -> None:
        """Wakes all who wait: from now on nobody does."""
        with self._changed:
            self._closed = True
            self._wake()

    def wait(self, at_least: int, timeout: float) -> bool:
        """Whether the number reached ``at_least`` within ``timeout`` seconds."""
        with self._changed:
            self._changed.wait_for(lambda: self._settled(at_least), timeout)
            return self._value >= at_least

    async def reached(self, at_least: int, timeout: float) -> bool:  # noqa: ASYNC109  # the same question as wait()
        """Whether the number reached ``at_least`` within ``timeout`` seconds."""
        woken = asyncio.get_running_loop().create_future()
        with self._changed:
            if self._settled(at_least):
                return self._value >= at_least
            self._coroutines[woken] = at_least
        try:
            async with asyncio.timeout(timeout):
                await woken
        except TimeoutError:
            pass
        finally:
            with self._changed:
                self._coroutines.pop(woken, None)
        return self._value >= at_least

    def _settled(self, at_least: int) -> bool:
        return self._closed or self._value >= at_least

    def _wake(self) -> None:
        self._changed.notify_all()
        for woken in [woken for woken, at_least in self._coroutines.items() if self._settled(at_least)]:
            del self._coroutines[woken]
            with contextlib.suppress(RuntimeError):  # its event loop is closed: nobody waits any more
                woken.get_loop().call_soon_threadsafe(_settle, woken)


def _settle(woken: asyncio.Future[None]) -> None:
    if not woken.done():  # its coroutine may have given up
        woken.set_result(None)


class Failed(Exception):
    """A follower met an error that trying again does not mend. Of most errors only the class is told."""

    def __init__(self, name: str, error: str, position: int | None) -> None:
        at = "" if position is None else f" at position {position}"
        super().__init__(f"{name} stopped: {error}{at}")


def follow(
    step: Callable[[], bool], idle: Callable[[float], object], stop: threading.Event, name: str, rest: int = 0
) -> None:
    """Calls ``step`` until it answers False (nothing was left), then ``idle`` with the seconds to wait; and again.

    After each step that did something it rests ``rest`` times as long as that took, at most a tenth of a second.

    ``stop`` ends it after the step at hand. On Unavailable it waits, twice as long each time up to a second, and
    logs once that it does and once that it is over. Any other error ends it: it raises Failed.
    """
    pause = FIRST_PAUSE_SECONDS
    while not stop.is_set():
        began = time.perf_counter()
        try:
            busy = step()
            if pause > FIRST_PAUSE_SECONDS:
                log.warning("follower goes on", extra={"follower": name})
                pause = FIRST_PAUSE_SECONDS
            if busy:
                stop.wait(min(rest * (time.perf_counter() - began), LONGEST_REST_SECONDS))
            elif not stop.is_set():
                idle(IDLE_SECONDS)
        except Unavailable:
            if pause == FIRST_PAUSE_SECONDS:
                log.warning("follower waits for the store", extra={"follower": name})
            stop.wait(pause)
            pause = min(2 * pause, LONGEST_PAUSE_SECONDS)
        except Exception as error:  # noqa: BLE001  # whatever it is, its message must not get out
            # Unless it is made for that, neither the message nor the traceback: both can hold what an event says.
            failure = str(error) if isinstance(error, Explained) else type(error).__name__
            position = getattr(error, "position", None)
            log.critical("follower failed", extra={"follower": name, "error": failure, "position": position})
            raise Failed(name, failure, position) from None


class Follower(threading.Thread):
    """A thread that follows. ``failure`` says why it ended by itself; while it is ``None`` all is well."""

    failure: Failed | None = None

    def __init__(
        self,
        step: Callable[[], bool],
        idle: Callable[[float], object],
        stop: threading.Event,
        name: str,
        rest: int = 0,
    ) -> None:
        super().__init__(name=name)
        self._follow = partial(follow, step, idle, stop, name, rest)

    @override
    def run(self) -> None:
        try:
            self._follow()
        except Failed as failed:
            self.failure = failed
