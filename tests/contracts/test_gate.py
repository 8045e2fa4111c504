"""The gate of releases: Schemathesis reads each released document, and the service of today does all that it says."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pytest
import schemathesis
from schemathesis import Case, CheckContext, GenerationMode, Response

from tests.contracts.api import Api, filled, operations, read
from tools.compat import OPENAPI, releases

pytestmark = pytest.mark.filterwarnings("ignore:Do not use the `random` module")  # of Schemathesis itself
EVENTS: Final = ("application/cloudevents+json", "application/cloudevents-batch+json")
OF_THE_SHAPE: Final = frozenset(
    {
        "control_character",
        "date_time",
        "length",
        "missing",
        "pattern",
        "timezone_missing",
        "type",
        "unknown_property",
    }
)
"""Codes of faults that a schema can tell, so that who keeps to one never meets them."""
OF_THE_CALENDAR: Final = frozenset({"date_time"})
"""A schema lets the years 0 and 9999 pass, and a second that was put in: no event has ever had them."""


@pytest.fixture(scope="module")
def api(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Api]:
    with filled(tmp_path_factory.mktemp("gate")) as found:
        yield found


def faults(told: Any) -> list[tuple[str, str, str]]:
    """Slug, pointer and code of each fault that an answer tells, of an event or of a batch."""
    if "results" in told:
        return [fault for one in told["results"] if "problem" in one for fault in faults(one["problem"])]
    slug = told.get("type", "").rpartition("/")[2]
    return [(slug, fault["pointer"], fault["code"]) for fault in told.get("errors", [])]


def never_refused_for_its_shape(_: CheckContext, response: Response, case: Case[Any]) -> None:
    """What the released schema allows is refused for what only the service knows: scales, ranges, times."""
    found = [
        (slug, pointer, code)
        for slug, pointer, code in faults(response.json())
        if code in OF_THE_SHAPE - OF_THE_CALENDAR or slug in ("malformed-json", "unsupported-media-type")
    ]
    assert found == []


@pytest.mark.parametrize("kind", EVENTS)
@pytest.mark.parametrize("release", releases(), ids=lambda path: path.name)
def test_an_event_of_a_released_schema_is_never_refused_for_its_shape(api: Api, release: Path, kind: str) -> None:
    operation = schemathesis.openapi.from_dict(read(release / OPENAPI))["/v1/events/validate"]["POST"]
    seen = api.check(operation, GenerationMode.POSITIVE, 150, [never_refused_for_its_shape], media_type=kind)
    assert seen <= {200, 207, 422}


@pytest.mark.parametrize("release", releases(), ids=lambda path: path.name)
def test_all_that_a_release_offers_is_answered_as_it_said(api: Api, release: Path) -> None:
    document = read(release / OPENAPI)
    schema = schemathesis.openapi.from_dict(document)
    for method, path in operations(document):
        api.check(schema[path][method], GenerationMode.POSITIVE, 5)


@pytest.mark.parametrize("release", releases(), ids=lambda path: path.name)
def test_what_is_there_is_given_as_a_release_said(api: Api, release: Path) -> None:
    schema = schemathesis.openapi.from_dict(read(release / OPENAPI))
    for path in schema:
        if path in api.known and "GET" in schema[path]:
            api.check(schema[path]["GET"], GenerationMode.POSITIVE, 5, path_parameters=dict(api.known[path]))


def test_the_gate_is_shut_for_a_server_that_asks_for_more(api: Api) -> None:
    """A document that lets something be left out stands for an earlier release than one that asks for it."""
    document = read(releases()[-1] / OPENAPI)
    document["components"]["schemas"]["SessionHeldData"]["required"].remove("minutes")
    document["components"]["schemas"]["Event"]["oneOf"] = [{"$ref": "#/components/schemas/SessionHeld"}]
    operation = schemathesis.openapi.from_dict(document)["/v1/events/validate"]["POST"]
    with pytest.raises(BaseException, match="never_refused_for_its_shape"):
        api.check(operation, GenerationMode.POSITIVE, 150, [never_refused_for_its_shape], media_type=EVENTS[0])
