"""A request that is sent again with its idempotency key is answered again, and not done again."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from threading import Event

import pytest
from fastapi import Response

from services.access.credential import Credential
from services.access.idempotency import GIVEN_UP_AFTER, KEPT_FOR, Replies, once
from services.access.problems import Refused, problem
from tests.homes import Home

NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)
NORTH = Credential("k1", "north", None, None, frozenset())
OTHER = Credential("k2", "north", None, None, frozenset())


class Work:
    """Answers 201 and how often it was done, or whatever it is told to."""

    def __init__(self) -> None:
        self.times = 0
        self.error: BaseException | None = None
        self.status = 201

    def __call__(self) -> Response:
        self.times += 1
        if self.error is not None:
            raise self.error
        headers = {"Location": f"/v1/things/{self.times}", "ETag": '"a"', "X-Other": "no"}
        return Response(b"%d" % self.times, self.status, headers, "application/json")


@pytest.fixture
def replies(home: Home) -> Iterator[Replies]:
    found = home.replies()
    yield found
    found.close()


@pytest.fixture
def work() -> Work:
    return Work()


def test_the_same_request_is_done_once_and_answered_the_same(replies: Replies, work: Work) -> None:
    first, again = (once(replies, NORTH, "a", b"x", NOW, work) for _ in range(2))
    assert work.times == 1
    assert (again.status_code, again.body) == (first.status_code, first.body) == (201, b"1")
    for name in ("location", "etag", "content-type"):
        assert again.headers[name] == first.headers[name]


def test_another_process_answers_it_too(home: Home, work: Work) -> None:
    one, two = home.replies(), home.replies()
    once(one, NORTH, "a", b"x", NOW, work)
    assert once(two, NORTH, "a", b"x", NOW, work).body == b"1"
    one.close()
    two.close()


def test_without_a_key_it_is_done_every_time(replies: Replies, work: Work) -> None:
    assert [once(replies, NORTH, None, b"x", NOW, work).body for _ in range(2)] == [b"1", b"2"]


def test_a_key_stands_for_one_request(replies: Replies, work: Work) -> None:
    once(replies, NORTH, "a", b"x", NOW, work)
    with pytest.raises(Refused) as refused:
        once(replies, NORTH, "a", b"y", NOW, work)
    assert refused.value.problem.slug == "idempotency-key-reused"
    assert work.times == 1


def test_each_credential_has_keys_of_its_own(replies: Replies, work: Work) -> None:
    assert once(replies, NORTH, "a", b"x", NOW, work).body == b"1"
    assert once(replies, OTHER, "a", b"x", NOW, work).body == b"2"


def test_a_key_is_free_again_after_a_day(replies: Replies, work: Work) -> None:
    once(replies, NORTH, "a", b"x", NOW, work)
    almost = NOW + KEPT_FOR - timedelta(seconds=1)
    assert once(replies, NORTH, "a", b"x", almost, work).body == b"1"
    assert once(replies, NORTH, "a", b"y", NOW + KEPT_FOR, work).body == b"2"


def test_while_it_is_worked_on_nobody_else_does_it(replies: Replies, home: Home, work: Work) -> None:
    begun, go_on = Event(), Event()

    def slow() -> Response:
        begun.set()
        assert go_on.wait(20)
        return work()

    other = home.replies()
    with ThreadPoolExecutor(1) as pool:
        first = pool.submit(once, replies, NORTH, "a", b"x", NOW, slow)
        assert begun.wait(20)
        with pytest.raises(Refused) as refused:
            once(other, NORTH, "a", b"x", NOW, work)
        go_on.set()
        assert first.result().body == b"1"
    assert refused.value.problem.slug == "request-in-progress"
    assert refused.value.problem.headers["Retry-After"] == "1"
    assert once(other, NORTH, "a", b"x", NOW, work).body == b"1"
    other.close()


def test_what_was_begun_by_a_process_that_was_killed_is_done_by_another(replies: Replies, work: Work) -> None:
    assert replies.begin(NORTH, "a", b"x", NOW) is None
    assert once(replies, NORTH, "a", b"x", NOW + GIVEN_UP_AFTER, work).body == b"1"


@pytest.mark.parametrize("error", [None, RuntimeError("a defect")])
def test_who_was_given_up_and_comes_after_all_leaves_the_key_to_who_has_it_now(
    replies: Replies, work: Work, error: Exception | None
) -> None:
    def slow() -> Response:
        assert replies.begin(NORTH, "a", b"y", NOW + GIVEN_UP_AFTER) is None
        work.error = error
        return work()

    with suppress(RuntimeError):
        assert once(replies, NORTH, "a", b"x", NOW, slow).body == b"1"
    with pytest.raises(Refused) as refused:
        replies.begin(NORTH, "a", b"y", NOW + GIVEN_UP_AFTER)
    assert refused.value.problem.slug == "request-in-progress"


def test_a_refusal_that_would_come_again_is_kept(replies: Replies, work: Work) -> None:
    work.error = Refused(problem("validation"))
    with pytest.raises(Refused):
        once(replies, NORTH, "a", b"x", NOW, work)
    work.error = None
    again = once(replies, NORTH, "a", b"x", NOW, work)
    assert (work.times, again.status_code) == (1, 422)
    assert again.headers["content-type"] == "application/problem+json"
    assert again.body == problem("validation").body()


@pytest.mark.parametrize(
    "error", [Refused(problem("storage-unavailable")), RuntimeError("a defect"), KeyboardInterrupt()]
)
def test_after_what_may_pass_it_can_be_sent_anew(replies: Replies, work: Work, error: BaseException) -> None:
    work.error = error
    with pytest.raises(type(error)):
        once(replies, NORTH, "a", b"x", NOW, work)
    work.error = None
    assert once(replies, NORTH, "a", b"x", NOW, work).body == b"2"


def test_an_answer_of_500_is_not_kept(replies: Replies, work: Work) -> None:
    work.status = 500
    once(replies, NORTH, "a", b"x", NOW, work)
    work.status = 201
    assert once(replies, NORTH, "a", b"x", NOW, work).body == b"2"
