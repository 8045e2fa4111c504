"""What is signed here, the official verifier of Standard Webhooks accepts; and nothing else [35]."""

from datetime import timedelta

import pytest
from standardwebhooks import Webhook, WebhookVerificationError

from services.webhooks.signing import new_secret, signed
from services.wiring import utc_now

BODY = b'{"id":"fi_0123456789abcdef01234567","alert_ref":"al_\xc3\xa4"}'
ITEM = "fi_0123456789abcdef01234567"


def test_the_official_verifier_accepts_what_is_signed() -> None:
    secret = new_secret()
    headers = signed(ITEM, BODY, utc_now(), [secret])
    assert Webhook(secret).verify(BODY, headers)["id"] == ITEM


def test_while_a_secret_is_rotated_each_of_the_two_verifies() -> None:
    new, old, never = new_secret(), new_secret(), new_secret()
    headers = signed(ITEM, BODY, utc_now(), [new, old])
    for secret in (new, old):
        Webhook(secret).verify(BODY, headers)
    with pytest.raises(WebhookVerificationError):
        Webhook(never).verify(BODY, headers)


@pytest.mark.parametrize("body", [BODY + b" ", BODY.replace(b'":', b'": '), BODY.replace(b"al_", b"al-")])
def test_a_body_that_was_touched_is_refused_be_it_by_a_space(body: bytes) -> None:
    secret = new_secret()
    headers = signed(ITEM, BODY, utc_now(), [secret])
    with pytest.raises(WebhookVerificationError, match="No matching"):
        Webhook(secret).verify(body, headers)


@pytest.mark.parametrize("name, value", [("webhook-id", f"{ITEM[:-1]}8"), ("webhook-timestamp", None)])
def test_a_header_that_was_touched_is_refused(name: str, value: str | None) -> None:
    secret = new_secret()
    headers = signed(ITEM, BODY, utc_now(), [secret])
    headers[name] = value or str(int(headers[name]) + 1)
    with pytest.raises(WebhookVerificationError, match="No matching"):
        Webhook(secret).verify(BODY, headers)


def test_what_was_sent_long_ago_is_refused_when_it_is_played_again() -> None:
    secret = new_secret()
    headers = signed(ITEM, BODY, utc_now() - timedelta(minutes=6), [secret])
    with pytest.raises(WebhookVerificationError, match="too old"):
        Webhook(secret).verify(BODY, headers)


def test_no_two_secrets_are_alike_and_each_has_32_random_bytes() -> None:
    made = {new_secret() for _ in range(100)}
    assert len(made) == 100
    assert {len(Webhook(secret)._whsecret) for secret in made} == {32}
