"""Encounters and appointments become sessions, held or missed."""

from datetime import UTC, datetime
from typing import Any

import pytest

from contracts.events import SessionHeld, SessionMissed
from services.access.problems import Fault
from services.fhir.context import Translated
from services.fhir.translate import translate
from tests.fhir.sent import Known, appointment, coded, discarded, encounter, fault, told, without

REASONS = "http://terminology.hl7.org/CodeSystem/appointment-cancellation-reason"


def test_a_finished_encounter_is_a_session_that_took_as_long_as_its_period() -> None:
    event = told(encounter())
    assert isinstance(event, SessionHeld)
    assert (event.data.started_at, event.data.minutes) == (datetime(2026, 3, 2, 14, 10, tzinfo=UTC), 50)
    assert (event.time, event.data.channel) == (event.data.started_at, "in_person")


@pytest.mark.parametrize("value, code, minutes", [(45, "min", 45), (0.75, "h", 45), (2700, "s", 45), (10, "s", 1)])
def test_the_length_of_an_encounter_outweighs_its_period(value: float, code: str, minutes: int) -> None:
    length = {"value": value, "system": "http://unitsofmeasure.org", "code": code}
    assert told(encounter(length=length)).data.minutes == minutes


@pytest.mark.parametrize(
    "changes, expected",
    [
        ({"period": {"start": "2026-03-02T15:10:00+01:00"}}, ("/period/end", "missing")),
        ({"period": {"end": "2026-03-02T15:10:00+01:00"}}, ("/period/start", "missing")),
        ({"period": {"start": "2026-03-02", "end": "2026-03-03"}}, ("/period/start", "date_time")),
        (
            {"period": {"start": "2026-03-02T15:10:00+01:00", "end": "2026-03-02T14:10:00+01:00"}},
            ("/period/end", "range"),
        ),
        (
            {"period": {"start": "2026-03-01T15:10:00+01:00", "end": "2026-03-04T14:10:00+01:00"}},
            ("/period/end", "range"),
        ),
        ({"length": {"value": 1, "code": "d"}}, ("/length/code", "unit")),
        ({"length": {"value": -5, "code": "min"}}, ("/length/value", "range")),
        ({"status": "bogus"}, ("/status", "enum")),
        ({"statusHistory": [{"status": "bogus", "period": {}}]}, ("/statusHistory/0/status", "enum")),
        ({"subject": {"reference": "Group/1"}}, ("/subject", "not_a_patient")),
    ],
)
def test_an_encounter_that_does_not_say_enough_is_refused(changes: dict[str, Any], expected: tuple[str, str]) -> None:
    assert fault(encounter(**changes)) == ("validation", Fault(*expected))


def test_a_virtual_encounter_is_by_video() -> None:
    virtual = {"system": "http://terminology.hl7.org/CodeSystem/v3-ActCode", "code": "VR"}
    assert told(encounter(**{"class": virtual})).data.channel == "video"


@pytest.mark.parametrize("status", ["planned", "arrived", "triaged", "in-progress", "onleave", "unknown"])
def test_an_encounter_that_is_not_over_is_not_stored(status: str) -> None:
    assert discarded(without(encounter(status=status), "identifier", "period")) == "status"


def test_a_cancelled_encounter_is_a_session_that_was_missed() -> None:
    event = told(encounter(status="cancelled", period={"start": "2026-03-02T15:10:00+01:00"}))
    assert isinstance(event, SessionMissed)
    assert event.data.kind == "client_cancel"


def test_an_encounter_and_what_refers_to_it_name_one_session() -> None:
    found = translate(encounter(), Known().context())
    assert isinstance(found, Translated)
    [event] = found.events
    assert isinstance(event, SessionHeld)
    assert found.name == event.data.session_ref.replace("_", "-")
    again = told(encounter(id=found.name))
    assert again.data.session_ref == event.data.session_ref


def test_an_appointment_that_nobody_came_to_is_a_no_show() -> None:
    event = told(appointment())
    assert isinstance(event, SessionMissed)
    assert (event.data.kind, event.time) == ("no_show", datetime(2026, 3, 9, 14, 10, tzinfo=UTC))


@pytest.mark.parametrize(
    "code, kind",
    [
        ("pat", "client_cancel"),
        ("pat-crs", "client_cancel"),
        ("prov-pers", "clinic_cancel"),
        ("maint", "clinic_cancel"),
        ("other", "client_cancel"),
        ("oth-weath", "client_cancel"),
    ],
)
def test_who_cancelled_is_told_by_the_reason(code: str, kind: str) -> None:
    assert told(appointment(status="cancelled", cancelationReason=coded(code, REASONS))).data.kind == kind
    assert told(appointment(status="cancelled")).data.kind == "client_cancel"


def test_an_appointment_that_lies_ahead_is_cancelled_now_and_a_retry_says_it_once() -> None:
    known = Known()
    sent = appointment(status="cancelled", start="2026-04-09T15:10:00+02:00")
    event = known.one(sent)
    assert (event.time, event.data.scheduled_for) == (known.now, datetime(2026, 4, 9, 13, 10, tzinfo=UTC))
    known.now = known.now.replace(hour=20)
    assert known.one(sent) == event


@pytest.mark.parametrize("status", ["proposed", "pending", "booked", "arrived", "fulfilled", "checked-in", "waitlist"])
def test_an_appointment_that_was_not_missed_is_not_stored(status: str) -> None:
    assert discarded(appointment(status=status)) == "status"


def test_an_appointment_without_a_client_or_a_start_is_refused() -> None:
    alone = appointment(participant=[{"actor": {"reference": "Practitioner/th-12ab"}, "status": "accepted"}])
    assert fault(alone) == ("validation", Fault("/participant", "not_a_patient"))
    assert fault(without(appointment(), "start")) == ("validation", Fault("/start", "missing"))


def test_sessions_that_were_entered_in_error_are_retracted() -> None:
    for sent in (encounter(), appointment()):
        known = Known()
        first = known.one(sent)
        assert known.one(sent | {"status": "entered-in-error"}).data.target == first.key
