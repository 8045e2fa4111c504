"""A real Apache Kafka of one node or several, for tests and for `make kafka`: downloaded once, started in seconds.

It wants Linux, Java 17 or newer and Maven. What it runs stands in infra/kafka: the versions, the settings, and the
checksum of every jar. Its data lies in a temporary directory, and is gone when it stops.
"""

import argparse
import hashlib
import logging
import os
import re
import select
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import uuid
from base64 import urlsafe_b64encode
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from string import Template

from filelock import FileLock

SETTINGS = Path(__file__).resolve().parent.parent / "infra" / "kafka"
CHECKSUMS = SETTINGS / "checksums.txt"
PROGRAMS = ("java", "mvn", "setpriv")
HOST = "127.0.0.1"
READY_SECONDS = 60
STOP_SECONDS = 30
LAST_SECONDS = 2
# Small, and quick to start: a test's broker lives for seconds, which no optimising compiler earns back.
JVM = ("-Xms128m", "-Xmx384m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1")


class BrokerFailed(Exception):
    """Kafka could not be had, or did not run; says why, in the words of the program that refused."""


def missing() -> list[str]:
    """The programs that it needs and that are not on PATH."""
    return [program for program in PROGRAMS if not shutil.which(program)]


# The jars


def cached() -> Path:
    """The folder where the jars of this version are kept from one run to the next."""
    version = re.findall(r"<kafka.version>(.+)</kafka.version>", (SETTINGS / "pom.xml").read_text())[0]
    caches = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return caches / "resonance" / f"kafka-{version}" / "lib"


def fetched() -> Path:
    """The folder with Kafka's jars, every one of them as pinned; they are downloaded where they are not there yet.

    Any number of processes may ask at once: one downloads, the others wait. Raises BrokerFailed.
    """
    lib = cached()
    lib.parent.mkdir(parents=True, exist_ok=True)
    complete = lib / ".complete"  # holds the checksums that the download was made for
    pinned = CHECKSUMS.read_text()
    with FileLock(lib.parent / "lock"):
        if not complete.exists() or complete.read_text() != pinned:
            print("Downloading Kafka: about 45 MB, once.", file=sys.stderr, flush=True)
            shutil.rmtree(lib, ignore_errors=True)
            download(lib)
        verify(lib)
        complete.write_text(pinned)
    return lib


def download(lib: Path) -> None:
    goal = ["dependency:copy-dependencies", "-DincludeScope=runtime", f"-DoutputDirectory={lib}"]
    _run(["mvn", "--quiet", "--batch-mode", "--strict-checksums", "--file", str(SETTINGS / "pom.xml"), *goal])


def verify(lib: Path) -> None:
    """Raises BrokerFailed naming each jar that is not what checksums.txt says, is not there, or is too many."""
    found, pinned = set(checksums(lib)), set(CHECKSUMS.read_text().splitlines())
    if found != pinned:
        lines = [f"  found   {line}" for line in found - pinned] + [f"  pinned  {line}" for line in pinned - found]
        raise BrokerFailed(
            f"The jars in {lib} are not those of {CHECKSUMS.name}:\n"
            + "\n".join(sorted(lines, key=lambda line: line.rpartition("  ")[2]))
            + "\nA cache that went bad may be deleted. After a new version in pom.xml: make kafka ARGS=--pin"
        )


def checksums(lib: Path) -> list[str]:
    """A line for each jar, as sha256sum writes it."""
    return [f"{hashlib.sha256(jar.read_bytes()).hexdigest()}  {jar.name}" for jar in sorted(lib.glob("*.jar"))]


def pin() -> None:
    """Writes checksums.txt anew, for the versions that stand in pom.xml."""
    with tempfile.TemporaryDirectory() as lib:
        download(Path(lib))
        CHECKSUMS.write_text("".join(f"{line}\n" for line in checksums(Path(lib))))


def _run(command: Sequence[str]) -> None:
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    if done.returncode:
        raise BrokerFailed(f"{' '.join(command)}\nended with {done.returncode}:\n{done.stdout}{done.stderr}")


# The nodes


