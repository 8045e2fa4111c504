"""A therapist's own figures: with n and an interval, or an honest word that it is too little."""

import re
from collections.abc import Iterable

import pytest

from services.figures.figure import Figure, Slope, Split
from services.figures.survival import Waiting
from services.pages.figures import related, told, waited
from tests.pages.place import ADA, BEN, Place, words
from tests.story import Story

FLOOR = 10


def closed_cases(therapist: str, count: int, gain: float, prefix: str) -> list[Story]:
    found = []
    for number in range(count):
        first = 12.0 + number % 5
        story = Story(f"ca_{prefix}{number:02d}").opened(therapist)
        found.append(story.session(ors=first, srs=36).session(ors=first + gain + number % 3, srs=37).closed())
    return found


def colleagues() -> Iterable[Story]:
    """Ten therapists beside Ada, each with some closed cases that go much alike."""
    for place, ref in enumerate((BEN.ref, *(f"th_other{number}" for number in range(9)))):
        yield from closed_cases(ref, 4, place % 3, f"col{place}")


def test_below_the_floor_no_figure_is_shown(place: Place) -> None:
    place.tell(*closed_cases(ADA.ref, 9, 10, "few"), *colleagues())
    page = words(place.browser(ADA).get("/figures").text)
    assert "Not enough data: 9 closed cases." in page
    assert "95 % interval" not in page.partition("Alliance and outcome in this network")[0]


def test_from_the_floor_on_a_figure_has_an_interval_a_number_of_cases_and_the_networks(place: Place) -> None:
    place.tell(*closed_cases(ADA.ref, 10, 10, "ten"), *colleagues())
    page = words(place.browser(ADA).get("/figures").text)
    assert re.search(r"\+\d\.\d points \(95 % interval \+\d\.\d to \+\d\.\d\), 10 closed cases; network", page)
    assert "Beyond what chance explains. Early: the interval is wide. Of therapists with so many" in page
    assert (
        "No comparison: no two cases of one therapist differ in this." in page
    )  # every session of every case was measured
    assert "Ben" not in page
    assert BEN.ref not in page


def test_with_fewer_than_five_therapists_nobody_is_compared(place: Place) -> None:
    place.tell(*closed_cases(ADA.ref, 12, 10, "ada"), *closed_cases(BEN.ref, 12, 1, "ben"))
    page = words(place.browser(ADA).get("/figures").text)
    assert "No comparison: fewer than 5 therapists of this network have any." in page
    assert "95 % interval" not in page


def test_everyone_sees_their_own_figures_only(place: Place) -> None:
    place.tell(*closed_cases(ADA.ref, 11, 10, "ada"), *closed_cases(BEN.ref, 3, 1, "ben"))
    assert "Not enough data: 3 closed cases." in words(place.browser(BEN).get("/figures").text)
    assert "11 closed cases" not in words(place.browser(BEN).get("/figures").text)


def test_the_figures_are_for_those_who_have_signed_in(place: Place) -> None:
    assert place.browser().get("/figures").headers["location"] == "/signin"


def test_the_relation_of_alliance_and_outcome_is_told_on_both_levels_and_claims_no_more() -> None:
    split = Split(("ors", "adult"), ("srs", "adult"), 412, 24, Slope(0.31, (0.1, 0.52)), Slope(0.9, (-0.2, 2.0)))
    text = related(split)
    assert "412 closed cases of 24 therapists" in text
    assert "+0.31 points of outcome (95 % interval +0.10 to +0.52)" in text
    assert "+0.90 points of outcome (95 % interval -0.20 to +2.00)" in text
    assert "relations, not causes" in text
    assert "variance" not in text


@pytest.mark.parametrize(
    "found, expected",
    [
        (None, "Not enough data: 14 cases with an alert about a stall."),
        (Waiting(14, 5, None, (None, None), ()), "Fewer than half renegotiated so far: 5 of 14 cases"),
        (
            Waiting(14, 9, 12.4, (7.0, None), ()),
            "Half within 12 days (95 % interval 7 to longer than was seen), 14 cases",
        ),
    ],
)
def test_the_time_from_an_alert_to_a_renegotiation_is_told_with_those_who_still_wait(
    found: Waiting | None, expected: str
) -> None:
    assert waited(14, found).startswith(expected)


def test_what_rounds_to_nothing_has_no_minus() -> None:
    figure = Figure(
        "outcome", "ors", "adult", 24, "early", -0.04, -0.0, -0.04, (-1.0, 1.0), (-2.0, 2.0), 0.4, False,
        (-1.0, 1.0), (-2.0, 2.0),
    )  # fmt: skip
    assert told(figure, 5).startswith("+0.0 points (95 % interval -2.0 to +2.0), 24 closed cases; network +0.0.")


def test_a_share_is_told_in_percent_with_what_it_is_a_share_of() -> None:
    figure = Figure(
        "ruptures_repaired", None, None, 24, "early", 0.75, 0.6, 0.66, (0.55, 0.77), (0.49, 0.83), 0.4, False,
        (0.4, 0.8), (0.3, 0.9),
    )  # fmt: skip
    text = told(figure, 5)
    assert text.startswith("66 % (95 % interval 49 % to 83 %), 24 ruptures; network 60 %.")
    assert "between 40 % and 80 %" in text
