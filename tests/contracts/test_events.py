"""The event models: strict about types, time and text, and closed to what nobody agreed on."""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from contracts.data import STATEMENT_LIMIT, EventKey
from contracts.events import EVENT_TYPES, CaseOpened, canonical, parse
from contracts.generate import SCHEMAS

Sample = Callable[[str], dict[str, Any]]

MEASURE = "resonance.measure.recorded.v1"
SESSION = "resonance.session.held.v1"
OPENED = "resonance.case.opened.v1"
PREFERENCE = "resonance.preference.recorded.v1"
AGREED = "resonance.task.agreed.v1"
MERGED = "resonance.client.merged.v1"
ADOPTED = "resonance.norms.adopted.v1"


def refused(document: dict[str, Any]) -> bool:
    try:
        parse(json.dumps(document))
    except ValidationError:
        return True
    return False


def required_fields() -> list[tuple[str, str]]:
    """Every field that a payload has to have, read from the committed schemas."""
    found = []
    for event_type in EVENT_TYPES:
        schema = json.loads((SCHEMAS / f"{event_type}.json").read_text("utf-8"))
        payload = schema["$defs"][schema["properties"]["data"]["$ref"].rpartition("/")[2]]
        found += [(event_type, name) for name in payload.get("required", [])]
    return found


def test_the_samples_are_accepted_before_they_are_changed(sample: Sample) -> None:
    assert not any(refused(sample(event_type)) for event_type in EVENT_TYPES)


@pytest.mark.parametrize("event_type", EVENT_TYPES)
def test_an_attribute_that_nobody_agreed_on_is_refused(event_type: str, sample: Sample) -> None:
    assert refused(sample(event_type) | {"network": "nw_01"})


@pytest.mark.parametrize("event_type", EVENT_TYPES)
def test_a_field_that_nobody_agreed_on_is_refused_in_the_payload(event_type: str, sample: Sample) -> None:
    document = sample(event_type)
    document["data"]["remark"] = "talks a lot"
    assert refused(document)


def test_a_field_that_nobody_agreed_on_is_refused_further_down(sample: Sample) -> None:
    document = sample(MEASURE)
    document["data"]["scores"][0]["item_text"] = "words of a form"
    assert refused(document)


@pytest.mark.parametrize("event_type, name", required_fields())
def test_a_payload_without_a_required_field_is_refused(event_type: str, name: str, sample: Sample) -> None:
    document = sample(event_type)
    del document["data"][name]
    assert refused(document)


@pytest.mark.parametrize("event_type", ["resonance.case.forgotten.v1", "resonance.case.opened.v2", "", None, 1])
def test_an_event_of_an_unknown_type_is_refused(event_type: object, sample: Sample) -> None:
    assert refused(sample(OPENED) | {"type": event_type})


def test_an_event_without_a_type_is_refused(sample: Sample) -> None:
    document = sample(OPENED)
    del document["type"]
    assert refused(document)


@pytest.mark.parametrize("value", ["17.4", "", True, None, [17.4], {"value": 17.4}])
def test_a_score_that_is_no_number_is_refused(value: object, sample: Sample) -> None:
    document = sample(MEASURE)
    document["data"]["scores"][0]["value"] = value
    assert refused(document)


@pytest.mark.parametrize("value", ["NaN", "Infinity", "-Infinity", "1e999", "1" + "0" * 400])
def test_a_score_that_is_not_finite_is_refused(value: str, sample: Sample) -> None:
    document = sample(MEASURE)
    document["data"]["scores"][0]["value"] = "here"
    with pytest.raises(ValidationError):
        parse(json.dumps(document).replace('"here"', value))


@pytest.mark.parametrize("minutes", ["50", 50.5, True, 0, -50, 1441])
def test_minutes_that_no_session_has_are_refused(minutes: object, sample: Sample) -> None:
    document = sample(SESSION)
    document["data"]["minutes"] = minutes
    assert refused(document)


@pytest.mark.parametrize("rating", [-0.1, 10.1, "7", True])
def test_a_rating_outside_0_to_10_is_refused(rating: object, sample: Sample) -> None:
    document = sample(AGREED)
    document["data"]["fit"] = rating
    assert refused(document)


@pytest.mark.parametrize(
    "time",
    [
        "2026-03-02T16:05:00",  # no offset
        "2026-03-02",
        "02.03.2026 16:05",
        "2026-02-30T16:05:00+01:00",
        "now",
        "",
        "1772467500",
        1772467500,
        1772467500.5,
        True,
    ],
)
@pytest.mark.parametrize("name", ["time", "recordedtime"])
def test_a_time_that_is_no_instant_is_refused(name: str, time: object, sample: Sample) -> None:
    assert refused(sample(SESSION) | {name: time})


