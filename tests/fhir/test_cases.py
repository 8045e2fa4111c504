"""Which case a resource belongs to that does not say so: what is known of the client decides, and never a guess."""

from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from services.access.credential import Credential
from services.eventlog.follow import Signal
from services.eventlog.ports import Log
from services.fhir.known import Behind, Known
from services.projections.views import Views
from tests.eventlog.places import SECRET, SQLitePlace
from tests.fhir.conftest import Door, Issue, bundle, issues, statuses
from tests.fhir.sent import SOURCE, encounter, episode, identifier, observation, without
from tests.parts import follow_once, views_at
from tests.story import START, Story, day


def named(number: int, **changes: Any) -> dict[str, Any]:
    return observation(identifier=[identifier(f"o-{number}")]) | changes


def care(name: str, **changes: Any) -> dict[str, Any]:
    return episode(id=f"ca-{name}", identifier=[identifier(f"ep-{name}")]) | changes


def test_a_measure_belongs_to_the_only_case_of_its_client(door: Door) -> None:
    door.post(care("first1"))

    answer = door.post(named(1))

    assert answer.status_code == 201
    assert door.events()[-1].subject == "case/ca_first1"


def test_a_client_without_a_case_has_one_of_their_own(door: Door) -> None:
    door.post(named(1))
    door.post(named(2))
    door.post(named(3, subject={"reference": "Patient/c-Other1"}))

    first, second, other = [event.subject for event in door.events()]
    assert first == second != other


def test_of_several_cases_it_is_the_one_that_was_open_on_that_day(door: Door) -> None:
    door.post(care("first1", status="finished", period={"start": "2026-01-12", "end": "2026-02-20"}))
    door.post(care("secnd2", period={"start": "2026-02-25"}))
    door.running.settle()

    door.post(named(1, effectiveDateTime="2026-02-02"))
    door.post(named(2, effectiveDateTime="2026-03-02"))

    assert [event.subject for event in door.events()[-2:]] == ["case/ca_first1", "case/ca_secnd2"]


def test_a_case_that_is_opened_in_the_bundle_counts_beside_one_that_is_over(door: Door) -> None:
    door.post(care("first1", status="finished", period={"start": "2026-01-12", "end": "2026-02-20"}))
    door.running.settle()

    later, earlier = named(1, effectiveDateTime="2026-03-02"), named(2, effectiveDateTime="2026-02-02")
    answer = door.post(bundle("batch", later, earlier, care("secnd2", period={"start": "2026-02-25"})))

    assert statuses(answer) == ["201"] * 3
    assert {event.id: event.subject for event in door.events()[2:]} == {
        "o-1": "case/ca_secnd2",
        "o-2": "case/ca_first1",
        "ep-secnd2": "case/ca_secnd2",
    }


def test_where_several_may_be_meant_the_sender_has_to_say_which(door: Door) -> None:
    for name in ("first1", "secnd2"):
        door.post(care(name))
    door.running.settle()
    extension = {
        "url": "http://hl7.org/fhir/StructureDefinition/workflow-episodeOfCare",
        "valueReference": {"reference": "EpisodeOfCare/ca-secnd2"},
    }

    unsaid = door.post(named(1))
    said = door.post(named(1, extension=[extension]))

    assert unsaid.status_code == 422
    assert [(issue.code, issue.fault) for issue in issues(unsaid)] == [("multiple-matches", "several_cases")]
    assert said.status_code == 201
    assert door.events()[-1].subject == "case/ca_secnd2"


def test_a_case_of_another_clinic_is_none_of_the_senders(door: Door) -> None:
    elsewhere = door.create_key("events:write", clinics=["cl_08"], sources=[SOURCE])
    door.post(care("first1"), key=elsewhere)
    door.running.settle()

    door.post(named(1))

    assert door.events()[-1].subject != "case/ca_first1"


def test_what_was_stored_stays_in_its_case_whatever_opens_later(door: Door) -> None:
    door.post(named(1))
    door.post(care("first1"))
    door.running.settle()

    amended = door.post(named(1, status="amended", valueInteger=11, issued="2026-03-03T08:00:00Z"))

    first, opened, corrected = door.events()
    assert amended.status_code == 201
    assert corrected.subject == first.subject != opened.subject