class Node:
    """A broker and controller in one process. It keeps its ports, its data and its log from one start to the next."""

    def __init__(
        self, number: int, port: int, controller_port: int, folder: Path, lib: Path, starter: Executor
    ) -> None:
        self.number = number
        self.port = port
        self.controller_port = controller_port
        self.directory_id = _fresh_id()
        self._folder = folder
        self._starter = starter
        self._process: subprocess.Popen[bytes] | None = None
        self._java = [
            *("java", *JVM, f"-Djava.io.tmpdir={folder}"),
            f"-Dlog4j2.configurationFile={(SETTINGS / 'log4j2.properties').as_uri()}",
            *("-cp", f"{lib}/*"),
        ]

    @property
    def address(self) -> str:
        return f"{HOST}:{self.port}"

    @property
    def log(self) -> Path:
        """What it has said since it was first started."""
        return self._folder / "broker.log"

    def format(self, settings: Mapping[str, object], cluster_id: str, controllers: str) -> None:
        own = {
            "number": self.number,
            "port": self.port,
            "controller_port": self.controller_port,
            "data": self._folder / "data",
        }
        template = Template((SETTINGS / "server.properties").read_text())
        self._configuration.write_text(template.substitute(settings, **own))
        tool = ["kafka.tools.StorageTool", "format", "--config", str(self._configuration)]
        _run([*self._java, *tool, f"--cluster-id={cluster_id}", f"--initial-controllers={controllers}"])

    @property
    def _configuration(self) -> Path:
        return self._folder / "server.properties"

    def launch(self) -> None:
        """Starts it, and returns at once."""
        # Linux kills it when the thread that started it ends: hence one thread that lives as long as the cluster.
        leash = ["setpriv", "--pdeathsig", "KILL"]
        command = [*leash, *self._java, "kafka.Kafka", str(self._configuration)]

        def start() -> subprocess.Popen[bytes]:
            with self.log.open("ab") as log:
                # In a session of its own, so that Ctrl-C reaches it only by way of who started it.
                return subprocess.Popen(
                    command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True
                )

        self._process = self._starter.submit(start).result()

    def start(self) -> None:
        """Starts it, and returns when it answers; raises BrokerFailed with the end of its log where it does not."""
        self.launch()
        self.await_ready()

    def await_ready(self) -> None:
        deadline = time.monotonic() + READY_SECONDS
        while not self._answers():
            self.check()
            if time.monotonic() > deadline:
                raise BrokerFailed(f"Node {self.number} was not ready after {READY_SECONDS} s:\n{self._tail()}")
            time.sleep(0.05)

    def _answers(self) -> bool:
        """Whether it serves, and the controllers have let it in."""
        from kafka.admin import KafkaAdminClient
        from kafka.errors import KafkaError

        with socket.socket() as door:
            if door.connect_ex((HOST, self.port)):
                return False
        try:
            admin = KafkaAdminClient(bootstrap_servers=self.address, bootstrap_timeout_ms=2_000)
        except KafkaError:
            return False
        try:
            brokers = admin.describe_cluster()["brokers"]
        except KafkaError:
            return False
        finally:
            admin.close()
        return any(broker["broker_id"] == self.number and not broker["is_fenced"] for broker in brokers)

    def check(self) -> None:
        """Raises BrokerFailed with the end of its log where it has ended without being asked to."""
        if self._process and self._process.poll() is not None:
            raise BrokerFailed(f"Node {self.number} ended with {self._process.returncode}:\n{self._tail()}")

    def _tail(self) -> str:
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-40:])

    def terminate(self) -> None:
        """SIGTERM, also to a paused one; returns at once."""
        if self._process:
            self._process.terminate()
            self.resume()

    def stop(self, seconds: float = STOP_SECONDS) -> None:
        """SIGTERM, then SIGKILL where it is still there after ``seconds``; returns when it is gone."""
        self.terminate()
        with suppress(subprocess.TimeoutExpired):
            if self._process:
                self._process.wait(seconds)
        self.kill()

    def kill(self) -> None:
        """SIGKILL; returns when it is gone."""
        if self._process:
            self._process.kill()
            self._process.wait()
            self._process = None

    def pause(self) -> None:
        """SIGSTOP: it keeps its connections and says nothing any more. Returns when it stands still."""
        if self._process:
            self._process.send_signal(signal.SIGSTOP)
            os.waitid(os.P_PID, self._process.pid, os.WSTOPPED | os.WEXITED | os.WNOWAIT)

    def resume(self) -> None:
        """SIGCONT after a pause."""
        if self._process:
            self._process.send_signal(signal.SIGCONT)


