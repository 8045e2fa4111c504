"""The replay does what the live service did, event by event, and tells what another policy would have done."""

from collections import Counter
from collections.abc import Iterator, Mapping
from datetime import timedelta
from itertools import chain
from pathlib import Path
from typing import NamedTuple

import pytest

from contracts.events import AlertNotified, AlertRaised, AlertResolved, AlertSuppressed
from contracts.policies import Policy, policy
from services.eventlog.ports import Recorded
from services.figures.fitting import fit
from services.projections.norms import adopted
from services.simulation.history import final_courses
from services.simulation.network import Network, simulate
from services.simulation.posts import Post
from services.simulation.spec import Spec
from services.whatif.case import Own
from services.whatif.history import History
from services.whatif.replay import replay
from tests.whatif.living import Beat, Living, by_case, made_by_alerts

POLICY = policy()
SMALL_CELLS = POLICY.norms.model_copy(update={"smallest_band": 20, "smallest_cell": 20})
TALKATIVE = POLICY.model_copy(
    update={
        "mail": POLICY.mail.model_copy(
            update={"reasons": (*POLICY.mail.reasons, "silent", "unmeasured"), "mails_per_therapist_week": 1}
        )
    }
)
"""Mails about more than there is room for."""


class Lived(NamedTuple):
    policy: Policy
    history: History
    log: Mapping[str, list[Own]]


class Way(NamedTuple):
    """How a network is lived through."""

    beat: Beat
    spec: Spec
    policy: Policy
    with_norms: bool


WAYS: Mapping[str, Way] = {
    "post by post": Way("posts", Spec(seed=5, clinics=2, therapists=5, clients=150), POLICY, with_norms=True),
    "hour by hour, with little room for mail": Way(
        "hours", Spec(seed=6, clinics=2, therapists=4, clients=300), TALKATIVE, with_norms=True
    ),
    "day by day": Way("days", Spec(seed=7, clinics=2, therapists=6, clients=300), POLICY, with_norms=False),
}


@pytest.fixture(scope="module")
def every(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, Lived]:
    return {name: live(tmp_path_factory.mktemp("life"), way) for name, way in WAYS.items()}


def live(folder: Path, way: Way) -> Lived:
    network = simulate(way.spec)
    living = Living(folder, network, way.policy)
    posts = [*network.posts, *adoptions(network, way)] if way.with_norms else network.posts
    living.through(sorted(posts, key=lambda post: post.posted_at), way.beat)
    history = living.history()
    living.workplace.closes()
    return Lived(way.policy, history, made_by_alerts(history.recorded))


def adoptions(network: Network, way: Way) -> Iterator[Post]:
    """One norm set before the first case and another in between, fitted on the very cases that are judged."""
    courses = final_courses(network.posts).values()
    series = [course.outcome for course in courses if course.outcome is not None]
    for some, weeks in ((series[::2], 0), (series, 10)):
        at = network.posts[0].posted_at + timedelta(weeks=weeks, hours=-1)
        yield Post(at, adopted(fit(some, SMALL_CELLS, at), way.policy, at))


@pytest.mark.parametrize("name", WAYS)
def test_the_replay_gives_the_alert_events_of_the_live_service_event_by_event(
    every: Mapping[str, Lived], name: str
) -> None:
    policy, history, log = every[name]
    [found] = replay(history, [policy])
    replayed = by_case(one.event for one in found.events)
    assert replayed.keys() == log.keys()
    for case_ref, events in log.items():
        assert replayed[case_ref] == events


def test_all_that_can_happen_to_an_alert_happened_somewhere(every: Mapping[str, Lived]) -> None:
    """Else the equality would say little."""
    found = Counter[str]()
    for _, history, log in every.values():
        for event in chain.from_iterable(log.values()):
            match event:
                case AlertRaised():
                    found[event.data.reason] += 1
                case AlertSuppressed():
                    found[event.data.why] += 1
                case AlertResolved():
                    found[event.data.how] += 1
                case AlertNotified():
                    found["notified"] += 1
        found.update(type(one.event).__name__ for one in history.recorded if isinstance(one, Recorded))
    assert found.keys() >= {
        "deteriorating", "stalled", "stalled_not_renegotiated", "silent", "unmeasured", "alliance_rupture_unrepaired",
        "listed_only", "no_address", "told_recently", "over_budget", "undeliverable", "notified",
        "by_score", "by_renegotiation", "by_session", "by_closing", "by_other_reason", "by_correction",
        "renegotiated_no_change", "AlertOpened", "AlertAcknowledged", "AlertSnoozed",
        "MeasureCorrected", "EventRetracted", "ConsentChanged",
    }  # fmt: skip
