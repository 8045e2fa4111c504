"""The views: every event applied once, and a rebuild that equals what grew event by event."""

from collections.abc import Iterator, Sequence
from contextlib import closing
from datetime import timedelta, timezone

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contracts.events import AnyEvent
from contracts.instruments import catalogue
from services.eventlog.ports import Recorded
from services.projections.views import Views
from services.simulation.network import simulate
from services.simulation.spec import Spec
from tests.homes import REFUSED, Files, Home
from tests.parts import sliced
from tests.series import adoptions, norm_set
from tests.story import START, Story, day, merge, stalled


def recorded(events: Sequence[AnyEvent], start: int = 1) -> list[Recorded]:
    return [Recorded(position, START, event) for position, event in enumerate(events, start)]


@pytest.fixture
def views(home: Home) -> Iterator[Views]:
    found = home.views()
    yield found
    found.close()


def test_a_course_can_be_read_once_its_events_are_applied(views: Views) -> None:
    story = stalled()
    assert views.course(story.case_ref) is None
    assert views.apply(sliced(recorded(story.events))) == len(story.events)
    course = views.course(story.case_ref)
    assert course is not None
    assert len(course.sessions) == 6
    assert views.position() == len(story.events)


def test_what_was_applied_before_is_dropped_also_inside_one_batch(views: Views, home: Home) -> None:
    batch = recorded(stalled().events)
    views.apply(sliced(batch))
    once = home.rows()
    views.apply(sliced(batch))
    views.apply(sliced([*batch[5:], batch[-1]]))
    assert home.rows() == once
    views.apply(
        sliced([*batch[-1:], *recorded(stalled("ca_other1").events, 100), *recorded(Story("ca_third1").events, 90)])
    )
    assert views.position() == 100 + len(stalled().events) - 1


def test_a_batch_that_fails_leaves_nothing_behind(views: Views, home: Home) -> None:
    views.apply(sliced(recorded(stalled().events)))
    before = home.rows()
    with home.stuck("views", "tracking"), pytest.raises(REFUSED):
        views.apply(sliced(recorded(stalled("ca_other1").events, 31)))
    assert home.rows() == before
    views.apply(sliced(recorded(stalled("ca_other1").events, 31)))
    assert views.counts()["cases"] == 2


def test_any_way_of_cutting_the_log_into_batches_gives_the_same_views(views: Views, home: Home) -> None:
    log = recorded(
        [
            *stalled().events,
            merge("c_anna01", "c_anna02"),
            *adoptions([norm_set()]),
            *stalled("ca_other1").events,
            merge("c_anna02", "c_anna03"),
        ]
    )
    views.apply(sliced(log))
    whole = home.rows()

    @settings(max_examples=100 if isinstance(home, Files) else 10)
    @given(st.sets(st.integers(1, len(log) - 1), max_size=8).map(sorted))
    def holds(cuts: Sequence[int]) -> None:
        beside = home.another()
        with closing(beside.views()) as cut:
            for start, end in zip([0, *cuts], [*cuts, len(log)], strict=True):
                cut.apply(sliced(log[max(0, start - 3) : end]))
        assert beside.rows() == whole

    holds()


def test_a_rebuild_equals_the_views_that_grew_batch_by_batch(views: Views, home: Home) -> None:
    posts = simulate(Spec(seed=3, clients=60, therapists=6)).posts
    events = list({(post.event.source, post.event.id): post.event for post in posts}.values())
    log = recorded([*adoptions([norm_set()]), *events, *adoptions([norm_set(version="b" * 12)])])
    for start in range(0, len(log), 97):
        views.apply(sliced(log[start : start + 97]))
    grown = home.rows()
    assert views.rebuild(log[start : start + 500] for start in range(0, len(log), 500)) == len(log)
    assert home.rows() == grown
    assert views.counts() == {"cases": 60, "parked": 0}


def test_the_caseload_follows_assignments_at_their_effective_time(views: Views) -> None:
    story = Story().opened("th_ada01").session(ors=15)
    data = {"therapist_ref": "th_bea01", "role": "primary", "effective_from": day(10).isoformat()}
    story.tell("therapist.assigned", data)
    data = {"therapist_ref": "th_cleo1", "role": "supervisor", "effective_from": day(2).isoformat()}
    story.tell("therapist.assigned", data)
    views.apply(sliced(recorded(story.events)))
    assert views.caseload("th_ada01", day(9)) == [story.case_ref]
    assert views.caseload("th_bea01", day(9)) == []
    assert views.caseload("th_ada01", day(10)) == []
    assert views.caseload("th_bea01", day(10)) == [story.case_ref]
    assert views.supervised("th_cleo1", day(3)) == [story.case_ref]
    assert views.caseload("th_cleo1", day(3)) == []


def test_touched_cases_come_once_with_the_position_of_their_last_event(views: Views) -> None:
    first, second = stalled("ca_one001"), stalled("ca_two001")
    views.apply(sliced(recorded(first.events) + recorded(second.events, 101)))
    assert views.touched(0, 0, 10) == [("ca_one001", len(first.events)), ("ca_two001", 100 + len(second.events))]
    assert views.touched(0, len(first.events), 10) == [("ca_two001", 100 + len(second.events))]


def test_merged_clients_are_followed_to_one_person_whatever_the_order(views: Views) -> None:
    views.apply(sliced(recorded([merge("c_bbb", "c_ccc"), merge("c_aaa", "c_bbb")])))
    assert views.person("c_aaa") == "c_ccc"
    assert views.person("c_ccc") == "c_ccc"


def test_norm_sets_are_given_by_the_instant_from_which_they_hold(views: Views) -> None:
    early, late = norm_set(effective_from=day(1), version="b" * 12), norm_set(effective_from=day(9), version="a" * 12)
    assert views.norm_sets() == []
    views.apply(sliced(recorded(adoptions([late]))))
    assert views.norm_sets() == [late]
    views.apply(sliced(recorded(adoptions([early]), 2)))
    assert views.norm_sets() == [early, late]


def test_norm_sets_are_known_from_when_they_were_received(views: Views) -> None:
    early, late = norm_set(effective_from=day(1), version="b" * 12), norm_set(effective_from=day(2), version="a" * 12)
    received = zip((1, 2), (day(9), day(5)), adoptions([early, late]), strict=True)
    views.apply(sliced([Recorded(*one) for one in received]))
    assert views.norm_sets(day(5) - timedelta(microseconds=1)) == []
    assert views.norm_sets(day(5).astimezone(timezone(timedelta(hours=3)))) == [late]
    assert views.norm_sets(day(9)) == views.norm_sets() == [early, late]


def test_a_rebuild_forgets_norm_sets_that_are_not_on_the_log(views: Views) -> None:
    views.apply(sliced(recorded([*adoptions([norm_set()]), *stalled().events])))
    views.rebuild([recorded(stalled().events)])
    assert views.norm_sets() == []


def test_a_case_that_cannot_be_folded_is_parked_and_the_others_flow(home: Home) -> None:
    without_phq9 = {kind: instrument for kind, instrument in catalogue().items() if kind[0] != "phq9"}
    story = stalled("ca_odd001")
    story.measure("phq9", {"total": 14})
    events = [*story.events, *stalled("ca_fine01").events]
    views = home.views(without_phq9)
    views.apply(sliced(recorded(events)))
    assert views.counts() == {"cases": 1, "parked": 1}
    views.close()
    mended = home.views()
    story.session(ors=20)
    mended.apply(sliced(recorded(story.events[-2:], 100)))
    assert mended.counts() == {"cases": 2, "parked": 0}
    mended.close()
