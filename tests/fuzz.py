"""``make fuzz``: bodies that are nearly right, for a number of minutes, to everything that reads what others send.

A reader may refuse a body, and that only as a problem that repeats nothing of it. Whatever else it raises is a crash:
Hypothesis then prints the number from which the same body is made again.
"""

import argparse
import json
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from importlib.resources import files
from random import Random
from typing import Any, Final

from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st
from pydantic import BaseModel, ValidationError

from contracts.events import EVENT_TYPES, AnyEvent, canonical, parse
from contracts.instruments import catalogue
from services.access.credential import SCOPES, Credential
from services.access.faults import unfit
from services.access.people import TherapistEntry
from services.access.problems import Problem, Refused
from services.access.strict import read_item, read_value
from services.fhir.bundle import Misfit, bundle
from services.fhir.context import Discarded
from services.fhir.entries import resolved
from services.fhir.translate import TOLERATED, translate
from services.fhir.working import document
from services.ingest.accept import EVENT_LIMIT, Refusal, accept, accept_batch, accept_lines, exact
from services.ingest.binary import structured
from services.ingest.lines import Splitter
from services.ingest.plain import plain_event
from services.webhooks.entries import EndpointEntry
from tests.bent import CANARY, bent
from tests.doors import ATTRIBUTES, BUNDLE, ENDPOINT, RESOURCES, THERAPIST
from tests.fhir.sent import Known
from tests.ingest.conftest import measured

NOW: Final = datetime(2026, 12, 1, tzinfo=UTC)
CREDENTIAL: Final = Credential("fuzz", "fuzz", None, None, frozenset(SCOPES))
ROUND: Final = 1_000
"""Bodies between two looks at the clock."""
SAMPLES: Final[Sequence[Any]] = [
    json.loads(files("contracts").joinpath("samples", f"{name}.json").read_bytes()) for name in EVENT_TYPES
]

Became = AnyEvent | Refusal | Discarded | Misfit
Reader = Callable[[bytes, Random], Iterable[Became]]


def one_event(body: bytes, _: Random) -> Iterable[Became]:
    event = accept(body, catalogue(), CREDENTIAL, NOW)
    assert plain_event(body, EVENT_LIMIT) in (None, exact(read_item(body)))
    return [event]


def one_batch(body: bytes, _: Random) -> Iterable[Became]:
    return accept_batch(body, catalogue(), CREDENTIAL, NOW)


def in_binary_mode(body: bytes, rng: Random) -> Iterable[Became]:
    """The body is the data; of the attributes, which are headers, one may be anything."""
    headers = {name.encode(): value.encode() for name, value in ATTRIBUTES.items()}
    if rng.random() < 0.5:
        headers[rng.choice([*headers, b"ce-canary", b"ce-"])] = rng.randbytes(rng.choice((0, 1, 3, 200)))
    return accept_lines([structured(headers, body)], catalogue(), CREDENTIAL, NOW)


def a_therapist(body: bytes, _: Random) -> Iterable[Became]:
    return _entered(TherapistEntry, body)


def an_endpoint(body: bytes, _: Random) -> Iterable[Became]:
    return _entered(EndpointEntry, body)


def _entered(model: type[BaseModel], body: bytes) -> Iterable[Became]:
    text = read_value(body)
    try:
        model.model_validate_json(text)
    except ValidationError as error:
        return [Refusal(None, unfit(error))]
    return ()


def a_file(body: bytes, rng: Random) -> Iterable[Became]:
    """The body in pieces, as it could come over a network."""
    splitter = Splitter(1)
    cut = rng.randrange(len(body) + 1)
    lines = [*splitter.feed(body[:cut]), *splitter.feed(body[cut:]), *splitter.end()]
    return accept_lines([line.text for line in lines if line.text is not None], catalogue(), CREDENTIAL, NOW)


def a_resource(body: bytes, _: Random) -> Iterable[Became]:
    return _became(document(body))


def a_bundle(body: bytes, _: Random) -> Iterable[Became]:
    for entry in bundle(document(body))[1]:
        if isinstance(entry, Misfit) or entry.kind in TOLERATED:
            continue
        try:
            yield from _became(resolved(entry.resource, {"urn:uuid:1": {"reference": "Encounter/se-551"}}))
        except Refused as refused:
            yield Refusal(None, refused.problem)


def _became(resource: Mapping[str, Any]) -> Iterable[Became]:
    found = translate(resource, Known(sources=None, now=NOW).context())
    return [found] if isinstance(found, Discarded) else found.events


READERS: Final[Sequence[tuple[Reader, Sequence[Any]]]] = (
    (one_event, SAMPLES),
    (one_batch, [SAMPLES[:3], SAMPLES[3:8], SAMPLES]),
    (in_binary_mode, [measured()["data"]]),
    (a_file, SAMPLES),
    (a_therapist, [THERAPIST]),
    (an_endpoint, [ENDPOINT]),
    (a_resource, RESOURCES),
    (a_bundle, [BUNDLE]),
)


def read(reader: Reader, body: bytes, rng: Random) -> Counter[str]:
    """How often what became of ``body``, by the reader and the outcome. Raises whatever is a crash."""
    found = Counter[str]()
    try:
        for one in reader(body, rng):
            found[f"{reader.__name__}: {_said(one)}"] += 1
    except Refused as refused:
        found[f"{reader.__name__}: {_told(refused.problem)}"] += 1
    return found


def _said(one: Became) -> str:
    match one:
        case Refusal() | Misfit():
            return _told(one.problem)
        case Discarded():
            return "rightly not stored"
        case _:
            assert parse(canonical(one)) == one
            return "an event"


def _told(problem: Problem) -> str:
    assert 400 <= problem.status < 500
    assert CANARY not in problem.body().decode().lower()
    return problem.slug


def fuzz(first: int, going: Callable[[], bool]) -> Counter[str]:
    """Rounds with the seeds from ``first`` on, as long as it is ``going``; what became of the bodies."""
    found = Counter[str]()
    while going():

        @seed(first)
        @settings(
            max_examples=ROUND,
            deadline=None,
            database=None,
            derandomize=False,
            phases=_PHASES,
            suppress_health_check=list(HealthCheck),
        )
        @given(st.sampled_from(READERS), st.integers(0, 2**64 - 1))
        def a_round(chosen: tuple[Reader, Sequence[Any]], number: int) -> None:
            (reader, samples), rng = chosen, Random(number)
            found.update(read(reader, bent(rng.choice(samples), rng), rng))

        a_round()
        first += 1
    return found


_PHASES: Final = (Phase.generate, Phase.shrink)


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="fuzz", description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--seed", type=int, default=Random().randrange(10**9), help="of the first round")
    asked = parser.parse_args(arguments)
    print(f"seed {asked.seed}, for {asked.minutes:g} minutes", flush=True)  # noqa: T201 - for whoever runs it
    until = time.monotonic() + 60 * asked.minutes
    found = fuzz(asked.seed, lambda: time.monotonic() < until)
    for outcome, times in sorted(found.items()):
        print(f"{times:>9,}  {outcome}")  # noqa: T201 - for whoever runs it
    print(f"{found.total():>9,}  read without a crash")  # noqa: T201 - for whoever runs it
    return 0


if __name__ == "__main__":
    sys.exit(main())
