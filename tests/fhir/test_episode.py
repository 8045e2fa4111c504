"""An episode of care is a case: opened, handed over and closed as it is sent again; a care team says who joins."""

from datetime import UTC, date, datetime

import pytest

from contracts.events import CaseClosed, CaseOpened, EventRetracted, TherapistAssigned
from services.access.problems import Fault
from services.fhir.context import Translated
from services.fhir.translate import translate
from tests.fhir.sent import Known, care_team, discarded, episode, fault, observation, told, without

OVER = {"status": "finished", "period": {"start": "2026-01-12", "end": "2026-03-02T23:30:00-05:00"}}
UPDATED = {"lastUpdated": "2026-02-20T08:00:00Z"}


def test_an_active_episode_opens_its_case() -> None:
    found = translate(episode(), Known().context())
    assert isinstance(found, Translated)
    [event] = found.events
    assert isinstance(event, CaseOpened)
    assert (event.case_ref, found.name) == ("ca_8d2fQ4", "ca-8d2fQ4")
    assert (event.data.client_ref, event.data.therapist_ref) == ("c_Zk81", "th_12ab")
    assert event.data.opened_on == date(2026, 1, 12)


def test_one_that_is_over_closes_the_case_that_it_opened_and_a_retry_says_nothing_new() -> None:
    known = Known()
    [opened] = known.tell(episode())
    events = known.tell(episode(**OVER))
    assert events[0] == opened
    assert isinstance(events[1], CaseClosed)
    assert (events[1].data.closed_on, events[1].data.ending) == (date(2026, 3, 2), "agreed")
    assert known.tell(episode(**OVER)) == events


def test_one_that_was_over_before_it_was_first_sent_is_opened_and_closed() -> None:
    assert [type(event) for event in Known().tell(episode(**OVER))] == [CaseOpened, CaseClosed]


def test_one_that_others_opened_is_closed_alone() -> None:
    known = Known(therapists={"ca_8d2fQ4": "th_12ab"})
    assert [type(event) for event in known.tell(without(episode(**OVER), "careManager"))] == [CaseClosed]


def test_one_that_was_withdrawn_before_it_began_is_not_stored_and_later_it_is_closed() -> None:
    assert discarded(episode(status="cancelled")) == "status"
    known = Known()
    known.tell(episode())
    [_, closed] = known.tell(episode(**OVER) | {"status": "cancelled"})
    assert isinstance(closed, CaseClosed)
    assert closed.data.ending == "administrative"


def test_another_care_manager_is_assigned_from_when_that_was_written() -> None:
    known = Known()
    known.tell(episode())
    other = episode(careManager={"reference": "Practitioner/th-34cd"})
    assert fault(other, known) == ("validation", Fault("/meta/lastUpdated", "missing"))
    [event] = known.tell(other | {"meta": UPDATED})
    assert isinstance(event, TherapistAssigned)
    assert (event.data.therapist_ref, event.data.role) == ("th_34cd", "primary")
    assert event.data.effective_from == datetime(2026, 2, 20, 8, tzinfo=UTC)
    known.therapists["ca_8d2fQ4"] = "th_34cd"
    assert known.tell(other | {"meta": UPDATED}) == [event]  # which is told the same place again


def test_the_first_version_may_be_sent_again_after_somebody_else_took_over() -> None:
    known = Known()
    first = known.tell(episode())
    known.therapists["ca_8d2fQ4"] = "th_34cd"
    assert known.tell(episode()) == first


@pytest.mark.parametrize("status", ["planned", "waitlist", "onhold"])
def test_one_that_has_not_begun_is_not_stored(status: str) -> None:
    assert discarded(episode(status=status)) == "status"


@pytest.mark.parametrize(
    "sent, expected",
    [
        (without(episode(), "careManager"), ("/careManager", "missing")),
        (without(episode(), "period"), ("/period/start", "missing")),
        (episode(status="finished"), ("/period/end", "missing")),
        (episode(status="bogus"), ("/status", "enum")),
    ],
)
def test_an_episode_that_does_not_say_enough_is_refused(sent: dict[str, object], expected: tuple[str, str]) -> None:
    assert fault(sent) == ("validation", Fault(*expected))


def test_one_that_was_entered_in_error_is_retracted_with_its_closing() -> None:
    known = Known()
    events = known.tell(episode()) + known.tell(episode(**OVER))[1:]
    found = known.tell(episode(status="entered-in-error"))
    assert {event.data.target for event in found if isinstance(event, EventRetracted)} == {one.key for one in events}


def test_what_is_amended_or_entered_in_error_stays_in_its_case_whatever_it_names_then() -> None:
    url = "http://hl7.org/fhir/StructureDefinition/workflow-episodeOfCare"
    other = {"extension": [{"url": url, "valueReference": {"reference": "EpisodeOfCare/ca-8d2fQ4"}}]}
    for status in ("amended", "entered-in-error"):
        known = Known()
        first = known.one(observation())
        later = known.one(observation(status=status, valueInteger=14, issued="2026-03-03T08:00:00Z") | other)
        assert later != first
        assert later.case_ref == first.case_ref != "ca_8d2fQ4"


def test_what_names_its_episode_is_of_that_case() -> None:
    url = "http://hl7.org/fhir/StructureDefinition/workflow-episodeOfCare"
    named = {"url": url, "valueReference": {"reference": "EpisodeOfCare/ca-8d2fQ4"}}
    assert told(observation(extension=[named])).case_ref == "ca_8d2fQ4"


def test_a_known_case_outweighs_the_clients_own_and_the_log_outweighs_both() -> None:
    known = Known()
    own = known.one(observation())
    assert own.case_ref == told(observation(identifier=[{"system": "urn:north:ehr", "value": "o-2"}])).case_ref
    known.cases["c_Zk81"] = "ca_1a2b"
    assert known.one(observation()) == own
    assert known.one(observation(identifier=[{"system": "urn:north:ehr", "value": "o-3"}])).case_ref == "ca_1a2b"


def test_a_care_team_assigns_the_one_therapist_whose_role_is_known() -> None:
    event = told(care_team())
    assert isinstance(event, TherapistAssigned)
    assert (event.data.therapist_ref, event.data.role) == ("th_99zz", "supervisor")
    assert event.data.effective_from == datetime(2026, 3, 1, tzinfo=UTC)


def test_a_care_team_that_changes_assigns_anew_from_then_on() -> None:
    known = Known()
    [first] = known.tell(care_team())
    [_, client] = care_team()["participant"]
    role = care_team()["participant"][0]["role"]
    other = {"member": {"reference": "Practitioner/th-34cd"}, "role": role, "period": {"start": "2026-03-02"}}
    later = care_team(participant=[other, client])
    [event] = known.tell(later)
    assert isinstance(event, TherapistAssigned)
    assert event.data.therapist_ref == "th_34cd"
    assert event.case_ref == first.case_ref
    assert event.key != first.key
    assert (known.tell(later), known.tell(care_team())) == ([event], [first])


def test_a_care_team_that_leaves_open_whom_it_assigns_is_refused() -> None:
    [first, client] = care_team()["participant"]
    assert fault(care_team(participant=[first, first])) == ("validation", Fault("/participant", "several"))
    assert fault(care_team(participant=[client])) == ("validation", Fault("/participant", "unknown_code"))
    assert fault(without(care_team(), "period")) == ("validation", Fault("/period/start", "missing"))
    assert discarded(care_team(status="proposed")) == "status"
