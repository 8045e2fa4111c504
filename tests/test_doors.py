"""Whatever is sent to any door, the answer is a refusal in a few words that repeats nothing, and nothing is stored."""

import gzip
import logging
from collections.abc import Iterator

import httpx
import pytest

from services import storage
from services.access.problems import KINDS
from services.settings import Settings
from tests.doors import BODIES, DOORS, INWARD, NDJSON, Door, with_bodies
from tests.ingest.conftest import BATCH
from tests.running import Running

MOST_TOLD = 16 * 1024
"""Bytes of an answer, however large the body was."""
SANDBOX = "trial"
BAD_VALUES = (
    *("1e999", "-1e999", "true", '"12"', "null", '"canary"', "[]", "{}", '["canary"]', '{"canary": "canary"}'),
)
each_door = pytest.mark.parametrize("door", DOORS, ids=str)


class House:
    """A whole Resonance with a live network and one for trying things out, and a key for each kind of door."""

    def __init__(self, running: Running) -> None:
        self.running = running
        self._keys = {
            "/v1/test": running.create_key(network=SANDBOX),
            "/fhir": running.create_key("events:write", clinics=["cl_07"]),
        }

    def send(self, door: Door, body: bytes, **headers: str) -> httpx.Response:
        """``headers`` are named with underscores."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        key = next((key for begins, key in self._keys.items() if door.path.startswith(begins)), None)
        sent = (
            {"Content-Type": door.kind, **door.attributes}
            | ({"If-Match": "*"} if "{endpoint_id}" in door.path else {})
            | named
        )
        return self.running.ask(door.method, door.address, key=key, content=body, headers=sent)

    @property
    def head(self) -> int:
        return self.running.network.log.head()


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    folder = tmp_path_factory.mktemp("house")
    keys = storage.open_keys(Settings(data=folder / "data"))
    keys.add_network(SANDBOX, sandbox=True)
    keys.close()
    found = Running(folder, inward_hosts=INWARD)
    yield House(found)
    found.close()


def spelt(door: Door, value: str) -> bytes:
    """The door's body with its first member spelt so."""
    begins = door.text.index('": ') + 3
    ends = door.text.find(",", begins)
    return (door.text[:begins] + value + door.text[ends if ends > 0 else door.text.rindex("}") :]).encode()


def broken(door: Door) -> dict[str, bytes]:
    """What is no JSON that every reader understands alike."""
    text = door.text.encode()
    member = text[text.index(b'"') :]
    twice = text.replace(member, member.split(b", ")[0].split(b"}")[0] + b", " + member, 1)
    return {
        "nothing": b"",
        "blank": b" \n\t ",
        "no JSON": b"canary",
        "cut off": text[:-1],
        "more behind it": text + b"{}",
        "a byte order mark": b"\xef\xbb\xbf" + text,
        "no UTF-8": spelt(door, '"can@ry"').replace(b"@", b"\xe4"),
        "UTF-16": door.text.encode("utf-16"),
        "a raw NUL": spelt(door, '"canary\0"'),
        "NaN": spelt(door, "NaN"),
        "Infinity": spelt(door, "Infinity"),
        "-Infinity": spelt(door, "-Infinity"),
        "a lone surrogate": spelt(door, '"canary\\ud800"'),
        "a lone surrogate for a name": spelt(door, '"1.0", "canary\\udfff": 1'),
        "a name twice": twice,
        "an unknown name twice": spelt(door, '"1.0", "canary": 1, "canary": 2'),
        "nested 10,000 deep": spelt(door, "[" * 10_000 + "]" * 10_000),
        "objects nested 10,000 deep": spelt(door, '{"canary":' * 10_000 + "1" + "}" * 10_000),
        "never closed": b"[" * 1_000_000,
        "a number of 1,000,000 digits": spelt(door, "9" * 1_000_000),
        "a fraction of 1,000,000 digits": spelt(door, "0." + "9" * 1_000_000),
    }


