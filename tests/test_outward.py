"""Addresses that others named are called only where they are public, and at the very address that was checked."""

import socket
import threading
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from services.addresses import is_public
from services.outward import MOST_BYTES, NotAllowed, Outward, Unreachable
from tests.peers import Said, Serve, authority, peer, raw

PUBLIC = "93.184.215.14"


def names(**known: Sequence[str]) -> Outward:
    """Outward with a resolver of its own: the host ``hook`` of ``hook=[...]`` is ``hook.example``."""

    def resolve(host: str, _: int) -> Sequence[str]:
        try:
            return known[host.removesuffix(".example")]
        except KeyError:
            raise OSError("no such host") from None

    return Outward(resolve=resolve)


def refusal(outward: Outward, url: str) -> str:
    """Why ``url`` is refused, which is so at registration and at each call."""
    codes = set()
    for call in (
        lambda: outward.check(url),
        lambda: outward.get(url, {}, 5),
        lambda: outward.post(url, b"{}", {}, 5),
    ):
        with pytest.raises(NotAllowed) as refused:
            call()
        codes.add(refused.value.code)
        assert str(refused.value) == refused.value.code
    [code] = codes
    return code


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1", "127.8.8.8", "0.0.0.0", "10.1.2.3", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1",
        "192.0.0.8", "192.0.2.1", "192.88.99.1", "198.18.0.1", "203.0.113.9", "224.0.0.1", "239.255.255.250",
        "240.0.0.1", "255.255.255.255",
        "::", "::1", "fe80::1", "fe80::1%1", "fec0::1", "fc00::1", "fd12::1", "ff02::1", "2001:db8::1", "2001::1",
        "::ffff:127.0.0.1", "::ffff:169.254.169.254", "::ffff:8.8.8.8", "::7f00:1", "2002:7f00:1::", "64:ff9b::7f00:1",
        "64:ff9b:1::1", "100::1", "3fff::1", "5f00::1",
        "", "hook.example",
    ],
)  # fmt: skip
def test_an_address_that_is_not_of_the_public_internet_is_refused(address: str) -> None:
    assert not is_public(address)
    assert refusal(names(hook=[address]), "https://hook.example/") == "inward"


@pytest.mark.parametrize("address", ["8.8.8.8", "100.128.0.1", "172.32.0.1", PUBLIC, "2606:4700::1111", "2a00::1"])
def test_an_address_of_the_public_internet_may_be_called(address: str) -> None:
    assert is_public(address)
    names(hook=[address]).check("https://hook.example/in?from=resonance")


def test_one_address_that_may_not_be_called_forbids_the_host() -> None:
    assert refusal(names(hook=[PUBLIC, "10.0.0.1"]), "https://hook.example/") == "inward"
    assert refusal(names(hook=["10.0.0.1", PUBLIC]), "https://hook.example/") == "inward"


@pytest.mark.parametrize(
    "host", ["127.0.0.1", "169.254.169.254", "[::1]", "[::ffff:127.0.0.1]", "[fd12::1]", "localhost", "LOCALHOST"]
)
def test_the_machine_itself_is_refused_under_every_name_that_its_resolver_knows(host: str) -> None:
    assert refusal(Outward(), f"https://{host}/") == "inward"


