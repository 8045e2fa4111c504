"""What followed renegotiations, counted by hand: who stands beside whom, which scores count, when nothing is said."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from statistics import fmean

import pytest

from contracts.instruments import catalogue
from contracts.policies import Following, policy
from services.figures.comparison import Comparison, Followed
from services.figures.following import followed
from services.figures.stalls import case_of
from services.projections.course import Alert, Course
from services.projections.fold import course_of
from services.projections.norms import NormSet
from services.projections.record import record_of
from tests.story import Story, day

CELL = 8
POLICY = policy().model_copy(
    update={"following": Following(beside_each=CELL, caliper_reliable_changes=1.0, smallest_cell=CELL)}
)
NOW = day(365)
STUCK = (15, 16, 15, 16, 15)
"""Stalled at the fifth score; the mean of the last two is 15.5."""
STALL = Alert("al_one1", "stalled", day(35), {})


def case(
    ref: str,
    scores: Sequence[float | None],
    talk: int | None = None,
    rated: Sequence[float | None] = (),
    closed: bool = True,
    instrument: str = "ors",
) -> Course:
    """A session for each of ``scores``, the task renegotiated in session ``talk``, an alliance rated at the end."""
    story = Story(f"ca_{ref}").opened().agreed()
    for number, score in enumerate(scores, 1):
        story.session()
        if score is not None:
            story.measure(instrument, {"total": score}, session=story.session_ref(), version="adult")
        if number == talk:
            story.renegotiated()
        if number <= len(rated) and (rating := rated[number - 1]) is not None:
            story.measure("srs", {"total": rating}, session=story.session_ref(), minutes=55)
    return course_of(record_of((story.closed() if closed else story).events), catalogue())


def told(courses: Iterable[Course]) -> Followed:
    return followed(courses, POLICY, lambda _: None, NOW)


def comparison(courses: Iterable[Course], sessions_after: int, measure: str = "outcome") -> Comparison:
    [found] = [
        one for one in told(courses).comparisons if (one.measure, one.sessions_after) == (measure, sessions_after)
    ]
    return found


def many(name: str, scores: Sequence[float | None], talk: int | None = None, number: int = CELL) -> list[Course]:
    return [case(f"{name}{n}", scores, talk) for n in range(number)]


def test_the_change_of_the_renegotiated_stands_beside_that_of_those_who_were_not() -> None:
    courses = many("talked", (*STUCK, 20, 20, 22, 22, 24), talk=5) + many("left", (*STUCK, 17, 17, 18, 18, 19))

    found = {one.sessions_after: one for one in told(courses).comparisons}

    assert {after: one.difference for after, one in found.items()} == {1: 3, 3: 4, 5: 5}
    assert {after: one.renegotiated.change for after, one in found.items()} == {1: 4.5, 3: 6.5, 5: 8.5}
    assert {after: one.beside.change for after, one in found.items()} == {1: 1.5, 3: 2.5, 5: 3.5}
    assert {(one.renegotiated.before, one.renegotiated.at) for one in found.values()} == {(15.5, 15.0)}
    assert found[1].interval == (3.0, 3.0)  # every pair differs by the same
    assert (found[1].renegotiated.cases, found[1].beside.cases, found[1].beside.moments) == (8, 8, 64)


def test_where_lower_is_better_a_fall_is_a_positive_change() -> None:
    stuck = (20, 19, 20, 19, 20)
    talked = [case(f"t{n}", (*stuck, 12), talk=5, instrument="phq9") for n in range(CELL)]
    left = [case(f"l{n}", (*stuck, 18), instrument="phq9") for n in range(CELL)]
    found = comparison(talked + left, 1)
    assert (found.kind, found.renegotiated.before) == ("phq9/adult/client", 19.5)
    assert (found.renegotiated.change, found.beside.change, found.difference) == (7.5, 1.5, 6)


def test_an_alliance_is_rated_after_the_talk_so_before_is_the_session_before() -> None:
    rated = (36, 34, 36, 34, 30)
    talked = [case(f"t{n}", (*STUCK, 16), 5, (*rated, 38)) for n in range(CELL)]
    left = [case(f"l{n}", (*STUCK, 16), None, (*rated, 35)) for n in range(CELL)]
    found = comparison(talked + left, 1, "alliance")
    assert (found.renegotiated.before, found.renegotiated.at, found.renegotiated.change) == (35, 30, 3)
    assert (found.difference, found.beside.change) == (3, 0)


def test_a_small_cell_gives_counts_and_no_number() -> None:
    for renegotiated, beside in ((CELL - 1, CELL), (CELL, CELL - 1)):
        talked, left = many("talked", (*STUCK, 20), 5, renegotiated), many("left", (*STUCK, 17), None, beside)
        found = comparison(talked + left, 1)
        assert (found.renegotiated.cases, found.beside.cases) == (renegotiated, beside)
        assert (found.difference, found.interval, found.renegotiated.change, found.beside.before) == (None,) * 4


def test_who_has_no_score_then_is_counted_with_the_reason() -> None:
    talked = [
        case("seen", (*STUCK, 20), 5),
        case("gone", STUCK, 5),
        case("early", STUCK, 5, closed=False),
        case("blank", (*STUCK, None), 5),
    ]
    left = [
        case("beside", (*STUCK, 17)),
        case("leaving", STUCK),
        case("coming", STUCK, closed=False),
        case("missing", (*STUCK, None), closed=False),
    ]
    found = comparison(talked + left, 1)
    assert (found.renegotiated.cases, found.renegotiated.absent) == (1, {"closed": 1, "not_yet": 1, "not_measured": 1})
    assert found.beside.absent == {"closed": 4, "not_yet": 4, "not_measured": 4}  # each beside four renegotiations
    assert (found.beside.cases, found.beside.moments) == (1, 4)


def test_a_case_renegotiated_later_stands_beside_until_then() -> None:
    talked, later = many("talked", (*STUCK, 20, 20, 20), talk=5), many("later", (*STUCK, 17, 17, 17), talk=7)
    assert comparison(talked + later, 1).difference == 3
    found = comparison(talked + later, 3)
    assert (found.difference, found.renegotiated.cases, found.beside.cases) == (None, CELL, 0)
    assert found.beside.absent == {"renegotiated": CELL * CELL}


def test_no_case_stands_beside_itself_or_beside_one_renegotiated_before() -> None:
    assert told(many("talked", (*STUCK, 15, 20), talk=5)).matched == 0
    earlier = many("earlier", (*STUCK, 15, 20), talk=5) + many("late", (*STUCK, 15, 20), talk=6)
    assert told(earlier).matched == CELL  # those of session five, beside those of session six


@pytest.mark.parametrize(
    "other, why",
    [
        ((22, 23, 22, 23, 22, 23), "they began more than a reliable change higher"),
        ((15, 16, 15, 16, 21, 22), "they were not stalled at the fifth score"),
        ((15, None, 15, None, 15), "they had too few scores by then"),
    ],
)
def test_nobody_stands_beside_who_was_not_in_the_same_state_at_the_same_session(
    other: Sequence[float | None], why: str
) -> None:
    found = told(many("talked", (*STUCK, 20), talk=5) + many("other", other))
    assert (found.stalled, found.matched) == (CELL, 0), why


def test_cases_of_another_norm_set_stand_beside_nobody() -> None:
    courses = many("talked", (*STUCK, 20), talk=5) + many("left", (*STUCK, 17))
    first, second = (NormSet(version, datetime(2020, 1, 1, tzinfo=UTC), 15, {}) for version in ("first", "second"))
    alike = followed(courses, POLICY, lambda _: first, NOW)
    apart = followed(courses, POLICY, lambda one: first if one.renegotiations else second, NOW)
    assert (alike.stalled, alike.matched) == (CELL, CELL)
    assert (apart.stalled, apart.matched) == (CELL, 0)


def test_beside_stand_the_nearest_and_each_counts_the_same() -> None:
    # given two just like the renegotiated ones, three less and less so, and one too far
    near = [case(f"near{n}", (*STUCK, 17)) for n in range(2)]
    less = [case(f"less{n}", (*(score + n for score in STUCK), 17)) for n in (1, 2, 3)]
    far = case("far", (*(score + 7 for score in STUCK), 40))
    talked = many("talked", (*STUCK, 20), talk=5, number=2)
    four = POLICY.model_copy(
        update={"following": Following(beside_each=4, caliper_reliable_changes=1.0, smallest_cell=2)}
    )

    found = followed([*talked, *less, far, *near], four, lambda _: None, NOW)

    beside = found.comparisons[0].beside
    assert (beside.cases, beside.moments) == (4, 2 * 4)
    assert beside.before == round(fmean((15.5, 15.5, 16.5, 17.5)), 2)


def test_those_left_stand_for_those_that_were_renegotiated_meanwhile() -> None:
    # given those who stay low, of whom half are renegotiated at the sixth session, and those who rise
    talked = many("talked", (*STUCK, 16, 16, 20), talk=5)
    low = many("left", (*STUCK, 15, 15, 16)) + many("later", (*STUCK, 15, 15, 20), talk=6)
    risen = many("risen", (*STUCK, 24, 24, 24), number=2 * CELL)
    every = POLICY.model_copy(
        update={"following": Following(beside_each=4 * CELL, caliper_reliable_changes=1.0, smallest_cell=CELL)}
    )

    found = followed(talked + low + risen, every, lambda _: None, NOW).comparisons[1]

    # then of 72 stalled scores (40, 16, 8 and 8 at the fifth to the eighth session) 16 came with a renegotiation, and
    # who stayed low over two more of them counts for so many more
    weight = (72 / 56) ** 2
    assert found.beside.change == round((weight * CELL * 0.5 + 2 * CELL * 8.5) / (weight * CELL + 2 * CELL), 2)


def test_renegotiations_that_found_no_stall_are_counted_and_not_followed() -> None:
    better = case("better", (15, 18, 22, 26, 28, 30), 5)
    twice = replace(better, case_ref="ca_twice", renegotiations=better.renegotiations * 2)
    found = told([better, twice, *many("left", (*STUCK, 17))])
    assert (found.renegotiations, found.cases, found.stalled, found.comparisons) == (3, 2, 0, ())


@pytest.mark.parametrize("purpose", ["quality", "feedback"])
def test_who_withdrew_consent_is_no_part_of_this(purpose: str) -> None:
    talked, left = many("talked", (*STUCK, 20), talk=5), many("left", (*STUCK, 17))
    assert told(talked + [withdrawn(one, purpose) for one in left]).matched == 0
    found = told([withdrawn(one, purpose) for one in talked] + left)
    assert (found.renegotiations, found.cases, found.stalled) == (0, 0, 0)


def withdrawn(one: Course, purpose: str) -> Course:
    return replace(one, withdrawn=frozenset({purpose}))


def test_how_long_alerts_waited_is_not_told_of_a_few_cases() -> None:
    few, enough = (
        [replace(one, alerts=(STALL,)) for one in many("left", (*STUCK, 17), number=number)]
        for number in (CELL - 1, CELL)
    )
    assert (told(few).alerts, told(few).waiting) == (CELL - 1, None)
    found = told(enough).waiting
    assert found is not None
    assert (found.n, found.events) == (CELL, 0)


def test_what_is_known_of_a_moment_is_what_was_known_then() -> None:
    later = case("later", (15, 16, 15, 16, 15, 14, 24, 30, 31, 8))
    for number in range(1, 11):
        until = replace(
            later,
            sessions=later.sessions[:number],
            series=tuple(replace(one, points=one.points[:number]) for one in later.series),
        )
        whole, part = case_of(later, POLICY, None), case_of(until, POLICY, None)
        assert whole is not None
        assert part is not None
        assert part.moments == {session: one for session, one in whole.moments.items() if session <= number}
        assert list(whole.moments) == [5, 6]