def test_in_a_bundle_the_encounter_or_the_episode_decides(door: Door) -> None:
    seen = encounter(episodeOfCare=[{"reference": "EpisodeOfCare/ca-secnd2"}], id="se-551")
    at_it = named(1, encounter={"reference": "Encounter/se-551"})
    other = {"reference": "Patient/c-Other1"}

    answer = door.post(bundle("batch", at_it, named(2, subject=other), seen, care("other1", patient=other)))

    assert statuses(answer) == ["201"] * 4
    assert {event.id: event.subject for event in door.events()} == {
        "o-1": "case/ca_secnd2",
        "e-1": "case/ca_secnd2",
        "o-2": "case/ca_other1",
        "ep-other1": "case/ca_other1",
    }


@dataclass
class Network:
    """A log, and views that follow it when they are told to."""

    log: Log
    views: Views
    applied: Signal = field(default_factory=Signal)


@pytest.fixture
def network(tmp_path: Path) -> Iterator[Network]:
    place = SQLitePlace(tmp_path / "log.db")
    place.migrate()
    with closing(place.open(SECRET)) as log, closing(views_at(tmp_path / "views.db")) as views:
        yield Network(log, views)


CREDENTIAL = Credential("key", "main", None, None, frozenset())


def test_views_that_are_behind_are_waited_for_once_and_no_longer(network: Network) -> None:
    story = Story("ca_first1").opened()
    network.log.append(story.events, START)
    patient, resigned = (Known(network, CREDENTIAL, patient=patient) for patient in (True, False))

    with pytest.raises(Behind) as behind:
        patient.case_of("c_anna01", None, day(1))
    assert patient.case_of("c_anna01", None, day(1)) is None
    assert resigned.case_of("c_anna01", None, day(1)) is None

    assert behind.value.position == network.log.head()
    follow_once(network.log, network.views, network.applied)
    assert Known(network, CREDENTIAL, patient=True).case_of("c_anna01", None, day(1)) == "ca_first1"
    assert Known(network, CREDENTIAL, patient=True).case_of("c_nobody", None, day(1)) is None


def test_a_case_that_was_over_by_then_is_taken_only_once_the_views_show_that_there_is_no_other(
    network: Network,
) -> None:
    first = Story("ca_first1").opened().after(10).closed()
    network.log.append(first.events, START)
    follow_once(network.log, network.views, network.applied)
    network.log.append(Story("ca_secnd2").after(20).opened(on=day(20).date()).events, START)
    patient = Known(network, CREDENTIAL, patient=True)

    assert patient.case_of("c_anna01", None, day(5)) == "ca_first1"
    with pytest.raises(Behind):
        patient.case_of("c_anna01", None, day(30))

    assert Known(network, CREDENTIAL, patient=False).case_of("c_anna01", None, day(30)) == "ca_first1"
    follow_once(network.log, network.views, network.applied)
    assert Known(network, CREDENTIAL, patient=True).case_of("c_anna01", None, day(30)) == "ca_secnd2"


def test_the_therapist_of_a_case_of_another_clinic_is_not_told(network: Network) -> None:
    network.log.append(Story("ca_first1", "cl_north").opened("th_ada01").events, START)
    follow_once(network.log, network.views, network.applied)
    elsewhere = Credential("key", "main", frozenset({"cl_south"}), None, frozenset())

    assert Known(network, elsewhere, patient=False).therapist_of("ca_first1", day(60)) is None


def test_the_therapist_of_a_case_is_who_the_views_say(network: Network) -> None:
    network.log.append(Story("ca_first1").opened("th_ada01").events, START)
    follow_once(network.log, network.views, network.applied)
    known = Known(network, CREDENTIAL, patient=False)

    assert known.therapist_of("ca_first1", day(60)) == "th_ada01"
    assert known.therapist_of("ca_nobody", day(60)) is None


def test_a_wrong_place_is_named_where_the_client_has_several_cases(door: Door) -> None:
    for name in ("first1", "secnd2"):
        door.post(care(name))
    door.running.settle()

    answer = door.post(bundle("batch", without(named(1), "note")))

    [found] = issues(answer.json()["entry"][0]["response"]["outcome"])
    assert found == Issue("multiple-matches", "validation", "several_cases", "Bundle.entry[0].resource")
