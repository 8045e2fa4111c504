"""A process that appends events to a log, and prints each position only after the log has answered.

Its arguments: the first number, how many events, how many per batch, and the log's address.
"""

import sys

from tests.eventlog.places import RECEIVED, agreed, reached


def main(first: int, count: int, size: int, *address: str) -> None:
    log = reached(list(address)).open()
    for number in range(first, first + count, size):
        batch = [agreed(n, case=f"ca_{n % 7:02}") for n in range(number, min(number + size, first + count))]
        for answer in log.append(batch, RECEIVED):
            sys.stdout.write(f"{answer.position}\n")
        sys.stdout.flush()
    log.close()


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]), *sys.argv[4:])
