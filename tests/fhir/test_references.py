"""Our references come back as they are; all others become pseudonyms that tell nothing to who lacks the secret."""

import re
from typing import Any

import pytest

from contracts.data import REFERENCE, EventKey
from services.access.problems import Fault
from services.fhir.references import Named, Pseudonyms, name_of, named
from tests.fhir.sent import SOURCE, Known, fault, identifier, observation, problem, told, without

pseudonyms = Pseudonyms(b"one network")


@pytest.mark.parametrize(
    "kind, name, reference",
    [
        ("Patient", "Patient/c-Zk81qP", "c_Zk81qP"),
        ("Patient", "https://ehr.example/fhir/Patient/c-Zk81qP", "c_Zk81qP"),
        ("Practitioner", "PractitionerRole/th-12ab", "th_12ab"),
        ("EpisodeOfCare", "EpisodeOfCare/ca-8d2fQ4", "ca_8d2fQ4"),
        ("Encounter", "Appointment/se-551", "se_551"),
        ("EpisodeOfCare", "EpisodeOfCare/12.ca-8d2fQ4", "ca_8d2fQ4"),
        ("Organization", "Organization/cl-07", "cl_07"),
    ],
)
def test_an_id_of_ours_is_itself(kind: Any, name: str, reference: str) -> None:
    assert pseudonyms(kind, name) == reference


@pytest.mark.parametrize(
    "name", ["Patient/12", "Patient/mueller.anna", "Patient/ca-12", "Patient/c-1", "Patient/c-a-b", "urn:uuid:12"]
)
def test_any_other_becomes_a_pseudonym_of_this_network(name: str) -> None:
    found = pseudonyms("Patient", name)
    assert re.fullmatch(REFERENCE, found)
    assert found == pseudonyms("Patient", name) != Pseudonyms(b"another network")("Patient", name)
    assert not set(re.findall(r"[a-z]{3,}|\d{2,}", name.partition("/")[2])) & {found.partition("_")[2]}


def test_two_record_systems_that_name_themselves_are_kept_apart() -> None:
    names = ["Patient/12", "https://a.example/fhir/Patient/12", "https://b.example/fhir/Patient/12"]
    found = {pseudonyms("Patient", str(named({"reference": name}, ("Patient",)).name)) for name in names}  # type: ignore[union-attr]
    assert len(found) == len(names)


@pytest.mark.parametrize(
    "reference, name",
    [
        ({"reference": "Patient/12/_history/3"}, "Patient/12"),
        (
            {"reference": "urn:uuid:0c3151bd-1cbf-4d64-b04d-cd9187a4c6e0"},
            "urn:uuid:0c3151bd-1cbf-4d64-b04d-cd9187a4c6e0",
        ),
        ({"identifier": {"system": "urn:oid:1.2.3", "value": "12"}}, "urn:oid:1.2.3|12"),
        ({"type": "Patient", "identifier": {"system": "urn:oid:1.2.3", "value": "12"}}, "urn:oid:1.2.3|12"),
    ],
)
def test_a_reference_is_read_in_each_of_its_forms(reference: dict[str, Any], name: str) -> None:
    assert named(reference, ("Patient",)) == Named("Patient", name)


@pytest.mark.parametrize(
    "reference",
    [
        {"reference": "Group/12"},
        {"reference": "#contained"},
        {"reference": "Patient/"},
        {"reference": "Patient?identifier=12"},
        {"display": "Anna Beispiel"},
        {"identifier": {"value": "12"}},
        {"type": "Group", "identifier": {"system": "urn:oid:1.2.3", "value": "12"}},
        "Patient/12",
        None,
    ],
)
def test_what_points_to_nobody_in_particular_is_no_reference(reference: object) -> None:
    assert named(reference, ("Patient",)) is None