def unfit(door: Door) -> dict[str, bytes]:
    """JSON that says nothing which this door takes."""
    unknown = ", ".join(f'"canary{number}": 1' for number in range(3_000))
    return {
        **{f"{value} for a member": spelt(door, value) for value in BAD_VALUES},
        **{f"{value} for the body": value.encode() for value in BAD_VALUES},
        "an unknown member": door.text.replace("{", '{"canary": "canary", ', 1).encode(),
        "3,000 unknown members": ("{" + unknown + "}").encode(),
    }


def assert_refused(answer: httpx.Response, door: Door) -> None:
    """It is no success, and no defect; it is told in the way of the door, and nothing of what was sent is."""
    told = answer.json()
    if door.kind in {BATCH, NDJSON} and answer.is_success:  # nothing can be said of all, and something of each
        assert (told.get("accepted", 0), told.get("valid", 0)) == (0, 0)
    elif door.path.startswith("/fhir"):
        assert 400 <= answer.status_code < 500
        assert answer.headers["content-type"] == "application/fhir+json"
        assert told["resourceType"] == "OperationOutcome"
    else:
        assert 400 <= answer.status_code < 500
        assert answer.headers["content-type"] == "application/problem+json"
        assert told["type"].removeprefix("/v1/problems/") in KINDS
        assert told["retryable"] is False
    assert "canary" not in (answer.text + str(answer.headers)).lower()
    assert len(answer.content) < MOST_TOLD


def test_every_operation_that_takes_a_body_is_tried_here_with_each_of_its_media_types(house: House) -> None:
    described = dict(with_bodies(house.running.service.framework))
    assert {place: set(kinds) for place, kinds in BODIES.items()} == described


@each_door
def test_what_is_sent_here_would_be_taken_as_it_is(house: House, door: Door) -> None:
    """Or only the endpoint is not there that it would change: or else the refusals below would say little."""
    answer = house.send(door, door.text.encode())
    assert answer.is_success or ("{endpoint_id}" in door.path and answer.status_code == 404), answer.text


@each_door
def test_what_is_broken_is_refused(house: House, door: Door, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    before = house.head
    for name, body in broken(door).items():
        answer = house.send(door, body)
        if not (name in {"nothing", "blank"} and door.kind == NDJSON):
            assert_refused(answer, door)
    assert house.head == before
    assert "canary" not in caplog.text.lower()


@each_door
def test_what_is_unfit_is_refused(house: House, door: Door, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    before = house.head
    for name, body in unfit(door).items():
        answer = house.send(door, body)
        if not (door.kind == BATCH and name == "[] for the body"):
            assert_refused(answer, door)
    assert house.head == before
    assert "canary" not in caplog.text.lower()


@each_door
@pytest.mark.parametrize(
    "kind", ["", "text/plain", "application/xml", "application/json; charset=latin-1", "canary/json", "canary"]
)
def test_another_media_type_is_refused_before_anything_is_read(house: House, door: Door, kind: str) -> None:
    answer = house.send(door, b"canary, and no JSON", Content_Type=kind)
    assert answer.status_code == 415
    assert_refused(answer, door)


@each_door
def test_a_body_that_is_packed_otherwise_than_it_says_is_refused(house: House, door: Door) -> None:
    whole = gzip.compress(door.text.encode())
    before = house.head
    for coding, body, status in (
        ("br", b"canary", 415),
        ("gzip, gzip", b"canary", 415),
        ("gzip", b"canary", 400),
        ("gzip", door.text.encode(), 400),
        ("gzip", whole[:-9], 400),
        ("gzip", gzip.compress(b" " * 100_000_000), 413),
    ):
        answer = house.send(door, body, Content_Encoding=coding)
        assert answer.status_code == status
        assert_refused(answer, door)
    assert house.head == before


@each_door
def test_a_body_above_the_limit_is_refused_however_it_is_sent(house: House, door: Door) -> None:
    if door.kind == NDJSON:
        return  # of any size: see test_importing.py
    large = door.text.encode() + b" " * 5_000_000
    answer = house.send(door, large)
    assert answer.status_code == 413
    assert_refused(answer, door)
