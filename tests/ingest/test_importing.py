"""Files of events, streamed in: what is on the log, what is told of each line, and how to go on after a break."""

import gzip
import json
import socket
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import httpx
import pytest

from contracts.events import OWN_SOURCES, canonical
from services import storage
from services.access.keys import REVOKED_WITHIN
from services.ingest import receiving as receiving_
from services.ingest.receiving import BATCH_LINES
from services.settings import Settings
from tests.eventlog.places import agreed
from tests.running import PATIENCE_SECONDS, Running, served, wait_until
from tests.story import day

PATH = "/v1/imports"
NDJSON = {"Content-Type": "application/x-ndjson"}
MANY = 2 * BATCH_LINES + 345


def lines(*numbers: int) -> bytes:
    return b"".join(canonical(agreed(number)) + b"\n" for number in numbers)


def named(name: str, **more: str) -> dict[str, str]:
    return NDJSON | {"Idempotency-Key": name} | {key.replace("_", "-"): value for key, value in more.items()}


@pytest.fixture
def running(tmp_path: Path) -> Iterator[Running]:
    found = Running(tmp_path)
    yield found
    found.close()


def send(running: Running, body: bytes, headers: dict[str, str] | None = None) -> httpx.Response:
    return running.ask("POST", PATH, content=body, headers=headers or NDJSON)


def ids(running: Running) -> list[str]:
    return [event.id for event in running.events() if event.source not in OWN_SOURCES]


def test_the_lines_are_on_the_log_in_their_order_once_the_answer_is_there(running: Running) -> None:
    answer = send(running, lines(*range(MANY)), named("backfill-2016"))
    assert answer.status_code == 201
    assert answer.headers["Location"] == f"{PATH}/backfill-2016"
    assert ids(running) == [f"e{number}" for number in range(MANY)]
    told = answer.json()
    assert told["position"] == int(answer.headers["Resonance-Position"]) >= MANY
    assert told == told | {
        "id": "backfill-2016",
        "state": "done",
        "lines": MANY,
        "accepted": MANY,
        "duplicates": 0,
        "rejected": 0,
        "next_line": MANY + 1,
    }
    assert running.get(answer.headers["Location"]).json() == told


def test_a_bad_line_fails_none_of_its_neighbours_and_is_told_with_its_number(running: Running) -> None:
    bad = json.loads(canonical(agreed(3))) | {"time": "soon"}
    body = (
        lines(1) + b"\n  \r\nno json\n" + json.dumps(bad).encode() + b"\n" + lines(1) + b"x" * 70_000 + b"\n" + lines(9)
    )
    answer = send(running, body, named("mixed"))
    assert answer.status_code == 201
    counts = {name: answer.json()[name] for name in ("lines", "accepted", "duplicates", "rejected", "next_line")}
    assert counts == {"lines": 6, "accepted": 2, "duplicates": 1, "rejected": 3, "next_line": 9}
    assert ids(running) == ["e1", "e9"]
    errors = running.get(f"{PATH}/mixed/errors")
    assert errors.headers["Content-Type"].startswith("application/x-ndjson")
    told = [json.loads(line) for line in errors.text.splitlines()]
    assert [(one["line"], one["id"], one["problem"]["type"].rpartition("/")[2]) for one in told] == [
        (4, None, "malformed-json"),
        (5, "e3", "validation"),
        (7, None, "body-too-large"),
    ]
    assert told[1]["problem"]["errors"][0]["pointer"] == "/time"


def test_errors_are_read_page_by_page(running: Running) -> None:
    send(running, b"no\n" * 25, named("bad"))
    path, pages = f"{PATH}/bad/errors?limit=10", []
    while path:
        page = running.get(path)
        pages.append([json.loads(line)["line"] for line in page.text.splitlines()])
        path = page.links["next"]["url"] if "next" in page.links else ""
    assert pages == [[*range(1, 11)], [*range(11, 21)], [*range(21, 26)]]


def test_a_packed_file_is_unpacked_and_the_last_line_needs_no_end(running: Running) -> None:
    packed = gzip.compress(lines(*range(1_500))) + gzip.compress(lines(7_777).strip())
    answer = send(running, packed, NDJSON | {"Content-Encoding": "gzip"})
    assert answer.json()["accepted"] == 1_501
    assert running.get(answer.headers["Location"]).json()["state"] == "done"


