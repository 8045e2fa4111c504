"""The scores around a renegotiation: each in its place, and where there is none it says so."""

import re

import pytest

from contracts.instruments import catalogue
from services.pages.around import HEADS, rows
from services.projections.fold import course_of
from services.projections.record import record_of
from tests.pages.place import ADA, Place, words
from tests.story import Story


def story(sessions: int) -> Story:
    """A renegotiation in the third of so many sessions; the sixth had no outcome score, the third no rating."""
    found = Story().opened().agreed()
    for number in range(1, sessions + 1):
        found.session(ors=None if number == 6 else 10 + number, srs=None if number == 3 else 30 + number)
        if number == 3:
            found.renegotiated()
    return found


@pytest.mark.parametrize(
    "sessions, closed, outcome, alliance",
    [
        (8, False, ["12", "13", "14", "–", "18"], ["32", "–", "34", "36", "38"]),
        (5, False, ["12", "13", "14", "not yet", "not yet"], ["32", "–", "34", "not yet", "not yet"]),
        (5, True, ["12", "13", "14", "–", "–"], ["32", "–", "34", "–", "–"]),
    ],
)
def test_each_score_around_a_renegotiation_stands_in_its_place(
    sessions: int, closed: bool, outcome: list[str], alliance: list[str]
) -> None:
    told = story(sessions).closed() if closed else story(sessions)
    course = course_of(record_of(told.events), catalogue())
    assert rows(course, course.renegotiations[0]) == [("Outcome", outcome), ("Alliance", alliance)]


def test_the_page_shows_them_below_the_renegotiation(place: Place) -> None:
    told = story(8)
    place.tell(told)
    page = (
        place.browser(ADA).get(f"/cases/{told.case_ref}").text.partition("Scores around R1")[2].partition("</table>")[0]
    )
    assert re.findall(r"<th scope=\"col\">([^<]*)</th>", page)[1:] == list(HEADS)
    assert "Outcome 12 13 14 – 18" in words(page)
