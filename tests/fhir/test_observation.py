"""An Observation becomes a measure or a preference by its code; nothing is guessed, and no item is kept."""

from datetime import UTC, date, datetime
from typing import Any

import pytest

from contracts.data import EventKey
from contracts.events import MeasureCorrected, MeasureRecorded
from services.access.problems import Fault
from tests.fhir.sent import (
    ITEMS,
    LOINC,
    SOURCE,
    UCUM,
    Known,
    coded,
    discarded,
    fault,
    identifier,
    observation,
    problem,
    response,
    told,
    without,
)


def test_a_total_is_recorded_with_its_client_its_time_and_nothing_in_words() -> None:
    event = told(observation(note=[{"text": "said that"}], encounter={"reference": "Encounter/se-551"}))
    assert isinstance(event, MeasureRecorded)
    assert (event.source, event.id, event.rsnclinic) == (SOURCE, "o-1", "cl_07")
    assert event.time == datetime(2026, 3, 2, 15, 5, tzinfo=UTC)
    assert (event.data.client_ref, event.data.session_ref) == ("c_Zk81", "se_551")
    assert (event.data.instrument.key, event.data.instrument.version) == ("phq9", "adult")
    assert [(score.scale, score.value) for score in event.data.scores] == [("total", 12.0)]
    assert not {"Anna", "words", "said"} & set(event.model_dump_json().replace('"', " ").split())


FORMS: dict[str, dict[str, Any]] = {
    "string": {"valueString": "12"},
    "integer": {"valueInteger": 12},
    "score": {"valueQuantity": {"value": 12, "unit": "score", "system": UCUM, "code": "{score}"}},
    "one": {"valueQuantity": {"value": 12.0, "system": UCUM, "code": "1"}},
    "no unit": {"valueQuantity": {"value": 12}},
}


def test_the_five_forms_of_one_total_and_the_decimal_of_a_response_give_equal_events() -> None:
    bare = without(observation(), "valueInteger")
    events = [told(bare | form) for form in FORMS.values()] + [told(response())]
    assert all(event == events[0] for event in events)
    assert events[0].data.scores[0].value == 12


@pytest.mark.parametrize(
    "value, place, code",
    [
        ({"valueString": "12 points"}, "/valueString", "not_a_number"),
        ({"valueString": "12/27"}, "/valueString", "not_a_number"),
        ({"valueString": "1e1"}, "/valueString", "not_a_number"),
        ({"valueString": "١٢"}, "/valueString", "not_a_number"),
        ({"valueBoolean": True}, "/valueBoolean", "type"),
        ({"valueCodeableConcept": coded("LA6570-1")}, "/valueCodeableConcept", "type"),
        ({"valueQuantity": {"value": 12, "system": UCUM, "code": "%"}}, "/valueQuantity/code", "unit"),
        (
            {"valueQuantity": {"value": 12, "system": "http://units.example", "code": "1"}},
            "/valueQuantity/code",
            "unit",
        ),
        ({"valueQuantity": {"value": 12, "unit": "points of 27"}}, "/valueQuantity/unit", "unit"),
        ({"valueQuantity": {"value": 12, "comparator": "<"}}, "/valueQuantity/comparator", "comparator"),
        ({"valueQuantity": {"value": "12"}}, "/valueQuantity/value", "type"),
        ({"valueQuantity": {"unit": "1"}}, "/valueQuantity/value", "missing"),
        ({}, "", "value_missing"),
    ],
)
def test_a_value_that_would_have_to_be_guessed_at_is_refused_by_its_place(
    value: dict[str, Any], place: str, code: str
) -> None:
    assert fault(without(observation(), "valueInteger") | value) == ("validation", Fault(place, code))


@pytest.mark.parametrize("value, code", [(28, "range"), (-1, "range"), (12.5, "step")])
def test_a_total_outside_its_scale_is_refused_at_its_value(value: float, code: str) -> None:
    sent = without(observation(), "valueInteger") | {"valueQuantity": {"value": value}}
    assert fault(sent) == ("score-out-of-range", Fault("/valueQuantity/value", code))


@pytest.mark.parametrize("code", [*ITEMS, "69722-7"])
def test_no_item_of_the_phq9_is_stored(code: str) -> None:
    answer = {"valueCodeableConcept": coded("LA6571-9")}
    assert discarded(without(observation(code=coded(code)), "valueInteger", "identifier") | answer) == "item"
    assert discarded(observation(code=coded(code), status="amended")) == "item"


