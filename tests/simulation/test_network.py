"""A made-up network: its size, its window, its people and its truth."""

import json
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from statistics import fmean, stdev

import pytest

from contracts.events import (
    AnyEvent,
    CaseOpened,
    MeasureRecorded,
    SessionHeld,
    canonical,
    parse,
)
from contracts.instruments import catalogue
from services.ingest.measures import measure_faults
from services.simulation.network import Network, simulate, write
from services.simulation.spec import Spec


def test_the_same_spec_gives_the_same_bytes(tmp_path: Path) -> None:
    spec = Spec(seed=3, clients=40, therapists=6)
    for name in ("one", "two"):
        write(spec, tmp_path / f"{name}.ndjson", tmp_path / f"{name}.truth")
    assert (tmp_path / "one.ndjson").read_bytes() == (tmp_path / "two.ndjson").read_bytes()
    assert (tmp_path / "one.truth").read_bytes() == (tmp_path / "two.truth").read_bytes()


def test_another_seed_gives_another_network() -> None:
    spec = Spec(seed=3, clients=40, therapists=6)
    assert simulate(spec).truth.keys().isdisjoint(simulate(replace(spec, seed=4)).truth)


def test_what_is_written_is_one_event_a_line_and_one_truth_a_case(tmp_path: Path) -> None:
    spec = Spec(seed=3, clients=40, therapists=6)
    written = write(spec, tmp_path / "events.ndjson", tmp_path / "truth.ndjson")
    lines = (tmp_path / "events.ndjson").read_bytes().splitlines()
    assert [parse(line) for line in lines] == [post.event for post in written.posts]
    truths = [json.loads(line) for line in (tmp_path / "truth.ndjson").read_text().splitlines()]
    assert truths[0].keys() == {"case_ref", "latent", "intake", "stalled_or_worse"}
    assert {truth["case_ref"] for truth in truths} == written.truth.keys()


def test_every_event_is_one_that_record_systems_may_post(network: Network) -> None:
    for post in network.posts:
        assert parse(canonical(post.event)) == post.event
        assert not list(measure_faults(post.event, catalogue()))


def test_there_are_as_many_of_everything_as_asked_for(network: Network, events: list[AnyEvent]) -> None:
    opened = [event for event in events if isinstance(event, CaseOpened)]
    assert len(opened) == len({event.data.client_ref for event in opened}) == 900
    assert {event.case_ref for event in opened} == network.truth.keys()
    assert len({therapist.ref for therapist in network.therapists}) == 24
    assert {event.rsnclinic for event in events} == {clinic.ref for clinic in network.clinics}
    assert len(network.clinics) == 3


def test_the_truth_says_who_is_stalled_or_worse(network: Network) -> None:
    for truth in network.truth.values():
        assert truth.stalled_or_worse == (truth.latent in ("flat", "worsening"))
        assert 1 <= truth.intake <= 38
    assert 0.26 < fmean(truth.stalled_or_worse for truth in network.truth.values()) < 0.36


def test_everything_happens_and_is_posted_within_the_window(network: Network) -> None:
    start, end = datetime(2026, 1, 5, tzinfo=UTC), datetime(2027, 1, 4, tzinfo=UTC)
    for post in network.posts:
        assert start <= post.event.time < post.posted_at < end
        assert post.event.time <= (post.event.recordedtime or post.event.time) < post.posted_at


def test_about_half_of_the_cases_start_in_the_first_half_of_the_window(events: list[AnyEvent]) -> None:
    middle = date(2026, 7, 6)
    assert 0.44 < fmean(e.data.opened_on < middle for e in events if isinstance(e, CaseOpened)) < 0.56


def test_a_window_may_start_on_any_day() -> None:
    for day in range(5, 12):
        spec = Spec(seed=1, clients=30, weeks=2, start=date(2026, 1, day))
        opened = {post.event.data.client_ref for post in simulate(spec).posts if isinstance(post.event, CaseOpened)}
        assert len(opened) == 30


def test_the_posted_scores_meet_the_figures_that_the_courses_do() -> None:
    spec = Spec(seed=11, clients=1500, therapists=60, weeks=130)
    started: set[str] = set()
    sessions: Counter[str] = Counter()
    first: dict[str, tuple[datetime, float]] = {}
    ratings: list[float] = []
    for event in {post.event.id: post.event for post in simulate(spec).posts}.values():
        if isinstance(event, CaseOpened) and event.data.opened_on < spec.start + timedelta(weeks=65):
            started.add(event.case_ref)
        elif isinstance(event, SessionHeld):
            sessions[event.case_ref] += 1
        elif isinstance(event, MeasureRecorded) and event.data.session_ref:
            total = sum(score.value for score in event.data.scores)
            if event.data.instrument.key == "srs":
                ratings.append(total)
            elif event.data.instrument.key == "ors":
                first[event.case_ref] = min(first.get(event.case_ref, (event.time, total)), (event.time, total))
    intakes = [score for _, score in first.values()]
    assert 5.5 < fmean(sessions[case] for case in started) < 7.2
    assert 18.0 < fmean(intakes) < 19.6
    assert 7.2 < stdev(intakes) < 8.3
    assert 36.0 < fmean(ratings) < 37.4
    assert 0.29 < fmean(rating < 36 for rating in ratings) < 0.41


def test_the_first_of_each_clinic_supervises_the_others(network: Network) -> None:
    heads = {therapist.ref: therapist.clinic for therapist in network.therapists if therapist.supervisor is None}
    assert len(heads) == 3
    for therapist in network.therapists:
        assert therapist.supervisor is None or heads[therapist.supervisor] == therapist.clinic


def test_a_therapist_goes_by_a_name_of_their_own_and_by_none_in_the_events(network: Network) -> None:
    many = simulate(Spec(seed=1, therapists=250, clinics=5, clients=1, weeks=1)).therapists
    assert len({therapist.name for therapist in many}) == 250
    posted = b"".join(canonical(post.event) for post in network.posts).decode()
    assert not any(therapist.name in posted for therapist in network.therapists)


@pytest.mark.parametrize(
    "wrong",
    [
        lambda: Spec(seed=1, clinics=0),
        lambda: Spec(seed=1, clients=0),
        lambda: Spec(seed=1, weeks=0),
        lambda: Spec(seed=1, clinics=5, therapists=4),
        lambda: Spec(seed=1, late_share=1.5),
        lambda: Spec(seed=1, duplicate_share=-0.1),
    ],
)
def test_a_network_that_cannot_be_is_refused(wrong: Callable[[], Spec]) -> None:
    with pytest.raises(ValueError, match=r"at least one|from 0 to 1"):
        wrong()
