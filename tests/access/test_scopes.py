"""Scopes permit what both sides say, in our own words and in those of SMART."""

import pytest

from services.access.credential import Credential
from services.access.problems import Refused
from services.access.scopes import common, is_smart


def bearing(*scopes: str) -> Credential:
    return Credential("key00001", "north", None, None, frozenset(scopes))


@pytest.mark.parametrize(
    "token, registered, found",
    [
        ("read feed:read", "read audit:read", {"read"}),
        ("read", "feed:read", set()),
        ("system/Observation.c", "system/Observation.c", {"system/Observation.c"}),
        ("system/Observation.c", "system/*.c", {"system/Observation.c"}),
        ("system/*.cruds", "system/Observation.c system/Encounter.r", {"system/Observation.c", "system/Encounter.r"}),
        ("system/*.cruds", "system/*.cs", {"system/*.c", "system/*.s"}),
        ("system/Observation.c", "system/Encounter.c", set()),
        ("system/Observation.r", "system/Observation.c", set()),
        ("system/Observation.write", "system/Observation.c", {"system/Observation.c"}),
        ("system/Observation.read", "system/Observation.crs", {"system/Observation.r", "system/Observation.s"}),
        ("system/*.*", "system/Encounter.c", {"system/Encounter.c"}),
        ("system/Observation.c", "events:write", {"system/Observation.c"}),
        ("events:write", "system/Observation.c", {"system/Observation.c"}),
        ("events:write", "events:write", {"events:write", "system/*.c"}),
        ("events:read", "system/*.cruds", {"system/*.r", "system/*.s"}),
        ("user/Observation.c patient/*.c launch openid", "system/*.c events:write", set()),
        ("system/Observation.c?category=survey", "system/Observation.c", set()),
        ("system/observation.c system/Observation.cc system/Observation.dc system/.c", "system/*.cruds", set()),
        ("system/Observation.", "system/*.cruds", set()),
    ],
)
def test_a_token_permits_what_it_and_its_client_s_registration_both_permit(
    token: str, registered: str, found: set[str]
) -> None:
    assert common(token.split(" "), registered.split(" ")) == found


@pytest.mark.parametrize(
    "scopes, creates, reads",
    [
        ("events:write", True, False),
        ("events:read", False, True),
        ("system/Observation.c", True, False),
        ("system/*.cr", True, True),
        ("system/Encounter.cruds", False, False),
        ("imports:write read registry:manage", False, False),
    ],
)
def test_a_credential_creates_and_reads_what_its_scopes_say(scopes: str, creates: bool, reads: bool) -> None:
    credential = bearing(*scopes.split(" "))
    assert (credential.may_create("Observation"), credential.may_read("Observation")) == (creates, reads)


def test_who_may_not_create_is_told_the_scope_that_is_lacking() -> None:
    bearing("events:write").require_create("Observation")
    with pytest.raises(Refused) as refused:
        bearing("read").require_create("Observation")
    problem = refused.value.problem
    assert (problem.status, problem.slug) == (403, "insufficient-scope")
    assert 'scope="system/Observation.c"' in problem.headers["WWW-Authenticate"]


def test_what_smart_knows_of_systems_is_told_from_everything_else() -> None:
    assert all(map(is_smart, ["system/Observation.c", "system/*.cruds", "system/Patient.read", "system/*.*"]))
    assert not any(map(is_smart, ["events:write", "user/*.c", "system/Observation.cx", "system/Observation.c\n", ""]))
