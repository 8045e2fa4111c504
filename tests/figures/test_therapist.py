"""A therapist's figures: nothing below the floor, each view by itself, drawn towards the network above it."""

from collections.abc import Sequence
from random import Random

import pytest

from contracts.policies import policy
from services.figures.figure import Figure, Measure
from services.figures.therapist import Kind, collected, figures, residuals
from services.projections.tables import Counted
from tests.figures.networks import ORS, SRS, case, series

POLICY = policy()
PHQ9 = ("phq9", "adult")


def network(per_therapist: int, therapists: int = 12, spread: float = 3.0) -> list[Counted]:
    """A network in which therapist number k differs by a drawn amount in outcome."""
    rng = Random(5)
    shifts = [rng.gauss(0, spread) for _ in range(therapists)]
    return [
        case(f"th_{number:02d}", series([first := rng.uniform(8, 24), 10 + 0.6 * first + shift + rng.gauss(0, 7)]))
        for number, shift in enumerate(shifts)
        for _ in range(per_therapist)
    ]


def figure(cases: Sequence[Counted], measure: Measure = "outcome", therapist: str = "th_03") -> Figure:
    [found] = [one for one in figures(cases, therapist, POLICY) if one.measure == measure]
    return found


def values(*cases: Counted, measure: Measure, name: tuple[str, str] = ("", "")) -> list[float]:
    return [value for own in collected(cases, POLICY)[Kind(measure, *name)].values() for value in own]


def test_below_the_floor_of_closed_cases_nothing_is_said() -> None:
    found = figure(network(per_therapist=9))
    assert found == Figure("outcome", *ORS, n=9, standing="not_enough_data")
    assert figure(network(per_therapist=10)).standing == "early"
    assert figure(network(per_therapist=29)).standing == "early"
    assert figure(network(per_therapist=30)).standing == "settled"


def test_among_fewer_than_five_therapists_nothing_is_compared() -> None:
    assert figure(network(40, therapists=4)) == Figure("outcome", *ORS, n=40, standing="few_therapists")
    assert figure(network(40, therapists=5)).standing == "settled"


def test_open_cases_do_not_count() -> None:
    cases = network(per_therapist=10)
    assert figure([*cases, case("th_03", series([10, 40]), ending=None)]) == figure(cases)


def test_for_outcome_only_cases_count_that_began_in_the_clinical_range_and_have_two_scores() -> None:
    below, at_the_cutoff, once = series([24.9, 30]), series([25.0, 30]), series([10.0])
    assert len(values(case("th_01", below), measure="outcome", name=ORS)) == 1
    assert values(case("th_01", at_the_cutoff), measure="outcome", name=ORS) == []
    assert values(case("th_01", once), measure="outcome", name=ORS) == []


def test_outcome_is_the_last_score_against_what_the_first_lets_expect() -> None:
    """By hand: last = 10 + first fits 10 to 20, 15 to 25 and 20 to 30 as far as the rests of -1, +2 and -1 allow."""
    assert residuals([(10, 19), (15, 27), (20, 29)]) == pytest.approx([-1, 2, -1])
    assert residuals([(10, 19), (10, 21)]) == pytest.approx([-1, 1])
    assert residuals([]) == []


def test_on_an_instrument_where_lower_is_better_a_lower_last_score_is_a_plus() -> None:
    cases = [case("th_01", series([20, 5], PHQ9)), case("th_02", series([20, 15], PHQ9))]
    assert values(*cases, measure="outcome", name=PHQ9) == pytest.approx([5, -5])


def test_the_estimate_lies_between_the_raw_mean_and_the_network() -> None:
    found = figure(network(per_therapist=20))
    assert found.observed is not None
    assert found.network is not None
    assert found.estimate is not None
    assert found.reliability is not None
    assert abs(found.estimate - found.network) < abs(found.observed - found.network)
    drawn = found.network + found.reliability * (found.observed - found.network)
    assert found.estimate == pytest.approx(drawn, abs=0.05)


def test_intervals_are_nested_and_hold_the_estimate() -> None:
    found = figure(network(per_therapist=20))
    assert found.interval80 is not None
    assert found.interval95 is not None
    assert found.estimate is not None
    assert found.interval95[0] < found.interval80[0] < found.estimate < found.interval80[1] < found.interval95[1]


def test_a_therapist_is_distinguishable_only_when_the_interval_leaves_out_the_network() -> None:
    cases = network(per_therapist=60, spread=6.0)
    found = [figure(cases, therapist=f"th_{number:02d}") for number in range(12)]
    for one in found:
        assert one.interval95 is not None
        assert one.network is not None
        assert one.distinguishable == (not one.interval95[0] <= one.network <= one.interval95[1])
    assert {one.distinguishable for one in found} == {True, False}


