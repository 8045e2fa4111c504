"""The programs that only tests need: finds them, installs them where it may, and names what is left out without them.

Called by `make test`. It may where it runs as root and apt-get is there (Debian, Ubuntu). With CI=true nothing may be
left out, and a missing program ends the run.
"""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple


class Part(NamedTuple):
    package: str
    programs: tuple[str, ...]
    without_it: str

    def found(self) -> bool:
        """Debian keeps a PostgreSQL server's programs off the PATH, in a folder of its version."""
        return any(
            shutil.which(program) or list(Path("/usr/lib/postgresql").glob(f"*/bin/{program}"))
            for program in self.programs
        )


PARTS = (
    Part("postgresql", ("initdb",), "tests of the PostgreSQL log"),
    Part("chromium", ("chromium", "chromium-browser", "google-chrome"), "tests of the pages in a browser"),
    Part("systemd", ("systemd-analyze",), "the check of the systemd units"),
    Part("openssl", ("openssl",), "tests of mail over TLS"),
    Part("default-jre-headless", ("java",), "tests with Kafka, which runs on Java 17 or newer,"),
    Part("maven", ("mvn",), "tests with Kafka, which Maven downloads,"),
)
# Debian would make a database cluster and start it at every boot; the tests bring up their own while they run.
NO_CLUSTER = Path("/etc/postgresql-common/createcluster.d/resonance-tests.conf")


@contextmanager
def without_a_main_cluster() -> Iterator[None]:
    NO_CLUSTER.parent.mkdir(parents=True, exist_ok=True)
    NO_CLUSTER.write_text("create_main_cluster = false\n")
    try:
        yield
    finally:
        NO_CLUSTER.unlink()


def apt(*arguments: str) -> str:
    """Runs apt-get; gives what it complained about, nothing where all went well."""
    command = ["apt-get", "-qq", *arguments]
    environment = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    return done.stderr or f"apt-get ended with {done.returncode}\n" if done.returncode else ""


def install(parts: list[Part]) -> None:
    packages = [part.package for part in parts]
    print(f"Installing {' and '.join(packages)} for the tests, with apt-get: a minute or two, once.", flush=True)
    command = ("install", "--yes", "--no-install-recommends", *packages)
    with without_a_main_cluster():
        # The lists of packages are missing or old on a fresh machine. Where they are good, not reading them saves time.
        complaint = apt(*command) and (apt("update") or apt(*command))
    print(complaint, end="", flush=True)


def main() -> None:
    missing = [part for part in PARTS if not part.found()]
    if missing and os.geteuid() == 0 and shutil.which("apt-get"):
        install(missing)
        missing = [part for part in PARTS if not part.found()]
    for part in missing:
        print(f"{part.package} is not installed: {part.without_it} are left out.", flush=True)
    if missing and os.environ.get("CI") == "true":
        sys.exit("With CI=true no test may be left out.")


if __name__ == "__main__":
    main()
