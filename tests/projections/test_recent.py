"""Cases kept in memory: what is kept is never out of date, and never grows beyond its room."""

from contextlib import closing

import pytest

from contracts.instruments import catalogue
from services.projections.fold import course_of
from services.projections.recent import Folded, Recent
from services.projections.record import record_of
from tests.homes import REFUSED, Home
from tests.parts import sliced
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


def test_what_another_process_applied_is_seen_and_built_on(home: Home) -> None:
    story = stalled()
    log = recorded(story.events)
    with closing(home.views()) as here, closing(home.views()) as elsewhere:
        here.apply(sliced(log[:5]))
        elsewhere.apply(sliced(log[5:9]))
        assert here.course(story.case_ref) == course_of(record_of(story.events[:9]), catalogue())
        here.apply(sliced(log[9:]))
        for views in (here, elsewhere):
            assert views.course(story.case_ref) == course_of(record_of(story.events), catalogue())


def test_after_a_batch_that_failed_nothing_of_it_is_kept(home: Home) -> None:
    story = stalled()
    log = recorded(story.events)
    with closing(home.views()) as views:
        views.apply(sliced(log[:5]))
        with home.stuck("views", "tracking"), pytest.raises(REFUSED):
            views.apply(sliced(log[5:9]))
        assert views.course(story.case_ref) == course_of(record_of(story.events[:5]), catalogue())
        views.apply(sliced(log[5:7]))
        assert views.course(story.case_ref) == course_of(record_of(story.events[:7]), catalogue())
