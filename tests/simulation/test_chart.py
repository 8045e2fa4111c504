"""What the clinics of a made-up network chart, case by case."""

import re
from collections import Counter, defaultdict
from random import Random
from statistics import fmean

from contracts.events import (
    AnyEvent,
    CaseClosed,
    CaseOpened,
    ClientMerged,
    ConsentChanged,
    EventRetracted,
    MeasureCorrected,
    MeasureDeclined,
    MeasureRecorded,
    PreferenceRecorded,
    SessionHeld,
    SessionMissed,
    TaskAgreed,
    TaskEnded,
    TaskRenegotiated,
    TherapistAssigned,
)
from services.projections.preferences import topic
from services.simulation.chart import Case, chart
from services.simulation.clinics import draw_clinics, draw_therapists
from services.simulation.latent import draw_client, draw_course
from services.simulation.network import Network
from services.simulation.spec import Spec


def test_every_kind_of_event_that_record_systems_post_comes_up(events: list[AnyEvent]) -> None:
    assert {type(event) for event in events} == {
        CaseOpened,
        CaseClosed,
        TherapistAssigned,
        SessionHeld,
        SessionMissed,
        MeasureRecorded,
        MeasureCorrected,
        MeasureDeclined,
        PreferenceRecorded,
        TaskAgreed,
        TaskRenegotiated,
        TaskEnded,
        EventRetracted,
        ConsentChanged,
        ClientMerged,
    }


def test_sessions_are_held_in_the_working_hours_of_the_clinic(network: Network, events: list[AnyEvent]) -> None:
    zones = {clinic.ref: clinic.zone for clinic in network.clinics}
    for event in events:
        if isinstance(event, SessionHeld):
            local = event.data.started_at.astimezone(zones[event.rsnclinic])
            assert local.weekday() < 5
            assert 9 <= local.hour <= 16


def test_a_quarter_of_the_appointments_comes_to_nothing(events: list[AnyEvent]) -> None:
    kinds = Counter(type(event) for event in events)
    assert 0.2 <= kinds[SessionMissed] / (kinds[SessionMissed] + kinds[SessionHeld]) <= 0.3


def test_measures_are_missing_and_some_of_what_is_missing_is_charted(events: list[AnyEvent]) -> None:
    held = sum(isinstance(event, SessionHeld) for event in events)
    filled = sum(isinstance(event, MeasureRecorded) and event.data.instrument.key == "srs" for event in events)
    assert 0.78 < filled / held < 0.97
    assert 0.01 < sum(isinstance(event, MeasureDeclined) for event in events) / (2 * held) < 0.1


def test_clinics_measure_in_their_own_way(network: Network, events: list[AnyEvent]) -> None:
    scales: dict[str, set[int]] = defaultdict(set)
    instruments: dict[str, set[str]] = defaultdict(set)
    days: dict[str, set[bool]] = defaultdict(set)
    for event in events:
        if isinstance(event, MeasureRecorded):
            instruments[event.rsnclinic].add(event.data.instrument.key)
            days[event.rsnclinic].add(event.data.occurred_on is not None)
            if event.data.instrument.key != "phq9":
                scales[event.rsnclinic].add(len(event.data.scores))
    assert [scales[clinic.ref] for clinic in network.clinics] == [{4}, {1}, {4}]
    assert [instruments[clinic.ref] for clinic in network.clinics] == [{"ors", "srs", "phq9"}] + 2 * [{"ors", "srs"}]
    assert [days[clinic.ref] for clinic in network.clinics] == [{False}, {False}, {True}]


def test_a_correction_follows_its_measure_on_the_same_day(network: Network, events: list[AnyEvent]) -> None:
    known = {event.id: event for event in events}
    for event in events:
        if isinstance(event, MeasureCorrected) and event.data.supersedes.id in known:
            mistake = known[event.data.supersedes.id]
            assert isinstance(mistake, MeasureRecorded)
            assert mistake.data.measurement_ref == event.data.measurement_ref
            assert mistake.data.scores != event.data.scores
            assert mistake.time == event.time


def test_a_retraction_takes_back_a_measure_of_the_same_case(events: list[AnyEvent]) -> None:
    known = {event.id: event for event in events}
    taken = [(e, known.get(e.data.target.id)) for e in events if isinstance(e, EventRetracted)]
    assert taken
    for retraction, target in taken:
        assert target is None or (isinstance(target, MeasureRecorded) and target.subject == retraction.subject)


def test_cases_that_end_within_the_window_are_closed_and_the_others_stay_open(events: list[AnyEvent]) -> None:
    closed = {event.case_ref: event.data.ending for event in events if isinstance(event, CaseClosed)}
    assert 0.6 < len(closed) / 900 < 0.9
    assert set(closed.values()) == {"agreed", "referred", "client_stopped", "lost_contact"}
    stopped = fmean(ending in ("client_stopped", "lost_contact") for ending in closed.values())
    assert 0.2 < stopped < 0.36


