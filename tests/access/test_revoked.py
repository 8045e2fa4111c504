"""What a running service does when somebody else takes a credential back: it refuses it within a minute."""

from collections.abc import Iterator
from contextlib import closing
from datetime import timedelta

import pytest

from services import storage
from services.__main__ import main
from services.access.keys import REVOKED_WITHIN
from services.access.tokens import TRUSTED_FOR
from services.settings import PREFIX
from tests.access.world import World
from tests.story import Story

SECOND = timedelta(seconds=1)


@pytest.fixture
def world(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    found = World(tmp_path_factory.mktemp("world"))
    monkeypatch.setenv(f"{PREFIX}DATA", str(found.running.settings.data))
    monkeypatch.setenv(f"{PREFIX}INWARD_HOSTS", "127.0.0.1")
    yield found
    found.close()


def statuses(world: World, bearer: str) -> set[int]:
    """Of the door for events and of the framework behind it."""
    posted = world.running.post(Story("ca_later1", "cl_own").opened().events, key=bearer)
    return {posted.status_code, world.running.get("/v1/feed", key=bearer).status_code}


def test_a_key_that_is_revoked_by_a_command_is_refused_in_time(world: World) -> None:
    assert statuses(world, world.key) == {200}
    assert main(["keys", "revoke", world.key[9:17]]) == 0
    world.running.now += REVOKED_WITHIN
    assert statuses(world, world.key) == {401}
    assert statuses(world, world.running.key) == {200}


def test_a_client_that_is_disabled_by_a_command_is_refused_in_time(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    token = world.token("events:write", "feed:read")
    assert statuses(world, token) == {200}
    assert main(["clients", "list"]) == 0
    [line] = capsys.readouterr().out.splitlines()
    assert line.split("  ")[1:3] == ["enabled", "main-id"]
    assert main(["clients", "disable", line.split()[0]]) == 0
    world.running.now += TRUSTED_FOR
    assert statuses(world, token) == {401}
    assert main(["clients", "enable", line.split()[0]]) == 0
    assert statuses(world, token) == {200}
    assert main(["clients", "enable", line.split()[0]]) == 1


def test_an_issuer_is_added_listed_and_removed_by_commands(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    jwks = f"{world.server.url}/keys"
    add = ["issuers", "add", "second", "--issuer", "https://id.example", "--audience", "here", "--jwks", jwks]
    assert main(add) == 0
    assert main(add) == 1
    assert main([*add[:2], "third", "--network", "east", *add[3:]]) == 1
    assert main(["issuers", "list"]) == 0
    assert f"second  https://id.example  here  {jwks}  client_id" in capsys.readouterr().out.splitlines()
    assert main(["clients", "add", "second", "ehr", "--scope", "system/Observation.c", "--clinic", "cl_own"]) == 0
    client_id = capsys.readouterr().out.strip()
    main(["clients", "list"])
    assert f"{client_id}  enabled  second  ehr  system/Observation.c  cl_own  all sources" in capsys.readouterr().out
    assert main(["issuers", "remove", "second"]) == 0
    assert main(["issuers", "remove", "second"]) == 1
    with closing(storage.open_issuers(world.running.settings)) as issuers:
        assert [one.name for one in issuers.of_network("main")] == ["main-id"]
        assert issuers.client("second", "ehr") is None


@pytest.mark.parametrize(
    "jwks, why",
    [
        ("https://10.0.0.1/keys", "inward"),
        ("http://id.example/keys", "https_required"),
        ("https://169.254.169.254/", "inward"),
        ("https://2130706433/", "not_an_address"),
    ],
)
def test_a_key_set_at_an_address_that_may_not_be_called_is_refused_when_it_is_registered(
    world: World, capsys: pytest.CaptureFixture[str], jwks: str, why: str
) -> None:
    assert main(["issuers", "add", "bad", "--issuer", "https://id.example", "--audience", "a", "--jwks", jwks]) == 1
    assert capsys.readouterr().err == f"resonance: the key set is not at an address that may be called: {why}\n"


def test_a_sandbox_is_made_by_the_command_that_makes_its_first_key(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["keys", "create", "--network", "trial", "--sandbox"]) == 0
    assert capsys.readouterr().out.startswith("rsn_test_")
    assert main(["keys", "create", "--network", "trial"]) == 0
    assert capsys.readouterr().out.startswith("rsn_test_")
    assert main(["keys", "create", "--sandbox"]) == 1
    assert "from its making on" in capsys.readouterr().err
