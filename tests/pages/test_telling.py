"""Where a case stands and how sure that is, told in sentences."""

import pytest

from contracts.policies import policy
from services.alerts.decide import Decision, Moment, Status
from services.pages.telling import brief, chance, status
from tests.pages.test_picture import course
from tests.story import stalled


def by_the_whole_series(known: float) -> Decision:
    evidence: dict[str, float | None] = {"session": 6, "reliable_change": 6.0, "chance_of_stall": known}
    return Decision("stalled", (), None, evidence)


@pytest.mark.parametrize(
    "known, share", [(0.634, "about 63 %"), (0.999, "more than 99 %"), (0.001, "less than 1 %"), (0.99, "about 99 %")]
)
def test_a_chance_is_never_told_as_certainty(known: float, share: str) -> None:
    told = chance(by_the_whole_series(known), policy())
    assert f"the chance is {share} that the gain by session 10" in told
    assert told.endswith("stays below 3 points.")


def test_without_a_growth_model_no_chance_is_told() -> None:
    assert chance(Decision("stalled", (), None, {"session": 6, "reliable_change": 6.0}), policy()) == ""


def test_a_stall_by_the_whole_series_is_not_said_to_be_one_of_scores_in_a_row() -> None:
    case = course(stalled())
    assert status(case, by_the_whole_series(0.8), None).endswith("all scores taken together.")
    assert status(case, Decision("stalled", (), None), None).endswith("at several scores in a row.")


@pytest.mark.parametrize(
    "standing, moment, told",
    [
        ("stalled", "last_chance", "Stalled, last-chance talk due"),
        ("watch", "last_chance", "Worth watching, last-chance talk due"),
        ("stalled", "checkpoint", "Stalled"),
        ("on_course", "last_chance", "No sign of a stall"),
    ],
)
def test_the_caseload_tells_of_a_last_chance_talk_in_a_few_words(standing: Status, moment: Moment, told: str) -> None:
    assert brief(course(stalled()), Decision(standing, (), None, moment=moment)) == told