@pytest.mark.parametrize(
    "code", ["93246-7", "93247-5", "93248-3", "93249-1", "93250-9", "93267-3", "93269-9", "93374-7"]
)
def test_no_item_of_the_c_ssrs_is_stored(code: str) -> None:
    assert discarded(without(observation(code=coded(code)), "valueInteger") | {"valueBoolean": True}) == "item"


def test_item_nine_is_dropped_where_it_comes_as_a_component_or_beside_the_code_of_the_total() -> None:
    ninth = {"code": coded("44260-8"), "valueInteger": 3}
    assert told(observation(component=[ninth])) == told(observation())
    both = {"coding": coded("44261-6")["coding"] + coded("44260-8")["coding"]}
    assert discarded(observation(code=both)) == "item"


def test_a_panel_is_not_stored_whatever_its_code_and_neither_is_a_scale_that_is_not_listed() -> None:
    members = [{"reference": "Observation/1"}]
    assert discarded(without(observation(code=coded("48332-1"), hasMember=members), "valueInteger")) == "panel"
    assert discarded(observation(code=coded("44249-1"))) == "panel"
    assert discarded(observation(code=coded("55758-7"))) == "other_scale"


@pytest.mark.parametrize("status", ["registered", "preliminary", "cancelled", "unknown"])
def test_what_is_not_final_is_not_stored(status: str) -> None:
    assert discarded(observation(status=status)) == "status"


@pytest.mark.parametrize(
    "resource, place",
    [
        (observation(status="bogus"), "/status"),
        (observation(identifier=[identifier() | {"use": "bogus"}]), "/identifier/0/use"),
        (without(observation(), "valueInteger") | {"valueQuantity": {"value": 1, "comparator": "about"}},
         "/valueQuantity/comparator"),
    ],
)  # fmt: skip
def test_a_code_outside_its_required_binding_is_refused(resource: dict[str, Any], place: str) -> None:
    assert fault(resource) == ("validation", Fault(place, "enum"))


def test_an_unknown_code_is_refused_and_never_guessed_from_its_display() -> None:
    named = {"coding": [{"system": LOINC, "code": "1-8", "display": "PHQ-9 total score"}], "text": "PHQ-9 total score"}
    assert fault(observation(code=named)) == ("unknown-instrument", Fault("/code", "unknown_code"))
    assert fault(observation(code={"text": "PHQ-9 total score"})) == ("unknown-instrument", Fault("/code", "missing"))
    other_system = coded("44261-6", "http://loinc.example")
    assert fault(observation(code=other_system)) == ("unknown-instrument", Fault("/code", "unknown_code"))


def test_codes_that_mean_different_things_are_refused() -> None:
    both = {"coding": coded("44261-6")["coding"] + coded("70274-6")["coding"]}
    assert fault(observation(code=both)) == ("validation", Fault("/code", "ambiguous"))
    same = {"coding": coded("44261-6")["coding"] + coded("720433000", "http://snomed.info/sct")["coding"]}
    assert told(observation(code=same)) == told(observation())


def test_the_parts_of_an_instrument_come_as_components_of_its_total_and_add_up() -> None:
    ours = "urn:resonance:fhir:resonance-scale"
    parts = {"individual": 4.1, "interpersonal": 5, "social": 3.9, "overall": 4}
    components = [{"code": coded(f"ors-{name}", ours), "valueQuantity": {"value": one}} for name, one in parts.items()]
    sent = without(observation(code=coded("ors-total", ours), component=components), "valueInteger")
    event = told(sent | {"valueQuantity": {"value": 17}})
    assert {score.scale: score.value for score in event.data.scores} == {"total": 17, **parts}
    assert fault(sent | {"valueInteger": 18}) == ("score-mismatch", Fault("/valueInteger", "mismatch"))
    assert discarded(observation(code=coded("ors-individual", ours))) == "item"


