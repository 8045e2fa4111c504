"""The registry of issuers and clients: exact, of one network each, and kept in the same place as the keys."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from services.access.issuers import Issuer, Issuers
from tests.homes import Home

NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)
NORTH = Issuer("north-id", "north", "https://id.example", "north", "https://id.example/keys")


@pytest.fixture
def issuers(home: Home) -> Iterator[Issuers]:
    found = home.issuers()
    found.add(NORTH)
    yield found
    found.close()


def test_issuers_are_listed_by_network_and_found_by_what_tokens_say(issuers: Issuers, home: Home) -> None:
    south = replace(NORTH, name="south-id", network="south", audience="south", claim="azp")
    issuers.add(south)
    assert (issuers.of_network("north"), issuers.of_network("south"), issuers.of_network("east")) == (
        [NORTH], [south], []
    )  # fmt: skip
    again = home.issuers()
    assert again.of_token("https://id.example") == [NORTH, south]
    assert again.of_token("https://id.example/") == []
    again.close()


@pytest.mark.parametrize(
    "other",
    [
        replace(NORTH, audience="another"),
        replace(NORTH, name="second-id"),
        replace(NORTH, name="second-id", network="south"),
    ],
)
def test_a_name_and_an_issuer_with_its_audience_are_there_once(issuers: Issuers, other: Issuer) -> None:
    with pytest.raises(ValueError, match="there is an issuer"):
        issuers.add(other)
    assert issuers.of_network("south") == []


@pytest.mark.parametrize(
    "other",
    [
        replace(NORTH, name="North"),
        replace(NORTH, name=""),
        replace(NORTH, name="n", issuer=""),
        replace(NORTH, name="n", issuer="https://id.example\n"),
        replace(NORTH, name="n", audience="a b"),
        replace(NORTH, name="n", claim="ü"),
    ],
)
def test_an_unfit_issuer_is_refused(issuers: Issuers, other: Issuer) -> None:
    with pytest.raises(ValueError, match=r"name is|characters of ASCII"):
        issuers.add(other)


def test_clients_are_listed_with_what_they_may_do_and_what_became_of_them(issuers: Issuers) -> None:
    first = issuers.add_client("north-id", "b-ehr", ["read", "system/*.c"], NOW, clinics=["cl_2", "cl_1"], sources=[])
    second = issuers.add_client("north-id", "a-ehr", ["read"], NOW)
    assert issuers.disable(first, NOW)
    assert not issuers.disable(first, datetime(2027, 1, 1, tzinfo=UTC))
    a, b = issuers.clients("north")
    assert (a.id, a.client, a.clinics, a.sources, a.disabled) == (second, "a-ehr", None, None, None)
    assert (b.id, b.clinics, b.sources) == (first, frozenset({"cl_1", "cl_2"}), frozenset())
    assert (b.scopes, b.created, b.disabled) == (frozenset({"read", "system/*.c"}), NOW, NOW)
    assert issuers.clients("south") == []
    assert issuers.enable(first)
    assert not issuers.enable(first)
    assert not issuers.enable("unknown0")
    assert not issuers.disable("unknown0", NOW)


def test_a_client_is_found_by_its_issuer_and_to_the_letter(issuers: Issuers) -> None:
    issuers.add(replace(NORTH, name="south-id", network="south", audience="south"))
    client_id = issuers.add_client("north-id", "ehr", ["read"], NOW)
    found = issuers.client("north-id", "ehr")
    assert found is not None
    assert found.id == client_id
    assert issuers.client("north-id", "EHR") is None
    assert issuers.client("south-id", "ehr") is None


def test_a_client_is_there_once_and_of_an_issuer_that_is_known(issuers: Issuers) -> None:
    issuers.add_client("north-id", "ehr", ["read"], NOW)
    with pytest.raises(ValueError, match="this client already"):
        issuers.add_client("north-id", "ehr", ["read"], NOW)
    with pytest.raises(ValueError, match="no such issuer"):
        issuers.add_client("south-id", "ehr", ["read"], NOW)


@pytest.mark.parametrize("scope", ["everything", "user/Observation.c", "system/Observation.c?category=x", "", "read "])
def test_a_scope_that_nobody_understands_is_refused(issuers: Issuers, scope: str) -> None:
    with pytest.raises(ValueError, match="neither ours nor"):
        issuers.add_client("north-id", "ehr", ["read", scope], NOW)


def test_with_an_issuer_go_its_clients(issuers: Issuers) -> None:
    issuers.add_client("north-id", "ehr", ["read"], NOW)
    assert issuers.remove("north-id")
    assert not issuers.remove("north-id")
    issuers.add(NORTH)
    assert issuers.client("north-id", "ehr") is None