@pytest.mark.parametrize(
    "url",
    [
        "https://2130706433/", "https://0x7f000001/", "https://0x7f.1/", "https://0177.0.0.1/", "https://127.1/",
        "https://017700000001", "https://8.8.8.8.8/", "https://[8.8.8.8]/", "https://[::1", "https://[fe80::1%1]/",
        "https://hook.example@127.0.0.1/", "https://user:word@hook.example/", "https://hook.example\\@127.0.0.1/",
        "https://hook.example#@127.0.0.1/", "https://hook.example/#part", "https://hook.example:0/",
        "https://hook.example:65536/", "https://hook.example:/", "https:///in", "https:hook.example", "//hook.example",
        "https://hook..example/", "https://-hook.example/", "https://hook.example/a b", "https://hook.example/\n",
        "https://hook.example/\r\nHost: other", " https://hook.example/", "https://höok.example/", "https://①②⑦.⓪.⓪.①/",
        "ftp://hook.example/", "file:///etc/passwd", "gopher://hook.example/", "HTTPS://hook.example/", "",
        "https://hook.example/" + "a" * 2048, "https://" + ".".join(["a" * 63] * 4) + ".example/",
        f"https://{'a' * 64}.example/",
    ],
)  # fmt: skip
def test_what_can_be_read_in_more_than_one_way_is_no_address(url: str) -> None:
    assert refusal(names(hook=[PUBLIC]), url) == "not_an_address"


def test_only_https_goes_out() -> None:
    assert refusal(names(hook=[PUBLIC]), "http://hook.example/") == "https_required"


def test_a_host_without_an_address_is_told_from_one_that_is_refused() -> None:
    for found in (names(), names(hook=[])):
        with pytest.raises(Unreachable, match=r"^unknown_host$"):
            found.check("https://hook.example/")


def test_hosts_of_the_own_network_can_be_named_with_a_port_or_for_all_ports() -> None:
    with peer(lambda _: Said(204)) as there, peer(lambda _: Said(204)) as beside:
        one = Outward(frozenset({f"127.0.0.1:{there.port}"}))
        assert one.post(there.url, b"{}", {}, 5).status == 204
        assert refusal(one, beside.url) == "https_required"
        assert refusal(one, beside.url.replace("http", "https")) == "inward"
        assert Outward(frozenset({"127.0.0.1"})).get(beside.url, {}, 5).status == 204
        assert refusal(one, there.url.replace("127.0.0.1", "localhost")) == "https_required"


def test_what_is_sent_arrives_as_it_is_and_the_answer_comes_back() -> None:
    with peer(lambda _: Said(200, {"Cache-Control": "max-age=5"}, b'{"keys":[]}')) as there:
        outward = Outward(frozenset({"127.0.0.1"}))
        posted = outward.post(f"{there.url}/in?a=1", b'{"id": 1}', {"webhook-id": "msg_1"}, 5)
        got = outward.get(f"{there.url}?a=1", {"Accept": "application/json"}, 5)
    assert (posted.status, posted.body) == (200, b"")
    assert (got.status, got.headers["cache-control"], got.body) == (200, "max-age=5", b'{"keys":[]}')
    first, second = there.asked
    assert (first.method, first.path, first.body) == ("POST", "/in?a=1", b'{"id": 1}')
    assert (first.headers["webhook-id"], first.headers["host"]) == ("msg_1", f"127.0.0.1:{there.port}")
    assert (second.method, second.path, second.headers["accept"]) == ("GET", "/?a=1", "application/json")


def test_the_environment_s_proxies_are_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    with peer(lambda _: Said(502)) as proxy, peer(lambda _: Said(204)) as there:
        for name in ("http_proxy", "https_proxy", "all_proxy"):
            monkeypatch.setenv(name, proxy.url)
            monkeypatch.setenv(name.upper(), proxy.url)
        assert Outward(frozenset({"127.0.0.1"})).get(there.url, {}, 5).status == 204
        assert proxy.asked == []


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_is_an_answer_and_is_not_followed(status: int) -> None:
    for to in ("http://169.254.169.254/latest/meta-data", "/elsewhere"):
        with peer(lambda asked, to=to: Said(status, {"Location": to}) if asked.path == "/" else Said()) as there:  # type: ignore[misc]  # mypy knows no type of a lambda's default
            outward = Outward(frozenset({"127.0.0.1"}))
            assert outward.get(there.url, {}, 5).status == status
            assert outward.post(there.url, b"{}", {}, 5).status == status
            assert [asked.path for asked in there.asked] == ["/", "/"]


