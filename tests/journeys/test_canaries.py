"""What is planted in any part of any request comes up nowhere: no answer, log line, figure, record, mail or webhook.

There are two kinds of birds. A canary stands for what must not be kept at all, or is for the eyes of one reader; a
budgie for references, ids and sources, which mean nothing and are kept: whoever sent them reads them back, in an answer
that is no refusal, and nobody else.
"""

import json
import logging
import re
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import closing
from copy import deepcopy
from pathlib import Path
from typing import Any, Final

import httpx
import pytest

from contracts.data import REFERENCE
from contracts.events import AnyEvent, canonical, parse
from services import storage
from services.settings import Settings
from tests.doors import DOORS, Door
from tests.ingest.conftest import BATCH
from tests.running import Running, wait_until
from tests.story import SOURCE, stalled
from tests.webhooks.receiver import Receiver, receiver

CANARY: Final = "Cañary Canary"
SANDBOX: Final = "trial"
PLANTED: Final[Mapping[str, tuple[str, ...]]] = {
    "ref": ("th_budgie1", "ca_budgie1", "Canary%20Smith", "canary"),
    "endpoint_id": ("we_budgie", "we_00000000000000000000budg", "canary"),
    "delivery_id": ("1", "budgie", "canary"),
    "source": ("urn:budgie:ehr", "canary"),
    "id": ("budgie-1", "1", "Canary%20Smith"),
    "name": ("im_budgie1", "Canary%20Smith"),
    "type": ("resonance.canary.seen.v1", "Canary%20Smith"),
    "slug": ("canary", "Canary%20Smith"),
}
"""Words in the place of each parameter of a path."""
HEADERS: Final = (
    {"X-Canary": "canary", "User-Agent": "canary", "Referer": "https://canary.example/?canary"},
    {"Authorization": "Bearer canary"},
    {"Authorization": "Bearer rsn_live_canary00_canarycanarycanarycanarycanaryca000000"},
    {"Authorization": "Basic Y2FuYXJ5OmNhbmFyeQ=="},
    {"Idempotency-Key": "canary canary", "Resonance-From-Line": "canary"},
    {"If-Match": '"canary"', "If-None-Match": '"canary"', "If-None-Exist": "identifier=canary|Canary Smith"},
    {"Resonance-Min-Position": "canary", "Prefer": "canary=canary; wait=canary"},
    {"Content-Type": "canary/canary; charset=canary", "Content-Encoding": "canary"},
    {"Content-Type": "application/json"} | {f"ce-{name}": "canary canary" for name in ("specversion", "id", "canary")},
    {"Accept": "application/canary", "Accept-Language": "canary", "Cookie": "session=canary", "Host": "canary.example"},
)
OWN_WORDS: Final = frozenset({"/v1/therapists/{ref}", "/v1/therapists", "/v1/webhook-endpoints"})
"""Where a registry repeats to its keeper what they entered: a name, an address."""


class Aviary:
    """A whole Resonance, everything it says, and a record system that is called back."""

    def __init__(self, running: Running, inbox: Receiver) -> None:
        self.running = running
        self.inbox = inbox
        self.app = running.service.framework
        self.answers = 0
        self._keys = {
            "/v1/test": running.create_key(network=SANDBOX),
            "/fhir": running.create_key("events:write", "events:read", clinics=["cl_budgie"]),
        }

    def ask(self, method: str, template: str, path: str, **request: Any) -> httpx.Response:
        """Whatever is answered, no bird is in it but in its own cage."""
        key = next((key for begins, key in self._keys.items() if template.startswith(begins)), None)
        answer = self.running.ask(method, path, key=key, **request)
        self.answers += 1
        said = told(answer.content, str(answer.headers))
        if answer.is_error:
            assert not birds(said), f"{method} {template} {answer.status_code}"
        elif template not in OWN_WORDS:
            assert "canary" not in said, f"{method} {template} {answer.status_code}"
        return answer

    def places(self) -> Iterator[tuple[str, str, str]]:
        """Each operation that the application names, with birds in its path."""
        for template, operations in self.app.openapi()["paths"].items():
            names = re.findall(r"\{(\w+)\}", template)
            for method in operations:
                for place in range(max((len(PLANTED[name]) for name in names), default=1)):
                    words = {name: PLANTED[name][place % len(PLANTED[name])] for name in names}
                    yield method.upper(), template, template.format_map(words)


def told(*parts: bytes | str) -> str:
    """In small letters, with what JSON or a URL would write otherwise as it is."""
    text = "".join(part.decode("utf-8", "replace") if isinstance(part, bytes) else part for part in parts)
    return text.lower().replace("\\u00f1", "n").replace("%c3%b1", "n").replace("ñ", "n")


def birds(text: str) -> bool:
    return "canary" in text or "budgie" in text


@pytest.fixture(scope="module")
def aviary(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Aviary]:
    folder = tmp_path_factory.mktemp("aviary")
    with closing(storage.open_keys(Settings(data=folder / "data"))) as keys:
        keys.add_network(SANDBOX, sandbox=True)
    with receiver() as inbox:
        running = Running(folder, inward_hosts=inbox.host)
        yield Aviary(running, inbox)
        running.close()


