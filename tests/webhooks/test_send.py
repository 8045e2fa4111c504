"""What happens is sent to every endpoint that is to hear of it, at least once, whatever either side does."""

import multiprocessing
import socket
import threading
from collections.abc import Mapping
from datetime import datetime, timedelta
from itertools import pairwise

import pytest
from standardwebhooks import Webhook
from typing_extensions import override

from contracts.feed import spelling
from services.outward import Answer, Outward
from services.webhooks.run import BATCH, LEASE_SECONDS, plan_step, send_step
from services.webhooks.schedule import DISABLED_AFTER, LONGEST_HOLD, PAUSES, verdict
from services.webhooks.signing import BOTH_FOR, new_secret
from services.wiring import utc_now
from tests.homes import REFUSED, Files, Home
from tests.story import day
from tests.webhooks.desk import LOOPBACK, Desk, raised
from tests.webhooks.receiver import Receiver
from tests.webhooks.receiver import receiver as receiving

LEASE = timedelta(seconds=LEASE_SECONDS)


def nobody() -> int:
    """A port of this machine at which nobody listens."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


def test_what_is_sent_is_the_feeds_item_and_the_official_verifier_accepts_it(desk: Desk, receiver: Receiver) -> None:
    desk.now = utc_now()  # the verifier compares it with the real time
    endpoint = desk.registers(receiver.url)
    items = desk.happens(raised(1), raised(2))
    desk.works()
    assert [(one.id, one.body) for one in receiver.received] == [(item.id, spelling(item)) for item in items]
    for one, item in zip(receiver.received, items, strict=True):
        told = Webhook(endpoint.secret).verify(one.body, one.headers)
        assert told == {
            "id": item.id,
            "type": "resonance.alert.raised.v1",
            "position": item.position,
            "time": item.time.isoformat().replace("+00:00", "Z"),
            "alert_ref": item.alert_ref,
        }
        assert (one.path, one.headers["content-type"]) == ("/inbox", "application/json")
    assert desk.statuses(endpoint) == ["delivered", "delivered"]
    assert desk.attempted("delivered") == 2


def test_a_rotated_endpoint_is_sent_what_both_secrets_verify_and_after_a_day_the_new_one_alone(
    desk: Desk, receiver: Receiver
) -> None:
    desk.now = utc_now()
    before = desk.registers(receiver.url)
    after = desk.endpoints.rotate(before.id, lambda _: None, new_secret(), desk.now)
    assert after is not None
    desk.happens(raised(1))
    desk.works()
    [one] = receiver.received
    for secret in (before.secret, after.secret):
        Webhook(secret).verify(one.body, one.headers)
    desk.now += BOTH_FOR
    desk.happens(raised(2))
    desk.works()
    assert [len(one.headers["webhook-signature"].split(" ")) for one in receiver.received] == [2, 1]


def test_an_endpoint_hears_of_its_clinics_and_types_and_of_what_came_after_it(desk: Desk, receiver: Receiver) -> None:
    desk.happens(raised(1))
    desk.registers(f"{receiver.url}/north", clinics=frozenset({"cl_north"}))
    desk.registers(f"{receiver.url}/resolved", types=("resonance.alert.resolved.v1",))
    north, south = raised(2), raised(3, "cl_south")
    south.tell("alert.resolved", {"alert_ref": "al_0003", "how": "by_score"})
    desk.happens(north, south)
    desk.works()
    told = sorted((one.path, b'"al_0002"' in one.body, b"resolved" in one.body) for one in receiver.received)
    assert told == [("/inbox/north", True, False), ("/inbox/resolved", False, True)]


def test_more_than_one_step_holds_is_sent_whole_and_in_order(desk: Desk, receiver: Receiver) -> None:
    desk.registers(receiver.url)
    items = desk.happens(*map(raised, range(BATCH + 3)))
    desk.plans()
    for _ in range(3):
        assert send_step(desk.sender)
    assert receiver.ids == [item.id for item in items[:3]]
    [endpoint] = desk.endpoints.all()
    assert endpoint.position == items[-1].position
    assert len(desk.statuses(endpoint)) == BATCH + 3


def test_an_endpoint_that_is_gone_is_disabled_at_once_and_no_other(desk: Desk, receiver: Receiver) -> None:
    gone, well = desk.registers(f"{receiver.url}/gone"), desk.registers(f"{receiver.url}/well")
    receiver.answer = lambda one: (410 if one.path.endswith("gone") else 200, {})
    desk.happens(raised(1), raised(2))
    desk.works()
    assert (desk.state(gone), desk.state(well)) == (("disabled", "gone"), ("enabled", None))
    assert sorted(one.path for one in receiver.received) == ["/inbox/gone", "/inbox/well", "/inbox/well"]
    assert desk.statuses(gone) == ["waiting", "waiting"]


def test_a_receiver_that_asks_for_time_is_given_it(desk: Desk, receiver: Receiver) -> None:
    endpoint = desk.registers(receiver.url)
    receiver.answers(429, Retry_After="120")
    items = desk.happens(raised(1), raised(2))
    desk.works()
    desk.now += timedelta(seconds=119)
    desk.works()
    assert receiver.ids == [items[0].id]
    receiver.answers(200)
    desk.now += timedelta(seconds=1)
    desk.works()
    assert receiver.ids == [items[0].id, items[0].id, items[1].id]
    assert desk.statuses(endpoint) == ["delivered", "delivered"]
    assert desk.attempted("throttled") == 1


def test_a_redirect_is_not_followed(desk: Desk, receiver: Receiver) -> None:
    with receiving() as elsewhere:
        receiver.answers(307, Location=elsewhere.url)
        endpoint = desk.registers(receiver.url)
        desk.happens(raised(1))
        desk.works()
        assert elsewhere.received == []
    [delivery] = desk.endpoints.deliveries.page(endpoint.id, 0, 10)
    assert (delivery.state, delivery.last_outcome) == ("waiting", "refused")


def test_an_item_that_its_receiver_cannot_digest_holds_up_no_other_and_is_given_up(
    desk: Desk, receiver: Receiver
) -> None:
    endpoint = desk.registers(receiver.url)
    [bad] = desk.happens(raised(0))
    receiver.answer = lambda one: (500 if one.id == bad.id else 204, {})
    numbers = iter(range(1, 10_000))
    desk.until(day(4), lambda: desk.happens(raised(next(numbers))) if desk.now.minute == 0 else None)
    assert desk.state(endpoint) == ("enabled", None)
    assert desk.statuses(endpoint) == ["failed", *["delivered"] * (4 * 24)]
    assert receiver.ids.count(bad.id) == len(PAUSES) + 1
    assert len(receiver.ids) == len(PAUSES) + 1 + 4 * 24


def test_an_endpoint_that_is_down_is_disabled_after_three_days_and_has_lost_nothing_when_it_is_enabled(
    desk: Desk,
) -> None:
    port = nobody()
    endpoint = desk.registers(f"http://127.0.0.1:{port}/inbox")
    started = desk.now
    items = desk.happens(raised(0))
    numbers = iter(range(1, 10_000))

    def daily() -> None:
        if desk.now.hour == 12 and desk.now.minute == 0:
            items.extend(desk.happens(raised(next(numbers))))
        if desk.now - started < DISABLED_AFTER:
            assert desk.state(endpoint) == ("enabled", None)

    desk.until(day(4), daily)
    assert desk.state(endpoint) == ("disabled", "failing")
    assert "failed" not in desk.statuses(endpoint)
    attempts = desk.attempted("unreachable") or 0
    assert attempts <= DISABLED_AFTER / LONGEST_HOLD + 10

    # meanwhile the feed has each item once, in order [36]
    assert desk.views.feed_items(0, desk.views.position(), 1_000) == items

    with receiving(port) as back:
        desk.enables(endpoint)
        desk.works()
        assert back.ids == [item.id for item in items]
    assert set(desk.statuses(endpoint)) == {"delivered"}


def test_an_endpoint_that_comes_back_by_itself_has_all_soon_and_in_order(desk: Desk) -> None:
    port = nobody()
    desk.registers(f"http://127.0.0.1:{port}/inbox")
    items = desk.happens(*map(raised, range(5)))
    desk.until(day(2))
    with receiving(port) as back:
        items += desk.happens(raised(5))
        desk.now += LONGEST_HOLD
        desk.works()
        assert sorted(back.ids) == sorted(item.id for item in items)
        assert len(back.ids) == len(set(back.ids))
        assert back.ids[1:] == [item.id for item in items if item.id != back.ids[0]]


def test_an_endpoint_that_was_disabled_for_more_than_a_month_begins_anew(desk: Desk, receiver: Receiver) -> None:
    endpoint = desk.registers(receiver.url)
    receiver.answers(410)
    desk.happens(raised(1))
    desk.works()
    desk.happens(raised(2))
    receiver.answers(204)
    receiver.received.clear()
    desk.now += timedelta(days=31)
    desk.enables(endpoint)
    desk.works()
    assert receiver.received == []
    [item] = desk.happens(raised(3))
    desk.works()
    assert receiver.ids == [item.id]


def test_where_an_endpoint_is_put_right_what_waits_is_sent_at_once(desk: Desk, receiver: Receiver) -> None:
    endpoint = desk.registers(f"http://127.0.0.1:{nobody()}/inbox")
    items = desk.happens(*map(raised, range(3)))
    desk.until(day(1))
    desk.endpoints.put(endpoint.id, lambda _: None, receiver.url, None, "enabled", 0, desk.now)
    desk.works()
    assert receiver.ids == [item.id for item in items]


def test_an_endpoint_that_is_to_hear_of_none_of_it_comes_to_rest(desk: Desk, receiver: Receiver) -> None:
    endpoint = desk.registers(receiver.url, types=("resonance.alert.resolved.v1",))
    desk.happens(*map(raised, range(3)))
    assert plan_step(desk.sender)
    assert not plan_step(desk.sender)
    assert desk.statuses(endpoint) == []


def test_a_slow_receiver_holds_up_no_other_and_is_called_once_at_a_time(desk: Desk, receiver: Receiver) -> None:
    with receiving() as slow:
        slow.hangs()
        stuck = desk.registers(slow.url)
        desk.happens(raised(1), raised(2))
        desk.plans()
        thread = threading.Thread(target=send_step, args=(desk.sender,))
        thread.start()
        assert slow.came.wait(20)
        assert not send_step(desk.sender)  # it has another item, but is being called
        desk.registers(receiver.url)
        items = desk.happens(raised(3))
        desk.works()
        assert receiver.ids == [item.id for item in items]
        assert len(slow.received) == 1
    thread.join()
    assert "delivered" not in desk.statuses(stuck)


def test_endpoints_take_turns(desk: Desk, receiver: Receiver) -> None:
    for name in ("a", "b", "c"):
        desk.registers(f"{receiver.url}/{name}")
    desk.happens(*map(raised, range(4)))
    desk.plans()
    for _ in range(12):
        desk.now += timedelta(seconds=1)
        assert send_step(desk.sender)
    assert [one.path[-1] for one in receiver.received] == list("abc" * 4)


def test_several_that_plan_and_send_at_once_bring_each_item_once_and_in_order(
    desk: Desk, home: Home, receiver: Receiver
) -> None:
    endpoints = [desk.registers(f"{receiver.url}/{name}") for name in "ab"]
    desks = [Desk(home) for _ in range(3)]
    items = desk.happens(*map(raised, range(30)))

    def work(one: Desk) -> None:
        while any(state != "delivered" for known in endpoints for state in one.statuses(known) or ["none"]):
            plan_step(one.sender)
            send_step(one.sender)

    threads = [threading.Thread(target=work, args=(one,)) for one in desks]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for one in desks:
        one.closes()
    for name in "ab":
        assert [one.id for one in receiver.received if one.path[-1] == name] == [item.id for item in items]


def test_who_takes_an_endpoint_whose_only_item_another_has_just_settled_gives_it_back(
    files: Files, receiver: Receiver
) -> None:
    """PostgreSQL can show who waits its turn the deliveries as they were before it; the trigger does so each time."""
    desk = Desk(files)
    desk.registers(receiver.url)
    desk.happens(raised(1))
    desk.plans()
    place = files.place("webhooks")
    place.execute(
        "CREATE TRIGGER settled AFTER UPDATE OF turn ON endpoint"
        " BEGIN UPDATE delivery SET state = 'delivered', last_at = new.tried; END"
    )
    assert not send_step(desk.sender)
    place.execute("DROP TRIGGER settled")
    assert receiver.received == []
    [item] = desk.happens(raised(2))
    desk.works()
    assert receiver.ids == [item.id]
    desk.closes()


def test_place_and_deliveries_change_together_or_not_at_all(desk: Desk, home: Home) -> None:
    endpoint = desk.registers("http://127.0.0.1:9/inbox")
    desk.happens(raised(1))
    with home.stuck("webhooks", "endpoint"), pytest.raises(REFUSED):
        plan_step(desk.sender)
    assert desk.statuses(endpoint) == []
    desk.plans()
    assert desk.statuses(endpoint) == ["waiting"]


class PowerCut(BaseException):
    """Everything ends here."""


class LastAct(Outward):
    """Posts, and then everything ends."""

    @override
    def post(self, url: str, body: bytes, headers: Mapping[str, str], seconds: float) -> Answer:
        super().post(url, body, headers, seconds)
        raise PowerCut


def test_what_was_sent_and_could_not_be_noted_is_sent_again_under_the_same_id(home: Home, receiver: Receiver) -> None:
    first = Desk(home, LastAct(LOOPBACK))
    first.registers(receiver.url)
    first.happens(raised(1))
    first.plans()
    with pytest.raises(PowerCut):
        send_step(first.sender)
    first.closes()
    second = Desk(home, now=first.now)
    second.works()
    assert len(receiver.received) == 1  # the lease is not over
    second.now += LEASE
    second.works()
    one, again = receiver.received
    assert (one.id, one.body) == (again.id, again.body)
    assert one.headers["webhook-timestamp"] != again.headers["webhook-timestamp"]
    [endpoint] = second.endpoints.all()
    [delivery] = second.endpoints.deliveries.page(endpoint.id, 0, 10)
    assert (delivery.state, delivery.attempts) == ("delivered", 2)
    second.closes()


def _send_for_ever(home: Home) -> None:
    send_step(Desk(home).sender)


def test_a_process_that_is_killed_while_it_sends_leaves_the_item_to_the_next(home: Home, receiver: Receiver) -> None:
    desk = Desk(home)
    desk.registers(receiver.url)
    [item] = desk.happens(raised(1))
    desk.plans()
    receiver.hangs()
    process = multiprocessing.get_context("spawn").Process(target=_send_for_ever, args=(home,))
    process.start()
    assert receiver.came.wait(60)
    process.kill()
    process.join()
    receiver.answers(204)
    if isinstance(home, Files):
        desk.endpoints.deliveries.release()  # as whoever starts alone on the file does
    else:
        desk.now += LEASE
    desk.works()
    assert receiver.ids == [item.id, item.id]
    assert desk.works().statuses(desk.endpoints.all()[0]) == ["delivered"]
    desk.closes()


def test_who_comes_back_after_its_lease_changes_nothing_of_what_the_next_one_noted(
    desk: Desk, receiver: Receiver
) -> None:
    endpoint = desk.registers(receiver.url)
    desk.happens(raised(1))
    desk.plans()
    late = desk.endpoints.deliveries.lease(desk.now, LEASE_SECONDS)
    assert late is not None
    desk.now += LEASE
    desk.works()
    gone = verdict(late.before, "gone", None, desk.now, 0.0)
    assert not desk.endpoints.deliveries.note(late, gone, desk.now)
    assert desk.state(endpoint) == ("enabled", None)
    assert desk.statuses(endpoint) == ["delivered"]


def test_what_came_of_an_address_says_nothing_of_the_one_it_was_changed_to(desk: Desk, receiver: Receiver) -> None:
    endpoint = desk.registers(f"{receiver.url}/old")
    desk.happens(raised(1))
    desk.plans()

    def changed_meanwhile(_: object) -> tuple[int, dict[str, str]]:
        desk.endpoints.put(endpoint.id, lambda _: None, f"{receiver.url}/new", None, "enabled", 0, desk.now)
        receiver.answers(204)
        return 410, {}

    receiver.answer = changed_meanwhile
    desk.works()
    assert desk.state(endpoint) == ("enabled", None)
    assert [one.path for one in receiver.received] == ["/inbox/old", "/inbox/new"]


def test_what_is_over_is_kept_for_a_month_and_can_be_sent_again_under_its_id(desk: Desk, receiver: Receiver) -> None:
    endpoint = desk.registers(receiver.url)
    [item] = desk.happens(raised(1))
    desk.works()
    again = desk.endpoints.deliveries.again(endpoint.id, item.id, desk.now)
    assert again is not None
    assert again.state == "waiting"
    desk.works()
    assert receiver.ids == [item.id, item.id]
    desk.now += timedelta(days=30)
    desk.happens(raised(2))
    desk.works()
    assert desk.endpoints.deliveries.again(endpoint.id, item.id, desk.now) is None


@pytest.mark.parametrize(
    "address", ["10.1.2.3", "127.0.0.1", "169.254.169.254", "192.168.1.1", "100.64.0.1", "::1", "fd00::1", "0.0.0.0"]
)
def test_a_name_that_leads_inward_by_the_time_of_sending_is_not_called(home: Home, address: str) -> None:
    answers = ["93.184.216.34"]
    with receiving() as inner:
        desk = Desk(home, Outward(resolve=lambda *_: answers))
        url = f"https://receiver.example:{inner.port}/inbox"
        desk.sender.outward.check(url)  # when it is registered it is a public one
        endpoint = desk.registers(url)
        answers[:] = [address]
        desk.happens(raised(1))
        desk.works()
        assert inner.received == []
    [delivery] = desk.endpoints.deliveries.page(endpoint.id, 0, 10)
    assert (delivery.state, delivery.last_outcome) == ("waiting", "address_not_allowed")
    assert desk.attempted("address_not_allowed") == 1
    desk.closes()


def test_an_item_that_was_given_up_can_be_sent_again_and_has_its_schedule_anew(desk: Desk, receiver: Receiver) -> None:
    endpoint = desk.registers(receiver.url)
    [bad] = desk.happens(raised(0))
    receiver.answer = lambda one: (500 if one.id == bad.id else 204, {})
    numbers = iter(range(1, 10_000))
    desk.until(day(4), lambda: desk.happens(raised(next(numbers))) if desk.now.minute == 0 else None)
    assert desk.statuses(endpoint)[0] == "failed"
    desk.endpoints.deliveries.again(endpoint.id, bad.id, desk.now)
    for pause in PAUSES[:2]:
        desk.works()
        assert desk.statuses(endpoint)[0] == "waiting"
        desk.now += pause
    receiver.answers(204)
    desk.works()
    assert desk.statuses(endpoint)[0] == "delivered"
    desk.endpoints.deliveries.again(endpoint.id, bad.id, desk.now)
    desk.works()  # without waiting for what was put off before
    assert receiver.ids.count(bad.id) == len(PAUSES) + 1 + 2 + 2


def test_an_item_that_was_given_up_days_ago_does_not_count_against_an_endpoint_that_takes_all_others(
    desk: Desk, receiver: Receiver
) -> None:
    endpoint = desk.registers(receiver.url)
    [bad] = desk.happens(raised(0))
    receiver.answer = lambda one: (500 if one.id == bad.id else 204, {})
    numbers = iter(range(1, 10_000))
    while desk.works().statuses(endpoint)[0] != "failed":
        desk.now += timedelta(minutes=10)
        if desk.now.minute == 0:
            desk.happens(raised(next(numbers)))
    desk.now += DISABLED_AFTER
    receiver.answers(500)
    desk.happens(raised(next(numbers)))
    desk.works()
    assert desk.state(endpoint) == ("enabled", None)
    assert desk.statuses(endpoint)[-1] == "waiting"


def test_pauses_between_attempts_are_those_of_the_schedule(desk: Desk, receiver: Receiver) -> None:
    receiver.answers(500)
    desk.registers(receiver.url)
    desk.happens(raised(1))
    sent: list[datetime] = []
    while desk.now < day(5):
        desk.works()
        if len(receiver.received) > len(sent):
            sent.append(desk.now)
        desk.now += timedelta(minutes=1)
    gaps = [later - earlier for earlier, later in pairwise(sent)]
    assert len(gaps) == len(PAUSES)
    for gap, pause in zip(gaps, PAUSES, strict=True):
        assert pause <= gap < pause + timedelta(minutes=2)


def test_nothing_of_an_address_or_a_secret_is_in_what_is_logged_or_counted(
    desk: Desk, receiver: Receiver, caplog: pytest.LogCaptureFixture
) -> None:
    receiver.answers(410)
    endpoint = desk.registers(f"{receiver.url}?token=canary7f3a")
    desk.happens(raised(1), raised(2))
    desk.plans()
    leased = desk.endpoints.deliveries.lease(desk.now, 0)
    desk.works()
    [record] = [record for record in caplog.records if record.name == "services.webhooks.run"]
    assert vars(record)["outcome"] == "gone"
    assert "canary7f3a" not in str(vars(record))
    assert leased is not None
    told = repr((endpoint, leased))
    assert "canary7f3a" in endpoint.url + leased.url
    assert "canary7f3a" not in told
    assert endpoint.secret not in told