def test_a_done_import_is_told_again_and_nothing_is_done_again(running: Running) -> None:
    first = send(running, lines(1, 2), named("once"))
    again = send(running, lines(1, 2, 3), named("once"))
    assert (again.status_code, again.json()) == (200, first.json())
    assert ids(running) == ["e1", "e2"]


def test_an_empty_file_is_done_at_once(running: Running) -> None:
    answer = send(running, b"")
    assert (answer.status_code, answer.json()["lines"], answer.json()["position"]) == (201, 0, None)


@pytest.mark.parametrize(
    "headers, body, slug",
    [
        ({"Content-Type": "application/json"}, b"", "unsupported-media-type"),
        (NDJSON | {"Content-Encoding": "br"}, b"", "unsupported-media-type"),
        (NDJSON | {"Content-Encoding": "gzip"}, b"no gzip", "malformed-json"),
        (NDJSON | {"Content-Encoding": "gzip"}, gzip.compress(bytes(40_000_000)), "body-too-large"),
        (NDJSON | {"Resonance-From-Line": "0"}, b"", "validation"),
        (NDJSON | {"Resonance-From-Line": "2"}, b"", "precondition-failed"),
    ],
)
def test_what_cannot_be_imported_is_refused(headers: dict[str, str], body: bytes, slug: str, running: Running) -> None:
    answer = send(running, body, headers)
    assert answer.json()["type"] == f"/v1/problems/{slug}"
    assert running.events() == []


def test_lines_before_a_break_are_settled_and_the_rest_follows_under_the_same_name(running: Running) -> None:
    torn = send(running, gzip.compress(lines(*range(MANY)))[:-4], named("torn", Content_Encoding="gzip"))
    assert torn.json()["type"] == "/v1/problems/malformed-json"
    status = running.get(f"{PATH}/torn").json()
    assert (status["state"], status["next_line"], status["accepted"]) == ("interrupted", MANY + 1, MANY)
    rest = send(running, lines(MANY), named("torn", Resonance_From_Line=str(MANY + 1)))
    assert (rest.status_code, rest.json()["accepted"], rest.json()["state"]) == (201, MANY + 1, "done")
    assert ids(running) == [f"e{number}" for number in range(MANY + 1)]


def test_a_whole_file_sent_again_goes_on_where_it_was_left(running: Running) -> None:
    body = b"no json\n" + lines(*range(50))
    assert send(running, gzip.compress(body)[:-4], named("again", Content_Encoding="gzip")).status_code == 400
    whole = send(running, body + lines(50), named("again"))
    assert {name: whole.json()[name] for name in ("accepted", "duplicates", "rejected", "next_line")} == {
        "accepted": 51,
        "duplicates": 0,
        "rejected": 1,
        "next_line": 53,
    }


def test_a_credential_needs_the_scope_and_sees_its_own_imports_only(running: Running) -> None:
    send(running, lines(1), named("mine"))
    other = running.create_key("imports:write")
    assert running.get(f"{PATH}/mine", key=other).status_code == 404
    assert running.get(f"{PATH}/mine/errors", key=other).status_code == 404
    poster = running.create_key("events:write")
    assert running.ask("POST", PATH, key=poster, content=lines(2), headers=NDJSON).status_code == 403
    assert ids(running) == ["e1"]


def test_a_line_of_a_foreign_clinic_or_source_is_refused(running: Running) -> None:
    key = running.create_key("imports:write", clinics=["cl_08"])
    answer = running.ask("POST", PATH, key=key, content=lines(1), headers=named("foreign"))
    assert answer.json()["rejected"] == 1
    error = json.loads(running.get(f"{PATH}/foreign/errors", key=key).text)
    assert error["problem"]["type"] == "/v1/problems/clinic-not-allowed"


def test_a_key_that_is_revoked_meanwhile_ends_the_import(running: Running) -> None:
    key = running.create_key("imports:write")

    async def body() -> AsyncIterator[bytes]:
        yield lines(*range(BATCH_LINES))
        keys = storage.open_keys(running.settings)
        assert keys.revoke(key.split("_")[2], running.now)
        keys.close()
        running.now += REVOKED_WITHIN
        yield lines(*range(BATCH_LINES, 3 * BATCH_LINES))

    answer = running.ask("POST", PATH, key=key, content=body(), headers=NDJSON)
    assert (answer.status_code, answer.json()["type"]) == (401, "/v1/problems/invalid-key")
    assert len(ids(running)) == BATCH_LINES