def test_a_name_whose_answers_change_wins_nothing(tmp_path: Path) -> None:
    """Checked and connected is one and the same address, however often the name is asked for."""
    certificates = authority(tmp_path, "hook.example")
    with peer(lambda _: Said(204), certificates.server) as inside:
        answers = [[PUBLIC], ["127.0.0.1"]]
        asked: list[str] = []

        def resolve(host: str, _: int) -> Sequence[str]:
            asked.append(host)
            return answers[min(len(asked), 2) - 1]

        outward = Outward(resolve=resolve, context=lambda: certificates.client)
        url = f"https://hook.example:{inside.port}/"
        outward.check(url)
        with pytest.raises(NotAllowed, match=r"^inward$"):
            outward.post(url, b"{}", {}, 5)
        asked.clear()
        connected: list[str] = []

        def watched(address: tuple[str, int], *_: object, **__: object) -> socket.socket:
            connected.append(address[0])
            raise ConnectionRefusedError

        # Without the pin, the library asks for the name once more, and comes to the server inside.
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(socket, "create_connection", watched)
            with pytest.raises(Unreachable, match=r"^connect$"):
                outward.post(url, b"{}", {}, 5)
        assert (asked, connected) == (["hook.example"], [PUBLIC])
        assert inside.asked == []


def test_the_certificate_is_the_host_s_and_of_an_authority_that_is_trusted(tmp_path: Path) -> None:
    certificates = authority(tmp_path, "hook.example")

    def to_here(host: str, _: int) -> Sequence[str]:
        return ["127.0.0.1"]

    with peer(lambda _: Said(204), certificates.server) as there:
        inward = frozenset({"hook.example", "other.example"})
        trusting = Outward(inward, to_here, lambda: certificates.client)
        assert trusting.post(f"https://hook.example:{there.port}/", b"{}", {}, 5).status == 204
        assert there.asked[0].headers["host"] == f"hook.example:{there.port}"
        with pytest.raises(Unreachable, match=r"^tls$"):
            trusting.post(f"https://other.example:{there.port}/", b"{}", {}, 5)
        with pytest.raises(Unreachable, match=r"^tls$"):
            Outward(inward, to_here).post(f"https://hook.example:{there.port}/", b"{}", {}, 5)
        assert len(there.asked) == 1


@contextmanager
def silent_at(address: str, port: int) -> Iterator[None]:
    """Whoever connects there hears nothing, as at a machine that is gone: those who wait already leave no room."""
    with socket.socket() as listening, ExitStack() as waiting:
        listening.bind((address, port))
        listening.listen(0)
        for _ in range(4):
            one = waiting.enter_context(socket.socket())
            one.setblocking(False)
            one.connect_ex((address, port))
        yield


def test_the_next_address_is_tried_where_one_does_not_answer() -> None:
    with peer(lambda _: Said(204)) as there:
        outward = Outward(frozenset({"hook.example"}), lambda *_: ["::1", "127.0.0.1"])
        assert outward.get(f"http://hook.example:{there.port}/", {}, 5).status == 204


def test_the_next_address_is_tried_where_one_is_silent() -> None:
    with peer(lambda _: Said(204)) as there, silent_at("127.0.0.2", there.port):
        outward = Outward(frozenset({"hook.example"}), lambda *_: ["127.0.0.2", "127.0.0.1"])
        assert outward.get(f"http://hook.example:{there.port}/", {}, 1).status == 204
        only = Outward(frozenset({"hook.example"}), lambda *_: ["127.0.0.2"])
        with pytest.raises(Unreachable, match=r"^timeout$"):
            only.get(f"http://hook.example:{there.port}/", {}, 0.3)


def test_an_answer_can_be_as_large_as_its_limit_and_no_larger() -> None:
    with peer(lambda asked: Said(body=b"x" * int(asked.path[1:]))) as there:
        outward = Outward(frozenset({"127.0.0.1"}))
        assert len(outward.get(f"{there.url}/{MOST_BYTES}", {}, 20).body) == MOST_BYTES
        with pytest.raises(Unreachable, match=r"^too_large$"):
            outward.get(f"{there.url}/{MOST_BYTES + 1}", {}, 20)


