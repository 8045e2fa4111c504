"""A real PostgreSQL server for tests: the one that RESONANCE_DATABASE_URL names, or one started from this system."""

import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

UNPRIVILEGED = ("postgres", "nobody")
"""Whom the server runs as where the tests run as root, which PostgreSQL refuses; the first that exists."""


@pytest.fixture(scope="session")
def postgres_url() -> Iterator[str]:
    """The URL of a database that may be written to; tests keep apart by schemas of their own.

    Under pytest-xdist each worker that asks starts its own server. It listens on a socket in a temporary directory
    only, flushes to disk as in production, and is gone with its directory at the end.
    """
    if url := os.environ.get("RESONANCE_DATABASE_URL"):
        yield url
        return
    binaries = _binaries()
    if binaries is None:
        pytest.skip("PostgreSQL is not installed: neither below /usr/lib/postgresql nor on PATH is an initdb")
    home = Path(tempfile.mkdtemp(prefix="pg-"))  # short: the path of a socket ends at 107 bytes
    user = _unprivileged(home)

    def run(binary: str, *arguments: str) -> None:
        command = [str(binaries / binary), "-D", str(home / "data"), *arguments]
        # To a file, not a pipe: the server keeps it open as long as it runs.
        with (home / "output").open("ab") as output:
            done = subprocess.run(
                command, cwd=home, user=user, stdin=subprocess.DEVNULL, stdout=output, stderr=output, check=False
            )
        if done.returncode:
            pytest.fail(f"{binary} failed:\n{(home / 'output').read_text()}")

    try:
        run("initdb", "--username=postgres", "--auth=trust", "--encoding=UTF8", "--locale=C", "--no-sync")
        run("pg_ctl", "start", "--wait", "--options", f"-k {home} -c listen_addresses=''")
        try:
            yield f"postgresql://postgres@/postgres?host={home}"
        finally:
            run("pg_ctl", "stop", "--mode=fast")
    finally:
        shutil.rmtree(home)


def _binaries() -> Path | None:
    """The directory of the newest server's programs; Debian keeps them off PATH."""
    versions = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda found: int(found.parts[-3]))
    found = str(versions[-1]) if versions else shutil.which("initdb")
    return Path(found).resolve().parent if found else None


def _unprivileged(home: Path) -> int | None:
    """The user id that the server runs as, made the owner of ``home``; ``None``: whoever runs the tests."""
    if os.geteuid() != 0:
        return None
    known = {entry.pw_name: entry.pw_uid for entry in pwd.getpwall()}
    user = next(known[name] for name in UNPRIVILEGED if name in known)
    os.chown(home, user, -1)
    return user
