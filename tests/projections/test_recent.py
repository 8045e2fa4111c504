"""Cases kept in memory: what is kept is never out of date, and never grows beyond its room."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from contracts.instruments import catalogue
from services.projections.fold import course_of
from services.projections.recent import Folded, Recent
from services.projections.record import record_of
from tests.parts import sliced, views_at
from tests.projections.test_views import recorded
from tests.story import stalled


def folded(case_ref: str, position: int) -> Folded:
    record = record_of(stalled(case_ref).events)
    return Folded(position, record, course_of(record, catalogue()))


def test_what_was_kept_longest_is_forgotten_where_room_ends() -> None:
    one, other, third = (folded(f"ca_case0{number}", number) for number in (1, 2, 3))
    recent = Recent(room=2 * len(one.record))

    recent.keep([one, other])
    assert recent.take("ca_case01") == one.record
    recent.keep([one, third])

    assert recent.course("ca_case01", 1) == one.course
    assert recent.course("ca_case02", 2) is None
    assert recent.course("ca_case03", 3) == third.course


def test_a_course_is_only_given_as_of_the_position_asked_for() -> None:
    recent = Recent()
    recent.keep([folded("ca_case01", 7)])

    assert recent.course("ca_case01", 7) is not None
    assert recent.course("ca_case01", 8) is None


def test_what_another_process_applied_is_seen_and_built_on(tmp_path: Path) -> None:
    story = stalled()
    log = recorded(story.events)
    with (
        closing(views_at(tmp_path / "views.db")) as here,
        closing(views_at(tmp_path / "views.db")) as elsewhere,
    ):
        here.apply(sliced(log[:5]))
        elsewhere.apply(sliced(log[5:9]))
        assert here.course(story.case_ref) == course_of(record_of(story.events[:9]), catalogue())
        here.apply(sliced(log[9:]))
        for views in (here, elsewhere):
            assert views.course(story.case_ref) == course_of(record_of(story.events), catalogue())


def test_after_a_batch_that_failed_nothing_of_it_is_kept(tmp_path: Path) -> None:
    story = stalled()
    log = recorded(story.events)
    with (
        closing(views_at(tmp_path / "views.db")) as views,
        closing(sqlite3.connect(tmp_path / "views.db")) as blocker,
    ):
        views.apply(sliced(log[:5]))
        blocker.execute("CREATE TRIGGER no_more BEFORE UPDATE ON tracking BEGIN SELECT RAISE(ABORT, 'full'); END")
        blocker.commit()
        with pytest.raises(sqlite3.Error):
            views.apply(sliced(log[5:9]))
        blocker.execute("DROP TRIGGER no_more")
        blocker.commit()
        assert views.course(story.case_ref) == course_of(record_of(story.events[:5]), catalogue())
        views.apply(sliced(log[5:7]))
        assert views.course(story.case_ref) == course_of(record_of(story.events[:7]), catalogue())