def endless(connection: socket.socket, over: threading.Event) -> None:
    connection.recv(65_536)
    connection.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
    while not over.is_set():
        connection.sendall(b"x" * 65_536)


def trickling(connection: socket.socket, over: threading.Event) -> None:
    connection.recv(65_536)
    connection.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
    for _ in range(200):  # long after the limit of the test
        if not over.wait(0.05):
            connection.sendall(b"x")


def trickling_head(connection: socket.socket, over: threading.Event) -> None:
    connection.recv(65_536)
    connection.sendall(b"HTTP/1.1 200 OK\r\nx: ")
    for _ in range(200):  # long after the limit of the test
        if not over.wait(0.05):
            connection.sendall(b"x")


def silent(connection: socket.socket, over: threading.Event) -> None:
    connection.recv(65_536)
    over.wait(20)


def another_protocol(connection: socket.socket, _: threading.Event) -> None:
    connection.recv(65_536)
    connection.sendall(b"220 mail.example ESMTP\r\n")


def huge_head(connection: socket.socket, _: threading.Event) -> None:
    connection.recv(65_536)
    connection.sendall(b"HTTP/1.1 200 OK\r\n" + b"x: " + b"y" * 1_000_000)


def test_an_answer_without_an_end_is_given_up() -> None:
    with raw(endless) as port, pytest.raises(Unreachable, match=r"^too_large$"):
        Outward(frozenset({"127.0.0.1"})).get(f"http://127.0.0.1:{port}/", {}, 20)
    with raw(endless) as port:
        assert Outward(frozenset({"127.0.0.1"})).post(f"http://127.0.0.1:{port}/", b"{}", {}, 20).status == 200


@pytest.mark.parametrize("serve", [trickling, trickling_head, silent])
def test_the_whole_of_a_call_has_a_limit_however_its_parts_trickle_in(serve: Serve) -> None:
    with raw(serve) as port, pytest.raises(Unreachable, match=r"^timeout$"):
        Outward(frozenset({"127.0.0.1"})).get(f"http://127.0.0.1:{port}/", {}, 0.3)


def test_a_handshake_that_does_not_come_to_an_end_is_given_up() -> None:
    with raw(silent) as port, pytest.raises(Unreachable, match=r"^timeout$"):
        Outward(frozenset({"127.0.0.1"})).get(f"https://127.0.0.1:{port}/", {}, 0.3)


@pytest.mark.parametrize("serve", [another_protocol, huge_head])
def test_what_is_no_answer_of_this_protocol_is_told(serve: Serve) -> None:
    with raw(serve) as port, pytest.raises(Unreachable, match=r"^protocol$"):
        Outward(frozenset({"127.0.0.1"})).get(f"http://127.0.0.1:{port}/", {}, 20)


def test_nobody_there_is_told() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    with pytest.raises(Unreachable, match=r"^connect$"):
        Outward(frozenset({"127.0.0.1"})).get(f"http://127.0.0.1:{port}/", {}, 5)


def test_a_header_cannot_carry_another() -> None:
    with peer(lambda _: Said()) as there, pytest.raises(Unreachable, match=r"^protocol$"):
        Outward(frozenset({"127.0.0.1"})).post(there.url, b"{}", {"webhook-id": "a\r\nx: y"}, 5)


@pytest.mark.parametrize("url", ["https://canary.example/", "https://canary@hook.example/", "http://canary.example/"])
def test_what_is_refused_or_fails_is_told_without_the_address(url: str) -> None:
    with pytest.raises((NotAllowed, Unreachable)) as error:
        names().check(url)
    assert "canary" not in f"{error.value!r} {error.value.__cause__!r}"
