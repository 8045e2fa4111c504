"""A credential posts as many events a minute as its quota says, and is told at each answer what is left."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest

from services.access.limits import Limits
from services.access.problems import Problem, Refused

NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)


def after(seconds: float) -> datetime:
    return NOW + timedelta(seconds=seconds)


def refusal(limits: Limits, events: int, now: datetime = NOW) -> Problem:
    with pytest.raises(Refused) as refused:
        limits.take("key00001", events, now)
    return refused.value.problem


def test_the_headers_say_the_quota_what_is_left_of_it_and_when_it_is_whole_again() -> None:
    limits = Limits(6_000)
    assert limits.take("key00001", 10, NOW) == {
        "RateLimit-Policy": '"events";q=6000;w=60',
        "RateLimit": '"events";r=5990;t=1',
    }
    assert limits.take("key00001", 990, NOW)["RateLimit"] == '"events";r=5000;t=10'


def test_more_than_is_left_is_refused_and_takes_nothing() -> None:
    limits = Limits(1_200)
    limits.take("key00001", 1_000, NOW)
    problem = refusal(limits, 300)
    assert (problem.status, problem.slug, problem.retryable) == (429, "quota-exceeded", True)
    assert problem.headers == {
        "RateLimit-Policy": '"events";q=1200;w=60',
        "RateLimit": '"events";r=200;t=50',
        "Retry-After": "5",
    }
    document = problem.document()
    assert document["type"] == "https://iana.org/assignments/http-problem-types#quota-exceeded"
    assert document["violated-policies"] == ["events"]
    assert limits.take("key00001", 200, NOW)["RateLimit"] == '"events";r=0;t=60'


def test_what_is_refused_finds_room_once_retry_after_is_over_and_not_a_second_sooner() -> None:
    limits = Limits(1_200)
    limits.take("key00001", 1_200, NOW)
    wait = int(refusal(limits, 1_000).headers["Retry-After"])
    assert refusal(limits, 1_000, after(wait - 1)).slug == "quota-exceeded"
    assert limits.take("key00001", 1_000, after(wait))


def test_a_minute_of_rest_gives_the_whole_quota_and_never_more() -> None:
    limits = Limits(1_000)
    limits.take("key00001", 1_000, NOW)
    assert limits.take("key00001", 1_000, after(60))["RateLimit"] == '"events";r=0;t=60'
    assert limits.take("key00001", 1_000, after(3_600))["RateLimit"] == '"events";r=0;t=60'


def test_over_a_long_time_no_more_than_the_quota_and_one_bucket_gets_through() -> None:
    limits, stored = Limits(1_000), 0
    for second in range(600):
        try:
            limits.take("key00001", 97, after(second))
        except Refused:
            continue
        stored += 97
    assert 9_500 <= stored <= 11_000


def test_each_credential_has_its_own() -> None:
    limits = Limits(1_000)
    limits.take("key00001", 1_000, NOW)
    assert limits.take("key00002", 1_000, NOW)
    assert refusal(limits, 1).slug == "quota-exceeded"


def test_a_clock_that_is_set_back_fills_nothing_and_starves_nobody() -> None:
    limits = Limits(1_000)
    limits.take("key00001", 1_000, NOW)
    assert refusal(limits, 1_000, after(-3_600)).slug == "quota-exceeded"
    assert limits.take("key00001", 1_000, after(-3_540))


def test_threads_that_take_at_once_get_no_more_than_there_is() -> None:
    limits = Limits(1_000)

    def take(_: int) -> int:
        try:
            limits.take("key00001", 1, NOW)
        except Refused:
            return 0
        return 1

    with ThreadPoolExecutor(8) as threads:
        assert sum(threads.map(take, range(3_000))) == 1_000
