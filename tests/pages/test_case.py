"""The case page: what it tells of a case, in plain words and with what is uncertain about it."""

import re

import pytest

from services.pages.page import HEADERS
from tests.pages.place import ADA, Place, raised, stalled_and_told, words
from tests.pages.test_picture import whole_story
from tests.story import Story, stalled

HOSTILE = "</p><script>alert(1)</script><b onclick='x()'>\"{{ 7*7 }}&"


def shown(place: Place, story: Story) -> str:
    place.tell(story)
    answer = place.browser(ADA).get(f"/cases/{story.case_ref}")
    assert answer.status_code == 200
    return answer.text


def test_the_page_shows_the_picture_with_its_words_beside_it(place: Place) -> None:
    page = shown(place, whole_story())
    assert re.search(r"<figure>\s*<svg .*</svg>\s*<figcaption>", page, re.DOTALL)


@pytest.mark.parametrize(
    "scores, sentence, change",
    [
        ([15, 16, 15, 16, 15, 16], "Stalled: too little", "1 point better since the first score (15 to 16): within"),
        ([22, 16, 15], "Getting worse", "7 points worse since the first score (22 to 15): more than"),
        ([18, 25, 26], "Reliably better", "8 points better since the first score (18 to 26): more than"),
        ([15, 16, 15], "No sign of a stall. The network has too few", "No difference since the first score (15 to 15)"),
        ([27, 27, 28], "already in the functional range", "1 point better"),
        ([15, 16], "Not enough data: the course can be judged from the third score on.", "1 point better"),
        ([15], "Not enough data", "Not enough data: one score, 15."),
        ([], "Not enough data", "Not enough data: there are no outcome scores."),
    ],
)
def test_where_it_stands_is_said_in_words_with_the_uncertainty(
    place: Place, scores: list[float], sentence: str, change: str
) -> None:
    story = Story("ca_stand1").opened()
    for score in scores:
        story.session(ors=score)
    place.now = story.now
    told = words(shown(place, story))
    assert sentence in told
    assert change in told


def test_every_score_and_item_stands_in_the_table_of_numbers(place: Place) -> None:
    story = (
        Story("ca_table1")
        .opened()
        .session(ors=11.1, items={"relationship": 9.1, "goals": 8.2, "approach": 7.3, "overall": 6.4})
    )
    story.session(ors=12.2, srs=33.3)
    story.measure("phq9", {"total": 19}, story.session_ref())
    numbers = shown(place, story).partition('<details id="numbers">')[2]
    cells = re.findall(r"<td>([^<]*)</td>", numbers)
    assert {"11.1", "12.2", "31", "33.3", "19", "9.1", "8.2", "7.3", "6.4"} <= set(cells)


def test_what_was_tried_stands_beside_what_followed_and_what_that_does_not_show(place: Place) -> None:
    told = words(shown(place, whole_story()))
    assert "What followed a renegotiation does not show that it came from it." in told
    assert "R1: replaced by another task" in told
    assert "thought records → behavioural activation" in told
    assert "15 and 14.5 before; 17, 19.5 and 22 after. 6 points better on average, more than measurement error" in told
    assert "8 of 10" in told


def test_nothing_that_followed_is_called_an_effect(place: Place) -> None:
    assert "effect" not in words(shown(place, whole_story())).lower()


def test_what_is_in_doubt_is_told_before_the_picture_and_what_to_talk_about_before_what_was_tried(place: Place) -> None:
    story = raised(stalled(scores=(15, 15, 15, 15, 15, 15)))
    place.now = story.now
    told = words(shown(place, story))
    parts = [
        "Stalled: too",
        "Doubts about the data",
        "How to read this",
        "Open alert",
        "For the next talk",
        "was tried",
    ]
    assert sorted(parts, key=told.index) == parts
    talk = told.partition("For the next talk")[2].partition("What was tried")[0]
    assert "Begin with the measure itself" in talk
    assert "Last-chance talk: still no reliable gain." in talk


def test_no_link_inside_the_page_leads_to_a_closed_fold(place: Place) -> None:
    """Browsers open a fold for what lies in it, and not where it is itself the aim."""
    page = shown(place, stalled_and_told())
    aims = re.findall(r'href="#([^"]+)"', page)
    assert len(aims) == 2
    for aim in aims:
        assert f' id="{aim}"' in page
        assert f'<details id="{aim}"' not in page


def test_the_measure_that_got_worse_is_named_where_the_change_of_another_is_told(place: Place) -> None:
    story = Story("ca_worse9").opened()
    for phq9 in (8, 15, 16):
        story.session(ors=15).measure("phq9", {"total": phq9}, story.session_ref())
    story.session(ors=15)
    place.now = story.now
    told = words(shown(place, story))
    assert "Getting worse on the PHQ-9: the last scores" in told
    assert "No difference since the first score (15 to 15)" in told


def test_tasks_that_have_ended_are_folded_beneath_those_in_force(place: Place) -> None:
    told = words(shown(place, whole_story())).partition("Tasks ")[2]
    assert told.index("behavioural activation") < told.index("1 task that has ended") < told.index("thought records")


def test_an_open_alert_says_what_one_can_do(place: Place) -> None:
    told = words(shown(place, stalled_and_told()))
    assert "Little movement since the start" in told
    assert "agree on what to keep, change or drop" in told
    assert "Does what we do here fit what you came for?" in told


