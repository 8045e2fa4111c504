"""From bytes to events: batches beside pydantic alone, without storage and with it; FHIR beside the parser it uses."""

import asyncio
import json
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import count, islice
from pathlib import Path
from typing import Annotated, Final

from fhir.resources.R4B.observation import Observation
from pydantic import Discriminator, TypeAdapter

from benchmarks.made_up import posts
from benchmarks.measured import Compared, Found, Tell, in_turns
from contracts.events import AnyEvent
from contracts.fhir import codes
from contracts.instruments import catalogue
from services.access.credential import SCOPES, Credential
from services.eventlog import sqlite
from services.fhir.context import Context, Translated
from services.fhir.references import Pseudonyms
from services.fhir.translate import translate
from services.fhir.working import document
from services.ingest.accept import Refusal, accept_batch
from services.ingest.commit import Committer

BATCH: Final = 1_000
SENDERS: Final = 2
"""Of batches, so that one can be read while another is stored."""
NOW: Final = datetime(2026, 6, 1, 12, tzinfo=UTC)
SECRET: Final = b"b" * 32
CREDENTIAL: Final = Credential("bench", "bench", frozenset({"cl_bench"}), None, frozenset(SCOPES))
SEVERAL: Final[TypeAdapter[list[AnyEvent]]] = TypeAdapter(list[Annotated[AnyEvent, Discriminator("type")]])


@dataclass(frozen=True, slots=True)
class Size:
    events: int = 20_000
    observations: int = 3_000
    repetitions: int = 7


def accepting(size: Size, tell: Tell) -> Found:
    """Events a second of batches of 1,000: accepted, or stored as well, against the reading of the same bodies."""
    lines = list(islice(posts(NOW, 500, 16), size.events))
    bodies = [b"[" + b",".join(lines[at : at + BATCH]) + b"]" for at in range(0, size.events, BATCH)]
    with tempfile.TemporaryDirectory(prefix="resonance-bench-") as name:
        folder, number = Path(name), count()
        subjects = {
            "read": lambda: _read(bodies, size.events),
            "accepted": lambda: _accepted(bodies, size.events),
            "stored": lambda: asyncio.run(_stored(folder / f"{next(number)}.db", bodies, size.events)),
        }
        found = in_turns(subjects, size.repetitions, tell)
    note = "the raw executemany of append in 500s alone takes most of the time that the aim leaves"
    against = "pydantic alone"
    return [
        Compared("batches accepted", against, "events/s", found["accepted"], found["read"], 0.7),
        Compared("batches accepted and stored", against, "events/s", found["stored"], found["read"], 0.4, note),
    ]


def _read(bodies: Sequence[bytes], events: int) -> float:
    began = time.perf_counter()
    for body in bodies:
        SEVERAL.validate_json(body)
    return events / (time.perf_counter() - began)


def _accepted(bodies: Sequence[bytes], events: int) -> float:
    began = time.perf_counter()
    for body in bodies:
        _events(body)
    return events / (time.perf_counter() - began)


def _events(body: bytes) -> list[AnyEvent]:
    found = [one for one in accept_batch(body, catalogue(), CREDENTIAL, NOW) if not isinstance(one, Refusal)]
    if len(found) != BATCH:
        raise RuntimeError("an event was refused")
    return found


async def _stored(path: Path, bodies: Sequence[bytes], events: int) -> float:
    sqlite.migrate(path)
    log = sqlite.open_log(path, SECRET)
    committer = Committer(log, lambda: NOW, lambda _: None)
    committer.start()
    waiting = iter(bodies)

    async def send() -> None:
        for body in waiting:
            await committer.submit(_events(body))

    began = time.perf_counter()
    await asyncio.gather(*(send() for _ in range(SENDERS)))
    took = time.perf_counter() - began
    await committer.close()
    if log.head() != events:
        raise RuntimeError("an event was not stored")
    log.close()
    return events / took


def translating(size: Size, tell: Tell) -> Found:
    """Observations a second that become events, against fhir.resources' reading of the same bodies."""
    bodies = [_observation(number) for number in range(size.observations)]
    context = Context(
        credential=CREDENTIAL,
        now=NOW,
        catalogue=catalogue(),
        codes=codes(),
        pseudonym=Pseudonyms(SECRET),
        case_of=lambda client, _encounter, _at: f"ca_{client.removeprefix('c_')}",
        stored=lambda _: None,
        therapist_of=lambda _: None,
    )

    def translated() -> float:
        began = time.perf_counter()
        for body in bodies:
            if not isinstance(translate(document(body), context), Translated):
                raise RuntimeError("an observation became no event")
        return size.observations / (time.perf_counter() - began)

    def read() -> float:
        began = time.perf_counter()
        for body in bodies:
            Observation.model_validate_json(body)
        return size.observations / (time.perf_counter() - began)

    found = in_turns({"translated": translated, "read": read}, size.repetitions, tell)
    what, against = "FHIR Observations to events", "fhir.resources alone"
    return [Compared(what, against, "resources/s", found["translated"], found["read"], 0.6)]


def _observation(number: int) -> bytes:
    return json.dumps(
        {
            "resourceType": "Observation",
            "identifier": [{"system": "urn:resonance:source:bench", "value": f"o-{number}"}],
            "status": "final",
            "category": [
                {"coding": [{"system": "http://terminology.hl7.org/CodeSystem/observation-category", "code": "survey"}]}
            ],
            "code": {"coding": [{"system": "http://loinc.org", "code": "44261-6"}], "text": "PHQ-9 total"},
            "subject": {"reference": f"Patient/c-{number:06d}"},
            "effectiveDateTime": "2026-03-02T16:05:00+01:00",
            "valueQuantity": {"value": number % 28, "unit": "{score}", "code": "{score}"}
            | {"system": "http://unitsofmeasure.org"},
        }
    ).encode()