def test_a_day_keeps_its_date_and_less_than_a_day_is_refused() -> None:
    event = told(observation(effectiveDateTime="2026-03-02"))
    assert (event.data.occurred_on, event.data.time_precision) == (date(2026, 3, 2), "day")
    assert event.time == datetime(2026, 3, 2, 12, tzinfo=UTC)
    assert fault(observation(effectiveDateTime="2026-03")) == ("validation", Fault("/effectiveDateTime", "date_time"))
    missing = without(observation(), "effectiveDateTime")
    assert fault(missing) == ("validation", Fault("/effectiveDateTime", "missing"))
    ahead = observation(effectiveDateTime="2026-03-30")
    assert problem(ahead).slug == "time-out-of-range"
    assert {error.pointer for error in problem(ahead).errors} == {"/effectiveDateTime"}


def test_a_time_without_an_offset_is_refused() -> None:
    sent = observation(effectiveDateTime="2026-03-02T16:05:00")
    assert fault(sent) == ("validation", Fault("/effectiveDateTime", "date_time"))


def test_a_period_counts_by_its_end() -> None:
    period = {"start": "2026-03-02T15:00:00Z", "end": "2026-03-02T15:05:00Z"}
    event = told(without(observation(effectivePeriod=period), "effectiveDateTime"))
    assert event.time == datetime(2026, 3, 2, 15, 5, tzinfo=UTC)


def test_a_preference_is_recorded_with_its_stance_and_its_statement() -> None:
    wish = without(observation(code=coded("75773-2"), valueString="No pressure, please."), "valueInteger")
    event = told(wish)
    assert (event.data.kind, event.data.domain, event.data.aspect) == ("preference", "treatment", "wished_for")
    assert (event.data.stance, event.data.statement) == ("treatment_intervention", "No pressure, please.")
    assert told(wish | {"code": coded("95541-9")}).data.stance == "care_experience"
    long = wish | {"valueString": "x" * 2001}
    assert fault(long) == ("statement-too-long", Fault("/valueString", "length"))
    assert fault(without(wish, "valueString")) == ("validation", Fault("", "value_missing"))


def test_what_was_amended_corrects_what_was_sent_and_a_retry_says_it_once() -> None:
    known = Known()
    first = known.one(observation())
    amended = observation(status="corrected", valueInteger=14, issued="2026-03-03T08:00:00Z")
    correction = known.one(amended)
    assert isinstance(correction, MeasureCorrected)
    assert correction.data.supersedes == first.key
    assert correction.data.scores[0].value == 14
    assert correction.recordedtime == datetime(2026, 3, 3, 8, tzinfo=UTC)
    assert known.one(amended) == correction
    assert known.one(observation(status="amended", issued="2026-03-04T08:00:00Z")).id not in {"o-1", correction.id}
    assert fault(observation(status="amended", valueInteger=9), known) == ("validation", Fault("/issued", "missing"))


def test_what_was_amended_before_it_was_first_sent_is_simply_recorded() -> None:
    known = Known()
    sent = observation(status="amended")
    event = known.one(sent)
    assert isinstance(event, MeasureRecorded)
    assert known.one(sent) == event


def test_the_date_of_a_version_changes_nothing_of_what_was_not_amended() -> None:
    known = Known()
    event = known.one(observation(meta={"lastUpdated": "2026-03-03T08:00:00Z"}))
    assert known.one(observation(meta={"lastUpdated": "2026-03-04T08:00:00Z"})) == event


def test_what_was_entered_in_error_is_retracted_once_and_in_any_order() -> None:
    known = Known()
    known.one(observation())
    retraction = known.one(observation(status="entered-in-error"))
    assert (retraction.data.target, retraction.data.reason) == (EventKey(source=SOURCE, id="o-1"), "entered_in_error")
    known.now = known.now.replace(hour=23)
    assert known.one(observation(status="entered-in-error")) == retraction
    bare = without(observation(status="entered-in-error"), "valueInteger", "effectiveDateTime")
    assert told(bare).data == retraction.data


def test_an_amended_preference_is_a_further_entry_that_comes_after_it() -> None:
    known = Known()
    wish = without(observation(code=coded("75773-2"), valueString="No pressure, please."), "valueInteger")
    first = known.one(wish)
    amended = wish | {"status": "amended", "valueString": "Some pressure, please.", "issued": "2026-03-03T08:00:00Z"}
    event = known.one(amended)
    assert (event.data.statement, event.time) == ("Some pressure, please.", first.time)
    assert event.recordedtime > first.time
    assert known.one(amended) == event != first
