"""API keys: shown once, worth nothing to who copies what is kept, refused in time."""

import stat
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta

import pytest

from services.access.credential import Credential
from services.access.keys import REVOKED_WITHIN, Keys, _checksum
from services.access.problems import Problem, Refused
from tests.homes import Files, Home

NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)


@pytest.fixture
def keys(home: Home) -> Iterator[Keys]:
    found = home.keys()
    found.add_network("north")
    yield found
    found.close()


def check(keys: Keys, key: str, now: datetime = NOW) -> Credential:
    return keys.check(f"Bearer {key}".encode(), now)


def refusal(keys: Keys, authorization: str | None, now: datetime = NOW) -> Problem:
    with pytest.raises(Refused) as refused:
        keys.check(None if authorization is None else authorization.encode(), now)
    return refused.value.problem


def test_a_key_speaks_for_its_network_clinics_sources_and_scopes(keys: Keys) -> None:
    key = keys.create("north", ["events:write"], NOW, clinics=["cl_1a"], sources=["urn:x:ehr"])
    credential = check(keys, key)
    assert (credential.network, credential.scopes) == ("north", frozenset({"events:write"}))
    assert credential.speaks_for_clinic("cl_1a")
    assert not credential.speaks_for_clinic("cl_2a")
    assert not credential.speaks_for_clinic(None)
    assert credential.speaks_for_source("urn:x:ehr")
    assert not credential.speaks_for_source("urn:x:other")
    credential.require("events:write")
    with pytest.raises(Refused) as refused:
        credential.require("read")
    assert (refused.value.problem.status, refused.value.problem.slug) == (403, "insufficient-scope")


def test_a_key_without_limits_speaks_for_all_of_its_network(keys: Keys) -> None:
    credential = check(keys, keys.create("north", ["read"], NOW))
    assert credential.speaks_for_clinic("cl_9z")
    assert credential.speaks_for_source("urn:x:any")


def test_a_key_with_an_empty_list_speaks_for_nobody(keys: Keys) -> None:
    credential = check(keys, keys.create("north", ["read"], NOW, clinics=[], sources=[]))
    assert not credential.speaks_for_clinic("cl_9z")
    assert not credential.speaks_for_source("urn:x:any")


def test_the_scheme_is_written_in_any_case(keys: Keys) -> None:
    key = keys.create("north", ["read"], NOW)
    assert keys.check(f"bearer {key}".encode(), NOW) == check(keys, key)


def test_the_file_holds_no_key_and_is_for_its_owner_alone(files: Files) -> None:
    with closing(files.keys()) as keys:
        keys.add_network("north")
        secret = keys.create("north", ["read"], NOW).rpartition("_")[2]
    [file] = files.folder.iterdir()
    assert secret[:12].encode() not in file.read_bytes()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_what_is_kept_opens_nothing(keys: Keys, home: Home) -> None:
    key = keys.create("north", ["read"], NOW)
    [(key_id, digest)] = home.place("keys").execute("SELECT key_id, digest FROM api_key")
    assert key_id in key
    for guess in (digest.hex(), digest.hex()[:38], "0" * 38):
        assert refusal(keys, f"Bearer rsn_live_{key_id}_{guess}").slug == "invalid-key"


def test_a_changed_key_is_refused_whether_or_not_its_checksum_is_right(keys: Keys) -> None:
    first, second = keys.create("north", ["read"], NOW), keys.create("north", ["read"], NOW)
    changed = first[:-1] + ("0" if first[-1] != "0" else "1")
    swapped = first[:18] + second[18:]
    for wrong in (changed, swapped, first[:-1], first + "0"):
        assert refusal(keys, f"Bearer {wrong}").slug == "invalid-key"
    assert check(keys, first).id != check(keys, second).id


@pytest.mark.parametrize("authorization", [None, "", "Bearer", "Bearer canary", "Basic Y2FuYXJ5", "Bearer rsn_live_"])
def test_anything_else_is_answered_alike(keys: Keys, authorization: str | None) -> None:
    problem = refusal(keys, authorization)
    assert (problem.status, problem.slug, problem.errors) == (401, "invalid-key", ())
    assert problem.headers == {"WWW-Authenticate": 'Bearer realm="resonance"'}
    assert problem == refusal(keys, "Bearer " + keys.create("north", ["read"], NOW), NOW + timedelta(days=365))


def test_a_revoked_key_is_refused_at_once_here_and_within_a_minute_elsewhere(keys: Keys, home: Home) -> None:
    key = keys.create("north", ["read"], NOW)
    elsewhere = home.keys()
    key_id = check(elsewhere, key).id
    assert check(keys, key).id == key_id
    assert keys.revoke(key_id, NOW)
    assert refusal(keys, f"Bearer {key}").slug == "invalid-key"
    assert check(elsewhere, key, NOW + REVOKED_WITHIN - timedelta(seconds=1)).id == key_id
    assert refusal(elsewhere, f"Bearer {key}", NOW + REVOKED_WITHIN).slug == "invalid-key"
    assert timedelta(seconds=60) >= REVOKED_WITHIN
    assert not keys.revoke(key_id, NOW + timedelta(days=1))
    assert not keys.revoke("unknown0", NOW)
    elsewhere.close()