def planted(door: Door) -> Iterator[bytes]:
    """The door's body with a canary for each of its values, for each of its names, and beside each of its names."""
    for place in places_in(door.valid):
        for plant in (_value, _name, _beside):
            tree = deepcopy(door.valid)
            plant(tree, place)
            yield json.dumps(tree, ensure_ascii=plant is _name).encode()


def places_in(tree: Any) -> Iterator[tuple[str | int, ...]]:
    """The steps to each value below ``tree``."""
    steps = tree.items() if isinstance(tree, dict) else enumerate(tree) if isinstance(tree, list) else ()
    for step, below in steps:
        yield (step,)
        yield from ((step, *further) for further in places_in(below))


def _around(tree: Any, place: tuple[str | int, ...]) -> Any:
    for step in place[:-1]:
        tree = tree[step]
    return tree


def _value(tree: Any, place: tuple[str | int, ...]) -> None:
    _around(tree, place)[place[-1]] = CANARY


def _name(tree: Any, place: tuple[str | int, ...]) -> None:
    around = _around(tree, place)
    if isinstance(around, dict):
        around[CANARY] = around.pop(place[-1])


def _beside(tree: Any, place: tuple[str | int, ...]) -> None:
    around = _around(tree, place)
    if isinstance(around, dict):
        around |= {"note": [{"text": CANARY}], "text": {"status": "generated", "div": f"<div>{CANARY}</div>"}}


def known(events: list[Any]) -> list[AnyEvent]:
    """The same story of a budgie."""
    names = {"c_anna01": "c_budgie1", SOURCE: "urn:budgie:ehr", "cl_north": "cl_budgie"}
    texts = [canonical(event).decode() for event in events]
    for name, budgie in names.items():
        texts = [text.replace(name, budgie) for text in texts]
    return [parse(text) for text in texts]


def test_birds_planted_anywhere_come_up_nowhere(aviary: Aviary, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    running = aviary.running

    # given a stalled case of which a therapist is told by mail and a record system by a webhook
    therapist = {"name": "Budgie Canary", "email": "ada@clinic.example", "time_zone": "Europe/Copenhagen"}
    entered = aviary.ask("PUT", "/v1/therapists/{ref}", "/v1/therapists/th_budgie1", json=therapist)
    hooked = aviary.ask("POST", "/v1/webhook-endpoints", "/v1/webhook-endpoints", json={"url": aviary.inbox.url})
    assert (entered.status_code, hooked.status_code) == (201, 201)
    story = stalled("ca_budgie1", "th_budgie1")
    running.told(known(list(story.events)))
    story.after(1).renegotiated(statement=f"{CANARY} felt low").said("pace", statement=f"{CANARY} hurries")
    running.told(known(list(story.events)))

    # when every operation is asked with birds in path, query, headers and body, wrongly and rightly
    for method, template, path in aviary.places():
        query = {"canary": "canary", "after": "canary", "limit": "canary", "as_of": "canary", "identifier": CANARY}
        aviary.ask(method, template, path)
        aviary.ask(method, template, path, params=query)
        for headers in HEADERS:
            aviary.ask(method, template, path, headers=headers, content=b"canary" if method != "GET" else None)
    for door in DOORS:
        for body in planted(door):
            headers = {"Content-Type": door.kind, **door.attributes}
            aviary.ask(door.method, door.path, door.address, content=body, headers=headers)
    for path in ("/canary", "/v1/canary?canary=canary", "/fhir/Canary", "/k/canary", "/a/canary", "/c/ca_budgie1"):
        aviary.ask("GET", path, path)
    for event in known(list(story.events)):
        read = f"/v1/events/{event.source}/{event.id}"
        assert "statement" not in aviary.ask("GET", "/v1/events/{source}/{id}", read).json()["data"]
    changed = known(list(story.events))[0].model_copy(update={"rsnclinic": "cl_budgie2"})
    conflict = aviary.ask(
        "POST", "/v1/events", "/v1/events", content=b"[%s]" % canonical(changed), headers={"Content-Type": BATCH}
    )
    assert conflict.status_code == 207
    running.settle()
    assert aviary.answers > 1_000

    # then none is in a log line, a figure, a letter, a webhook or what is kept of refusals
    logged = [one for one in caplog.records if not one.name.startswith("httpx")]  # which is what the test asks with
    assert not birds(told(*(f"{one.getMessage()} {one.args} {one.exc_text}" for one in logged)))
    metrics = running.get("/metrics").text
    assert not birds(told(metrics))
    letters = [path.read_bytes() for path in (running.settings.data / "main" / "mailbox").rglob("*") if path.is_file()]
    assert letters
    assert not birds(told(*letters))
    wait_until(lambda: bool(aviary.inbox.received))
    assert not any(birds(told(one.body, str(one.headers))) for one in aviary.inbox.received)
    assert not birds(told(running.get("/v1/feed").content))
    refusals = rows(running.settings.data / "keys.db", "audit")
    assert refusals
    assert not birds(told(str(refusals)))

    # and no figure is of one client, therapist, case or event
    values = re.findall(r'="([^"]*)"', metrics)
    assert values
    assert not [value for value in values if re.fullmatch(REFERENCE, value)]


def rows(file: Path, table: str) -> list[tuple[Any, ...]]:
    with closing(sqlite3.connect(file)) as connection:
        return connection.execute(f"SELECT * FROM {table}").fetchall()
