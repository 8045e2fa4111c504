"""What an answer shows is a valid resource of what was kept, and sent back it says the same again."""

import json
from typing import Any

import pytest

from contracts.events import AnyCaseEvent
from services.fhir.parsing import check
from services.fhir.render import render
from tests.fhir.sent import (
    Known,
    Resource,
    appointment,
    care_team,
    coded,
    encounter,
    episode,
    observation,
    response,
    without,
)

WISH = without(observation(code=coded("75773-2"), valueString="Canary-7291 said so."), "valueInteger")
OVER = {"status": "finished", "period": {"start": "2026-01-12", "end": "2026-03-02"}}
SENT: dict[str, Resource] = {
    "total": observation(encounter={"reference": "Encounter/se-551"}, note=[{"text": "Canary-7291"}]),
    "day": observation(effectiveDateTime="2026-03-02"),
    "response": response(),
    "held": encounter(id="se-77"),
    "cancelled": encounter(id="se-77", status="cancelled"),
    "no show": appointment(id="se-78"),
    "opened": episode(),
    "over": episode(**OVER),
    "assigned": care_team(),
}
OTHERS: dict[str, Resource] = {
    "wish": WISH,
    "stopped": response(status="stopped"),
    "retracted": observation(status="entered-in-error"),
    "retracted response": response(status="entered-in-error"),
    "retracted encounter": encounter(status="entered-in-error"),
    "retracted appointment": appointment(status="entered-in-error"),
    "retracted episode": episode(status="entered-in-error"),
    "retracted team": care_team(status="entered-in-error"),
    "called off": appointment(id="se-78", status="cancelled"),
}


def shown(resource: Resource) -> tuple[list[AnyCaseEvent], dict[str, Any]]:
    events = Known().tell(resource)
    return events, render(events, resource["resourceType"], 12)


@pytest.mark.parametrize("sent", [*SENT.values(), *OTHERS.values()], ids=[*SENT, *OTHERS])
def test_what_is_shown_is_a_resource_of_its_type_without_anything_that_was_not_kept(sent: Resource) -> None:
    _, found = shown(sent)
    check(found, sent["resourceType"])
    text = json.dumps(found)
    assert not any(word in text for word in ("Canary", "Anna", "words", "44250-9", "LA6570-1", "display"))


@pytest.mark.parametrize("sent", SENT.values(), ids=SENT)
def test_what_is_shown_and_sent_back_says_the_same(sent: Resource) -> None:
    events, found = shown(sent)
    if sent["resourceType"] == "Appointment":  # whose client no event keeps
        found["participant"] = sent["participant"]
    elif "subject" in sent:
        found["subject"] = sent["subject"]
    assert Known().tell(found) == events


def test_an_instrument_with_parts_shows_them_all() -> None:
    ours = "urn:resonance:fhir:resonance-scale"
    parts = {"individual": 4.1, "interpersonal": 5, "social": 3.9, "overall": 4}
    components = [{"code": coded(f"ors-{name}", ours), "valueQuantity": {"value": one}} for name, one in parts.items()]
    sent = observation(code=coded("ors-total", ours), component=components, valueInteger=17)
    events, found = shown(sent)
    assert Known().tell(found) == events


def test_a_statement_is_said_to_be_there_and_is_not_shown() -> None:
    _, found = shown(WISH)
    assert found["dataAbsentReason"]["coding"][0]["code"] == "masked"


def test_a_correction_shows_the_identifier_of_what_it_corrects() -> None:
    known = Known()
    known.tell(observation())
    [event] = known.tell(observation(status="amended", valueInteger=14, issued="2026-03-03T08:00:00Z"))
    found = render([event], "Observation", 13)
    assert (found["status"], found["identifier"][0]["value"]) == ("corrected", "o-1")
    assert found["valueQuantity"]["value"] == 14


@pytest.mark.parametrize(
    "sent, name", [(observation(), "12"), (episode(), "12.ca-8d2fQ4"), (encounter(id="se-77"), "12.se-77")]
)
def test_who_refers_to_what_was_stored_by_its_id_means_the_same_case_or_session(sent: Resource, name: str) -> None:
    events, found = shown(sent)
    assert found["id"] == name
    assert Known().tell(sent | {"id": name}) == events


def test_an_id_is_never_longer_than_fhir_allows() -> None:
    _, found = shown(episode(id="ca-" + "x" * 60))
    assert found["id"] == "12"