def test_a_key_expires_to_the_second_even_while_it_is_trusted(keys: Keys) -> None:
    key = keys.create("north", ["read"], NOW, life=timedelta(seconds=30))
    assert check(keys, key, NOW + timedelta(seconds=29)).network == "north"
    assert refusal(keys, f"Bearer {key}", NOW + timedelta(seconds=30)).slug == "invalid-key"


def test_a_clock_that_was_set_back_does_not_prolong_trust(keys: Keys, home: Home) -> None:
    key = keys.create("north", ["read"], NOW)
    check(keys, key, NOW + timedelta(days=10))
    home.place("keys").execute("UPDATE api_key SET revoked = 1")
    assert refusal(keys, f"Bearer {key}", NOW).slug == "invalid-key"


def test_keys_are_listed_without_what_opens(keys: Keys) -> None:
    key = keys.create("north", ["read", "events:write"], NOW, clinics=["cl_2a", "cl_1a"], life=timedelta(days=7))
    keys.create("north", ["read"], NOW + timedelta(days=1))
    key_id = check(keys, key).id
    keys.revoke(key_id, NOW + timedelta(days=2))
    first, second = keys.records("north")
    assert (first.key_id, first.scopes) == (key_id, frozenset({"read", "events:write"}))
    assert first.clinics == frozenset({"cl_1a", "cl_2a"})
    assert (first.created, first.expires) == (NOW, NOW + timedelta(days=7))
    assert first.revoked == NOW + timedelta(days=2)
    assert second.revoked is None
    assert key.rpartition("_")[2] not in repr(first)
    assert keys.records("south") == []


def test_keys_of_one_second_are_listed_in_the_order_in_which_they_were_made(keys: Keys) -> None:
    made = [check(keys, keys.create("north", ["read"], NOW)).id for _ in range(12)]
    assert [record.key_id for record in keys.records("north")] == made


def test_a_key_that_an_earlier_release_made_is_listed_all_the_same(keys: Keys, home: Home) -> None:
    made = [check(keys, keys.create("north", ["read"], NOW + timedelta(days=day))).id for day in (0, 1)]
    home.place("keys").execute("DELETE FROM api_key_number")
    assert [record.key_id for record in keys.records("north")] == made


def test_keys_of_a_sandbox_say_so_and_open_no_live_network(keys: Keys) -> None:
    keys.add_network("trial", sandbox=True)
    assert (keys.is_sandbox("trial"), keys.is_sandbox("north"), keys.is_sandbox("unknown")) == (True, False, False)
    trial, live = keys.create("trial", ["read"], NOW), keys.create("north", ["read"], NOW)
    assert (trial[:9], live[:9]) == ("rsn_test_", "rsn_live_")
    assert (check(keys, trial).network, check(keys, live).network) == ("trial", "north")
    for key, kind in ((trial, b"rsn_live_"), (live, b"rsn_test_")):
        bare = kind + key[9:-6].encode()
        assert refusal(keys, f"Bearer {bare.decode()}{key[-6:]}").slug == "invalid-key"
        assert refusal(keys, f"Bearer {bare.decode()}{_checksum(bare)}").slug == "invalid-key"


def test_a_network_is_a_sandbox_from_its_making_on_or_never(keys: Keys, home: Home) -> None:
    keys.add_network("trial", sandbox=True)
    keys.add_network("trial")
    keys.add_network("trial", sandbox=True)
    for name, sandbox in (("trial", False), ("north", True)):
        with pytest.raises(ValueError, match="from its making on"):
            keys.add_network(name, sandbox=sandbox)
    again = home.keys()
    assert [name for name in again.networks() if again.is_sandbox(name)] == ["trial"]
    again.close()


@pytest.mark.parametrize("life", [timedelta(0), timedelta(days=-1), timedelta(days=366)])
def test_a_key_lives_at_most_a_year(keys: Keys, life: timedelta) -> None:
    with pytest.raises(ValueError, match="365 days"):
        keys.create("north", ["read"], NOW, life=life)


def test_a_key_needs_a_network(keys: Keys) -> None:
    with pytest.raises(ValueError, match="no such network"):
        keys.create("south", ["read"], NOW)


def test_a_network_keeps_its_secret(keys: Keys, home: Home) -> None:
    secret = keys.secret("north")
    keys.add_network("north")
    keys.add_network("south")
    assert keys.networks() == ["north", "south"]
    again = home.keys()
    assert again.secret("north") == secret != again.secret("south")
    assert secret is not None
    assert len(secret) == 32
    assert keys.secret("east") is None
    again.close()


@pytest.mark.parametrize("name", ["", "North", "a" * 33, "n/../m", "nörd", "1st", "a.b"])
def test_a_network_has_a_name_that_can_be_a_folder(keys: Keys, name: str) -> None:
    with pytest.raises(ValueError, match="small letters"):
        keys.add_network(name)
