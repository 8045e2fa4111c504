"""The caseload: what needs attention first."""

import re
from xml.etree import ElementTree

import pytest

from services.pages.sparkline import sparkline
from tests.pages.place import ADA, BEN, SUE, Place, raised, stalled_and_told, words
from tests.pages.test_picture import course
from tests.story import Story, day, stalled


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
    assert (
        "Stalled, last-chance talk due. 1 point better since the first score (15 to 16): within measurement error"
        in told
    )


@pytest.mark.parametrize("scores", [(15, 16, 15, 16, 15), (15, 22, 22, 23, 22, 23), (15, 17, 18, 19, 20, 20)])
def test_a_last_chance_talk_is_told_where_nothing_moves_at_its_sessions_only(
    place: Place, scores: tuple[float, ...]
) -> None:
    place.tell(stalled(scores=scores))
    place.now = day(40)
    assert "last-chance" not in words(place.browser(ADA).get("/caseload").text)


def test_an_empty_caseload_says_so(place: Place) -> None:
    place.tell(steady("ca_bens01", BEN.ref))
    told = words(place.browser(ADA).get("/caseload").text)
    assert "You have no open cases here." in told


def test_closed_cases_stand_apart(place: Place) -> None:
    place.tell(steady("ca_open01"), steady("ca_closed").closed())
    page = place.browser(ADA).get("/caseload").text
    assert cases(page.partition("<details>")[0]) == ["ca_open01"]
    assert cases(page.partition("<details>")[2]) == ["ca_closed"]


def test_closed_cases_are_told_in_a_line_the_last_closed_first(place: Place) -> None:
    place.tell(steady("ca_first1").closed(), steady("ca_last01").after(30).closed("lost_contact"))
    folded = place.browser(ADA).get("/caseload").text.partition("<details>")[2]
    assert cases(folded) == ["ca_last01", "ca_first1"]
    assert "ca_last01, 3 sessions, closed 15 Apr 2026" in words(folded)
    assert "<svg" not in folded


def test_the_page_stays_light_however_many_cases_were_closed(place: Place) -> None:
    place.tell(*(steady(f"ca_done{number:03d}").closed() for number in range(150)))
    place.tell(*(raised(steady(f"ca_open{number:03d}"), f"al_open{number:03d}", "silent") for number in range(30)))
    page = place.browser(ADA).get("/caseload").text
    assert len(cases(page)) == 180
    assert len(page.encode()) < 60 * 1024


def test_a_supervisor_finds_the_open_alerts_of_those_supervised_and_no_other_case(place: Place) -> None:
    place.tell(stalled_and_told(), steady("ca_quiet1"), raised(steady("ca_bens01", BEN.ref), "al_bens01", "silent"))
    assert cases(place.browser(SUE).get("/caseload").text) == ["ca_stall1"]


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