def test_where_therapists_do_not_differ_nobody_is_distinguishable() -> None:
    cases = network(per_therapist=100, spread=0.0)
    found = [figure(cases, therapist=f"th_{number:02d}") for number in range(12)]
    assert all(one.estimate == pytest.approx(0, abs=0.8) for one in found)
    assert not any(one.distinguishable for one in found)


@pytest.mark.parametrize("share", [0.003, 0.01, 0.05])
def test_where_therapists_do_not_differ_hardly_anybody_is_distinguishable_however_rare_it_is(share: float) -> None:
    rng = Random(11)
    told = []
    for _ in range(15):
        hits = [sum(rng.random() < share for _ in range(40)) for _ in range(10)]
        cases = [
            case(f"th_{therapist:02d}", series([15, 5 if number < hit else 16]))
            for therapist, hit in enumerate(hits)
            for number in range(40)
        ]
        found = [figure(cases, "deteriorated", f"th_{therapist:02d}") for therapist in (0, hits.index(min(hits)))]
        told += [bool(one.distinguishable) for one in found]
        assert {one.network for one in found} <= {None, round(sum(hits) / 400, 3)}
    assert sum(told) <= 1


def test_where_no_two_cases_differ_that_is_said() -> None:
    cases = [case(f"th_{number:02d}", series([10, 20]), sessions=2) for number in range(6) for _ in range(12)]
    assert figure(cases, "completeness").standing == "all_alike"


def test_where_only_therapists_differ_rounding_is_not_taken_for_scatter() -> None:
    """The mean of so many equal values is not quite their value in binary fractions."""
    cases = [case(f"th_{number:02d}", series([30.1 + 0.7 * number], SRS)) for number in range(6) for _ in range(12)]
    assert figure(cases, "alliance").standing == "all_alike"


def test_alliance_is_told_by_its_level_its_beginning_and_its_growth() -> None:
    rated = case("th_01", series([30, 32, 34, 36, 38], SRS, sessions=[1, 2, 3, 4, 6]))
    assert values(rated, measure="alliance", name=SRS) == [34]
    assert values(rated, measure="early_alliance", name=SRS) == [32]
    assert values(rated, measure="alliance_growth", name=SRS) == pytest.approx([24.0 / 14.8])


def test_growth_needs_four_scores_and_a_beginning_needs_one_of_the_first_three_sessions() -> None:
    short, late = case("th_01", series([30, 32, 34], SRS)), case("th_01", series([30, 32], SRS, sessions=[4, 5]))
    assert values(short, measure="alliance_growth", name=SRS) == []
    assert values(late, measure="early_alliance", name=SRS) == []


@pytest.mark.parametrize(
    "ending, last, expected",
    [
        ("client_stopped", 24.9, [1]),
        ("lost_contact", 24.9, [1]),
        ("client_stopped", 25.0, [0]),  # on their own, but in the functional range: no dropout
        ("agreed", 24.9, [0]),
        ("therapist_stopped", 24.9, [0]),
    ],
)
def test_an_ending_is_unplanned_where_the_client_left_outside_the_functional_range(
    ending: str, last: float, expected: list[float]
) -> None:
    assert values(case("th_01", series([20, last]), ending=ending), measure="unplanned_endings") == expected


def test_an_ending_without_an_outcome_score_is_not_counted() -> None:
    assert values(case("th_01", series([30, 32], SRS), ending="lost_contact"), measure="unplanned_endings") == []


@pytest.mark.parametrize("last, expected", [(9.0, [1]), (9.1, [0])])
def test_a_case_deteriorated_where_it_ended_a_reliable_change_worse(last: float, expected: list[float]) -> None:
    assert values(case("th_01", series([15, last])), measure="deteriorated") == expected


def test_each_rupture_counts_as_repaired_or_not() -> None:
    healed, open_ = series([38, 38, 28, 38, 38], SRS), series([38, 38, 38, 28], SRS)
    assert values(case("th_01", healed), case("th_02", open_), measure="ruptures_repaired") == [1, 0]
    assert values(case("th_01", series([38, 38, 38], SRS)), measure="ruptures_repaired") == []


def test_completeness_is_the_share_of_sessions_with_an_outcome_score_of_any_instrument() -> None:
    held = case("th_01", series([15, 16], ORS, [1, 2]), series([12], PHQ9, [4]), series([38] * 4, SRS), sessions=4)
    assert values(held, measure="completeness") == [0.75]


def test_a_therapist_with_open_cases_only_is_told_that_it_is_not_enough() -> None:
    found = figures([case("th_03", series([15, 16]), series([36], SRS), ending=None)], "th_03", POLICY)
    assert {one.standing for one in found} == {"not_enough_data"}
    assert {one.n for one in found} == {0}
    assert {one.measure for one in found if one.instrument} == {
        "outcome",
        "alliance",
        "early_alliance",
        "alliance_growth",
    }
