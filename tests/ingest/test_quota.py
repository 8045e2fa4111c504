"""The quota counts events, of each credential for itself, and says in every answer what is left of it."""

import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import httpx
import pytest

from tests.ingest.conftest import BATCH, Service, measured


@pytest.fixture
def small(tmp_path: Path) -> Iterator[Service]:
    """A service whose credentials may post sixty events a minute."""
    running = Service(tmp_path, quota=60)
    yield running
    running.close()


def left(answer: httpx.Response) -> int:
    assert answer.headers["RateLimit-Policy"] == '"events";q=60;w=60'
    found = re.fullmatch(r'"events";r=(\d+);t=(\d+)', answer.headers["RateLimit"])
    assert found is not None
    return int(found[1])


def test_an_event_costs_one_and_a_batch_as_many_as_it_holds(small: Service) -> None:
    assert left(small.post(measured(1))) == 59
    assert left(small.post_batch([measured(number) for number in range(2, 12)])) == 49
    assert left(small.validate(measured(1))) == 48
    assert left(small.validate([measured(1)] * 8, BATCH)) == 40


def test_refused_requests_and_events_cost_as_well(small: Service) -> None:
    assert left(small.post(measured(scores=[]))) == 59
    assert left(small.post(b"{")) == 58
    assert left(small.post_batch(["x", "y"])) == 56


def test_what_holds_no_events_costs_nothing_and_says_what_is_left(small: Service) -> None:
    assert left(small.post(measured())) == 59
    for answer in (small.post(measured(), "text/plain"), small.post_batch([]), small.post_batch(b"[")):
        assert left(answer) == 59


def test_over_the_quota_nothing_is_stored_and_it_is_told_when_to_come_back(small: Service) -> None:
    small.post_batch([measured(number) for number in range(50)])
    refused = small.post_batch([measured(number) for number in range(50, 70)])
    assert (refused.status_code, refused.json()["retryable"]) == (429, True)
    assert refused.json()["violated-policies"] == ["events"]
    assert len(small.stored()) == 50
    assert left(refused) == 10
    wait = int(refused.headers["Retry-After"])
    small.later(timedelta(seconds=wait))
    assert small.post_batch([measured(number) for number in range(50, 70)]).status_code == 200
    assert len(small.stored()) == 70


def test_another_credential_has_a_quota_of_its_own(small: Service) -> None:
    small.post_batch([measured(number) for number in range(60)])
    assert small.post(measured(60)).status_code == 429
    other = small.create_key("events:write")
    assert left(small.post(measured(60), key=other)) == 59


def test_whoever_is_nobody_is_told_of_no_quota(small: Service) -> None:
    answer = small.post(measured(), key="nobody")
    assert answer.status_code == 401
    assert "RateLimit" not in answer.headers
