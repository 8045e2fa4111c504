"""Posting a file to a scripted server: what is sent, what is sent again, what is counted, and where to go on."""

import io
import json
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest
from rich.console import Console

from services.load import Stopped, load

KEY = "rsn_test_key"
Reply = Callable[[list[dict[str, object]]], httpx.Response]


def answer(events: list[dict[str, object]], **of: dict[str, object]) -> httpx.Response:
    """Everything is accepted, but for the events whose id is named."""
    results = [
        {"index": index, "id": event["id"], "status": "accepted", "http_status": 201} | of.get(str(event["id"]), {})
        for index, event in enumerate(events)
    ]
    rejected = any(result["status"] == "rejected" for result in results)
    return httpx.Response(207 if rejected else 200, json={"results": results})


def rejected(slug: str, retryable: bool = False) -> dict[str, object]:
    problem = {"type": f"/v1/problems/{slug}", "title": "No", "errors": [{"pointer": "/data", "code": "range"}]}
    return {"status": "rejected", "http_status": 422, "retryable": retryable, "problem": problem}


class Server:
    """Answers by the script, and accepts everything once that has run out."""

    def __init__(self, *script: Reply | httpx.Response | Exception) -> None:
        self.script = list(script)
        self.requests: list[httpx.Request] = []
        self.pauses: list[float] = []
        self.screen = io.StringIO()

    @property
    def posted(self) -> list[list[object]]:
        """The ids of each batch."""
        return [[event["id"] for event in json.loads(request.content)] for request in self.requests]

    def load(self, source: Path | list[bytes], batch: int = 500, from_line: int = 1) -> tuple[int, int, dict[str, int]]:
        summary = load(
            source,
            "http://resonance.example",
            KEY,
            batch=batch,
            from_line=from_line,
            console=Console(file=self.screen),
            transport=httpx.MockTransport(self._answer),
            pause=self.pauses.append,
        )
        return summary.accepted, summary.duplicates, dict(summary.problems)

    def _answer(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        step = self.script.pop(0) if self.script else answer
        if isinstance(step, Exception):
            raise step
        return step if isinstance(step, httpx.Response) else step(json.loads(request.content))


def lines(*ids: str) -> list[bytes]:
    return [json.dumps({"id": name, "data": {"statement": "canary"}}).encode() + b"\n" for name in ids]


def test_a_file_is_posted_in_order_and_in_batches(tmp_path: Path) -> None:
    file = tmp_path / "events.ndjson"
    file.write_bytes(b"".join(lines("a", "b", "c", "d", "e")))
    server = Server()
    assert server.load(file, batch=2) == (5, 0, {})
    assert server.posted == [["a", "b"], ["c", "d"], ["e"]]


def test_a_batch_goes_to_the_events_of_the_service_with_the_key_and_the_media_type() -> None:
    server = Server()
    server.load(lines("a"))
    request = server.requests[0]
    assert (request.method, str(request.url)) == ("POST", "http://resonance.example/v1/events")
    assert request.headers["authorization"] == f"Bearer {KEY}"
    assert request.headers["content-type"] == "application/cloudevents-batch+json"


def test_empty_lines_and_lines_before_the_first_wanted_are_passed_over() -> None:
    server = Server()
    assert server.load([*lines("a"), b"\n", *lines("b", "c")], from_line=3) == (2, 0, {})
    assert server.posted == [["b", "c"]]


def test_an_empty_file_posts_nothing(tmp_path: Path) -> None:
    file = tmp_path / "events.ndjson"
    file.touch()
    server = Server()
    assert server.load(file) == (0, 0, {})
    assert server.requests == []


def test_a_batch_stays_below_what_the_server_takes() -> None:
    large = [json.dumps({"id": str(n), "data": "x" * 60_000}).encode() for n in range(100)]
    server = Server()
    assert server.load(large) == (100, 0, {})
    assert len(server.requests) == 2
    assert max(len(request.content) for request in server.requests) < 4 * 2**20


def test_duplicates_and_refusals_are_counted_by_problem() -> None:
    server = Server(
        lambda events: answer(
            events,
            b={"status": "duplicate", "http_status": 200},
            c=rejected("score-out-of-range"),
            d=rejected("score-out-of-range"),
            e=rejected("unknown-instrument"),
        )
    )
    assert server.load(lines(*"abcde")) == (1, 1, {"score-out-of-range": 2, "unknown-instrument": 1})


def test_anything_rejected_makes_the_exit_code_one_and_duplicates_do_not() -> None:
    twice = httpx.MockTransport(
        lambda request: answer(json.loads(request.content), a={"status": "duplicate", "http_status": 200})
    )
    assert load(lines("a"), "http://x.example", KEY, console=Console(quiet=True), transport=twice).exit_code == 0
    never = httpx.MockTransport(lambda request: answer(json.loads(request.content), a=rejected("validation")))
    summary = load(lines("a"), "http://x.example", KEY, console=Console(quiet=True), transport=never)
    assert summary.exit_code == 1
    assert summary.report() == "0 accepted, 0 already there, 1 rejected\n        1  validation"


@pytest.mark.parametrize("status", [429, 503])
def test_a_busy_server_is_given_the_time_that_it_asks_for(status: int) -> None:
    server = Server(httpx.Response(status, headers={"Retry-After": "7"}))
    assert server.load(lines("a", "b")) == (2, 0, {})
    assert server.pauses == [7.0]
    assert server.posted == [["a", "b"], ["a", "b"]]


def test_network_errors_are_met_with_growing_pauses() -> None:
    server = Server(httpx.ConnectError("refused"), httpx.ReadTimeout("slow"), httpx.Response(502))
    assert server.load(lines("a")) == (1, 0, {})
    assert server.pauses == [0.5, 1.0, 2.0]


def test_a_server_that_stays_away_stops_the_load_after_eight_attempts_and_says_where_to_go_on() -> None:
    server = Server(answer, *[httpx.ConnectError("refused")] * 8)
    with pytest.raises(Stopped, match="--from-line 3") as stopped:
        server.load(lines("a", "b", "c", "d"), batch=2)
    assert (stopped.value.line, stopped.value.summary.accepted) == (3, 2)
    assert len(server.requests) == 9
    assert server.pauses == [0.5, 1.0, 2.0, 4.0, 8.0, 16.0, 30.0]


def test_only_what_may_succeed_later_is_sent_again() -> None:
    server = Server(
        lambda events: answer(events, a=rejected("storage-unavailable", retryable=True), c=rejected("validation"))
    )
    assert server.load(lines("a", "b", "c")) == (2, 0, {"validation": 1})
    assert server.posted == [["a", "b", "c"], ["a"]]


@pytest.mark.parametrize("status", [301, 401, 403, 404, 415])
def test_a_refusal_of_the_whole_request_stops_the_load_at_once(status: int) -> None:
    server = Server(httpx.Response(status, json={"type": "/v1/problems/invalid-key", "title": "No"}))
    with pytest.raises(Stopped, match=f"{status} invalid-key; go on with --from-line 1"):
        server.load(lines("a"))
    assert len(server.requests) == 1


def test_an_answer_that_leaves_events_out_stops_the_load() -> None:
    server = Server(lambda events: answer(events[:1]))
    with pytest.raises(Stopped, match="for each event"):
        server.load(lines("a", "b"))


def test_a_line_that_is_no_json_is_counted_and_its_neighbours_are_posted() -> None:
    server = Server()
    assert server.load([*lines("a"), b'{"id": "b"},', b"not json", *lines("c")]) == (2, 0, {"malformed-json": 2})
    assert server.posted == [["a", "c"]]


def test_a_batch_that_the_server_cannot_read_is_halved_until_the_bad_line_stands_alone() -> None:
    def picky(events: list[dict[str, object]]) -> httpx.Response:
        bad = any(event["id"] == "c" for event in events)
        return httpx.Response(400, json={"type": "/v1/problems/malformed-json"}) if bad else answer(events)

    server = Server(*[picky] * 9)
    assert server.load(lines(*"abcd")) == (3, 0, {"malformed-json": 1})
    assert server.posted == [["a", "b", "c", "d"], ["a", "b"], ["c", "d"], ["c"], ["d"]]


def test_a_body_that_is_too_large_is_halved() -> None:
    server = Server(httpx.Response(413, json={"type": "/v1/problems/body-too-large"}))
    assert server.load(lines("a", "b", "c")) == (3, 0, {})
    assert server.posted == [["a", "b", "c"], ["a"], ["b", "c"]]


def test_nothing_that_a_line_holds_and_no_key_is_shown() -> None:
    server = Server(lambda events: answer(events, b=rejected("validation")), httpx.Response(403))
    with pytest.raises(Stopped) as stopped:
        server.load([*lines("a", "b"), b'{"id": "canary', *lines("c")], batch=2)
    shown = server.screen.getvalue() + str(stopped.value) + stopped.value.summary.report()
    assert "1 accepted" in shown
    assert "canary" not in shown
    assert KEY not in shown


def test_a_problem_that_the_server_names_oddly_is_counted_as_unknown() -> None:
    server = Server(lambda events: answer(events, a=rejected("Canary <b>")))
    assert server.load(lines("a")) == (0, 0, {"unknown": 1})


def test_an_address_that_cannot_be_used_stops_the_load_without_another_attempt() -> None:
    with pytest.raises(Stopped, match="address"):
        load(lines("a"), "resonance.example", KEY, console=Console(quiet=True))