def test_a_session_without_an_offset_is_refused(sample: Sample) -> None:
    document = sample(SESSION)
    document["data"]["started_at"] = "2026-03-02T16:05:00"
    assert refused(document)


@pytest.mark.parametrize("day", ["2026-02-30", "20260302", "2.3.2026", "20514", 20514, True, None])
def test_a_day_that_is_no_date_is_refused(day: object, sample: Sample) -> None:
    document = sample(OPENED)
    document["data"]["opened_on"] = day
    assert refused(document)


@given(
    instant=st.datetimes(datetime(1970, 1, 1), datetime(2200, 1, 1)),  # noqa: DTZ001  hypothesis adds the zone below
    minutes=st.integers(-14 * 60, 14 * 60),
)
def test_an_instant_is_the_same_however_its_offset_is_written(instant: datetime, minutes: int) -> None:
    here = instant.replace(tzinfo=UTC)
    there = here.astimezone(timezone(timedelta(minutes=minutes)))
    merged = {
        "id": "ev-1",
        "specversion": "1.0",
        "source": "urn:resonance:source:north-ehr",
        "type": MERGED,
        "subject": "client/c_Xm39tL",
        "rsnclinic": "cl_07",
        "data": {"from_ref": "c_Xm39tL", "into_ref": "c_Zk81qP"},
    }
    first = parse(json.dumps(merged | {"time": here.isoformat()}))
    second = parse(json.dumps(merged | {"time": there.isoformat()}))
    assert first == second
    assert first.time == instant.replace(tzinfo=UTC)
    assert canonical(first) == canonical(second)


def test_a_day_keeps_its_date(sample: Sample) -> None:
    event = parse(json.dumps(sample(OPENED)))
    assert json.loads(canonical(event))["data"]["opened_on"] == "2026-01-12"


@pytest.mark.parametrize("character", ["\x00", "\x07", "\x1b", "\r", "\t", "\x7f", "\x85"])
def test_a_control_character_in_a_statement_is_refused(character: str, sample: Sample) -> None:
    document = sample(PREFERENCE)
    document["data"]["statement"] = f"walk{character}to work"
    assert refused(document)


def test_a_statement_may_have_several_lines(sample: Sample) -> None:
    document = sample(PREFERENCE)
    document["data"]["statement"] = "walk\nto work"
    event = parse(json.dumps(document))
    assert json.loads(canonical(event))["data"]["statement"] == "walk\nto work"


@pytest.mark.parametrize("statement", ["", "a" * (STATEMENT_LIMIT + 1), 5, ["a"]])
def test_a_statement_that_is_empty_too_long_or_no_text_is_refused(statement: object, sample: Sample) -> None:
    document = sample(PREFERENCE)
    document["data"]["statement"] = statement
    assert refused(document)


def test_a_statement_is_kept_in_its_composed_form(sample: Sample) -> None:
    composed, decomposed = sample(PREFERENCE), sample(PREFERENCE)
    composed["data"]["statement"] = "\u00fcber die Br\u00fccke"
    decomposed["data"]["statement"] = "u\u0308ber die Bru\u0308cke"
    assert canonical(parse(json.dumps(decomposed))) == canonical(parse(json.dumps(composed)))


@given(statement=st.text(st.characters(exclude_categories=["Cc", "Cs"]), min_size=1, max_size=100))
def test_any_statement_is_read_back_as_it_was_kept(statement: str) -> None:
    document = {
        "id": "ev-1",
        "specversion": "1.0",
        "source": "urn:resonance:source:north-ehr",
        "type": PREFERENCE,
        "subject": "case/ca_8d2fQ4",
        "time": "2026-01-12T16:30:00Z",
        "rsnclinic": "cl_07",
        "data": {"kind": "preference", "domain": "goal", "statement": statement},
    }
    event = parse(json.dumps(document))
    assert parse(canonical(event)) == event


@pytest.mark.parametrize(
    "reference",
    ["Anna Berg", "anna@example.org", "4711", "c_", "c_1", "client_4711", "C_4711", "c_47 11", "c_4711\n", "", 4711],
)
def test_a_reference_that_could_tell_who_someone_is_is_refused(reference: object, sample: Sample) -> None:
    document = sample(OPENED)
    document["data"]["client_ref"] = reference
    assert refused(document)


