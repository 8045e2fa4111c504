"""Named reasons: when each holds, and when it just does not."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from contracts.data import AlertReason
from contracts.instruments import catalogue
from contracts.policies import policy
from services.alerts.decide import Decision, decide
from services.projections.fold import course_of
from services.projections.growth import Growth
from services.projections.norms import Band, NormSet
from services.projections.record import record_of
from tests.story import START, Story, day, stalled

POLICY = policy()


def decision(story: Story, norms: NormSet | None = None, now: datetime | None = None) -> Decision:
    return decide(course_of(record_of(story.events), catalogue()), POLICY, norms, now or story.now)


def reasons(story: Story, norms: NormSet | None = None) -> set[AlertReason]:
    return set(decision(story, norms).names())


def norms(q10: float, q25: float) -> NormSet:
    """The same band for every first score and session."""
    bands = tuple(Band(0, 41, session, 500, q10, q25, 6, 10) for session in range(1, 16))
    return NormSet("test", START - timedelta(days=1), 15, {"ors/adult/client": bands})


def test_two_scores_after_the_first_are_the_least_to_judge_by() -> None:
    assert decision(stalled(scores=(15, 3))).status == "not_enough_data"
    assert decision(stalled(scores=(15, 14, 16))).status == "on_course"


def test_a_stall_after_a_renegotiation_before_the_first_score_is_news_too() -> None:
    # given a task that was renegotiated before the outcome was measured for the first time
    story = Story().opened().agreed().session().renegotiated(previous="ta_old01")
    for score in (15, 16, 15, 16):
        story.session(ors=score, srs=38)
    assert reasons(story) == set()
    assert reasons(story.session(ors=15, srs=38)) == {"renegotiated_no_change"}


def test_a_case_without_gain_is_stalled_from_the_fifth_score_on() -> None:
    assert decision(stalled(scores=(15, 16, 15, 16))).status == "on_course"
    assert reasons(stalled(scores=(15, 16, 15, 16, 15))) == {"stalled"}


def test_a_late_fall_back_is_no_stall_until_it_lasts_three_scores() -> None:
    assert reasons(stalled(scores=(15, 20, 19, 20, 15, 15))) == set()
    assert reasons(stalled(scores=(15, 20, 19, 20, 15, 15, 15, 15))) == {"stalled"}


def test_a_gain_of_half_a_reliable_change_is_no_stall() -> None:
    assert reasons(stalled(scores=(15, 18, 18, 18, 18, 18))) == set()
    assert reasons(stalled(scores=(15, 17.9, 17.9, 17.9, 17.9))) == {"stalled"}


def test_a_case_at_or_above_the_networks_lower_quarter_is_no_stall() -> None:
    assert reasons(stalled(), norms(q10=-4, q25=0.5)) == set()
    assert reasons(stalled(), norms(q10=-4, q25=2)) == {"stalled"}


def test_a_stall_that_nobody_renegotiated_for_two_more_scores_is_named_so() -> None:
    assert reasons(stalled(scores=(15, 16, 15, 16, 15, 16))) == {"stalled"}
    assert reasons(stalled(scores=(15, 16, 15, 16, 15, 16, 15))) == {"stalled_not_renegotiated"}


def test_a_renegotiation_clears_a_stall_and_gives_it_time() -> None:
    story = stalled().renegotiated(previous="ta_old01")
    assert reasons(story) == set()
    story.session(ors=15, srs=38).session(ors=16, srs=38)
    assert decision(story).status == "watch"
    assert reasons(story) == set()


def test_three_scores_without_movement_after_a_renegotiation_are_news() -> None:
    story = stalled().renegotiated(previous="ta_old01")
    story.session(ors=15, srs=38).session(ors=16, srs=38).session(ors=15, srs=38)
    (reason,) = decision(story).reasons
    assert reason.name == "renegotiated_no_change"
    assert reason.evidence["scores_since_renegotiation"] == 3
    assert reason.evidence["moved_since_renegotiation"] == 0


def test_movement_after_a_renegotiation_is_no_news() -> None:
    story = stalled(scores=(20, 16, 15, 16, 15, 16)).renegotiated(previous="ta_old01")
    story.session(ors=18, srs=38).session(ors=19, srs=38).session(ors=19, srs=38)
    assert reasons(story) == set()


@pytest.mark.parametrize("last, expected", [(9, {"deteriorating"}), (9.1, set())])
def test_two_scores_a_reliable_change_below_the_first_are_deteriorating(last: float, expected: set[str]) -> None:
    assert reasons(stalled(scores=(15, 9, last))) == expected


def test_one_score_far_below_the_first_is_watched_and_nobody_is_told() -> None:
    assert decision(stalled(scores=(15, 16, 3))).status == "watch"
    assert reasons(stalled(scores=(15, 16, 3))) == set()


def test_three_gains_in_a_row_below_the_networks_lowest_tenth_are_deteriorating() -> None:
    assert reasons(stalled(scores=(15, 14, 14, 14)), norms(q10=-0.4, q25=2)) == {"deteriorating"}
    assert reasons(stalled(scores=(15, 16, 14, 14)), norms(q10=-0.4, q25=2)) == set()


def test_a_change_of_exactly_a_reliable_change_counts_whatever_binary_fractions_say() -> None:
    assert decision(stalled(scores=(2.2, 8.2, 8.2))).status == "reached"
    assert reasons(stalled(scores=(8.2, 2.2, 2.2))) == {"deteriorating"}


def test_deterioration_mutes_the_stall_of_the_same_case() -> None:
    assert reasons(stalled(scores=(15, 14, 15, 14, 15, 9, 9))) == {"deteriorating"}


def test_above_the_cutoff_at_the_start_no_rule_about_gain_applies() -> None:
    assert decision(stalled(scores=(27, 27, 28, 27, 28, 27))).status == "high_start"
    assert reasons(stalled(scores=(27, 27, 28, 27, 21, 21))) == {"deteriorating"}


def test_a_reliable_gain_that_held_for_two_scores_is_reached() -> None:
    assert decision(stalled(scores=(15, 18, 21, 22))).status == "reached"
    assert decision(stalled(scores=(15, 18, 22, 20))).status == "on_course"


def test_lower_is_better_instruments_are_judged_by_the_same_rules() -> None:
    story = Story().opened()
    for score in (20, 19, 20, 19, 20):
        story.session()
        story.measure("phq9", {"total": score}, session=story.session_ref())
    assert reasons(story) == {"stalled"}


def test_an_instrument_without_a_reliable_change_gives_no_verdict() -> None:
    story = Story().opened()
    for score in (30, 31, 30, 31, 30, 45):
        story.session()
        story.measure("bdi2", {"total": score}, session=story.session_ref())
    assert decision(story).status == "not_enough_data"


def test_an_alliance_that_fell_and_stayed_down_is_a_rupture() -> None:
    story = Story().opened()
    for ors, srs in ((16, 38), (18, 38), (20, 33), (22, 33)):
        story.session(ors=ors, srs=srs)
    assert reasons(story) == {"alliance_rupture_unrepaired"}
    assert reasons(story.session(ors=24, srs=37)) == set()


def test_one_low_rating_is_no_rupture_but_two_sessions_unrated_after_it_are() -> None:
    story = Story().opened().session(ors=22, srs=38).session(ors=22, srs=33)
    assert reasons(story) == set()
    assert reasons(story.session(ors=22)) == set()
    assert reasons(story.session(ors=22)) == {"alliance_rupture_unrepaired"}


def test_silence_is_told_by_the_clock_alone() -> None:
    story = Story().opened().session(ors=15)
    over = day(28) + timedelta(hours=15)
    quiet = decision(story, now=over - timedelta(seconds=1))
    assert (quiet.names(), quiet.due_at) == (frozenset(), over)
    assert decision(story, now=over).names() == {"silent"}
    assert decision(story, now=over).due_at is None


def test_three_sessions_in_a_row_without_an_outcome_score_are_unmeasured() -> None:
    story = Story().opened().session(ors=15).session(srs=38).session(srs=38)
    assert reasons(story) == set()
    assert reasons(story.session(srs=38)) == {"unmeasured"}


def test_a_closed_case_and_a_client_who_withdrew_give_no_reasons() -> None:
    assert decision(stalled().closed()) == Decision("closed", (), None)
    data = {"purpose": "feedback", "state": "withdrawn", "effective_from": START.isoformat()}
    assert decision(stalled().tell("consent.changed", data)).reasons == ()


def test_every_reason_carries_the_numbers_it_rests_on() -> None:
    (reason,) = decision(stalled(), norms(q10=-4, q25=2)).reasons
    assert reason.evidence == {
        "session": 6,
        "first_score": 15,
        "last_score": 16,
        "smoothed_gain": 0.5,
        "reliable_change": 6,
        "q25": 2,
        "scores_in_a_row": 2,
    }
    assert reason.instrument == "ors"


# By the whole series

GROWTH = Growth(500, 16.2, 3.7, 22.0, -0.6, 13.0, 13.7)
"""About what the networks of the simulator give."""


def modelled(q25: float = 6.0) -> NormSet:
    return replace(norms(q10=-9, q25=q25), growth={"ors/adult/client": GROWTH})


def test_the_whole_series_tells_a_stall_from_the_third_score_on() -> None:
    assert decision(stalled(scores=(16, 14)), modelled()).status == "not_enough_data"
    (reason,) = decision(stalled(scores=(16, 14, 13)), modelled()).reasons
    assert reason.name == "stalled"
    assert reason.evidence["chance_of_stall"] == pytest.approx(0.56, abs=0.01)


def test_a_stall_begins_at_one_chance_and_ends_at_a_lower_one() -> None:
    scores: tuple[float, ...] = (16, 14, 13, 14, 16, 17, 18)
    assert reasons(stalled(scores=scores), modelled()) == {"stalled_not_renegotiated"}
    assert reasons(stalled(scores=(16, 15, 15)), modelled()) == set()
    chance = decision(stalled(scores=scores), modelled()).evidence["chance_of_stall"]
    assert chance is not None
    assert POLICY.outlook.clear_below < chance < POLICY.outlook.chance
    assert reasons(stalled(scores=(*scores, 21, 22)), modelled()) == set()


def test_the_plain_policy_does_without_the_whole_series() -> None:
    story = stalled(scores=(16, 14, 13))
    assert decide(course_of(record_of(story.events), catalogue()), policy("plain"), modelled(), story.now).reasons == ()
    story = stalled(scores=(16, 15, 15, 16))
    plain = decide(course_of(record_of(story.events), catalogue()), policy("plain"), modelled(), story.now)
    assert plain.names() == {"stalled"}


# Several instruments, moments and routes


def two_instruments(ors: Sequence[float], phq9: Sequence[float]) -> Story:
    story = Story().opened()
    for number, score in enumerate(ors):
        story.session(ors=score, srs=38)
        if number < len(phq9):
            story.measure("phq9", {"total": phq9[number]}, session=story.session_ref())
    return story


def test_two_instruments_that_say_the_same_give_one_reason() -> None:
    assert reasons(two_instruments((15, 16, 15, 16, 15), (20, 19, 20, 19, 20))) == {"stalled"}


def test_an_aim_reached_on_another_instrument_is_no_stall() -> None:
    found = decision(two_instruments((15, 16, 15, 16, 15), (20, 12, 11)))
    assert (found.status, found.reasons) == ("watch", ())


def test_an_instrument_without_a_known_reliable_change_does_not_hide_what_another_says() -> None:
    # given a case in which the BDI-II, whose reliable change is unknown, was filled in once more than the ORS
    story = Story().opened().session()
    story.measure("bdi2", {"total": 30}, session=story.session_ref())
    for score in (15, 16, 15, 16, 15):
        story.session(ors=score)
        story.measure("bdi2", {"total": 30}, session=story.session_ref())

    (reason,) = decision(story).reasons

    assert (reason.name, reason.instrument) == ("stalled", "ors")


def test_deterioration_on_any_instrument_is_told_and_named() -> None:
    (reason,) = decision(two_instruments((15, 22, 23, 24), (10, 17, 18))).reasons
    assert (reason.name, reason.instrument) == ("deteriorating", "phq9")


def test_without_reliable_gain_the_checkpoint_and_the_last_chance_come() -> None:
    assert decision(stalled(scores=(15, 16))).moment is None
    assert decision(stalled(scores=(15, 16, 18))).moment == "checkpoint"
    assert decision(stalled(scores=(15, 16, 21))).moment is None
    assert decision(stalled(scores=(15, 16, 17, 18, 18, 18))).moment == "last_chance"
    assert decision(stalled(scores=(15, 16, 17, 18, 18, 18, 18, 18, 18, 18))).moment is None


def test_a_stall_is_talked_about_by_way_of_the_alliance_where_that_is_low_and_of_the_tasks_where_not() -> None:
    assert decision(stalled()).route == "tasks"
    assert decision(stalled().session(ors=15, srs=34)).route == "alliance"
    assert decision(stalled(scores=(15, 16, 18))).route is None


def test_scores_that_never_change_are_talked_about_first() -> None:
    assert decision(stalled(scores=(15, 15, 15, 15, 15))).route == "data"
