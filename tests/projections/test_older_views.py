"""Views that an earlier release made: they are made anew from the log, and until then nothing is put among them."""

from contextlib import closing
from datetime import timedelta

import pytest

from services import rebuilding, storage
from services.database.ports import NotMigrated
from services.settings import Settings
from tests.live import Live, installed
from tests.story import START, Story, day, stalled

EARLIER = (
    "ALTER TABLE fact DROP COLUMN received",
    "DROP TABLE named",
    "DROP TABLE merge",
    "CREATE TABLE merge (from_ref TEXT PRIMARY KEY, into_ref TEXT NOT NULL, position INTEGER NOT NULL)",
    "DROP TABLE norm_set",
    "ALTER TABLE case_view DROP COLUMN ending",
    "ALTER TABLE case_view DROP COLUMN counted",
    "DROP INDEX case_view_pending",
    "ALTER TABLE case_view DROP COLUMN pending",
    "DROP TABLE series_view",
    "CREATE TABLE series_view (case_ref TEXT, instrument TEXT, version TEXT, scores INTEGER, first REAL)",
)
"""What makes tables as they were before it was kept when an event was received."""


def left_by_the_earlier_release(settings: Settings) -> None:
    with closing(Live(settings)) as live:
        live.log.append(stalled("ca_case01").events, START)
        live.follow()
        with live.views._database.transaction() as connection:
            for statement in EARLIER:
                connection.execute(statement)


def test_nothing_is_put_among_views_of_an_earlier_release(request: pytest.FixtureRequest) -> None:
    settings = installed("postgres", request)
    left_by_the_earlier_release(settings)
    storage.migrate(settings)
    with closing(Live(settings)) as live:
        live.log.append(Story("ca_case02").opened().events, day(1))
        with pytest.raises(NotMigrated, match="resonance rebuild"):
            live.follow()


@pytest.mark.parametrize("kind", ["files", "postgres"])
def test_views_of_an_earlier_release_are_made_anew_with_all_that_the_log_knows(
    kind: str, request: pytest.FixtureRequest
) -> None:
    settings = installed(kind, request)
    left_by_the_earlier_release(settings)
    storage.migrate(settings)
    if kind == "postgres":
        rebuilding.rebuild(settings, settings.network, lambda *_: None, START)
    with closing(Live(settings)) as live:
        assert live.views.position() == live.log.head()
        assert live.views.at(START).caseload("th_ada01", START) == ["ca_case01"]
        assert live.views.at(START - timedelta(seconds=1)).course("ca_case01") is None
        live.log.append(Story("ca_case02").opened().events, day(1))
        live.follow()
        assert live.views.caseload("th_ada01", day(2)) == ["ca_case01", "ca_case02"]


def test_views_of_this_release_are_left_as_they_are(request: pytest.FixtureRequest) -> None:
    settings = installed("files", request)
    with closing(Live(settings)) as live:
        live.log.append(stalled("ca_case01").events, START)
        live.follow()
        storage.migrate(settings)
        live.log.append(Story("ca_case02").opened().events, START)
        live.follow()
    with closing(Live(settings)) as live:
        assert live.views.caseload("th_ada01", day(1)) == ["ca_case01", "ca_case02"]
