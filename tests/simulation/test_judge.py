"""Judging alerts: figures that one can count by hand, and norms from other cases only."""

import json
from collections.abc import Mapping, Sequence
from datetime import timedelta
from itertools import pairwise
from pathlib import Path

import pytest

from contracts.events import canonical
from contracts.policies import policy
from services.projections.course import Course
from services.simulation.history import final_courses
from services.simulation.judge import cross_fitted, judge, mean_of, network, read, table
from services.simulation.network import simulate
from services.simulation.posts import Post
from services.simulation.spec import Spec
from services.whatif.verdict import Verdict
from tests.story import Story

POLICY = policy()
SMALL = {"smallest_band": 10, "smallest_cell": 10}
SMALL_CELLS = POLICY.model_copy(update={"norms": POLICY.norms.model_copy(update=SMALL)})

SCORES: Mapping[str, Sequence[float]] = {
    "ca_stuck": (15, 16, 15, 16, 15, 16),  # stalled from the fifth score on, one before the last
    "ca_worse": (20, 15, 13, 12, 12),  # a reliable change worse at the third and fourth score, one before the last
    "ca_better": (15, 20, 24, 26, 27),
    "ca_late": (15, 16, 15, 16, 15),  # stalled at the fifth score, which is the last: too late to count
    "ca_slow": (15, 15, 16, 15, 15, 24, 27),  # stalled at the fifth score, two before the last, and then not
    "ca_short": (15, 16, 15),  # has too few scores to be counted
    "ca_well": (27, 20, 27, 27, 27),  # begins well, and is not counted
    "ca_dark": (15, 16, 15, 16, 15, 16),  # as stuck; but nobody knows the truth about it
}
TRUTH = {
    "ca_stuck": True,
    "ca_worse": True,
    "ca_better": False,
    "ca_late": True,
    "ca_slow": False,
    "ca_short": True,
    "ca_well": True,
}


def posts_of(scores: Mapping[str, Sequence[float]]) -> list[Post]:
    """Each case once a week from the first day on, posted a minute after it happened; two therapists in turn."""
    found = []
    for number, (case_ref, series) in enumerate(scores.items()):
        story = Story(case_ref).opened(f"th_{'ada01' if number % 2 else 'ben01'}")
        for score in series:
            story.session(ors=score)
        found += [Post(event.time + timedelta(minutes=1), event) for event in story.events]
    return sorted(found, key=lambda post: (post.posted_at, post.event.id))


def test_the_figures_of_a_policy_are_those_that_one_counts_by_hand() -> None:
    found = judge(posts_of(SCORES), TRUTH, POLICY)
    assert found.cases == 5
    # Flagged: stuck and worse, rightly, and slow. Wrong in truth: stuck, worse and late. Right: better and slow.
    assert found.policy == Verdict(
        "default", flagged=3 / 5, firing=None, sensitivity=2 / 3, specificity=1 / 2, ppv=2 / 3, lead=1
    )


def test_every_mail_counts_whoever_it_is_about_and_reminders_within_two_weeks_are_none() -> None:
    found = judge(posts_of(SCORES), TRUTH, POLICY)
    assert found.mails == 5  # stuck, worse, late, slow and dark
    assert found.mails_per_therapist_week == 5 / 2 / 6


@pytest.mark.parametrize(
    "expected",
    [
        # At every score from the third on: 4 of stuck's, 3 each of worse's, late's and slow's, of 28.
        Verdict("gain < 6 from session 3", 4 / 5, 13 / 28, sensitivity=1, specificity=1 / 2, ppv=3 / 4, lead=2.5),
        Verdict("worse by 6 or more", 1 / 5, 3 / 28, sensitivity=1 / 3, specificity=1, ppv=1, lead=2),
        # Smoothed from the fourth session on: stuck 0.5; worse -7.5, -8; late 0.5; slow 0.5, 0, and then 4.5.
        Verdict(
            "smoothed gain < 3 from session 4", 4 / 5, 9 / 28, sensitivity=1, specificity=1 / 2, ppv=3 / 4, lead=1.5
        ),
        # So few cases make no band, and nobody rated the alliance.
        Verdict("below q25", 0, 0, sensitivity=0, specificity=1, ppv=0, lead=0),
        Verdict("SRS < 36", 0, 0, sensitivity=0, specificity=1, ppv=0, lead=0),
    ],
)
def test_the_figures_of_a_naive_rule_are_those_that_one_counts_by_hand(expected: Verdict) -> None:
    found = judge(posts_of(SCORES), TRUTH, POLICY)
    assert expected in found.beside


