"""A page session is believed if it is signed and not over, and its forms carry a token of their own."""

from datetime import UTC, datetime, timedelta

import pytest

from services.access.session import PageSession, form_token, is_form_token, sign, verify

NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)
SECRETS = {"north": b"n" * 32, "south": b"s" * 32}
SESSION = PageSession("north", "th_ada1", NOW + timedelta(hours=8))
COOKIE = sign(SESSION, SECRETS["north"])


def test_a_signed_session_is_believed_until_it_is_over() -> None:
    assert verify(COOKIE, SECRETS.get, NOW) == SESSION
    assert verify(COOKIE, SECRETS.get, SESSION.expires - timedelta(seconds=1)) == SESSION
    assert verify(COOKIE, SECRETS.get, SESSION.expires) is None


@pytest.mark.parametrize(
    "cookie",
    [
        "",
        "canary",
        COOKIE[:-1],
        COOKIE + "A",
        COOKIE[:-1] + ("A" if COOKIE[-1] != "A" else "B"),
        COOKIE.replace("th_ada1", "th_bob1"),
        COOKIE.replace("north", "south"),
        COOKIE.replace("north", "east"),
        COOKIE.replace(str(int(SESSION.expires.timestamp())), "9999999999"),
        COOKIE.replace("th_ada1", "th_ada1\n"),
        sign(SESSION, SECRETS["south"]),
        COOKIE.rpartition(".")[0] + "." + form_token(COOKIE.rpartition(".")[0], SECRETS["north"]),
    ],
)
def test_nothing_else_is_believed(cookie: str) -> None:
    assert verify(cookie, SECRETS.get, NOW) is None


def test_a_cookie_needs_no_quoting() -> None:
    assert COOKIE.replace(".", "").replace("_", "").replace("-", "").isalnum()


def test_a_form_token_belongs_to_one_session() -> None:
    other = sign(PageSession("north", "th_bob1", SESSION.expires), SECRETS["north"])
    token = form_token(COOKIE, SECRETS["north"])
    assert is_form_token(token, COOKIE, SECRETS["north"])
    assert not is_form_token(token, other, SECRETS["north"])
    assert not is_form_token(token, COOKIE, SECRETS["south"])
    assert not is_form_token("", COOKIE, SECRETS["north"])
    assert not is_form_token("ä", COOKIE, SECRETS["north"])
    assert token not in COOKIE
