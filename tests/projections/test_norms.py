"""Norm sets as data: found by first score and session, kept from the beginning of a case on, and read from the log."""

from math import inf

from contracts.events import canonical, parse
from contracts.instruments import catalogue
from contracts.policies import policy
from services.projections.growth import Growth
from services.projections.norms import Band, NormSet, adopted, in_force, norm_set
from tests.series import norm_set as made
from tests.series import series
from tests.story import START, day

LOW, HIGH = Band(-inf, 15, 2, 300, -1, 0.5, 2, 4), Band(15, inf, 2, 400, -2, -0.5, 1, 3)
LATER = Band(15, inf, 15, 250, -4, -1, 4, 9)
GROWTH = Growth(600, 16.1, 3.8, 23.6, -1.4, 13.9, 13.5)
KIND = "ors/adult/client"


def two_bands() -> NormSet:
    return NormSet("0123456789ab", START, 15, {KIND: (LOW, HIGH, LATER)}, {KIND: GROWTH})


def test_a_band_is_that_of_the_first_score_at_the_session() -> None:
    norms = two_bands()
    assert norms.band(series(14.9, 20), 2) == LOW
    assert norms.band(series(15, 20), 2) == HIGH
    assert norms.band(series(3, 20), 2) == LOW
    assert norms.band(series(40, 20), 2) == HIGH


def test_where_too_few_cases_were_known_there_is_no_band_and_no_growth_model() -> None:
    norms = two_bands()
    phq9 = catalogue()["phq9", "adult"]
    assert norms.band(series(15, 20), 3) is None
    assert norms.band(series(14, 20), 15) is None
    assert norms.band(series(15, 12, instrument=phq9), 2) is None
    assert norms.growth_of(series(15, 12, instrument=phq9)) is None
    assert norms.growth_of(series(15, 20)) == GROWTH


def test_a_set_without_a_band_and_a_growth_model_is_empty() -> None:
    assert NormSet("0123456789ab", START, 15, {KIND: ()}).is_empty
    assert not NormSet("0123456789ab", START, 15, {KIND: ()}, {KIND: GROWTH}).is_empty
    assert not NormSet("0123456789ab", START, 15, {KIND: (LOW,)}).is_empty


def test_the_last_session_stands_for_all_later_ones() -> None:
    assert two_bands().band(series(16, 20), 40) == LATER


def test_a_case_keeps_the_norms_that_were_in_force_when_it_began() -> None:
    first, second = made(effective_from=day(0), version="a" * 12), made(effective_from=day(90), version="b" * 12)
    assert in_force([first, second], day(-1)) is None
    assert in_force([first, second], day(89)) is first
    assert in_force([second, first], day(90)) is second


def test_of_two_sets_from_the_same_instant_it_is_always_the_same_one_that_holds() -> None:
    sets = [made(version=version * 12) for version in "ab"]
    assert in_force(sets, day(3)) is in_force(sets[::-1], day(3))


def test_a_set_is_read_from_the_log_as_it_was_put_there() -> None:
    event = adopted(two_bands(), policy(), day(3))
    read = parse(canonical(event))
    assert read == event
    assert norm_set(event.data) == two_bands()


def test_the_log_takes_a_version_once() -> None:
    first, again = (adopted(two_bands(), policy(), day(at)) for at in (3, 4))
    assert first.key == again.key
    assert first.key != adopted(made(version="c" * 12), policy(), day(3)).key


def test_a_set_belongs_to_no_case_and_no_clinic() -> None:
    event = adopted(two_bands(), policy(), day(3))
    assert (event.subject, event.rsnclinic, event.source) == ("network", None, "urn:resonance:norms")