def test_an_alert_that_is_over_is_listed_and_asks_for_nothing(place: Place) -> None:
    page = shown(place, whole_story())
    assert 'name="answer"' not in page
    assert "the task was renegotiated" in words(page)


def test_the_clients_own_words_are_shown_and_no_markup_in_them_works(place: Place) -> None:
    story = stalled()
    story.tell("preference.recorded", {"kind": "theory_of_change", "domain": "change", "statement": HOSTILE})
    story.renegotiated(statement=f"second: {HOSTILE}")
    page = shown(place, story)
    assert HOSTILE not in page
    assert "<script" not in page
    assert HOSTILE in words(page)
    assert f"second: {HOSTILE}" in words(page)


def test_preferences_are_told_in_words(place: Place) -> None:
    story = Story("ca_wish01").opened()
    activity = {"directiveness": 9, "warm_support": -6, "past_orientation": 0, "emotional_intensity": 6}
    story.tell("preference.recorded", {"kind": "preference", "domain": "activity", "activity": activity})
    story.tell("preference.recorded", {"kind": "preference", "domain": "pace", "stance": "slower", "strength": 7.0})
    told = words(shown(place, story))
    assert "strongly prefers that the therapist leads (9 of 15)" in told
    assert "strongly prefers focused challenge (6 of 15)" in told
    assert "no strong preference for either: to look at the past, or to look at the present" in told
    assert "no strong preference for either: strong feelings in the room, or emotional reserve" in told
    assert "slower, 7 of 10" in told


def test_the_pattern_of_the_alliance_names_the_conversation(place: Place) -> None:
    items = {"relationship": 9.5, "goals": 9.5, "approach": 7.0, "overall": 9.5}
    told = words(shown(place, Story("ca_items1").opened().session(items=items).session(items=items)))
    assert "Lowest over the last two scores: approach. A talk could begin with how you work." in told
    assert "Worth a check-in, as below 9 in the last score: how you work (approach)." in told


def test_attendance_and_doubts_about_the_data_are_told(place: Place) -> None:
    story = Story("ca_doubt1").opened()
    for _ in range(4):
        story.session(srs=40)
    story.tell(
        "session.missed", {"session_ref": "se_missed", "scheduled_for": story.now.isoformat(), "kind": "no_show"}
    )
    story.renegotiated("ta_new01", "ta_unknown")
    told = words(shown(place, story))
    assert "4 sessions were held, from 2 Mar 2026 to 23 Mar 2026." in told
    assert "23 Mar 2026: the client did not come" in told
    assert "The last four alliance scores are the same" in told
    assert "An event names a task that was never agreed on here." in told


def test_where_feedback_is_not_wished_no_score_and_no_status_is_shown(place: Place) -> None:
    story = whole_story()
    withdrawn = {"purpose": "feedback", "state": "withdrawn", "effective_from": story.now.isoformat()}
    page = shown(place, story.tell("consent.changed", withdrawn))
    assert "The client does not wish feedback on their scores" in words(page)
    assert "R1: replaced by another task" in words(page)
    listed = place.browser(ADA).get("/caseload").text
    for text in (page, listed):
        assert "Stalled" not in words(text)
        assert "circle" not in text
        assert "15.5" not in text
        assert "14.5" not in text


def test_the_page_of_a_long_case_with_much_on_record_stays_light(place: Place) -> None:
    story, said = Story("ca_heavy1").opened(), "b" * 150
    items = {"relationship": 9.5, "goals": 8.5, "approach": 7.0, "overall": 9.5}
    for number in range(40):
        story.session(ors=15 + number % 3, items=items)
        if number % 4 == 0:
            story.measure("phq9", {"total": 12}, story.session_ref())
        if number % 8 == 2:
            before = f"ta_n{number - 8:02d}" if number > 8 else None
            story.renegotiated(f"ta_n{number:02d}", before, task_code="exposure_steps", statement=said, fit=4.0)
        if number % 4 == 0:
            for domain in ("cause", "change", "role", "pace", "review", "treatment", "culture"):
                story.said(domain, stance=f"view_{number}", statement=said)
    place.now = story.now
    page = shown(place, story)
    assert "40 sessions were held" in words(page)
    assert len(page.encode()) < 60 * 1024


def test_the_footer_says_what_this_is_not(place: Place) -> None:
    told = words(shown(place, stalled()))
    assert "no medical device and no crisis service" in told


def test_days_are_those_of_the_therapists_zone(place: Place) -> None:
    story = Story("ca_night1").opened().session(ors=20)
    raised(story.after(0.6))  # 23:24 and one hour in UTC, the next day in Berlin
    assert "Raised 3 Mar 2026" in words(shown(place, story))


@pytest.mark.parametrize("path", ["/caseload", "/cases/ca_whole1", "/cases/ca_none", "/signin", "/mailbox", "/a/none"])
def test_no_page_may_run_or_load_anything_from_elsewhere(place: Place, path: str) -> None:
    place.tell(whole_story())
    answer = place.browser(ADA).get(path)
    assert {name: answer.headers[name] for name in HEADERS} == HEADERS
    assert "default-src 'none'" in HEADERS["Content-Security-Policy"]
    assert not re.search(r"<script|<style|\sstyle=|\son[a-z]+=|javascript:", answer.text)
    assert set(re.findall(r'(?:src|href)="([a-z]+:[^"]*)"', answer.text)) <= {"data:,"}


def test_the_style_is_served_from_here(place: Place) -> None:
    answer = place.browser().get("/static/resonance.css")
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/css")