def test_the_last_line_gives_the_figures_of_the_policy() -> None:
    assert table(judge(posts_of(SCORES), TRUTH, POLICY)).splitlines()[-1] == (
        "policy=default ppv=0.667 flagged=0.600 sensitivity=0.667 lead=1.0 mails_per_therapist_week=0.417"
    )


def test_several_networks_are_told_by_their_means_and_sums() -> None:
    whole = judge(posts_of(SCORES), TRUTH, POLICY)
    part = judge(posts_of({ref: SCORES[ref] for ref in ("ca_stuck", "ca_slow")}), TRUTH, POLICY)
    both = mean_of([whole, part])
    assert (both.cases, both.mails) == (7, 7)
    assert both.policy.flagged == pytest.approx((3 / 5 + 1) / 2)
    assert both.policy.lead == pytest.approx((1 + 1.5) / 2)


def test_no_case_is_judged_by_norms_that_its_own_half_helped_to_make() -> None:
    # given a network whose cases are parted, and the same one with one half turned to the worse
    posts = simulate(Spec(seed=5, clients=120, therapists=6)).posts
    courses = dict(final_courses(posts))
    norms = cross_fitted(courses, SMALL_CELLS)
    half = sorted(courses)[::2]
    worse = courses | {ref: course_of_worse(ref) for ref in half}

    # then that half keeps its norms, and the other one gets others
    found = cross_fitted(worse, SMALL_CELLS)
    assert found.keys() == courses.keys()
    assert all(found[ref] == norms[ref] for ref in half)
    assert all(found[ref] != norms[ref] for ref in courses if ref not in half)
    assert any(norms[half[0]].bands.values())


def course_of_worse(case_ref: str) -> Course:
    story = Story(case_ref).opened()
    for score in (30, 20, 10, 5):
        story.session(ors=score)
    return final_courses([Post(event.time, event) for event in story.events])[case_ref]


def test_files_of_a_simulation_are_judged_as_they_were_charted(tmp_path: Path) -> None:
    posts, truth = network(seed=3, cases=60)
    events, known = tmp_path / "events", tmp_path / "truth"
    events.write_bytes(b"".join(canonical(post.event) + b"\n" for post in posts))
    lines = [json.dumps({"case_ref": ref, "stalled_or_worse": wrong}) for ref, wrong in truth.items()]
    known.write_text("\n".join(lines))
    found, told = read(events, known)
    assert told == truth
    assert [post.event for post in found] == [post.event for post in posts]
    assert all(before.posted_at <= after.posted_at for before, after in pairwise(found))


def test_a_line_that_is_no_event_is_named_by_its_number_alone(tmp_path: Path) -> None:
    events, truth = tmp_path / "events", tmp_path / "truth"
    events.write_bytes(canonical(Story().opened().last) + b'\n{"subject": "canary"}\n')
    truth.touch()
    with pytest.raises(ValueError, match=r"^line 2 is no event$"):
        read(events, truth)


@pytest.mark.parametrize("told", ["", "no truth", '{"case_ref": "ca_stuck"}', "[]"])
def test_files_that_are_none_of_a_simulation_are_refused(tmp_path: Path, told: str) -> None:
    events, truth = tmp_path / "events", tmp_path / "truth"
    story = Story("ca_stuck").opened()
    events.write_bytes(canonical(story.last) if told else b"")
    truth.write_text(told)
    with pytest.raises(ValueError, match="line 1 says not what is true" if told else "there is no event"):
        read(events, truth)


def test_posts_of_a_single_day_are_judged_as_those_of_a_day() -> None:
    found = judge(posts_of({"ca_stuck": (15,)}), TRUTH, POLICY)
    assert (found.mails, found.mails_per_therapist_week) == (0, 0)
