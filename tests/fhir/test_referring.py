"""A client that refers to what it has stored by the place that it was told means that very case and session."""

from tests.fhir.conftest import Door
from tests.fhir.sent import encounter, episode, identifier, observation, without


def test_what_follows_belongs_to_the_case_and_the_session_that_were_stored(door: Door) -> None:
    case = door.post(without(episode(), "id"))
    place = case.headers["location"].removeprefix("/fhir/")
    session = door.post(without(encounter(episodeOfCare=[{"reference": place}]), "id"))
    place = session.headers["location"].removeprefix("/fhir/")
    door.post(observation(encounter={"reference": place}))

    opened, held, measured = door.events()
    assert opened.case_ref == held.case_ref == measured.case_ref
    assert measured.data.session_ref == held.data.session_ref


def test_a_number_of_the_record_systems_own_is_no_place_of_ours(door: Door) -> None:
    door.post(episode())
    door.post(encounter(episodeOfCare=[{"reference": "EpisodeOfCare/1"}]))

    opened, held = door.events()
    assert opened.case_ref != held.case_ref


def test_a_session_is_found_under_its_whole_id_and_under_its_position_alone(door: Door) -> None:
    whole = door.post(encounter(identifier=[identifier("e-9")])).headers["location"].removeprefix("/fhir")
    position = whole.partition(".")[0]
    assert door.ask("GET", whole).json() == door.ask("GET", position).json()
    assert door.ask("GET", f"{position}.se-another").status_code == 404