@dataclass(frozen=True)
class Cluster:
    nodes: Sequence[Node]

    @property
    def bootstrap(self) -> str:
        """The addresses of all nodes, with commas between."""
        return ",".join(node.address for node in self.nodes)


@contextmanager
def cluster(nodes: int = 1, port: int = 0) -> Iterator[Cluster]:
    """A cluster with fresh data, ready; gone at the end, and also when this process dies.

    Everything is kept on every node, and on three nodes a write is acknowledged when two have it. Its nodes listen on
    ``port`` and those after it, or where the system finds a free one. Raises BrokerFailed.
    """
    if lacking := missing():
        raise BrokerFailed(f"Kafka needs {' and '.join(lacking)}, not found on PATH.")
    lib = fetched()
    with ExitStack() as stack:
        home = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="kafka-")))
        starter = stack.enter_context(ThreadPoolExecutor(1))
        members = []
        for number in range(1, nodes + 1):
            folder = home / str(number)
            folder.mkdir()
            its_port = stack.enter_context(_reserved(port and port + number - 1))
            controller_port = stack.enter_context(_reserved())
            members.append(Node(number, its_port, controller_port, folder, lib, starter))
        _format(members)
        try:
            for node in members:
                node.launch()
            for node in members:
                node.await_ready()
            yield Cluster(members)
        finally:
            for node in members:
                node.terminate()
            # Without a majority the last ones would look for it in vain, and their data is of no more use.
            deadline = time.monotonic() + LAST_SECONDS
            for node in members:
                node.stop(max(0, deadline - time.monotonic()))


@contextmanager
def _reserved(number: int = 0) -> Iterator[int]:
    """A port that nobody else is given meanwhile, but that a node can listen on, so that it always finds it free again.

    0: one that is free. Raises BrokerFailed.
    """
    with socket.socket() as held:
        held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            held.bind((HOST, number))
        except OSError as refused:
            raise BrokerFailed(f"Port {number}: {refused.strerror}") from refused
        yield held.getsockname()[1]


def _format(members: Sequence[Node]) -> None:
    cluster_id = _fresh_id()
    settings = {
        "controllers": ",".join(f"{HOST}:{node.controller_port}" for node in members),
        "replicas": len(members),
        "in_sync": min(2, len(members)),
    }
    voters = ",".join(f"{node.number}@{HOST}:{node.controller_port}:{node.directory_id}" for node in members)
    with ThreadPoolExecutor() as threads:
        list(threads.map(lambda node: node.format(settings, cluster_id, voters), members))


def _fresh_id() -> str:
    """An id as Kafka writes its own."""
    return urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=")


# The command


def main() -> None:
    parser = argparse.ArgumentParser(description="Starts Kafka, prints its address, and stops on Ctrl-C or SIGTERM.")
    parser.add_argument("--nodes", type=int, choices=(1, 3), default=1, help="how many (1)")
    parser.add_argument("--port", type=int, default=0, help="of the first node, the others follow (any that is free)")
    parser.add_argument("--while-process", type=int, metavar="PID", help="stop when that process has ended, too")
    parser.add_argument("--pin", action="store_true", help="write the jars' checksums for the versions in pom.xml")
    arguments = parser.parse_args()
    signal.signal(signal.SIGTERM, _leave)
    signal.signal(signal.SIGINT, _leave)
    logging.getLogger("kafka").setLevel(logging.CRITICAL)  # a client that knocks too early
    try:
        if arguments.pin:
            pin()
        else:
            serve(arguments.nodes, arguments.port, arguments.while_process)
    except BrokerFailed as failed:
        sys.exit(str(failed))


def serve(nodes: int, port: int, while_process: int | None) -> None:
    watched = [os.pidfd_open(while_process)] if while_process else []
    with cluster(nodes, port) as kafka:
        print(kafka.bootstrap, flush=True)
        while not select.select(watched, [], [], 1)[0]:
            for node in kafka.nodes:
                node.check()


def _leave(*_: object) -> None:
    """Once is enough: who asks again does not disturb the leaving."""
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    sys.exit()


if __name__ == "__main__":
    main()
