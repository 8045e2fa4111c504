"""Webhook endpoints over HTTP: registered, changed by version, seen by nobody else; and told from end to end."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from standardwebhooks import Webhook

from services.webhooks import endpoints
from tests.running import Running, wait_until
from tests.story import Story, stalled
from tests.webhooks.receiver import Receiver

PATH = "/v1/webhook-endpoints"


@pytest.fixture
def running(tmp_path: Path) -> Iterator[Running]:
    found = Running(tmp_path, inward_hosts="127.0.0.1")
    yield found
    found.close()


def registers(running: Running, url: str, *, key: str | None = None, name: str | None = None, **entry: Any) -> Any:
    headers = {"Idempotency-Key": name} if name else {}
    answer = running.ask("POST", PATH, key=key, json={"url": url, **entry}, headers=headers)
    assert answer.status_code == 201, answer.text
    return answer.json()


def changes(
    running: Running, method: str, path: str, etag: str | None, *, key: str | None = None, **request: Any
) -> httpx.Response:
    return running.ask(method, path, key=key, headers={"If-Match": etag} if etag else {}, **request)


def problem(answer: httpx.Response) -> tuple[int, str, list[dict[str, str]]]:
    found = answer.json()
    return answer.status_code, found["type"].removeprefix("/v1/problems/"), found.get("errors", [])


def test_what_becomes_of_an_alert_is_sent_as_the_feed_has_it(running: Running, receiver: Receiver) -> None:
    running.told(Story("ca_early1").opened().events)
    before = running.get("/v1/feed").json()
    assert before["items"]  # of which nothing is sent
    endpoint = registers(running, receiver.url)
    running.told(stalled().events)
    feed = running.get(f"/v1/feed?after={before['next_cursor']}").json()["items"]
    assert feed
    wait_until(lambda: len(receiver.received) == len(feed))
    assert [json.loads(one.body) for one in receiver.received] == feed
    assert [one.id for one in receiver.received] == [item["id"] for item in feed]
    for one, item in zip(receiver.received, feed, strict=True):
        seconds = int(one.headers["webhook-timestamp"])  # the clock of this Resonance stands still, so no verify()
        assert seconds == int(running.now.timestamp())
        assert json.dumps(item, separators=(",", ":")).encode() == one.body
        signed = Webhook(endpoint["secret"]).sign(one.id, running.now, one.body.decode())
        assert one.headers["webhook-signature"] == signed
    wait_until(lambda: running.network.endpoints.deliveries.backlog().pending == 0)
    page = running.get(f"{PATH}/{endpoint['id']}/deliveries").json()
    assert [(one["id"], one["status"], one["last_outcome"], one["attempts"]) for one in page["items"]] == [
        (item["id"], "delivered", "delivered", 1) for item in feed
    ]
    metrics = running.get("/metrics").text
    assert f'resonance_webhook_attempts_total{{outcome="delivered"}} {len(feed)}.0' in metrics
    assert 'resonance_webhook_endpoints{state="enabled"} 1.0' in metrics


def test_a_dead_endpoint_does_not_keep_the_network_from_coming_to_rest(running: Running, receiver: Receiver) -> None:
    receiver.answers(500)
    registers(running, receiver.url)
    running.told(stalled().events)
    assert running.network.caught_up()


def test_the_secret_is_shown_when_it_is_made_and_never_again(running: Running, receiver: Receiver) -> None:
    created = running.ask("POST", PATH, json={"url": receiver.url})
    path, secret = created.headers["Location"], created.json()["secret"]
    assert secret.startswith("whsec_")
    rotated = changes(running, "POST", f"{path}/rotate", created.headers["ETag"])
    assert rotated.status_code == 200
    assert rotated.json()["secret"].startswith("whsec_")
    assert rotated.json()["secret"] != secret
    assert rotated.json()["former_secret_until"]
    for answer in (running.get(path), running.get(PATH), running.get(f"{path}/deliveries")):
        assert "whsec_" not in answer.text


def test_a_rotation_whose_answer_was_lost_is_answered_again_and_the_secret_before_still_signs(
    running: Running, receiver: Receiver
) -> None:
    created = running.ask("POST", PATH, json={"url": receiver.url})
    path = created.headers["Location"]
    headers = {"If-Match": created.headers["ETag"], "Idempotency-Key": "rotation-1"}
    first, again = (running.ask("POST", f"{path}/rotate", headers=headers) for _ in range(2))
    assert (again.status_code, again.content, again.headers["ETag"]) == (200, first.content, first.headers["ETag"])
    endpoint = running.network.endpoints.get(created.json()["id"])
    assert endpoint is not None
    assert (endpoint.secret, endpoint.secret_before) == (first.json()["secret"], created.json()["secret"])


def test_an_endpoint_is_read_changed_and_removed_by_its_version(running: Running, receiver: Receiver) -> None:
    created = running.ask("POST", PATH, json={"url": receiver.url})
    path = created.headers["Location"]
    first = running.get(path)
    assert first.headers["ETag"] == created.headers["ETag"]
    assert first.json() == {name: value for name, value in created.json().items() if name != "secret"}
    entry = {"url": f"{receiver.url}/other", "types": ["resonance.alert.raised.v1"], "state": "disabled"}
    second = changes(running, "PUT", path, first.headers["ETag"], json=entry)
    assert second.status_code == 200
    assert (second.json()["state"], second.json()["why"]) == ("disabled", "by_request")
    assert second.json()["types"] == ["resonance.alert.raised.v1"]
    assert second.json() == running.get(path).json()
    assert second.headers["ETag"] != first.headers["ETag"]
    for method, target, body in (("PUT", path, entry), ("DELETE", path, None), ("POST", f"{path}/rotate", None)):
        stale = changes(running, method, target, first.headers["ETag"], json=body)
        assert problem(stale)[:2] == (412, "precondition-failed")
        blind = changes(running, method, target, None, json=body)
        assert problem(blind)[:2] == (428, "precondition-required")
    assert running.get(path).json() == second.json()
    assert changes(running, "DELETE", path, second.headers["ETag"]).status_code == 204
    assert running.get(path).status_code == 404
    assert running.get(PATH).json() == {"items": []}


def test_a_credential_sees_and_changes_the_endpoints_of_its_clinics_alone(running: Running, receiver: Receiver) -> None:
    north = running.create_key("webhooks:manage", clinics=["cl_north"])
    both = running.create_key("webhooks:manage", clinics=["cl_north", "cl_south"])
    whole = registers(running, receiver.url)
    of_both = registers(running, receiver.url, key=both)
    of_north = registers(running, receiver.url, key=north)
    assert ("clinics" in whole, of_both["clinics"], of_north["clinics"]) == (
        False, ["cl_north", "cl_south"], ["cl_north"],
    )  # fmt: skip

    def seen(key: str | None) -> set[str]:
        return {one["id"] for one in running.get(PATH, key=key).json()["items"]}

    assert seen(None) == {whole["id"], of_both["id"], of_north["id"]}
    assert seen(both) == {of_both["id"], of_north["id"]}
    assert seen(north) == {of_north["id"]}
    unknown = f"{PATH}/we_{'0' * 24}"
    item = f"fi_{'0' * 24}"
    for path in (f"{PATH}/{whole['id']}", f"{PATH}/{of_both['id']}"):
        for method, under, body in (
            ("GET", "", None),
            ("PUT", "", {"url": receiver.url}),
            ("DELETE", "", None),
            ("POST", "/rotate", None),
            ("GET", "/deliveries", None),
            ("POST", f"/deliveries/{item}/redeliver", None),
        ):
            foreign = changes(running, method, path + under, "*", key=north, json=body)
            absent = changes(running, method, unknown + under, "*", key=north, json=body)
            assert problem(foreign)[:2] == (404, "not-found")
            assert (foreign.content, foreign.headers) == (absent.content, absent.headers)


def test_an_endpoint_hears_of_the_clinics_of_who_registered_it_whoever_changes_it(
    running: Running, receiver: Receiver
) -> None:
    south = running.create_key("webhooks:manage", clinics=["cl_south"])
    created = running.ask("POST", PATH, key=south, json={"url": receiver.url})
    path = created.headers["Location"]
    changed = changes(running, "PUT", path, created.headers["ETag"], json={"url": f"{receiver.url}/new"})
    assert changed.json()["clinics"] == ["cl_south"]
    case = Story("ca_south1", "cl_south").opened()
    for score in (15, 16, 15, 16, 15, 16):
        case.session(ors=score)
    running.told([*stalled().events, *case.events])
    own = running.create_key("feed:read", clinics=["cl_south"])
    feed = running.get("/v1/feed", key=own).json()["items"]
    assert feed
    wait_until(lambda: len(receiver.received) >= len(feed))
    assert receiver.ids == [item["id"] for item in feed]


def test_a_registration_that_is_sent_again_is_answered_again_and_done_once(
    running: Running, receiver: Receiver
) -> None:
    first, again = (registers(running, receiver.url, name="reg-1") for _ in range(2))
    assert first == again
    assert len(running.get(PATH).json()["items"]) == 1
    other = running.ask("POST", PATH, json={"url": f"{receiver.url}/x"}, headers={"Idempotency-Key": "reg-1"})
    assert problem(other)[:2] == (422, "idempotency-key-reused")


@pytest.mark.parametrize(
    "url, code",
    [
        ("https://10.0.0.8/hook", "inward"),
        ("https://192.168.0.1/hook", "inward"),
        ("https://169.254.169.254/latest/meta-data", "inward"),
        ("https://[::1]/hook", "inward"),
        ("https://[::ffff:10.0.0.8]/hook", "inward"),
        ("https://[fe80::1]/hook", "inward"),
        ("https://localhost/hook", "inward"),
        ("https://0.0.0.0/hook", "inward"),
        ("https://2130706433/hook", "not_an_address"),
        ("http://93.184.216.34/hook", "https_required"),
        ("https://user:secret@93.184.216.34/hook", "not_an_address"),
        ("https://93.184.216.34/hook#part", "not_an_address"),
        ("https://nowhere.invalid/hook", "unknown_host"),
    ],
)
def test_an_address_that_may_not_be_called_is_refused_when_it_is_given(
    running: Running, receiver: Receiver, url: str, code: str
) -> None:
    refused = running.ask("POST", PATH, json={"url": url})
    assert problem(refused) == (422, "address-not-allowed", [{"pointer": "/url", "code": code}])
    assert url not in refused.text
    created = running.ask("POST", PATH, json={"url": receiver.url})
    changed = changes(running, "PUT", created.headers["Location"], created.headers["ETag"], json={"url": url})
    assert problem(changed) == (422, "address-not-allowed", [{"pointer": "/url", "code": code}])
    assert [one["url"] for one in running.get(PATH).json()["items"]] == [receiver.url]


def test_an_endpoint_whose_name_is_gone_can_still_be_disabled(running: Running, receiver: Receiver) -> None:
    created = running.ask("POST", PATH, json={"url": receiver.url})
    database = running.network.endpoints._database
    database.connection().execute("UPDATE endpoint SET url = 'https://nowhere.invalid/'")
    path = created.headers["Location"]
    entry = {"url": "https://nowhere.invalid/", "state": "disabled"}
    assert changes(running, "PUT", path, running.get(path).headers["ETag"], json=entry).status_code == 200


@pytest.mark.parametrize(
    "body, slug, pointer",
    [
        ('{"url": "https://receiver.example", "secret": "CANARY7f3a"}', "validation", ""),
        ('{"url": 7}', "validation", "/url"),
        ('{"url": "CANARY7f3a"}', "validation", "/url"),
        ('{"url": "ftp://CANARY7f3a"}', "validation", "/url"),
        ('{"url": "https://r.example", "types": []}', "validation", "/types"),
        ('{"url": "https://r.example", "types": ["CANARY7f3a"]}', "validation", "/types/0"),
        ('{"url": "https://r.example", "state": "CANARY7f3a"}', "validation", "/state"),
        ('{"url": "https://r.example", "url": "https://CANARY7f3a.example"}', "malformed-json", ""),
        ("{", "malformed-json", ""),
        ("{}", "validation", "/url"),
    ],
)
def test_an_entry_that_does_not_fit_is_refused_without_being_repeated(
    running: Running, body: str, slug: str, pointer: str
) -> None:
    answer = running.ask("POST", PATH, content=body, headers={"Content-Type": "application/json"})
    assert problem(answer)[1] == slug
    assert [one["pointer"] for one in answer.json()["errors"]] == [pointer]
    assert "CANARY7f3a" not in answer.text


def test_an_entry_of_another_kind_or_size_is_refused(running: Running) -> None:
    form = running.ask("POST", PATH, data={"url": "https://receiver.example"})
    assert problem(form)[:2] == (415, "unsupported-media-type")
    large = running.ask("POST", PATH, json={"url": "https://receiver.example/" + "x" * 20_000})
    assert problem(large)[:2] == (413, "body-too-large")


def test_deliveries_are_paged_and_one_can_be_sent_again(running: Running, receiver: Receiver) -> None:
    endpoint = registers(running, receiver.url)
    path = f"{PATH}/{endpoint['id']}/deliveries"
    running.told([*stalled().events, *stalled("ca_stall2").events])
    feed = running.get("/v1/feed").json()["items"]
    wait_until(lambda: len(receiver.received) == len(feed))
    found: list[str] = []
    target = f"{path}?limit=1"
    while target:
        answer = running.get(target)
        found += [one["id"] for one in answer.json()["items"]]
        target = answer.headers.get("Link", "").removesuffix('>; rel="next"').removeprefix("<")
    assert found == [item["id"] for item in feed]
    again = running.ask("POST", f"{path}/{found[0]}/redeliver")
    assert (again.status_code, again.json()["id"], again.json()["status"]) == (202, found[0], "waiting")
    wait_until(lambda: len(receiver.received) == len(feed) + 1)
    assert receiver.ids[-1] == found[0]
    assert running.ask("POST", f"{path}/fi_{'0' * 24}/redeliver").status_code == 404
    assert running.get(f"{path}?limit=1001").status_code == 422


def test_a_network_has_so_many_endpoints_and_no_more(
    running: Running, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(endpoints, "MOST", 2)
    for _ in range(2):
        registers(running, receiver.url)
    refused = running.ask("POST", PATH, json={"url": receiver.url})
    assert problem(refused) == (422, "validation", [{"pointer": "", "code": "too_many_endpoints"}])


def test_managing_needs_its_scope(running: Running) -> None:
    reader = running.create_key("feed:read")
    assert running.get(PATH, key=reader).status_code == 403
    assert running.get(PATH, key="nobody").status_code == 401


def test_each_network_has_its_own_endpoints(tmp_path: Path, receiver: Receiver) -> None:
    first = Running(tmp_path, inward_hosts="127.0.0.1")
    south = first.create_key(network="south")
    first.close()
    running = Running(tmp_path, inward_hosts="127.0.0.1")
    mine = registers(running, receiver.url)
    assert running.get(PATH, key=south).json() == {"items": []}
    assert running.get(f"{PATH}/{mine['id']}", key=south).status_code == 404
    running.close()
