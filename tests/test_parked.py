"""A poison event parks its case alone; mended or discarded, the case goes on in order and is looked at."""

from collections.abc import Iterator
from contextlib import closing

import pytest

from contracts.data import EventKey
from contracts.instruments import catalogue
from services import parked, storage
from services.access.problems import Refused
from services.projections.fold import course_of
from services.projections.record import record_of
from services.settings import Settings
from tests.live import Live, installed
from tests.story import SOURCE, START, Story, day, stalled


@pytest.fixture(params=["files", "postgres"])
def settings(request: pytest.FixtureRequest) -> Settings:
    return installed(request.param, request)


@pytest.fixture
def live(settings: Settings) -> Iterator[Live]:
    found = Live(settings)
    yield found
    found.close()


def odd() -> Story:
    """Its third event is a score of an instrument that an older release does not have."""
    return stalled("ca_odd001").measure("phq9", {"total": 14})


def test_an_event_that_cannot_be_folded_parks_one_case_and_the_retry_drains_it_in_order(
    settings: Settings, live: Live
) -> None:
    story, other = odd(), stalled("ca_fine01")
    full = live.views._catalogue
    live.views._catalogue = {key: one for key, one in full.items() if key[0] != "phq9"}
    live.log.append([*story.events, *other.events], START)
    live.follow()
    told = len(story.events)
    story.session(ors=20).session(ors=24)
    live.log.append(story.events[told:], START)
    live.follow()

    [waiting] = parked.cases(settings, settings.network)
    assert (waiting.case_ref, waiting.error) == ("ca_odd001", "KeyError")
    assert live.views.course("ca_fine01") == course_of(record_of(other.events), catalogue())
    with pytest.raises(Refused, match="projection-behind"):
        live.views.course("ca_odd001")
    assert [course.case_ref for course in live.views.courses()] == ["ca_fine01"]

    assert parked.retry(settings, settings.network, [], day(90)) == ["ca_odd001"]

    assert parked.cases(settings, settings.network) == []
    live.views._catalogue = full
    assert live.views.course("ca_odd001") == course_of(record_of(story.events), catalogue())
    with closing(storage.open_outbox(settings, settings.network)) as outbox:
        assert [outbox.due(shard, day(90), 10) for shard in outbox.positions()].count(["ca_odd001"]) == 1


def test_an_event_of_a_later_release_parks_its_case_until_it_is_discarded(settings: Settings, live: Live) -> None:
    story, other = stalled("ca_odd001"), stalled("ca_fine01")
    live.log.append([*story.events[:4], *other.events], START)
    live.append_of_a_later_release("ca_odd001", "x1")
    live.log.append(story.events[4:], START)
    live.follow()

    [waiting] = parked.cases(settings, settings.network)
    assert (waiting.case_ref, waiting.error) == ("ca_odd001", "ValidationError")
    assert live.views.course("ca_fine01") is not None
    assert parked.retry(settings, settings.network, ["ca_odd001"], day(90)) == []
    listed = parked.events(settings, settings.network, "ca_odd001")
    assert (SOURCE, "x1", "resonance.case.admired.v1") in listed
    assert len(listed) == len(story.events) + 1

    key = EventKey(source=SOURCE, id="x1")
    for _ in range(2):
        parked.discard(settings, settings.network, "ca_odd001", key, day(90))
    live.follow()

    assert parked.cases(settings, settings.network) == []
    course = live.views.course("ca_odd001")
    assert course is not None
    assert len(course.sessions) == 6
    assert len(live.log.follow(0, 1_000)) == len(story.events) + len(other.events) + 2


def test_what_is_not_there_cannot_be_retried_or_discarded(settings: Settings, live: Live) -> None:
    live.log.append(stalled().events, START)
    live.follow()

    with pytest.raises(LookupError, match="no such case is parked"):
        parked.retry(settings, settings.network, ["ca_stall1"], day(90))
    with pytest.raises(LookupError, match="the case has no such event"):
        parked.discard(settings, settings.network, "ca_stall1", EventKey(source=SOURCE, id="none"), day(90))
    with pytest.raises(LookupError, match="there is no network nowhere"):
        parked.cases(settings, "nowhere")
