"""A series is of one person: what several people say about a case is kept apart, and the client's own is judged."""

from contextlib import closing
from itertools import permutations
from pathlib import Path

import pytest

from contracts.instruments import catalogue
from services.eventlog.ports import Recorded
from services.projections.course import Course
from services.projections.fold import course_of
from services.projections.record import record_of
from tests.parts import sliced, views_at
from tests.story import START, Story

ANNA, BEN = "c_anna01", "c_ben001"


def opened(modality: str) -> Story:
    data = {"client_ref": ANNA, "therapist_ref": "th_ada01", "opened_on": "2026-03-02", "modality": modality}
    return Story().tell("case.opened", data)


def both(story: Story, *scores: tuple[float, float]) -> Story:
    """Two people fill in the same measure at every session."""
    for hers, his in scores:
        story.session()
        for ref, score in ((ANNA, hers), (BEN, his)):
            data = story.scores("ors", {"total": score}, story.session_ref()) | {"client_ref": ref}
            story.tell("measure.recorded", data, minutes=-5)
    return story


def course(story: Story) -> Course:
    return course_of(record_of(story.events), catalogue())


@pytest.mark.parametrize("modality", ["couple", "family", "group"])
def test_the_scores_of_two_clients_are_two_series(modality: str) -> None:
    found = course(both(opened(modality), (15, 30), (16, 29), (17, 28)))
    assert {(one.client_ref, tuple(one.values)) for one in found.series} == {(None, (15, 16, 17)), (BEN, (30, 29, 28))}
    assert found.outcome is not None
    assert found.outcome.values == [15, 16, 17]
    assert found.outcomes == (found.outcome,)
    assert "several_clients" in found.flags
    assert "two_scores_in_a_session" not in found.flags


def test_a_score_that_names_nobody_is_of_the_client_the_case_was_opened_for() -> None:
    story = both(opened("couple"), (15, 30)).session(ors=16)
    found = course(story).outcome
    assert found is not None
    assert found.values == [15, 16]


def test_the_other_client_is_never_judged_even_with_more_scores() -> None:
    story = both(opened("couple"), (15, 30))
    for _ in range(3):
        data = story.session().scores("phq9", {"total": 20}, story.session_ref()) | {"client_ref": BEN}
        story.tell("measure.recorded", data)
    found = course(story).outcome
    assert found is not None
    assert (found.instrument.key, found.values) == ("ors", [15])


def test_a_case_of_one_client_has_one_series_and_a_doubt() -> None:
    story = opened("individual").session(ors=15).session()
    data = story.scores("ors", {"total": 17.0}, story.session_ref()) | {"client_ref": BEN}
    found = course(story.tell("measure.recorded", data))
    assert [one.values for one in found.series] == [[15, 17]]
    assert "another_client" in found.flags
    assert "several_clients" not in found.flags


def test_a_client_named_as_the_case_names_them_is_no_doubt() -> None:
    story = opened("individual").session()
    data = story.scores("ors", {"total": 17.0}, story.session_ref()) | {"client_ref": ANNA}
    assert course(story.tell("measure.recorded", data)).flags == ()


def test_until_the_opening_arrives_nobodys_scores_are_mixed() -> None:
    events = both(opened("couple"), (15, 30), (16, 29)).events
    early = course_of(record_of(events[1:]), catalogue())
    assert [one.values for one in early.series] == [[15, 16], [30, 29]]
    ways = [course_of(record_of([*order, *events[3:]]), catalogue()) for order in permutations(events[:3])]
    assert all(one == course_of(record_of(events), catalogue()) for one in ways)


def test_only_the_clients_own_series_enters_the_figures(tmp_path: Path) -> None:
    story = both(opened("couple"), (15, 30), (16, 29))
    batch = [Recorded(position, START, event) for position, event in enumerate(story.events, 1)]
    with closing(views_at(tmp_path / "views.db")) as views:
        views.apply(sliced(batch))
        assert views.parked() == []
        [series] = [row for row in views.rows_of(story.case_ref).rows if row[0] == "ors"]
        assert "16.0" in repr(series)
        assert "29.0" not in repr(series)
