"""Releases of the contracts stay as they were, and what was accepted once is accepted for ever, as the same event."""

from datetime import datetime
from pathlib import Path
from typing import Final

import pytest

from contracts.events import EVENT_TYPES, OWN_SOURCES, canonical, parse
from services.ingest.accept import RESERVED
from tests.running import Running
from tools import compat, release

GOLDEN: Final = [sent for folder in compat.releases() for sent in sorted((folder / release.GOLDEN / "sent").iterdir())]


def test_there_is_a_release_and_none_was_changed_since_it_was_made() -> None:
    found = {folder.name: release.digest(folder) for folder in compat.releases()}
    assert found
    assert found == release.digests()


def test_the_digest_of_a_release_tells_every_change(tmp_path: Path) -> None:
    (tmp_path / "schemas").mkdir()
    (tmp_path / "schemas/a.json").write_text("{}")
    before = release.digest(tmp_path)
    (tmp_path / "schemas/a.json").write_text("[]")
    changed = release.digest(tmp_path)
    (tmp_path / "schemas/a.json").rename(tmp_path / "schemas/b.json")
    assert len({before, changed, release.digest(tmp_path)}) == 3


def test_a_release_cannot_be_made_twice() -> None:
    last = compat.releases()[-1].name
    assert f"{last} was released; what has changed since is another release" in (release.main([last]) or "")


def test_a_release_has_the_number_that_the_contracts_give_themselves() -> None:
    assert "the contracts call themselves" in (release.main(["0.7"]) or "")


@pytest.mark.parametrize("sent", GOLDEN, ids=lambda path: f"{path.parents[2].name}-{path.stem}")
def test_an_event_that_was_accepted_once_is_read_as_the_same_event(sent: Path) -> None:
    told = sent.parent.parent / "canonical" / sent.name
    assert canonical(parse(sent.read_bytes())) == told.read_bytes()
    assert parse(told.read_bytes()) == parse(sent.read_bytes())


@pytest.mark.parametrize("folder", compat.releases(), ids=lambda path: path.name)
def test_an_event_that_was_accepted_once_is_accepted_and_kept_as_the_same_event(folder: Path, tmp_path: Path) -> None:
    running = Running(tmp_path, datetime.fromisoformat("2026-12-01T12:00:00Z"))
    golden = [path for path in GOLDEN if folder in path.parents and path.stem not in RESERVED]
    headers = {"Content-Type": "application/cloudevents+json"}
    for sent in golden:
        answer = running.ask("POST", "/v1/events", content=sent.read_bytes(), headers=headers)
        assert answer.status_code == 201, answer.text
    told = [(path.parent.parent / "canonical" / path.name).read_bytes() for path in golden]
    assert [canonical(event) for event in running.events() if event.source not in OWN_SOURCES] == told
    running.close()


@pytest.mark.parametrize("folder", compat.releases(), ids=lambda path: path.name)
def test_a_release_has_a_golden_event_of_every_type_that_it_has_a_schema_of(folder: Path) -> None:
    golden = {path.stem for path in (folder / release.GOLDEN / "sent").iterdir()}
    assert golden == set(compat.schemas(folder)) <= set(EVENT_TYPES)
