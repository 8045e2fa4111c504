"""The client against a served Resonance, over a network that loses requests and answers."""

import ast
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import Any

import httpx
import pytest
from typing_extensions import override

from contracts.events import canonical
from services import client as client_
from services import storage
from services.client import Client, Failed, ImportStatus
from services.settings import Settings
from tests.eventlog.places import agreed
from tests.running import served, wait_until
from tests.story import day, stalled

MANY = 1_203
SOURCE = "urn:resonance:source:north-ehr"


class Unreliable(httpx.BaseTransport):
    """A network that follows ``script``, request by request, and is well once that has run out.

    ``lost``: the request never arrives; ``unanswered``: its answer never does; a number: the status of a proxy.
    """

    def __init__(self, script: Iterator[str | int] | None = None) -> None:
        self.script = script or iter(())
        self.wire = httpx.HTTPTransport()
        self.requests = 0

    @override
    def handle_request(self, request: httpx.Request) -> httpx.Response:
        self.requests += 1
        step = next(self.script, "well")
        if isinstance(step, int):
            return httpx.Response(step, headers={"Retry-After": "7"})
        if step == "lost":
            raise httpx.ConnectError("lost")
        response = self.wire.handle_request(request)
        if step == "unanswered":
            response.read()
            response.close()
            raise httpx.ReadError("unanswered")
        return response

    @override
    def close(self) -> None:
        self.wire.close()


class Place:
    """A served Resonance, and clients of it."""

    def __init__(self, url: str, key: str) -> None:
        self.url = url
        self.key = key
        self.pauses: list[float] = []

    def client(self, *script: str | int, key: str | None = None) -> Client:
        return self.over(Unreliable(iter(script)), key)

    def over(self, transport: httpx.BaseTransport, key: str | None = None) -> Client:
        return Client(self.url, key or self.key, transport=transport, pause=self._pause)

    def _pause(self, seconds: float) -> None:
        self.pauses.append(seconds)
        time.sleep(0.02)  # enough for a server to see that somebody has left


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    settings = Settings(data=tmp_path / "data", port=0)
    with served(settings, lambda: day(60)) as url:
        keys = storage.open_keys(settings)
        key = keys.create(settings.network, ["events:write", "events:read", "imports:write", "feed:read"], day(60))
        keys.close()
        yield Place(url, key)


def listed(client: Client) -> list[str]:
    return [event.id for event in client.events()]


def test_an_event_is_accepted_once_and_another_of_its_id_never(place: Place) -> None:
    with place.client() as client:
        first, again = client.post(canonical(agreed(1))), client.post(canonical(agreed(1)))
        other = client.post(canonical(agreed(1, "sleep")))
    assert (first.status, again.status, again.position) == ("accepted", "duplicate", first.position)
    assert (other.status, other.problem.code) == ("rejected", "event-id-conflict")


def test_a_lost_answer_is_asked_for_again_and_a_busy_server_given_time(place: Place) -> None:
    with place.client("lost", "unanswered", 503, 429) as client:
        [result] = client.post_batch([canonical(agreed(1))])
        assert (result.status, listed(client)) == ("duplicate", ["e1"])
    assert place.pauses == [0.5, 1.0, 7.0, 7.0]


def test_whatever_gets_lost_everything_is_on_the_log_once(place: Place) -> None:
    rng = Random(7)
    steps: list[str | int] = ["well", "lost", "unanswered", 502]
    script = iter(rng.choices(steps, [5, 1, 3, 1], k=200))
    with place.over(Unreliable(script)) as client:
        results = list(client.post_all((canonical(agreed(number)) for number in range(MANY)), batch=50))
        assert {result.status for result in results} == {"accepted", "duplicate"}
        assert listed(client) == [f"e{number}" for number in range(MANY)]


def test_a_bad_event_is_told_by_place_and_code_and_fails_none_of_its_neighbours(place: Place) -> None:
    bad: dict[str, Any] = {"specversion": "1.0", "id": "bad", "source": SOURCE}
    with place.client() as client:
        results = client.post_batch([canonical(agreed(1)), bad, b'{"torn', canonical(agreed(2))])
        assert [result.status for result in results] == ["accepted", "rejected", "rejected", "accepted"]
        assert [result.problem.code for result in results[1:3]] == ["validation", "malformed-json"]
        assert listed(client) == ["e1", "e2"]