def test_tasks_are_agreed_early_and_renegotiations_name_tasks_that_were_agreed(events: list[AnyEvent]) -> None:
    agreed: dict[str, set[str]] = defaultdict(set)
    told = [event for event in events if isinstance(event, TaskRenegotiated)]
    for event in events:
        if isinstance(event, TaskAgreed | TaskRenegotiated):
            agreed[event.subject].add(event.data.task_ref)
    named = [event.data.previous_task_ref in agreed[event.subject] for event in told if event.data.previous_task_ref]
    assert len(agreed) > 0.85 * 900
    assert len(named) > 50
    assert fmean(named) > 0.95  # what was agreed may be charted only after the window


def test_half_of_the_therapists_renegotiate_often_and_the_others_rarely(
    network: Network, events: list[AnyEvent]
) -> None:
    often = {therapist.ref for therapist in network.therapists if therapist.habit > 0.1}
    responsible = {e.case_ref: e.data.therapist_ref for e in events if isinstance(e, CaseOpened)}
    told = Counter(responsible[e.case_ref] in often for e in events if isinstance(e, TaskRenegotiated))
    cases = Counter(therapist in often for therapist in responsible.values())
    assert 0.25 < len(often) / 24 < 0.75
    assert told[True] / cases[True] > 2 * told[False] / cases[False]


def test_a_few_cases_are_handed_on_within_the_clinic(network: Network, events: list[AnyEvent]) -> None:
    clinics = {therapist.ref: therapist.clinic.ref for therapist in network.therapists}
    roles = Counter(event.data.role for event in events if isinstance(event, TherapistAssigned))
    assert 0 < roles["primary"] < 40 < roles["supervisor"]
    for event in events:
        if isinstance(event, TherapistAssigned):
            assert clinics[event.data.therapist_ref] == event.rsnclinic


def test_statements_are_there_and_hold_no_name_and_no_reference(network: Network, events: list[AnyEvent]) -> None:
    told = [
        event.data.statement
        for event in events
        if isinstance(event, PreferenceRecorded | TaskRenegotiated) and event.data.statement
    ]
    names = {part.lower() for therapist in network.therapists for part in therapist.name.split()}
    words = {word.lower() for statement in told for word in re.findall(r"\w+", statement)}
    assert len(told) > 100
    assert names.isdisjoint(words)
    assert not any("_" in word or any(letter.isdigit() for letter in word) for word in words)


def test_wishes_change_and_what_is_said_of_them_names_aspects_goals_and_areas(events: list[AnyEvent]) -> None:
    said = [event for event in events if isinstance(event, PreferenceRecorded)]
    topics = Counter((event.subject, topic(event.data)) for event in said)
    assert sum(count > 1 for count in topics.values()) > 50
    assert {event.data.aspect for event in said} >= {None, "dose", "people", "helped", "unwanted", "hope"}
    assert all(event.data.goal_ref for event in said if event.data.domain == "goal")
    assert all(event.data.areas for event in said if event.data.domain == "reason_for_service")
    assert sum(event.data.activity is not None for event in said) > 50


def test_some_tasks_are_agreed_on_without_the_client_and_some_serve_a_goal(events: list[AnyEvent]) -> None:
    agreed = [event.data for event in events if isinstance(event, TaskAgreed)]
    told = [event.data for event in events if isinstance(event, TaskRenegotiated)]
    assert 0.1 < fmean(data.agreed_by == "therapist" for data in agreed) < 0.3
    assert 0.03 < fmean(data.agreed_by == "therapist" for data in told) < 0.25
    goals = {event.data.goal_ref for event in events if isinstance(event, PreferenceRecorded)}
    served = ({data.goal_ref for data in agreed} | {data.goal_ref for data in told}) - {None}
    assert len(served) > 20
    assert len(served - goals) < 0.1 * len(served)  # what was said may be charted only after the window
    assert {data.reason for data in told} >= {"no_benefit", "client_request", "other"}


def test_what_the_client_says_of_their_wishes_shifts_nothing_else() -> None:
    spec = Spec(seed=3)
    [therapist, *colleagues] = draw_therapists(spec, draw_clinics(spec))
    rng = Random(7)
    course = draw_course(rng, draw_client(rng, therapist.effects), therapist.effects, rng, 0.3, 0.0)
    case = Case("ca_01", therapist, tuple(colleagues), course, spec.start, spec.start)
    told, otherwise = (chart(Random(1), Random(own), case, spec.end) for own in (2, 3))
    common = {event.id for event in told} & {event.id for event in otherwise}
    kept = [[event.id for event in events if event.id in common] for events in (told, otherwise)]
    assert kept[0] == kept[1]
    assert len(common) > 3
    assert all(isinstance(event, PreferenceRecorded) for event in (*told, *otherwise) if event.id not in common)
    assert {event.time for event in told if event.id in common} == {e.time for e in otherwise if e.id in common}
