"""A file of any length goes through one process in flat memory, and a kill in the middle costs no line."""

import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import httpx

from contracts.events import canonical
from tests.eventlog.places import agreed
from tests.journeys.disk import disk_of
from tests.journeys.program import Program

PATH = "/v1/imports"
LINES = 200_000
FRESH = 5_000
"""Lines that the log does not have already: views, which follow in the same process, are not what is measured here."""
GROWTH = 24 * 2**20
"""Less than half of what the lines come to."""
AT_A_TIME = 500


def chunks(first: int, last: int) -> Iterator[bytes]:
    """Lines ``first`` to ``last``, of which every so many are one event."""
    for start in range(first, last + 1, AT_A_TIME):
        numbers = range(start, min(start + AT_A_TIME, last + 1))
        yield b"".join(canonical(agreed(number % FRESH)) + b"\n" for number in numbers)


def memory(program: Program) -> int:
    """Bytes of the process in RAM."""
    assert program.process is not None
    [line] = [
        line
        for line in Path(f"/proc/{program.process.pid}/status").read_text("utf-8").splitlines()
        if line.startswith("VmRSS:")
    ]
    return int(line.split()[1]) * 1024


def headers(name: str) -> dict[str, str]:
    return {"Content-Type": "application/x-ndjson", "Idempotency-Key": name}


def test_two_hundred_thousand_lines_are_imported_in_flat_memory(program: Program) -> None:
    with program.client() as client:
        warm = client.post(PATH, content=chunks(1, 4 * FRESH), headers=headers("warm"), timeout=120)
        assert warm.status_code == 201
        before = memory(program)
        answer = client.post(PATH, content=chunks(1, LINES), headers=headers("all"), timeout=120)
        grown = memory(program) - before
    assert answer.status_code == 201
    assert answer.json()["lines"] == LINES
    assert grown < GROWTH


def test_after_a_kill_the_import_goes_on_at_the_line_that_it_names(program: Program) -> None:
    sent = 0

    def until_killed() -> Iterator[bytes]:
        nonlocal sent
        for chunk in chunks(1, FRESH):
            yield chunk
            sent += 1
            if sent == FRESH // AT_A_TIME // 2:
                time.sleep(0.05)
                program.kill()

    with program.client() as client:
        with suppress(httpx.TransportError):
            client.post(PATH, content=until_killed(), headers=headers("killed"))
        program.start()
        status = client.get(f"{PATH}/killed").json()
        assert status["state"] == "interrupted"
        resumed = headers("killed") | {"Resonance-From-Line": str(status["next_line"])}
        answer = client.post(PATH, content=chunks(status["next_line"], FRESH), headers=resumed)
        assert answer.status_code == 201, answer.text
        assert (answer.json()["lines"], answer.json()["rejected"]) == (FRESH, 0)
    assert program.stop() == 0
    with disk_of(program.folder) as disk:
        recorded = [one.event for one in disk.recorded()]
    posted = [event.id for event in recorded if event.source == agreed(1).source]
    assert sorted(posted) == sorted({f"e{number}" for number in range(FRESH)})
