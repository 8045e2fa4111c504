"""Shares of a history: nothing is lost, no therapist is in two, and replayed apart they come to the same."""

from collections import Counter
from collections.abc import Sequence

import pytest

from contracts.events import AlertRaised, CaseEvent, CaseOpened, TherapistAssigned
from contracts.policies import policy
from services.eventlog.ports import Recorded
from services.projections.norms import NormSet, adopted
from services.simulation.history import recorded
from services.simulation.network import simulate
from services.simulation.spec import Spec
from services.whatif.history import History
from services.whatif.replay import replay
from services.whatif.shares import share

POLICY = policy("plain")


@pytest.fixture(scope="module")
def history() -> History:
    made = simulate(Spec(seed=3, clinics=4, therapists=8, clients=120))
    at = made.posts[0].posted_at
    norms = adopted(NormSet("0" * 12, at, 15, {}), POLICY, at)
    log = recorded(made.posts)
    return History([Recorded(0, at, norms), *log], made.posts[-1].posted_at)


@pytest.fixture(scope="module")
def shares(history: History) -> Sequence[History]:
    return [share(history, number, 2) for number in range(2)]


def test_every_event_of_a_case_is_in_one_share_in_its_order_and_what_concerns_all_is_in_each(
    history: History, shares: Sequence[History]
) -> None:
    kept = Counter(one.position for part in shares for one in part.recorded)
    expected = {
        one.position: 1 if isinstance(one.event, CaseEvent) else len(shares)
        for one in history.recorded
        if isinstance(one, Recorded)
    }
    assert kept == expected
    assert expected[0] == 2
    for part in shares:
        assert [*part.recorded] == sorted(part.recorded, key=lambda one: one.position)


def test_no_therapist_has_cases_in_two_shares_and_neither_is_much_larger(shares: Sequence[History]) -> None:
    therapists = [
        {
            one.event.data.therapist_ref
            for one in part.recorded
            if isinstance(one, Recorded) and isinstance(one.event, CaseOpened | TherapistAssigned)
        }
        for part in shares
    ]
    assert not therapists[0] & therapists[1]
    sizes = sorted(len(part.recorded) for part in shares)
    assert sizes[1] < 2 * sizes[0]


def test_shares_that_are_replayed_apart_come_to_what_the_whole_comes_to(
    history: History, shares: Sequence[History]
) -> None:
    [whole] = replay(history, [POLICY])
    parts = [found for part in shares for found in replay(part, [POLICY])]
    assert sorted(event.id for event, _ in whole.events) == sorted(e.id for found in parts for e, _ in found.events)
    assert any(isinstance(event, AlertRaised) for event, _ in whole.events)


def test_where_all_therapists_share_cases_one_share_has_everything() -> None:
    made = simulate(Spec(seed=3, clinics=1, therapists=2, clients=60))
    history = History(recorded(made.posts), made.posts[-1].posted_at)
    assert min(len(share(history, number, 2).recorded) for number in range(2)) == 0
