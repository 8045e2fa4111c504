"""The caseload: what needs attention first, and an honest word about all cases together."""

import re
from xml.etree import ElementTree

import pytest

from services.pages.sparkline import sparkline
from tests.pages.place import ADA, BEN, SUE, Place, raised, stalled_and_told, words
from tests.pages.test_picture import course
from tests.story import Story, stalled


def cases(page: str) -> list[str]:
    return re.findall(r'href="/cases/(ca_[A-Za-z0-9]+)"', page)


def steady(case_ref: str, therapist: str = ADA.ref, scores: tuple[float, ...] = (15, 18, 22)) -> Story:
    story = Story(case_ref).opened(therapist)
    for score in scores:
        story.session(ors=score, srs=37)
    return story


def test_open_alerts_come_first_the_most_severe_of_them_before_the_others(place: Place) -> None:
    place.tell(
        steady("ca_a"[:4] + "steady"),
        raised(steady("ca_silent"), "al_silent", "silent"),
        raised(steady("ca_worse1", scores=(22, 18, 15)), "al_worse1", "deteriorating"),
        stalled_and_told(),
    )
    assert cases(place.browser(ADA).get("/caseload").text) == ["ca_worse1", "ca_stall1", "ca_silent", "ca_asteady"]


def test_an_alert_that_was_answered_or_put_off_steps_back(place: Place) -> None:
    place.tell(stalled_and_told(), raised(steady("ca_silent"), "al_silent", "silent"))
    browser = place.browser(ADA)
    browser.send("/cases/ca_stall1", "/cases/ca_stall1/alerts/al_stall1", answer="snoozed")
    page = browser.get("/caseload").text
    assert cases(page) == ["ca_silent", "ca_stall1"]
    assert "(put off)" in words(page)


def test_each_case_is_told_in_words(place: Place) -> None:
    place.tell(stalled())
    told = words(place.browser(ADA).get("/caseload").text)
    assert "6 sessions, last on 6 Apr 2026" in told
    assert "Stalled. 1 point better since the first score (15 to 16): within measurement error" in told


def test_an_empty_caseload_says_so(place: Place) -> None:
    place.tell(steady("ca_bens01", BEN.ref))
    told = words(place.browser(ADA).get("/caseload").text)
    assert "You have no open cases here." in told
    assert "Not enough data: no scores yet." in told


def test_closed_cases_stand_apart(place: Place) -> None:
    place.tell(steady("ca_open01"), steady("ca_closed").closed())
    page = place.browser(ADA).get("/caseload").text
    assert cases(page.partition("<details>")[0]) == ["ca_open01"]
    assert cases(page.partition("<details>")[2]) == ["ca_closed"]


def test_a_supervisor_finds_the_open_alerts_of_those_supervised_and_no_other_case(place: Place) -> None:
    place.tell(stalled_and_told(), steady("ca_quiet1"), raised(steady("ca_bens01", BEN.ref), "al_bens01", "silent"))
    assert cases(place.browser(SUE).get("/caseload").text) == ["ca_stall1"]


def closed_cases(therapist: str, count: int, last: float, prefix: str) -> list[Story]:
    found = []
    for number in range(count):
        first = 12.0 + number % 5
        story = Story(f"ca_{prefix}{number:02d}").opened(therapist)
        found.append(story.session(ors=first).session(ors=first + last + number % 3).closed())
    return found


def test_below_the_floor_no_difference_is_shown(place: Place) -> None:
    place.tell(*closed_cases(ADA.ref, 9, 10, "few"), *closed_cases(BEN.ref, 12, 1, "ben"))
    told = words(place.browser(ADA).get("/caseload").text)
    assert "Not enough data: 9 closed cases." in told
    assert "95 % interval" not in told


def test_from_the_floor_on_the_difference_has_an_interval_and_a_number_of_cases(place: Place) -> None:
    place.tell(*closed_cases(ADA.ref, 10, 10, "ten"), *closed_cases(BEN.ref, 12, 1, "ben"))
    told = words(place.browser(ADA).get("/caseload").text)
    assert re.search(r"\+\d\.\d points \(95 % interval \+\d\.\d to \+\d\.\d\), 10 closed cases; plus is better", told)
    assert "Early: the interval is wide." in told
    assert "Ben" not in told


@pytest.mark.parametrize("scores", [(20.0,), (20.0, 30.0), (0.0, 40.0) * 20])
def test_a_sparkline_is_well_formed_stays_in_its_frame_and_is_silent(scores: tuple[float, ...]) -> None:
    outcome = course(steady("ca_spark1", scores=scores)).outcome
    assert outcome is not None
    drawn = ElementTree.fromstring(sparkline(outcome))
    assert drawn.get("aria-hidden") == "true"
    [line] = [one for one in drawn if one.tag.endswith("polyline")]
    places = [tuple(map(float, place.split(","))) for place in line.get("points", "").split()]
    assert len(places) == len(scores)
    assert all(0 <= x <= 120 and 0 <= y <= 32 for x, y in places)
