"""What the processes of an installation do, in this one process: every source of the log followed in turn."""

from contextlib import closing
from pathlib import Path
from uuid import uuid4

import pytest

from contracts.events import CaseEvent
from services import storage
from services.eventlog import topics
from services.eventlog.ports import Recorded, Slice, Unread
from services.eventlog.store import Codec, Entry
from services.projections.views import Views
from services.settings import Settings
from tests.story import START

AT_ONCE = 40


def installed(kind: str, request: pytest.FixtureRequest) -> Settings:
    """Settings of a new network, in files or in PostgreSQL, and migrated."""
    network = f"n{uuid4().hex[:12]}"
    if kind == "postgres":
        found = Settings(database_url=request.getfixturevalue("postgres_url"), network=network)
    else:
        folder: Path = request.getfixturevalue("tmp_path")
        found = Settings(data=folder / "data", network=network)
    storage.migrate(found)
    return found


class Live:
    """The log and the views of the settings' network."""

    def __init__(self, settings: Settings) -> None:
        with closing(storage.open_keys(settings)) as keys:
            secret = keys.secret(settings.network) or b""
        self.log = storage.open_stored_log(settings, settings.network, secret)
        self.views: Views = storage.open_views(settings, settings.network)
        self.codec = Codec(secret)
        self._sources = storage.sources(settings)

    def follow(self) -> None:
        """Applies all there is, to the end of the log."""
        head = self.log.head()
        for source, shard in self._sources.items():
            position = self.views.marks([source])[source].position
            events = [
                one
                for one in self.log.follow(position, 1_000_000)
                if one.position <= head and (len(self._sources) == 1 or self._shard(one) == shard)
            ]
            for start in range(0, len(events), AT_ONCE):
                some = events[start : start + AT_ONCE]
                self.views.apply(Slice(source, shard, position, some, some[-1].position, offset=start + len(some)))
                position = some[-1].position
            self.views.apply(Slice(source, shard, position, [], head, offset=len(events)))

    def _shard(self, one: Recorded | Unread) -> int:
        if isinstance(one, Unread):
            subject = f"case/{one.case_ref}"
        elif isinstance(one.event, CaseEvent):
            subject = one.event.subject
        else:
            return 0
        return topics.partition_of(self.codec.stream(subject))

    def append_of_a_later_release(self, case_ref: str, name: str) -> None:
        """An event of a type that this release does not know."""
        kind = "resonance.case.admired.v1"
        state = (
            f'{{"specversion":"1.0","id":"{name}","source":"urn:resonance:source:test","type":"{kind}",'
            f'"subject":"case/{case_ref}","time":"2026-03-02T09:00:00Z","rsnclinic":"cl_north","data":{{}}}}'
        ).encode()
        key = uuid4().bytes
        entry = Entry(self.codec.stream(f"case/{case_ref}"), kind, state, key, key)
        self.log._recorder.store([entry], START, lambda _: None)

    def rows(self) -> dict[str, object]:
        return {case_ref: self.views.rows_of(case_ref) for case_ref in sorted(self.views.some_cases(1_000_000))}

    def close(self) -> None:
        self.log.close()
        self.views.close()
