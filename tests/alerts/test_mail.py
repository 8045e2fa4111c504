"""Delivery against a real mail server, and the mailbox that stands in for one."""

import logging
import shutil
import ssl
import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from services.alerts.letter import Letterhead, compose
from services.alerts.mail import LONGEST_SECONDS, TIMEOUT_SECONDS, MailboxDelivery, SmtpDelivery, messages
from tests.alerts.smtp import mail_server

AT = datetime(2026, 3, 2, 9, tzinfo=UTC)
FROM, TO = "notices@mail.example.org", "ada@example.org"
HEAD = Letterhead(FROM, "https://resonance.example.org", b"s" * 32)


def letter(alert: str = "al_one", at: datetime = AT) -> bytes:
    return compose(HEAD, alert, "ca_one", TO, "Zk3vQ0mJx7Lr2WbN5tYc8A", at)


def test_the_server_gets_the_very_bytes_that_were_composed() -> None:
    with mail_server() as server:
        assert SmtpDelivery(server.url).deliver(FROM, TO, letter()) == "sent"
        assert server.taken == [(FROM, [TO], letter())]


@pytest.mark.parametrize(
    "step, reply, outcome",
    [
        ("RCPT", "450 4.2.1 ada@example.org is busy", "deferred"),
        ("MAIL", "421 4.3.2 going down", "deferred"),
        ("DATA", "451 4.7.1 greylisted", "deferred"),
        ("RCPT", "550 5.1.1 no such user ada@example.org", "recipient_refused"),
        ("RCPT", "552 5.2.2 mailbox full", "recipient_refused"),
        ("RCPT", "550 5.7.1 relaying denied for ada@example.org", "refused_us"),
        ("RCPT", "530 5.7.0 authentication required", "refused_us"),
        ("MAIL", "550 5.1.8 who are you, notices@mail.example.org?", "refused_us"),
        ("DATA", "554 5.6.0 not with these words", "refused_us"),
    ],
)
def test_a_refusal_says_whether_to_wait_and_whose_it_is(step: str, reply: str, outcome: str) -> None:
    with mail_server() as server:
        server.answers[step] = reply
        assert SmtpDelivery(server.url).deliver(FROM, TO, letter()) == outcome
        assert server.taken == []


def test_a_refusal_of_ours_is_logged_without_an_address_or_a_word_of_the_server(
    caplog: pytest.LogCaptureFixture,
) -> None:
    with mail_server() as server:
        server.answers["MAIL"] = "550 go away, notices@mail.example.org"
        SmtpDelivery(server.url).deliver(FROM, TO, letter())
    ours = [record for record in caplog.records if record.name == "services.alerts.mail"]
    assert [(record.levelno, vars(record)["step"], vars(record)["code"]) for record in ours] == [
        (logging.ERROR, "SMTPSenderRefused", 550)
    ]
    assert "@" not in str([vars(record) for record in ours])
    assert "go away" not in str([vars(record) for record in ours])


def test_a_server_that_is_not_there_is_unreachable() -> None:
    with mail_server() as server:
        gone = SmtpDelivery(server.url)
    assert gone.deliver(FROM, TO, letter()) == "unreachable"


def test_a_server_that_hangs_up_without_an_answer_is_unreachable() -> None:
    with mail_server() as server:
        server.hangs_up = "DATA"
        assert SmtpDelivery(server.url).deliver(FROM, TO, letter()) == "unreachable"


