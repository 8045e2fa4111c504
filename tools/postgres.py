"""A real PostgreSQL server of this system's programs, for tests and demonstrations: its data is gone when it stops."""

import os
import pwd
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

UNPRIVILEGED = ("postgres", "nobody")
"""Whom the server runs as where we run as root, which PostgreSQL refuses; the first that exists."""

SETTINGS = "-c max_connections=300"


class ServerFailed(Exception):
    """PostgreSQL could not be had, or did not run; says why, in the words of the program that refused."""


class Server:
    """It keeps its data from one start to the next, and flushes to disk as in production."""

    def __init__(self, home: Path, binaries: Path, user: int | None) -> None:
        self._home = home
        self._binaries = binaries
        self._user = user
        self.url = f"postgresql://postgres@/postgres?host={home}"

    def start(self) -> None:
        self._run("pg_ctl", "start", "--wait", "--options", f"-k {self._home} -c listen_addresses='' {SETTINGS}")

    def stop(self) -> None:
        """As an operator would: transactions that are open are undone, connections ended."""
        self._run("pg_ctl", "stop", "--mode=fast")

    def kill(self) -> None:
        """At once, as by a loss of power to the program alone; ``start`` recovers."""
        with suppress(FileNotFoundError, ProcessLookupError):
            os.kill(int((self._home / "data" / "postmaster.pid").read_text().split()[0]), signal.SIGQUIT)
        self._run("pg_ctl", "stop", "--mode=immediate", expected=(0, 1))

    def make(self) -> None:
        self._run("initdb", "--username=postgres", "--auth=trust", "--encoding=UTF8", "--locale=C", "--no-sync")

    def _run(self, binary: str, *arguments: str, expected: tuple[int, ...] = (0,)) -> None:
        command = [str(self._binaries / binary), "-D", str(self._home / "data"), *arguments]
        # To a file, not a pipe: the server keeps it open as long as it runs.
        with (self._home / "output").open("ab") as output:
            done = subprocess.run(
                command,
                cwd=self._home,
                user=self._user,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                check=False,
            )
        if done.returncode not in expected:
            raise ServerFailed(f"{binary} failed:\n{(self._home / 'output').read_text()}")


@contextmanager
def server() -> Iterator[Server]:
    """One that runs. It listens on a socket in a temporary directory only. Raises ServerFailed."""
    found = binaries()
    if found is None:
        raise ServerFailed("PostgreSQL is not installed: neither below /usr/lib/postgresql nor on PATH is an initdb")
    home = Path(tempfile.mkdtemp(prefix="pg-"))  # short: the path of a socket ends at 107 bytes
    try:
        made = Server(home, found, _unprivileged(home))
        made.make()
        made.start()
        try:
            yield made
        finally:
            made.stop()
    finally:
        shutil.rmtree(home)


def binaries() -> Path | None:
    """The directory of the newest server's programs; Debian keeps them off PATH."""
    versions = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda found: int(found.parts[-3]))
    found = str(versions[-1]) if versions else shutil.which("initdb")
    return Path(found).resolve().parent if found else None


def _unprivileged(home: Path) -> int | None:
    """The user id that the server runs as, made the owner of ``home``; ``None``: whoever we are."""
    if os.geteuid() != 0:
        return None
    known = {entry.pw_name: entry.pw_uid for entry in pwd.getpwall()}
    user = next(known[name] for name in UNPRIVILEGED if name in known)
    os.chown(home, user, -1)
    return user
