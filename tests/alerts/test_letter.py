"""The letter as bytes on the wire: headers that survive, one link, and nothing that tells of a client."""

import re
from datetime import UTC, datetime
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from html import unescape
from html.parser import HTMLParser

from typing_extensions import override

from services.alerts.letter import Letterhead, case_code, compose, message_id

AT = datetime(2026, 3, 2, 9, tzinfo=UTC)
HEAD = Letterhead("notices@mail.example.org", "https://resonance.example.org", b"s" * 32)
TOKEN = "Zk3vQ0mJx7Lr2WbN5tYc8A"
WORDS = frozenset(
    re.findall(
        "[a-z]+",
        "a about address an and ask be by can case crisis days do does easily emergency for get have in is it itself"
        " later link list look mail moment needs nobody not of on one or others read reads reminded replies say see"
        " seen service sign so something that the there this time to what why without works worth would you your",
    )
)
"""All that a letter may say."""


def letter(
    head: Letterhead = HEAD, alert: str = "al_canary1", case: str = "ca_canary2", to: str = "ada@example.org"
) -> bytes:
    return compose(head, alert, case, to, TOKEN, AT)


def parsed(raw: bytes) -> EmailMessage:
    return message_from_bytes(raw, EmailMessage, policy=default)


def part(raw: bytes, kind: str) -> str:
    body = parsed(raw).get_body((kind,))
    assert body is not None
    text: str = body.get_content()
    return text


def test_the_letter_has_the_headers_that_mail_programs_and_mail_robots_go_by() -> None:
    head, _, _ = letter().partition(b"\r\n\r\n")
    code = case_code(HEAD, "ca_canary2")
    mark = rb"<[0-9a-f]{24}@mail\.example\.org>"
    for line in (
        rb"From: Resonance <notices@mail\.example\.org>",
        rb"To: ada@example\.org",
        rb"Subject: A case on your list needs a look \(%s\)" % code.encode(),
        rb"Date: Mon, 02 Mar 2026 09:00:00 \+0000",
        rb"Message-ID: " + mark,
        rb"References: " + mark,
        rb"In-Reply-To: " + mark,
        rb"List-Id: <notices\.mail\.example\.org>",
        rb"Auto-Submitted: auto-generated",
        rb"X-Auto-Response-Suppress: OOF, AutoReply",
    ):
        assert re.search(rb"^%s\r?$" % line, head, re.MULTILINE), line


def test_long_names_and_addresses_are_neither_encoded_nor_broken() -> None:
    domain = ".".join(["long-label-of-a-domain"] * 5) + ".example"
    url = "https://" + ".".join(["resonance"] * 12) + ".example"
    raw = letter(Letterhead(f"notices@{domain}", url, b"s"), to=f"{'a' * 64}@{domain}")
    assert b"=?" not in raw
    assert f"List-Id: <notices.{domain}>\r\n".encode() in raw
    assert f"Message-ID: {message_id(Letterhead(f'notices@{domain}', url, b's'), 'al_canary1')}\r\n".encode() in raw
    assert f"To: {'a' * 64}@{domain}\r\n".encode() in raw
    assert f"\r\n{url}/a/{TOKEN}\r\n".encode() in raw
    assert f'<a href="{url}/a/{TOKEN}">'.encode() in raw


def test_the_link_stands_alone_on_its_line_of_the_text() -> None:
    assert f"{HEAD.base_url}/a/{TOKEN}" in part(letter(), "plain").splitlines()


def test_every_line_on_the_wire_ends_as_mail_asks_and_is_plain_ascii() -> None:
    raw = letter()
    assert raw.isascii()
    assert raw.count(b"\n") == raw.count(b"\r\n")
    assert max(map(len, raw.split(b"\r\n"))) <= 998  # RFC 5322, section 2.1.1


def test_nothing_in_the_letter_tells_of_the_client() -> None:
    raw = letter().lower()
    for reference in (b"canary1", b"canary2", b"al_", b"ca_"):
        assert reference not in raw
    for word in (
        b"client", b"patient", b"therap", b"clinic", b"session", b"score", b"ors", b"srs", b"phq", b"alliance",
        b"outcome", b"stall", b"deteriorat", b"renegotiat", b"treatment", b"task", b"worse", b"risk",
    ):  # fmt: skip
        assert not re.search(rb"\b" + word, raw), word