def test_nothing_is_stored_by_a_validation(place: Place) -> None:
    with place.client() as client:
        results = client.validate([canonical(agreed(1)), {"id": "bad"}])
        assert [result.status for result in results] == ["valid", "rejected"]
        assert listed(client) == []


def test_a_server_that_stays_away_is_given_up_and_what_is_known_is_told(place: Place) -> None:
    with place.client(*["lost"] * 8) as client, pytest.raises(Failed, match="no answer in 8 attempts") as failed:
        client.post_batch([b"no json", canonical(agreed(1))])
    first, second = failed.value.results
    assert first is not None
    assert (first.problem.code, second) == ("malformed-json", None)
    assert place.pauses == [0.5, 1.0, 2.0, 4.0, 8.0, 16.0, 30.0]


def test_a_key_that_is_not_valid_fails_at_once_and_is_not_shown(place: Place) -> None:
    key = place.key[:-1] + ("0" if place.key[-1] != "0" else "1")
    with place.client(key=key) as client, pytest.raises(Failed, match="401 invalid-key") as failed:
        client.post(canonical(agreed(1)))
    assert failed.value.problem is not None
    assert key not in repr(failed.value)
    assert place.pauses == []


def test_reading_back_goes_on_from_any_position(place: Place) -> None:
    with place.client() as client:
        results = list(client.post_all(canonical(agreed(number)) for number in range(MANY)))
        position = results[1_000].position
        assert position is not None
        assert [event.id for event in client.events(position)] == [f"e{number}" for number in range(1_001, MANY)]


def test_the_feed_tells_what_became_of_alerts(place: Place) -> None:
    with place.client() as client:
        list(client.post_all(map(canonical, stalled().events)))
        wait_until(lambda: bool(list(client.feed())))
        item = next(client.feed())
        assert item.type.startswith("resonance.alert.")
        wait_until(lambda: all(later.position > item.position for later in client.feed(item.position)))


def written(folder: Path, *, spoilt: int) -> Path:
    """A file of many events, one line of which is none."""
    path = folder / "events.ndjson"
    lines = [canonical(agreed(number)) for number in range(3_000)]
    lines[spoilt] = b'{"id": "spoilt"}'
    path.write_bytes(b"\n".join(lines))
    return path


class Cutting(Unreliable):
    """A network that breaks in the middle of the first two imports."""

    breaks = 2

    @override
    def handle_request(self, request: httpx.Request) -> httpx.Response:
        if request.method == "POST" and self.breaks:
            self.breaks -= 1
            whole = request.stream
            assert isinstance(whole, httpx.SyncByteStream)
            request.stream = Torn(whole)
        return super().handle_request(request)


class Torn(httpx.SyncByteStream):
    def __init__(self, whole: httpx.SyncByteStream) -> None:
        self._whole = whole

    @override
    def __iter__(self) -> Iterator[bytes]:
        for number, chunk in enumerate(self._whole):
            if number == 6:
                raise httpx.WriteError("torn")
            yield chunk


def test_an_import_that_breaks_off_goes_on_where_it_was(place: Place, tmp_path: Path) -> None:
    path = written(tmp_path, spoilt=2_500)
    with place.over(Cutting()) as client:
        status = client.import_file(path, "backfill")
        assert (status.state, status.accepted, status.rejected) == ("done", 2_999, 1)
        assert listed(client) == [f"e{number}" for number in range(3_000) if number != 2_500]
        [error] = client.import_errors("backfill")
        assert (error.line, error.id, error.problem.code) == (2_501, "spoilt", "validation")
        assert client.import_file(path, "backfill") == status
    assert place.pauses != []


def test_an_import_that_nobody_began_stands_at_its_first_line(place: Place) -> None:
    with place.client() as client:
        assert client.import_status("never") == ImportStatus(id="never")


def test_the_client_can_be_copied_out_of_here() -> None:
    tree = ast.parse(Path(client_.__file__).read_text("utf-8"))
    roots = {
        alias.name.partition(".")[0] for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names
    }
    roots |= {str(node.module).partition(".")[0] for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    assert roots - sys.stdlib_module_names == {"httpx", "pydantic"}
