"""What followed renegotiations over HTTP: for the whole network, and for nobody who may see a part of it only."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from contracts.policies import policy
from services.reading.followed import FollowedAnswer, Told
from tests.running import Running
from tests.story import Story, day

CELL = policy().following.smallest_cell


@pytest.fixture
def running(tmp_path: Path) -> Iterator[Running]:
    found = Running(tmp_path)
    yield found
    found.close()


def stuck(number: int, next_score: float, talk: bool) -> Story:
    """Stalled at the fifth session, a little higher than the case before."""
    story = Story(f"ca_{'talked' if talk else 'left'}{number}").opened()
    for score in (15, 16, 15, 16, 15):
        story.session(ors=round(score + number / 10, 1), srs=36)
    if talk:
        story.renegotiated()
    return story.session(ors=round(next_score + number / 10, 1), srs=37)


def test_what_followed_stands_beside_cases_without_a_renegotiation(running: Running) -> None:
    stories = [stuck(n, 20, talk=True) for n in range(CELL)] + [stuck(n, 17, talk=False) for n in range(2 * CELL)]
    running.told([event for story in stories for event in story.events])

    found = running.get("/v1/network/followed").json()

    assert [found[name] for name in ("renegotiations", "cases", "stalled", "matched")] == [CELL] * 4
    first, later = found["comparisons"][:2]
    assert (first["measure"], first["kind"], first["sessions_after"]) == ("outcome", "ors/adult/client", 1)
    assert (first["difference"], first["renegotiated"]["change"], first["beside"]["change"]) == (3, 4.5, 1.5)
    assert (later["difference"], later["renegotiated"]["absent"]) == (None, {"not_yet": CELL})
    assert "ca_" not in str(found)


def test_an_answer_is_told_again_until_an_event_comes_a_case_is_no_longer_parked_or_the_day_is_over(
    running: Running,
) -> None:
    odd = stuck(1, 17, talk=False).measure("phq9", {"total": 14})
    views, told, now = running.network.views, Told(), day(60)
    full = views._catalogue
    views._catalogue = {key: one for key, one in full.items() if key[0] != "phq9"}
    running.told(odd.events)

    def answer(at: datetime) -> FollowedAnswer:
        first, second = (told.of_network("main", views, policy(), at) for _ in range(2))
        assert first is second
        return first

    answers = [answer(now)]
    running.told(stuck(2, 17, talk=False).events)
    answers.append(answer(now))
    views._catalogue = full
    assert views.retry(odd.case_ref)
    answers += [answer(now), answer(now + timedelta(days=1))]
    assert len({id(one) for one in answers}) == len(answers)


def test_a_key_for_some_clinics_is_not_told_what_followed_in_others(running: Running) -> None:
    refused = running.get("/v1/network/followed", key=running.create_key("read", clinics=["cl_north"]))
    assert (refused.status_code, refused.json()["type"]) == (403, "/v1/problems/clinic-not-allowed")
