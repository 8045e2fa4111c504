"""Starting, stopping and refusing to start: what is kept, how it ends, and what is said about it."""

import time
from collections.abc import Iterator
from datetime import datetime
from http.client import HTTPConnection
from threading import Thread

import httpx
import pytest

from contracts.events import AnyEvent, canonical
from tests.alerts.smtp import Postbox
from tests.journeys.disk import disk_of
from tests.journeys.program import SINGLE, Program, enter, post
from tests.journeys.shift import until_yesterday
from tests.story import Story, stalled

CANARIES = ("ca_stall1", "c_anna01", "th_ada01", "cl_north", "se_stall1", "canary")


@pytest.fixture
def client(program: Program) -> Iterator[httpx.Client]:
    with program.client() as found:
        enter(found, "th_ada01")
        yield found


def half_sent(program: Program, event: AnyEvent) -> tuple[HTTPConnection, bytes]:
    """A request that is under way, and the half of its body that is still to come."""
    body = canonical(event)
    connection = HTTPConnection("127.0.0.1", program.port)
    connection.putrequest("POST", "/v1/events")
    for name, value in {**SINGLE, "Authorization": f"Bearer {program.key}", "Content-Length": str(len(body))}.items():
        connection.putheader(name, value)
    connection.endheaders(body[:20])
    return connection, body[20:]


def test_asked_to_stop_it_answers_what_is_under_way_keeps_what_it_accepted_and_ends_with_zero(
    program: Program, client: httpx.Client, now: datetime
) -> None:
    # given one request under way, and others that come one after the other
    [first, *rest] = until_yesterday([event for n in range(60) for event in stalled(f"ca_case{n:02d}").events], now)
    acknowledged = {first.id}

    def keep_posting() -> None:
        for event in rest:
            try:
                answer = client.post("/v1/events", content=canonical(event), headers=SINGLE)
            except httpx.TransportError:
                return
            if answer.status_code == 201:
                acknowledged.add(event.id)

    connection, remainder = half_sent(program, first)
    poster = Thread(target=keep_posting)
    poster.start()
    time.sleep(0.3)

    # when it is asked to stop, and the rest of that request comes only then
    assert program.process is not None
    program.process.terminate()
    poster.join()
    connection.send(remainder)

    # then it is answered, the service ends, and all that was acknowledged is on the log
    assert connection.getresponse().status == 201
    connection.close()
    assert program.process.wait(10) == 0
    assert len(acknowledged) < len(rest)
    with disk_of(program.folder) as disk:
        assert acknowledged <= {entry.event.id for entry in disk.recorded()}


def test_a_sender_who_falls_silent_holds_up_a_stop_for_some_seconds_only(
    program: Program, client: httpx.Client, now: datetime
) -> None:
    connection, _ = half_sent(program, until_yesterday(stalled().events, now)[0])
    time.sleep(0.1)
    begun = time.monotonic()
    assert program.stop() == 0
    assert time.monotonic() - begun < 10
    connection.close()


def test_a_second_service_on_the_same_folder_is_refused_in_one_line(program: Program) -> None:
    second = program.run("up")
    assert (second.returncode, second.stderr) == (1, "resonance: another process serves this data folder\n")
    # and one that was killed stands in nobody's way
    program.kill()
    program.start()


def test_an_unknown_setting_stops_the_start(program: Program) -> None:
    started = program.run("up", RESONANCE_SMPT_URL="smtp://localhost")
    assert (started.returncode, started.stderr) == (2, "resonance: RESONANCE_SMPT_URL is no setting\n")


def test_views_made_anew_while_the_service_runs_are_the_same_and_nobody_is_mailed(
    program: Program, client: httpx.Client, postbox: Postbox, now: datetime
) -> None:
    with disk_of(program.folder) as disk:
        # given three cases, each told once
        stories = [stalled(f"ca_case0{number}") for number in range(3)]
        post(client, until_yesterday([event for story in stories for event in story.events], now))
        disk.settle(10)
        before = disk.views()
        assert len(postbox.taken) == 3

        # when the views are made anew
        assert program.command("rebuild").startswith("main: 3 cases, views at position ")
        time.sleep(1.5)

        # then nothing has changed, and the service goes on from there
        assert disk.views() == before
        assert len(postbox.taken) == 3
        post(client, until_yesterday(Story("ca_later1").opened().session(ors=20).events, now))
        disk.settle(10)
        assert client.get("/v1/cases/ca_later1/course").json()["sessions"]
        assert len(postbox.taken) == 3


def test_it_says_that_it_lives_and_is_ready_and_neither_log_nor_metrics_name_anybody(
    program: Program, client: httpx.Client, now: datetime
) -> None:
    # given a case, told, and things that are refused
    post(client, until_yesterday(stalled().events, now))
    with disk_of(program.folder) as disk:
        disk.settle(10)
    assert client.post("/v1/events", content=b'{"subject": "case/ca_canary"}', headers=SINGLE).status_code == 422
    for path in ("/v1/cases/ca_canary/course", "/cases/ca_canary", "/a/canary", "/signin/canary", "/canary?a=canary"):
        assert client.get(path).status_code in {303, 404}, path

    # then it says how it is, and nothing about anybody
    assert client.get("/healthz").json() == {"status": "alive"}
    assert client.get("/readyz").json() == {"status": "ready"}
    metrics = client.get("/metrics").text
    assert 'answer="mailed",reason="stalled"} 1.0' in metrics
    assert program.stop() == 0
    said = program.said.read_text("utf-8")
    assert "Application shutdown complete." in said
    assert [canary for canary in CANARIES if canary in metrics + said] == []