def test_a_letter_is_sent_once_the_server_took_it_however_rude_its_farewell() -> None:
    with mail_server() as server:
        server.hangs_up = "QUIT"
        assert SmtpDelivery(server.url).deliver(FROM, TO, letter()) == "sent"


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A key and a certificate for localhost that this run makes for itself, in one file."""
    openssl = shutil.which("openssl")
    if openssl is None:
        pytest.skip("openssl is not installed")
    file = tmp_path_factory.mktemp("tls") / "localhost.pem"
    made = [openssl, "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=localhost"]
    named = ["-addext", "subjectAltName=DNS:localhost", "-keyout", str(file), "-out", "-"]
    done = subprocess.run([*made, *named], check=True, capture_output=True)
    file.write_bytes(file.read_bytes() + done.stdout)
    return file


def tls(certificate: Path) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    return context


@pytest.mark.parametrize("scheme", ["smtps", "smtp+starttls"])
def test_a_letter_goes_encrypted_to_a_server_that_can_prove_its_name(
    scheme: str, certificate: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    with mail_server(scheme, tls=tls(certificate)) as server:
        assert SmtpDelivery(server.url).deliver(FROM, TO, letter()) == "sent"
        assert server.taken == [(FROM, [TO], letter())]


@pytest.mark.parametrize("scheme", ["smtps", "smtp+starttls"])
def test_a_letter_does_not_go_to_a_server_that_cannot(scheme: str, certificate: Path) -> None:
    with mail_server(scheme, tls=tls(certificate)) as server:
        assert SmtpDelivery(server.url).deliver(FROM, TO, letter()) == "unreachable"
        assert server.taken == []


def test_a_user_and_password_are_read_from_the_url_and_a_wrong_one_is_our_fault(
    certificate: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    with mail_server("smtp+starttls", signed_in=True, tls=tls(certificate)) as server:
        right = server.url.replace("//", "//resonance:p%40ss%3Aword@")
        assert SmtpDelivery(right).deliver(FROM, TO, letter()) == "sent"
        assert SmtpDelivery(right.replace("word", "wort")).deliver(FROM, TO, letter()) == "refused_us"
        assert SmtpDelivery(server.url).deliver(FROM, TO, letter()) == "refused_us"
        assert len(server.taken) == 1


def test_a_letter_that_should_go_encrypted_does_not_go_in_the_clear() -> None:
    with mail_server("smtp+starttls") as server:
        assert SmtpDelivery(server.url).deliver(FROM, TO, letter()) == "refused_us"
        assert server.taken == []


@pytest.mark.parametrize("url", ["http://mail.example.org", "smtp://", "mail.example.org", "ftp://me:hush@example.org"])
def test_a_url_of_no_mail_server_is_refused_without_being_quoted(url: str) -> None:
    with pytest.raises(ValueError, match=r"a mail server is smtp://") as refused:
        SmtpDelivery(url)
    assert "hush" not in str(refused.value)


def test_an_attempt_ends_before_its_lease_does_even_where_each_answer_takes_its_time() -> None:
    answers = [
        "banner",
        "ehlo",
        "starttls",
        "tls",
        "ehlo",
        "auth",
        "user",
        "password",
        "mail",
        "rcpt",
        "data",
        "end",
        "quit",
    ]
    assert len(answers) * TIMEOUT_SECONDS < LONGEST_SECONDS


def test_the_mailbox_shows_the_newest_letter_first(tmp_path: Path) -> None:
    box = MailboxDelivery(tmp_path / "mail")
    for number, alert in enumerate(["al_one", "al_two", "al_three"]):
        assert box.deliver(FROM, TO, letter(alert, AT + timedelta(hours=number))) == "sent"
    found = messages(tmp_path / "mail")
    assert [mail.date.hour for mail in found] == [11, 10, 9]
    assert found[0].to == TO
    assert found[0].subject.startswith("A case on your list needs a look (K-")
    assert f"{HEAD.base_url}/a/Zk3vQ0mJx7Lr2WbN5tYc8A" in found[0].text.splitlines()


def test_a_letter_that_arrived_twice_is_shown_once(tmp_path: Path) -> None:
    for _ in range(2):
        MailboxDelivery(tmp_path / "mail").deliver(FROM, TO, letter())
    assert len(messages(tmp_path / "mail")) == 1


def test_a_mailbox_that_nothing_was_sent_to_is_empty(tmp_path: Path) -> None:
    assert messages(tmp_path / "mail") == []