@pytest.mark.parametrize("subject", ["ca_8d2fQ4", "client/c_Zk81qP", "case/", "case/Anna Berg", "case/ca_8d2fQ4/x"])
def test_a_case_event_about_anything_but_a_case_is_refused(subject: str, sample: Sample) -> None:
    assert refused(sample(OPENED) | {"subject": subject})


def test_a_client_cannot_be_merged_into_itself(sample: Sample) -> None:
    document = sample(MERGED)
    document["data"]["into_ref"] = document["data"]["from_ref"]
    assert refused(document)


def test_a_measure_without_a_score_is_refused(sample: Sample) -> None:
    document = sample(MEASURE)
    document["data"]["scores"] = []
    assert refused(document)


def test_an_event_tells_its_key_and_its_case(sample: Sample) -> None:
    event = parse(json.dumps(sample(OPENED)))
    assert event.key == EventKey(source="urn:resonance:source:north-ehr", id="ev-0001")
    assert isinstance(event, CaseOpened)
    assert event.case_ref == "ca_8d2fQ4"


def test_equal_events_have_equal_bytes_whatever_the_order_and_spelling(sample: Sample) -> None:
    document = sample(MEASURE)
    turned = dict(reversed(document.items()))
    turned["data"] = dict(reversed(document["data"].items()))
    document["data"]["scores"][0]["value"] = 4
    turned["data"]["scores"][0]["value"] = 4.0
    assert canonical(parse(json.dumps(turned, indent=3))) == canonical(parse(json.dumps(document)))


def test_an_event_cannot_be_changed(sample: Sample) -> None:
    event = parse(json.dumps(sample(OPENED)))
    with pytest.raises(ValidationError):
        event.rsnclinic = "cl_08"  # type: ignore[misc]  # the test is that this cannot be done


RAISED = "resonance.alert.raised.v1"


@pytest.mark.parametrize("time", ["0001-01-01T00:00:00+01:00", "9999-12-31T23:59:59-01:00"])
def test_an_instant_outside_the_calendar_is_refused(time: str, sample: Sample) -> None:
    assert refused(sample(SESSION) | {"time": time})


def test_an_alert_with_unknown_numbers_is_read_back(sample: Sample) -> None:
    document = sample(RAISED)
    document["data"]["therapist_ref"] = None
    document["data"]["evidence"][0]["value"] = None
    event = parse(json.dumps(document))
    assert parse(canonical(event)) == event


def test_a_statement_is_measured_in_its_composed_form(sample: Sample) -> None:
    document = sample(PREFERENCE)
    document["data"]["statement"] = "u\u0308" * STATEMENT_LIMIT
    assert not refused(document)
    document["data"]["statement"] = "\u0958" * STATEMENT_LIMIT  # NFC makes two characters of each
    assert refused(document)


@pytest.mark.parametrize("event_type", EVENT_TYPES)
def test_an_event_that_does_not_say_its_version_of_cloudevents_is_refused(event_type: str, sample: Sample) -> None:
    document = sample(event_type)
    del document["specversion"]
    assert refused(document)


@pytest.mark.parametrize("time", ["2026-03-02 16:05:00+01:00", "2026-03-02T16:05+01:00", "2026-03-02T16:05:00+0100"])
def test_an_instant_that_rfc_3339_does_not_know_is_refused(time: str, sample: Sample) -> None:
    assert refused(sample(SESSION) | {"time": time})


def test_a_day_written_as_an_instant_is_refused(sample: Sample) -> None:
    document = sample(OPENED)
    document["data"]["opened_on"] = "2026-01-12T00:00:00+05:00"
    assert refused(document)


def test_a_norm_set_concerns_the_network_and_no_clinic(sample: Sample) -> None:
    assert refused(sample(ADOPTED) | {"rsnclinic": "cl_07"})
    assert refused(sample(ADOPTED) | {"subject": "network/north"})


@pytest.mark.parametrize("curve", ["cases", "q10", "q25", "q50", "q75"])
def test_a_curve_with_a_value_too_few_is_refused(curve: str, sample: Sample) -> None:
    document = sample(ADOPTED)
    del document["data"]["kinds"][0]["bands"][0][curve][-1]
    assert refused(document)


@pytest.mark.parametrize("field, value", [("covariance", 18.2), ("pace_variance", 0), ("error_variance", -1)])
def test_a_growth_model_that_is_none_is_refused(field: str, value: float, sample: Sample) -> None:
    document = sample(ADOPTED)
    document["data"]["kinds"][0]["growth"][field] = value
    assert refused(document)