def test_an_entry_of_a_bundle_is_named_by_its_id_and_else_by_its_identifier() -> None:
    patient = {"resourceType": "Patient", "id": "12", "identifier": [{"system": "urn:oid:1.2.3", "value": "9"}]}
    assert name_of(patient) == {"reference": "Patient/12"}
    logical = {"type": "Patient", "identifier": {"system": "urn:oid:1.2.3", "value": "9"}}
    assert name_of(without(patient, "id")) == logical
    assert name_of({"resourceType": "Patient"}) is None


def test_the_event_is_named_by_the_identifier_whose_system_the_credential_speaks_for() -> None:
    several = [identifier("x", "http://ehr.example/ids"), identifier("y", "urn:oid:1.2.3"), identifier("o-9")]
    assert told(observation(identifier=several)).key == EventKey(source=SOURCE, id="o-9")
    everything = Known(sources=None)
    assert everything.one(observation(identifier=several)).key == EventKey(source="urn:oid:1.2.3", id="y")


@pytest.mark.parametrize(
    "identifiers, expected",
    [
        (None, ("identifier-required", Fault("/identifier", "missing"))),
        ([identifier("x", "http://ehr.example/ids")], ("identifier-required", Fault("/identifier", "missing"))),
        ([identifier("x", "urn:oid:1.2.3")], ("source-not-allowed", Fault("/identifier/0/system", "not_allowed"))),
        ([identifier("two words")], ("free-text-not-allowed", Fault("/identifier/0/value", "pattern"))),
        ([identifier("a/b")], ("validation", Fault("/identifier/0/value", "pattern"))),
        ([{"system": SOURCE}], ("validation", Fault("/identifier/0/value", "type"))),
    ],
)
def test_a_resource_without_an_identity_is_refused(identifiers: object, expected: object) -> None:
    sent = without(observation(), "identifier") | ({} if identifiers is None else {"identifier": identifiers})
    assert fault(sent) == expected


def test_if_none_exist_names_the_event_unless_the_resource_contradicts_it() -> None:
    key = EventKey(source=SOURCE, id="o-9")
    [event] = Known().tell(without(observation(), "identifier"), key)
    assert event.key == key
    assert problem(observation(), identifier=key).errors == (Fault("/identifier/0/value", "mismatch"),)
    elsewhere = EventKey(source="urn:elsewhere:ehr", id="o-9")
    assert problem(without(observation(), "identifier"), identifier=elsewhere).slug == "source-not-allowed"


def test_the_clinic_is_the_organization_that_is_named_else_the_only_one_of_the_credential() -> None:
    named_one = observation(performer=[{"reference": "Practitioner/1"}, {"reference": "Organization/cl-08"}])
    assert fault(named_one) == ("clinic-not-allowed", Fault("/performer/1/reference", "not_allowed"))
    assert Known(clinics=None).one(named_one).rsnclinic == "cl_08"
    assert told(observation()).rsnclinic == "cl_07"
    for clinics in (None, frozenset({"cl_07", "cl_08"})):
        assert fault(observation(), Known(clinics=clinics)) == ("validation", Fault("", "clinic_missing"))


def test_what_another_clinic_sent_is_as_if_it_were_unknown() -> None:
    known = Known(clinics=None)
    theirs = known.one(observation(performer=[{"reference": "Organization/cl-08"}], extension=[]))
    known.clinics = frozenset({"cl_07"})
    known.cases["c_Zk81"] = "ca_1a2b"
    amended = known.context()
    assert amended.stored(theirs.key) == theirs
    assert known.one(observation(status="amended", issued="2026-03-03T08:00:00Z")).case_ref == "ca_1a2b"


@pytest.mark.parametrize("subject", [None, {"display": "Anna Beispiel"}, {"reference": "Group/1"}])
def test_what_is_about_no_client_is_refused(subject: object) -> None:
    sent = without(observation(), "subject") | ({} if subject is None else {"subject": subject})
    assert fault(sent) == ("validation", Fault("/subject", "missing" if subject is None else "not_a_patient"))
