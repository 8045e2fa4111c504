"""The registry of therapists keeps the last entry of each, for whoever opens it again."""

import pytest
from pydantic import ValidationError

from services.access.people import Therapist, TherapistEntry
from tests.homes import Home

ADA = Therapist(ref="th_ada1", name="Ada", email="ada@clinic.example", time_zone="Europe/Prague", clinic="cl_1a")
BOB = Therapist(ref="th_bob1", name="Bob", email="bob@clinic.example", time_zone="UTC", supervisor_ref="th_ada1")


def test_the_last_entry_stands(home: Home) -> None:
    people = home.people()
    moved = ADA.model_copy(update={"time_zone": "Asia/Tokyo"})
    for therapist in (BOB, ADA, moved):
        people.put(therapist)
    people.close()
    again = home.people()
    assert again.everyone() == [moved, BOB]
    assert again.get("th_ada1") == moved
    assert again.get("th_eve1") is None
    again.close()


@pytest.mark.parametrize("email", ["ada@clinic.example", "a.b+c@x-y.example", "ada@localhost"])
def test_usual_addresses_are_accepted(email: str) -> None:
    assert TherapistEntry(name="Ada", email=email, time_zone="UTC").email == email


@pytest.mark.parametrize("email", ["", "ada", "ada@", "@x", "a b@x", "a@x\n", "a@x,b@y", "<a@x>", "a@x..y", "ä@x"])
def test_what_could_change_a_letters_head_is_not(email: str) -> None:
    with pytest.raises(ValidationError):
        TherapistEntry(name="Ada", email=email, time_zone="UTC")
