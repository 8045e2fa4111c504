"""What the case page and the caseload tell of the alliance, of a single score's worth and of doubts about the data."""

from tests.pages.place import ADA, Place, words
from tests.story import Story


def shown(place: Place, story: Story) -> str:
    place.tell(story)
    return words(place.browser(ADA).get(f"/cases/{story.case_ref}").text)


def rated(*ratings: float) -> Story:
    story = Story("ca_bond01").opened()
    for rating in ratings:
        story.session(srs=rating)
    return story


def test_a_rupture_is_told_with_its_depth_and_whether_it_was_repaired(place: Place) -> None:
    told = shown(place, rated(38, 38, 33, 34, 38))
    assert "It fell at session 3, from the client’s own level of 38 to 33, and was back at session 5" in told
    assert "a rupture that was repaired is a good sign" in told


def test_a_rupture_that_lasts_is_told_so(place: Place) -> None:
    assert "It fell at session 3, from the client’s own level of 38 to 33, and is not back." in shown(
        place, rated(38, 38, 33, 33)
    )


def test_an_alliance_that_was_never_high_did_not_fall(place: Place) -> None:
    told = shown(place, rated(30, 29, 30))
    assert "Low from the start, and not better since." in told
    assert "It fell" not in told


def test_an_alliance_that_began_low_and_rose_is_told_so(place: Place) -> None:
    assert "Low from the start, and better from session 3 on." in shown(place, rated(30, 29, 36, 37))


def test_an_alliance_that_is_low_once_more_is_not_said_to_be_so_from_the_start(place: Place) -> None:
    told = shown(place, rated(27, 29, 33, 31))
    assert "Low from the start, and better from session 3 on." in told
    assert "Low again at session 4, and not better since." in told


def test_low_scales_are_named_in_one_sentence(place: Place) -> None:
    items = {"relationship": 9.5, "goals": 8.5, "approach": 7.0, "overall": 9.5}
    told = shown(place, Story("ca_items1").opened().session(items=items))
    assert (
        "Worth a check-in, as below 9 in the last score: what you work on (goals) and how you work (approach)." in told
    )


def test_the_same_top_rating_every_time_is_not_called_good(place: Place) -> None:
    told = shown(place, rated(40, 40, 40, 40))
    assert "The last four scores are the same: that tells nothing, neither good nor bad." in told
    assert "Nothing stands out" not in told


def test_an_approach_that_fell_after_the_task_changed_is_told_without_a_cause(place: Place) -> None:
    story = Story("ca_bond01").opened()
    for number, approach in enumerate((9.0, 9.0, 7.0, 7.5)):
        story.session(items={"relationship": 9.0, "goals": 9.0, "approach": approach, "overall": 9.0})
        if number == 2:
            story.agreed("ta_new01", "sleep_diary")
    told = shown(place, story)
    assert "After the task changed on 16 Mar 2026 (sleep diary), the client rated how you work lower: 9 before" in told
    assert "7.2 after" in told
    assert "this tells what followed, not why" in told


def test_the_parts_of_the_wai_stand_in_its_table_and_name_the_conversation(place: Place) -> None:
    story = Story("ca_bond01").opened()
    for _ in range(2):
        scores = {"total": 48, "task": 18, "goal": 18, "bond": 12}
        story.session().measure("wai_sr", scores, story.session_ref(), "client")
    told = shown(place, story)
    assert "WAI-SR: the last scores by scale Session task goal bond total 1 18 18 12 48" in told
    assert "Lowest over the last two scores: relationship. A talk could begin with how the client feels met." in told


def test_how_far_a_single_score_can_be_trusted_is_said(place: Place) -> None:
    told = shown(place, Story("ca_exact1").opened().session(ors=15).session(ors=17))
    assert (
        "A single score is good to about ± 2.2 points: the true value lies within that two times in three. From week"
        in told
    )
    story = Story("ca_exact2").opened().session()
    story.measure("who5", {"total": 40}, story.session_ref(), "percent")
    assert "How exact a single score on WHO-5 is, is not known." in shown(place, story)


def test_doubts_about_the_data_stand_on_the_caseload_in_a_few_words(place: Place) -> None:
    story = Story("ca_doubt1").opened()
    for score in (33, 34, 34, 34, 34):
        story.session(ors=score, srs=40)
    place.tell(story, Story("ca_clear1").opened().session(ors=15).session(ors=18))
    told = words(place.browser(ADA).get("/caseload").text)
    assert (
        "Doubts about the data: a very high first score, outcome scores that do not move and "
        "alliance scores that do not move." in told
    )
    assert told.count("Doubts about the data") == 1


def test_scores_of_another_client_are_told_apart(place: Place) -> None:
    opened = {"client_ref": "c_anna01", "therapist_ref": ADA.ref, "opened_on": "2026-03-02", "modality": "couple"}
    story = Story("ca_couple1").tell("case.opened", opened).session(ors=15)
    story.tell(
        "measure.recorded", story.scores("ors", {"total": 30.0}, story.session_ref()) | {"client_ref": "c_ben001"}
    )
    told = shown(place, story)
    assert "Some scores are of other clients of this case." in told
    assert "answered by the client c_ben001" in told
    assert "one score, 15" in told
