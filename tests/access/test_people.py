"""The registry of therapists keeps the last entry of each, for whoever opens it again."""

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest
from pydantic import ValidationError

from services.access.people import Therapist, TherapistEntry
from services.access.problems import Refused, problem
from services.access.versions import Preconditions, tag_of
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


def attempt(home: Home, entry: Therapist, stated: Preconditions, together: Barrier) -> bool:
    """Whether the entry was put by who saw a version, at the same time as others did."""
    people = home.people()

    def allowed(before: Therapist | None) -> None:
        stated.check(None if before is None else tag_of(before))

    together.wait(20)
    try:
        people.put(entry, allowed)
    except Refused:
        return False
    finally:
        people.close()
    return True


def of_all(home: Home, stated: Preconditions) -> list[str]:
    """Which of eight entries that state the same were put."""
    entries = [ADA.model_copy(update={"name": f"Ada {number}"}) for number in range(8)]
    together = Barrier(len(entries))
    with ThreadPoolExecutor(len(entries)) as pool:
        put = list(pool.map(lambda entry: attempt(home, entry, stated, together), entries))
    return [entry.name for entry, done in zip(entries, put, strict=True) if done]


def test_of_those_who_saw_the_same_version_one_replaces_it(home: Home) -> None:
    people = home.people()
    for _ in range(5):
        people.put(ADA)
        [first] = of_all(home, Preconditions(if_match=tag_of(ADA)))
        kept = people.get("th_ada1")
        assert kept is not None
        assert kept.name == first
    people.close()


def test_of_those_who_saw_nothing_one_enters_it(home: Home) -> None:
    [first] = of_all(home, Preconditions(if_none_match="*"))
    people = home.people()
    assert [therapist.name for therapist in people.everyone()] == [first]
    people.close()


def test_what_is_not_allowed_changes_nothing(home: Home) -> None:
    people = home.people()
    people.put(ADA)

    def refuse(_: Therapist | None) -> None:
        raise Refused(problem("clinic-not-allowed"))

    for entry in (BOB, ADA.model_copy(update={"name": "Eva"})):
        with pytest.raises(Refused):
            people.put(entry, refuse)
    assert people.everyone() == [ADA]
    people.close()


def test_therapists_are_read_in_the_order_of_their_references(home: Home) -> None:
    people = home.people()
    for therapist in (BOB, ADA):
        people.put(therapist)
    assert people.after("", 1) == [ADA]
    assert people.after("th_ada1", 5) == [BOB]
    assert people.after("th_bob1", 5) == []
    people.close()


@pytest.mark.parametrize("email", ["ada@clinic.example", "a.b+c@x-y.example", "ada@localhost"])
def test_usual_addresses_are_accepted(email: str) -> None:
    assert TherapistEntry(name="Ada", email=email, time_zone="UTC").email == email


@pytest.mark.parametrize("email", ["", "ada", "ada@", "@x", "a b@x", "a@x\n", "a@x,b@y", "<a@x>", "a@x..y", "ä@x"])
def test_what_could_change_a_letters_head_is_not(email: str) -> None:
    with pytest.raises(ValidationError):
        TherapistEntry(name="Ada", email=email, time_zone="UTC")
