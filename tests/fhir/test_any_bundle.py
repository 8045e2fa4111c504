"""Whatever stands in the place of a bundle, an entry or a reference: every entry is settled one way or another."""

import json
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from contracts.fhir import codes
from contracts.instruments import catalogue
from services.access.credential import Credential
from services.access.problems import Problem, Refused
from services.eventlog.follow import Signal
from services.fhir.bundle import Misfit, bundle
from services.fhir.context import Discarded, Translated
from services.fhir.entries import Desk, Entry
from services.fhir.known import Known
from services.fhir.outcome import outcome
from services.fhir.references import Pseudonyms
from tests.eventlog.places import SECRET, SQLitePlace
from tests.fhir.conftest import bundle as bundled
from tests.fhir.sent import NOW, SOURCE
from tests.fhir.test_any_json import CANARY, WHOLE, anything, places
from tests.fhir.test_cases import Network
from tests.parts import views_at

CREDENTIAL = Credential("key", "main", frozenset({"cl_07"}), frozenset({SOURCE}), frozenset({"events:write"}))
DESK = Desk(CREDENTIAL, catalogue(), codes(), Pseudonyms(b"secret"))
SEVERAL = bundled("batch", *WHOLE, {"resourceType": "Patient", "id": "c-Zk81"}, e0="urn:uuid:a", e3="urn:uuid:b")


@pytest.fixture(scope="module")
def network(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Network]:
    """Nobody tells it anything."""
    folder: Path = tmp_path_factory.mktemp("network")
    place = SQLitePlace(folder / "log.db")
    place.migrate()
    with closing(place.open(SECRET)) as log, closing(views_at(folder / "views.db")) as views:
        yield Network(log, views, Signal())


@settings(deadline=None, max_examples=200, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_a_bundle_with_anything_in_one_place_is_settled(network: Network, data: st.DataObject) -> None:
    document = json.loads(json.dumps(SEVERAL))
    *way, last = data.draw(st.sampled_from(places(document)))
    target = document
    for step in way:
        target = target[step]
    target[last] = data.draw(anything | st.sampled_from([{"reference": "urn:uuid:a"}, {"reference": "urn:uuid:b"}]))

    try:
        _, entries = bundle(document)
    except Refused as refused:
        problems: list[tuple[Problem, str]] = [(refused.problem, "Bundle")]
    else:
        kept = [entry for entry in entries if isinstance(entry, Entry)]
        verdicts = DESK.verdicts(kept, Known(network, CREDENTIAL, patient=False), NOW)
        assert all(isinstance(one, Translated | Discarded | Problem) for one in verdicts)
        problems = [(entry.problem, entry.place) for entry in entries if isinstance(entry, Misfit)]
        problems += [(one, entry.place) for one, entry in zip(verdicts, kept, strict=True) if isinstance(one, Problem)]
    assert CANARY not in json.dumps(outcome(*problems))


@given(anything)
def test_what_is_no_bundle_is_refused_and_nothing_else(document: Any) -> None:
    if isinstance(document, dict):
        with pytest.raises(Refused):
            bundle(document)
