"""Two FHIR clients that know nothing of Resonance, unmodified, over HTTP: fhirpy and fhirclient."""

import json
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import NamedTuple

import pytest
from fhirclient.client import FHIRClient
from fhirclient.models.bundle import Bundle
from fhirclient.models.observation import Observation
from fhirpy import SyncFHIRClient
from fhirpy.base.exceptions import OperationOutcome, ResourceNotFound

from services import storage
from services.settings import Settings
from tests.fhir.conftest import bundle
from tests.fhir.sent import SOURCE, encounter, identifier, observation, without
from tests.running import served
from tests.story import day


class Served(NamedTuple):
    address: str
    key: str


@pytest.fixture
def there(tmp_path: Path) -> Iterator[Served]:
    settings = Settings(data=tmp_path, port=0)
    storage.migrate(settings)
    with closing(storage.open_keys(settings)) as keys:
        key = keys.create("main", ["events:write", "events:read"], day(60), clinics=["cl_07"], sources=[SOURCE])
    with served(settings) as address:
        yield Served(f"{address}/fhir", key)


def test_fhirpy_posts_finds_and_reads(there: Served) -> None:
    client = SyncFHIRClient(there.address, authorization=f"Bearer {there.key}")
    made = client.resource("Observation", **without(observation(), "resourceType"))

    made.save()

    assert made.id is not None
    assert made["valueQuantity"]["value"] == 12
    found = client.resources("Observation").search(identifier=f"{SOURCE}|o-1").fetch()
    assert [one.id for one in found] == [made.id]
    assert client.reference("Observation", made.id).to_resource() == found[0]


def test_fhirpy_posts_transactions_and_is_told_what_is_wrong(there: Served) -> None:
    client = SyncFHIRClient(there.address, authorization=f"Bearer {there.key}")
    whole = bundle("transaction", observation(), encounter())

    answered = client.execute("", data=whole)

    assert [entry["response"]["status"] for entry in answered["entry"]] == ["201 Created", "201 Created"]
    with pytest.raises(OperationOutcome) as refused:
        client.resource("Observation", **without(observation(status="bogus"), "resourceType")).save()
    assert "Observation.status" in str(refused.value)
    with pytest.raises(ResourceNotFound):
        client.reference("Observation", "4711").to_resource()


def test_fhirclient_posts_reads_and_understands_the_statement(there: Served) -> None:
    client = fhirclient(there)

    answered = Observation(observation()).create(client.server)

    made = Observation(answered)
    assert made.valueQuantity.value == 12
    assert Observation.read(made.id, client.server).as_json() == answered
    assert client.server.capabilityStatement.fhirVersion == "4.0.1"


def test_fhirclient_posts_bundles(there: Served) -> None:
    client = fhirclient(there)
    whole = Bundle(bundle("batch", observation(), observation(identifier=[identifier("o-2")], status="preliminary")))

    answered = Bundle(whole.create(client.server))

    assert [entry.response.status for entry in answered.entry] == ["201 Created", "200 OK"]
    assert "LOINC" not in json.dumps(answered.as_json())


def fhirclient(there: Served) -> FHIRClient:
    """Signed in with a token that it was given, as after SMART's launch."""
    server = {"base_uri": f"{there.address}/", "auth_type": "oauth2", "auth": {"access_token": there.key}}
    return FHIRClient(state={"app_id": "north-ehr", "server": server})
