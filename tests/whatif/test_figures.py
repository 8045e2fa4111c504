"""The figures of a replay are those that one counts by hand."""

from datetime import date, timedelta

import pytest

from contracts.policies import policy
from services.eventlog.ports import Recorded
from services.whatif.figures import Concerned, Figures, Span, Wanted, concerned, figures
from services.whatif.history import History
from services.whatif.replay import replay
from services.whatif.verdict import Case, verdict_on
from tests.alerts.workplace import several
from tests.story import Story, day

POLICY = policy("plain")  # by which a stall needs no norm set


def stuck(case_ref: str, clinic: str, therapist: str, *scores: float) -> Story:
    story = Story(case_ref, clinic).opened(therapist)
    for score in scores:
        story.session(ors=score, srs=38)
    return story


STORIES = [
    stuck("ca_stall", "cl_north", "th_ada01", 15, 16, 15, 16, 15),  # stalled from the fourth score on
    stuck("ca_clear", "cl_north", "th_ada01", 15, 16, 15, 16, 24, 26),  # so too; then it moves by itself
    stuck("ca_south", "cl_south", "th_ben01", 15, 16, 15, 16, 15).renegotiated("ta_new01"),  # and then is renegotiated
    stuck("ca_moves", "cl_south", "th_ben01", 15, 20, 24, 26, 27),
    Story("ca_blank", "cl_south").opened("th_ben01").session().session().session(),  # unmeasured
]
TRUTH = {"ca_stall": True, "ca_clear": False, "ca_south": True, "ca_moves": False}
HISTORY = History(
    [
        Recorded(place, event.time + timedelta(hours=2), event)
        for place, event in enumerate(several(story.events for story in STORIES), 1)
    ],
    day(42),
    truth=TRUTH,
)


def figures_of(wanted: Wanted = Wanted()) -> Figures:
    [found] = replay(HISTORY, [POLICY])
    return figures(HISTORY, found, wanted.span(HISTORY))


def test_the_figures_of_a_whole_history() -> None:
    found = figures_of()
    assert found.raised == {"stalled": 3, "unmeasured": 1}
    assert found.suppressed == {"listed_only": 1}
    assert (found.alerts, found.mails) == (4, 3)
    assert found.listed == {"ca_stall", "ca_clear", "ca_south", "ca_blank"}
    assert found.flagged == {"ca_stall", "ca_clear", "ca_south"}
    assert (found.about_course, found.unaided) == (3, 1)  # the other one that was over had been renegotiated
    assert found.most_in_a_week == 2  # Ada's, both in the fourth week
    assert concerned(HISTORY, Wanted().span(HISTORY)) == Concerned(
        frozenset(story.case_ref for story in STORIES), frozenset({"th_ada01", "th_ben01"})
    )


def test_a_clinic_alone_and_a_few_days_alone() -> None:
    south = figures_of(Wanted(clinic="cl_south"))
    assert (south.raised, south.mails) == ({"stalled": 1, "unmeasured": 1}, 1)
    assert {case.scores for case in south.known} == {5}
    weeks = figures_of(Wanted(since=date(2026, 3, 10), until=date(2026, 3, 23)))  # days 8 to 20
    assert (weeks.raised, weeks.listed) == ({"unmeasured": 1}, {"ca_blank"})


def test_a_day_that_ends_a_span_is_not_in_it() -> None:
    the_day = (day(21)).date()  # that of the fourth score
    assert figures_of(Wanted(since=the_day)).raised["stalled"] == 3
    assert figures_of(Wanted(until=the_day)).raised["stalled"] == 0
    assert figures_of(Wanted(since=the_day, until=the_day + timedelta(days=1))).raised["stalled"] == 3


def test_against_the_truth_a_case_counts_as_judging_alerts_counts_it() -> None:
    found = figures_of()
    assert sorted(found.known) == [Case(5, False, None), Case(5, True, 4), Case(5, True, 4), Case(6, False, 4)]
    verdict = verdict_on("tried", found.known)
    assert (verdict.flagged, verdict.sensitivity, verdict.ppv, verdict.lead) == (3 / 4, 1, 2 / 3, 1)


def test_two_shares_are_added() -> None:
    north, south = figures_of(Wanted(clinic="cl_north")), figures_of(Wanted(clinic="cl_south"))
    both, whole = north.with_(south), figures_of()
    assert sorted(both.known) == sorted(whole.known)
    both.known = whole.known
    assert both == whole


@pytest.mark.parametrize("wanted", [Wanted(until=date(2026, 1, 1)), Wanted(since=date(2027, 1, 1))])
def test_where_nothing_is_left_to_count_it_says_so(wanted: Wanted) -> None:
    with pytest.raises(ValueError, match="nothing was received between these days"):
        wanted.span(HISTORY)


def test_a_span_begins_with_the_first_event_and_ends_with_the_history() -> None:
    first = HISTORY.recorded[0].received
    assert Wanted(date(2020, 1, 1), date(2030, 1, 1)).span(HISTORY) == Span(first, day(42))


@pytest.mark.parametrize("hours, weeks", [(1, 1.0), (7 * 24, 1.0), (21 * 24, 3.0)])
def test_less_than_a_week_counts_as_one(hours: int, weeks: float) -> None:
    assert Span(day(0), day(0) + timedelta(hours=hours)).weeks == weeks