def test_nothing_that_a_refused_line_holds_is_told(running: Running) -> None:
    whole = json.loads(canonical(agreed(1)))
    spoilt: list[dict[str, object]] = [whole | {name: "canary <b>"} for name in whole]
    spoilt += [whole | {"canary": 1}, whole | {"data": {"canary": "canary"}}, {"canary": {}}]
    body = b"\n".join(json.dumps(one).encode() for one in spoilt) + b'\n{"canary": canary}\n'
    answer = send(running, body, named("secretive"))
    assert answer.json()["rejected"] == len(spoilt) + 1
    errors = running.get(f"{PATH}/secretive/errors").text
    assert len(errors.splitlines()) == len(spoilt) + 1
    assert "canary" not in errors + answer.text


class Wire:
    """A connection on which a body is sent chunk by chunk, as long as the test likes."""

    def __init__(self, url: str, key: str, name: str) -> None:
        host, port = url.removeprefix("http://").split(":")
        self._socket = socket.create_connection((host, int(port)), PATIENCE_SECONDS)
        head = (
            f"POST {PATH} HTTP/1.1\r\nHost: resonance.test\r\nAuthorization: Bearer {key}\r\n"
            f"Content-Type: application/x-ndjson\r\nIdempotency-Key: {name}\r\nTransfer-Encoding: chunked\r\n\r\n"
        )
        self._socket.sendall(head.encode())

    def send(self, chunk: bytes) -> None:
        self._socket.sendall(b"%x\r\n%s\r\n" % (len(chunk), chunk))

    def end(self) -> bytes:
        """The status line of the answer."""
        self._socket.sendall(b"0\r\n\r\n")
        with self._socket:
            return self._socket.recv(65_536).partition(b"\r\n")[0]

    def cut(self) -> None:
        self._socket.close()


@pytest.fixture
def real(tmp_path: Path) -> Iterator[httpx.Client]:
    """A client of a Resonance behind a real server."""
    settings = Settings(data=tmp_path / "data", port=0)
    with served(settings, lambda: day(60)) as url:
        keys = storage.open_keys(settings)
        key = keys.create(settings.network, ["imports:write", "events:read"], day(60))
        keys.close()
        with httpx.Client(base_url=url, headers={"Authorization": f"Bearer {key}"}) as client:
            yield client


def wire(client: httpx.Client, name: str) -> Wire:
    return Wire(str(client.base_url), client.headers["Authorization"].removeprefix("Bearer "), name)


def status_of(client: httpx.Client, name: str) -> dict[str, object]:
    answer = client.get(f"{PATH}/{name}")
    found: dict[str, object] = answer.json() if answer.status_code == 200 else {}
    return found


def test_a_broken_connection_leaves_whole_lines_and_says_where_to_go_on(real: httpx.Client) -> None:
    broken = wire(real, "broken")
    broken.send(lines(*range(BATCH_LINES + 5)) + canonical(agreed(4_000))[:40])
    wait_until(lambda: status_of(real, "broken") != {})
    broken.cut()
    wait_until(lambda: status_of(real, "broken")["state"] == "interrupted")
    assert status_of(real, "broken")["next_line"] == BATCH_LINES + 6
    rest = real.post(PATH, content=lines(4_000), headers=named("broken", Resonance_From_Line=str(BATCH_LINES + 6)))
    assert (rest.status_code, rest.json()["accepted"], rest.json()["rejected"]) == (201, BATCH_LINES + 6, 0)


def test_what_was_settled_is_told_while_more_is_coming_and_nobody_else_may_send(real: httpx.Client) -> None:
    slow = wire(real, "slow")
    slow.send(lines(*range(2 * BATCH_LINES)))
    wait_until(lambda: status_of(real, "slow").get("accepted") == BATCH_LINES)
    assert status_of(real, "slow")["state"] == "receiving"
    other = real.post(PATH, content=lines(1), headers=named("slow"))
    assert (other.status_code, other.json()["type"]) == (409, "/v1/problems/request-in-progress")
    assert int(other.headers["Retry-After"]) > 0
    assert slow.end() == b"HTTP/1.1 201 Created"
    assert status_of(real, "slow")["state"] == "done"


def test_a_client_that_falls_silent_is_given_up(real: httpx.Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(receiving_, "SILENCE_SECONDS", 0.2)
    silent = wire(real, "silent")
    silent.send(lines(1, 2))
    wait_until(lambda: status_of(real, "silent").get("state") == "interrupted")
    assert status_of(real, "silent")["next_line"] == 3
    silent.cut()