def test_a_letter_has_no_word_that_was_not_allowed_and_one_link() -> None:
    raw = letter()
    page = re.sub(r"<style>.*?</style>|<[^>]+>", " ", part(raw, "html"), flags=re.DOTALL)
    for text in (part(raw, "plain"), unescape(page), str(parsed(raw)["Subject"])):
        said = text.replace(f"{HEAD.base_url}/a/{TOKEN}", " ").replace(case_code(HEAD, "ca_canary2"), " ")
        assert set(re.findall(r"[^\W\d_]+", said.lower())) <= WORDS
        assert re.findall(r"\d+", said) in ([], ["30"])
    for kind in ("plain", "html"):
        assert re.findall(r"https?://[^\s\"<]+", part(raw, kind)) == [f"{HEAD.base_url}/a/{TOKEN}"]
    assert [one.get_content_type() for one in parsed(raw).walk()] == [
        "multipart/alternative",
        "text/plain",
        "text/html",
    ]


def test_no_date_but_that_of_the_letter_is_in_it() -> None:
    assert re.findall(rb"\b20\d\d\b", letter()) == [b"2026"]


def test_the_same_alert_makes_the_same_letter_and_another_one_another_message_id() -> None:
    assert letter() == letter()
    assert message_id(HEAD, "al_canary1") == parsed(letter())["Message-ID"]
    assert message_id(HEAD, "al_canary1") != message_id(HEAD, "al_canary3")


def test_letters_about_one_case_are_one_thread_and_those_about_another_are_not() -> None:
    first, second = parsed(letter(alert="al_canary1")), parsed(letter(alert="al_canary3"))
    other = parsed(letter(case="ca_canary4"))
    assert first["References"] == second["References"] == second["In-Reply-To"]
    assert first["References"] != other["References"]
    assert first["References"] not in (first["Message-ID"], second["Message-ID"])


def test_a_case_has_the_same_code_every_time_and_nobody_without_the_secret_can_make_it() -> None:
    code = case_code(HEAD, "ca_canary2")
    assert re.fullmatch(r"K-[0-9A-HJKMNP-TV-Z]{5}", code)
    assert code == case_code(HEAD, "ca_canary2")
    assert code != case_code(HEAD, "ca_canary4")
    assert code != case_code(Letterhead(HEAD.sender, HEAD.base_url, b"t" * 32), "ca_canary2")


def test_the_secret_is_not_shown_where_a_letterhead_is() -> None:
    assert "secret" not in repr(HEAD)


def test_a_link_that_html_reads_otherwise_is_escaped_there_and_only_there() -> None:
    raw = letter(Letterhead(HEAD.sender, "https://example.org/?a=1&copy=2", b"s"))
    assert "https://example.org/?a=1&copy=2/a/" in part(raw, "plain")
    assert "https://example.org/?a=1&amp;copy=2/a/" in part(raw, "html")


class Page(HTMLParser):
    """What is in a page: its tags with their attributes, and the text in its title."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.title = ""
        self.feed(text)

    @override
    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))

    @override
    def handle_data(self, data: str) -> None:
        self.title += data if self.found and self.found[-1][0] == "title" else ""


def test_the_html_can_be_read_by_everyone_and_fetches_nothing() -> None:
    text = part(letter(), "html")
    page = Page(text)
    assert ("html", {"lang": "en"}) in page.found
    assert ("meta", {"name": "color-scheme", "content": "light dark"}) in page.found
    assert ("main", {}) in page.found
    assert page.title.strip() == parsed(letter())["Subject"]
    assert "prefers-color-scheme: dark" in text
    assert "font: 16px" in text
    assert [attributes for tag, attributes in page.found if tag == "a"] == [{"href": f"{HEAD.base_url}/a/{TOKEN}"}]
    assert text.count("//") == 1
    assert not {"img", "link", "script", "iframe", "form"} & {tag for tag, _ in page.found}
    assert not re.search(r"url\(|@import|@font-face", text)
