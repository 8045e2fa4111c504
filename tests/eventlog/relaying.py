"""A process that relays a network's log until it is killed.

Its arguments: Kafka's address, the network's name, and the log's address.
"""

import sys
import threading

from services.eventlog.follow import follow
from tests.eventlog.networks import Network
from tests.eventlog.places import reached


def main(bootstrap: str, name: str, *address: str) -> None:
    relay = Network(name, bootstrap, reached(list(address)).open()).relay()
    never = threading.Event()
    follow(relay.step, lambda _: never.wait(0.02), never, "relay")


if __name__ == "__main__":
    main(*sys.argv[1:])
