"""Tokens of a real issuer: taken as they were registered, refused for everything else, and never saying why."""

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from threading import Event
from typing import Any, NamedTuple

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from services.access import keysets
from services.access.credential import Credential
from services.access.issuers import Issuer, Issuers
from services.access.keysets import ALGORITHMS, KeySets
from services.access.problems import Problem, Refused
from services.access.tokens import LONGEST_TOKEN, TRUSTED_FOR, Tokens
from services.outward import Outward
from tests.access.issuing import (
    AUDIENCE,
    CLIENT,
    ED25519,
    ISSUER,
    OF,
    P256,
    P384,
    RSA,
    KeySet,
    assembled,
    claims,
    public,
    showing,
    signed,
)  # fmt: skip
from tests.homes import Home
from tests.peers import Asked, Peer, Said, peer

NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)
ELSEWHERE = ec.generate_private_key(ec.SECP384R1())
SECOND = timedelta(seconds=1)
MINUTE = timedelta(minutes=1)


class Trust(NamedTuple):
    """An installation that trusts one issuer, whose keys a real server shows."""

    issuers: Issuers
    tokens: Tokens
    keyset: KeySet
    server: Peer
    client: str

    def check(self, token: str, now: datetime = NOW) -> Credential:
        return self.tokens.check(token.encode(), now)

    def refusal(self, token: str, now: datetime = NOW) -> Problem:
        with pytest.raises(Refused) as refused:
            self.check(token, now)
        assert refused.value.__cause__ is None
        return refused.value.problem

    def fetches(self) -> int:
        return len(self.server.asked)

    def anew(self) -> Tokens:
        """As another process has it."""
        return Tokens(self.issuers, KeySets(Outward(frozenset({"127.0.0.1"}))))


@pytest.fixture
def trust(home: Home) -> Iterator[Trust]:
    keyset = KeySet(public(P384))
    issuers = home.issuers()
    with showing(keyset) as server:
        issuers.add(Issuer("north-id", "north", ISSUER, AUDIENCE, f"{server.url}/keys"))
        scopes = ["events:write", "read", "feed:read"]
        client = issuers.add_client("north-id", CLIENT, scopes, NOW, clinics=["cl_07"], sources=["urn:x:ehr"])
        tokens = Tokens(issuers, KeySets(Outward(frozenset({"127.0.0.1"}))))
        yield Trust(issuers, tokens, keyset, server, client)
    issuers.close()


def test_a_token_speaks_for_its_registered_client_and_permits_what_both_permit(trust: Trust) -> None:
    credential = trust.check(signed(claims(NOW, scope="read events:write registry:manage openid")))
    assert credential == Credential(
        id=trust.client,
        network="north",
        clinics=frozenset({"cl_07"}),
        sources=frozenset({"urn:x:ehr"}),
        scopes=frozenset({"events:write", "read", "system/*.c"}),
    )


@pytest.mark.parametrize(
    "said, permits",
    [
        ({"scope": ""}, False),
        ({"scope": None}, False),
        ({"scope": "events:read"}, False),
        ({"scope": "feed:reads"}, False),
        ({"scope": ["feed:read"]}, True),
        ({"scope": {"feed:read": 1}}, False),
        ({"scope": 7}, False),
        ({"scope": None, "scp": ["feed:read", 7]}, True),
        ({"scope": None, "scp": "feed:read"}, True),
        ({"scope": "read", "scp": "feed:read"}, False),
    ],
)
def test_a_token_permits_nothing_that_it_does_not_say(trust: Trust, said: dict[str, Any], permits: bool) -> None:
    assert ("feed:read" in trust.check(signed(claims(NOW, **said))).scopes) is permits


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_every_algorithm_of_the_list_is_taken(trust: Trust, algorithm: str) -> None:
    key = OF[algorithm]
    for more in ({}, {"alg": algorithm}):
        trust.keyset.keys = [public(key, algorithm=algorithm, **more)]
        tokens = trust.anew()
        assert tokens.check(signed(claims(NOW), key, algorithm).encode(), NOW).network == "north"


def public_pem() -> bytes:
    return RSA.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)


def hmac_with(secret: bytes) -> str:
    """As an attacker makes it: the library itself refuses to sign with what looks like a public key."""
    bare = assembled({"alg": "HS256", "typ": "JWT", "kid": "first"}, claims(NOW)).rpartition(".")[0]
    signature = jwt.algorithms.HMACAlgorithm(jwt.algorithms.HMACAlgorithm.SHA256).sign(bare.encode(), secret)
    return f"{bare}.{jwt.utils.base64url_encode(signature).decode()}"


def forged() -> dict[str, str]:
    """Tokens that are in no order, by what is wrong with them."""
    right = signed(claims(NOW))
    head, said, signature = right.split(".")
    now = int(NOW.timestamp())
    other = claims(NOW, client_id="another")
    far: dict[str, Any] = {
        "jku": "https://evil.example/keys",
        "x5u": "https://evil.example/cert",
        "jwk": public(ELSEWHERE, "first"),
    }
    return {
        "no signature": assembled({"alg": "none", "kid": "first"}, claims(NOW)),
        "no signature, spelt otherwise": assembled({"alg": "nOnE", "kid": "first"}, claims(NOW)),
        "an empty signature": f"{head}.{said}.",
        "the public key as a secret": hmac_with(public_pem()),
        "the key set as a secret": hmac_with(str(public(P384)).encode()),
        "a key of nobody": signed(claims(NOW), ELSEWHERE),
        "a key of the header": signed(claims(NOW), ELSEWHERE, **far),
        "another algorithm than the key's": signed(claims(NOW), RSA, "RS256"),
        "an algorithm that is not listed": signed(claims(NOW), RSA, "RS512"),
        "an algorithm of another curve": signed(claims(NOW), P256, "ES256"),
        "an unknown key": signed(claims(NOW), kid="second"),
        "no key named": signed(claims(NOW), kid=None),
        "a key named by a number": assembled({"alg": "ES384", "kid": 1}, claims(NOW), b"1" * 96),
        "a path for a key": signed(claims(NOW), kid="../../first"),
        "an unknown critical header": assembled({"alg": "ES384", "kid": "first", "crit": ["x"], "x": 1}, claims(NOW)),
        "other claims than were signed": f"{head}.{assembled({}, other).split('.')[1]}.{signature}",
        "another signature": f"{head}.{said}.{signature[:-4]}AAAA",
        "another issuer": signed(claims(NOW, iss="https://id.south.example")),
        "an issuer with a slash more": signed(claims(NOW, iss=f"{ISSUER}/")),
        "an issuer in other letters": signed(claims(NOW, iss=ISSUER.upper())),
        "an issuer in a list": signed(claims(NOW, iss=[ISSUER])),
        "an issuer that not every database takes": signed(claims(NOW, iss="https://id.north.example\0")),
        "an issuer that is no text": signed(claims(NOW, iss="https://id.north.example/\ud800")),
        "no issuer": signed(claims(NOW, iss=None)),
        "another audience": signed(claims(NOW, aud="https://resonance.example/south")),
        "an audience with more behind": signed(claims(NOW, aud=f"{AUDIENCE}/v1")),
        "no audience": signed(claims(NOW, aud=None)),
        "no audience of a list": signed(claims(NOW, aud=[])),
        "expired long ago": signed(claims(NOW, iat=now - 7_200, exp=now - 3_600)),
        "no expiry": signed(claims(NOW, exp=None)),
        "no time of issue": signed(claims(NOW, iat=None)),
        "a life of a second more than an hour": signed(claims(NOW, exp=now + 3_601)),
        "a life of a day": signed(claims(NOW, exp=now + 86_400)),
        "a life of a day that is nearly over": signed(claims(NOW, iat=now - 86_000, exp=now + 400)),
        "an expiry before its issue": signed(claims(NOW, iat=now, exp=now - 1)),
        "an expiry in words": signed(claims(NOW, exp=str(now + 300))),
        "an endless expiry": signed(claims(NOW, exp=float("inf"))),
        "an expiry that is no number": signed(claims(NOW, exp=float("nan"))),
        "an expiry that is true": signed(claims(NOW, iat=0, exp=True)),
        "issued in the future": signed(claims(NOW, iat=now + 61, exp=now + 300)),
        "not valid yet": signed(claims(NOW, nbf=now + 61)),
        "not valid before words": signed(claims(NOW, nbf="soon")),
        "an unknown client": signed(claims(NOW, client_id="another")),
        "a client in other letters": signed(claims(NOW, client_id=CLIENT.upper())),
        "a client that not every database takes": signed(claims(NOW, client_id=f"{CLIENT}\0")),
        "no client": signed(claims(NOW, client_id=None)),
        "a client in a list": signed(claims(NOW, client_id=[CLIENT])),
        "too long": signed(claims(NOW, more="x" * LONGEST_TOKEN)),
        "claims that are no object": signed([1]),
        "claims that are a word": signed("claims"),
        "a header that is no object": assembled("ES384", claims(NOW)),
        "deep claims": assembled({"alg": "ES384", "kid": "first"}, 0).replace("MA", "W1tb" * 1_500),
        "no text at all": "x.y.z",
        "parts that are no base64": "a.b.c",
    }


@pytest.mark.parametrize("fault", forged())
def test_a_token_that_is_not_in_order_is_refused_and_is_not_told_why(trust: Trust, fault: str) -> None:
    assert trust.check(signed(claims(NOW))).id == trust.client
    problem = trust.refusal(forged()[fault])
    if fault == "expired long ago":
        assert problem.slug == "token-expired"
        return
    assert (problem.status, problem.slug, problem.errors, problem.detail) == (401, "invalid-token", (), None)
    assert problem.headers == {"WWW-Authenticate": 'Bearer realm="resonance", error="invalid_token"'}


def test_claims_that_are_said_twice_are_refused_though_they_are_signed(trust: Trust) -> None:
    once = json.dumps(claims(NOW))
    for said, right in ((once, True), ('{"iss":"https://evil.example",' + once[1:], False)):
        token = jwt.PyJWS().encode(said.encode(), P384, "ES384", {"kid": "first"})
        if right:
            assert trust.check(token).id == trust.client
        else:
            assert trust.refusal(token).slug == "invalid-token"


def test_what_a_header_says_of_keys_elsewhere_is_not_looked_at(trust: Trust) -> None:
    with peer(lambda _: Said(200, {}, b'{"keys":[]}')) as evil:
        far: dict[str, Any] = {"jku": f"{evil.url}/keys", "x5u": f"{evil.url}/cert", "jwk": public(ELSEWHERE, "first")}
        assert trust.refusal(signed(claims(NOW), ELSEWHERE, **far)).slug == "invalid-token"
        assert trust.check(signed(claims(NOW), **far)).id == trust.client
        assert evil.asked == []


def test_a_token_that_expires_is_told_so_and_clocks_may_differ_by_a_minute(trust: Trust) -> None:
    token = signed(claims(NOW))
    expires = NOW + timedelta(seconds=300)
    assert trust.check(token, expires + MINUTE - SECOND).id == trust.client
    problem = trust.refusal(token, expires + MINUTE)
    assert (problem.status, problem.slug) == (401, "token-expired")
    assert 'error="invalid_token"' in problem.headers["WWW-Authenticate"]
    assert trust.check(token, NOW - MINUTE).id == trust.client
    assert trust.refusal(token, NOW - MINUTE - SECOND).slug == "invalid-token"


def test_only_a_token_that_is_otherwise_in_order_is_told_that_it_has_expired(trust: Trust) -> None:
    later = NOW + timedelta(hours=1)
    for token in (signed(claims(NOW), ELSEWHERE), signed(claims(NOW, client_id="another"))):
        assert trust.refusal(token, later).slug == "invalid-token"


def test_an_hour_is_as_long_as_a_token_may_live(trust: Trust) -> None:
    assert trust.check(signed(claims(NOW, exp=int(NOW.timestamp()) + 3_600))).id == trust.client


def test_an_audience_can_stand_among_others(trust: Trust) -> None:
    assert trust.check(signed(claims(NOW, aud=["account", AUDIENCE]))).network == "north"


def test_the_network_is_that_of_the_registration_whatever_the_token_says(trust: Trust) -> None:
    trust.issuers.add(Issuer("south-id", "south", ISSUER, f"{AUDIENCE}/south", f"{trust.server.url}/keys"))
    trust.issuers.add_client("south-id", CLIENT, ["read"], NOW)
    assert trust.check(signed(claims(NOW, network="south", tenant="south", rsnnetwork="south"))).network == "north"
    assert trust.check(signed(claims(NOW, aud=f"{AUDIENCE}/south"))).network == "south"
    both = signed(claims(NOW, aud=[AUDIENCE, f"{AUDIENCE}/south"]))
    assert trust.refusal(both).slug == "invalid-token"


def test_an_issuer_s_keys_do_not_sign_for_another(trust: Trust) -> None:
    with showing(KeySet(public(ELSEWHERE, "theirs"))) as server:
        trust.issuers.add(Issuer("south-id", "south", "https://id.south.example", "south", f"{server.url}/keys"))
        trust.issuers.add_client("south-id", CLIENT, ["read"], NOW)
        own = claims(NOW, iss="https://id.south.example", aud="south")
        assert trust.check(signed(own, ELSEWHERE, kid="theirs")).network == "south"
        assert trust.refusal(signed(claims(NOW), ELSEWHERE, kid="theirs")).slug == "invalid-token"


def test_the_claim_that_names_the_client_is_the_one_that_was_registered(trust: Trust) -> None:
    trust.issuers.add(Issuer("azp-id", "north", "https://azp.example", "north", f"{trust.server.url}/keys", "azp"))
    trust.issuers.add_client("azp-id", "ehr", ["read"], NOW)
    said = claims(NOW, iss="https://azp.example", aud="north")
    assert trust.refusal(signed(said | {"client_id": "ehr"})).slug == "invalid-token"
    assert trust.check(signed(said | {"azp": "ehr"})).network == "north"


def test_a_disabled_client_is_refused_within_a_minute_and_taken_again_once_it_is_enabled(trust: Trust) -> None:
    token, later = signed(claims(NOW)), NOW + TRUSTED_FOR
    assert trust.check(token).id == trust.client
    assert trust.issuers.disable(trust.client, NOW)
    assert trust.check(token, later - SECOND).id == trust.client
    assert trust.refusal(token, later).slug == "invalid-token"
    assert trust.refusal(signed(claims(NOW, jti="a2"))).slug == "invalid-token"
    assert trust.issuers.enable(trust.client)
    assert trust.check(token, later).id == trust.client
    assert timedelta(seconds=60) >= TRUSTED_FOR


def test_a_removed_issuer_is_trusted_no_longer(trust: Trust) -> None:
    token = signed(claims(NOW))
    assert trust.check(token).id == trust.client
    assert trust.issuers.remove("north-id")
    assert trust.refusal(token, NOW + TRUSTED_FOR).slug == "invalid-token"
    assert trust.refusal(signed(claims(NOW, jti="a2"))).slug == "invalid-token"


def test_a_token_is_remembered_for_a_minute_or_until_it_expires_and_by_nobody_else(trust: Trust) -> None:
    token = signed(claims(NOW)).encode()
    assert trust.tokens.remembered(token, NOW) is None
    known = trust.tokens.check(token, NOW)
    assert trust.tokens.remembered(token, NOW + TRUSTED_FOR - SECOND) == known
    assert trust.tokens.remembered(token, NOW + TRUSTED_FOR) is None
    assert trust.tokens.remembered(token, NOW - SECOND) is None
    assert trust.tokens.remembered(token[:-1], NOW) is None
    soon = signed(claims(NOW, exp=int(NOW.timestamp()) - 50, iat=int(NOW.timestamp()) - 60)).encode()
    trust.tokens.check(soon, NOW)
    assert trust.tokens.remembered(soon, NOW + 9 * SECOND)
    assert trust.tokens.remembered(soon, NOW + 10 * SECOND) is None


def test_keys_are_fetched_once_for_as_long_as_they_may_be_kept(trust: Trust) -> None:
    trust.keyset.headers = {"Cache-Control": "public, max-age=600"}
    for number in range(20):
        trust.check(signed(claims(NOW, jti=str(number))))
    assert trust.fetches() == 1
    fresh = signed(claims(NOW + timedelta(minutes=10)))
    trust.check(fresh, NOW + timedelta(minutes=10) - SECOND)
    assert trust.fetches() == 1
    trust.check(signed(claims(NOW + timedelta(minutes=10), jti="b")), NOW + timedelta(minutes=10))
    assert trust.fetches() == 2


def test_a_key_that_the_issuer_has_changed_to_is_fetched_when_it_is_met(trust: Trust) -> None:
    trust.check(signed(claims(NOW)))
    trust.keyset.keys = [public(P256, "second", "ES256")]
    rotated = signed(claims(NOW), P256, "ES256", kid="second")
    assert trust.refusal(rotated, NOW + MINUTE - SECOND).slug == "invalid-token"
    assert trust.check(rotated, NOW + MINUTE).id == trust.client
    assert trust.refusal(signed(claims(NOW, jti="a2")), NOW + MINUTE).slug == "invalid-token"


def test_unknown_keys_make_one_fetch_a_minute_however_many_there_are(trust: Trust) -> None:
    trust.check(signed(claims(NOW)))
    for second in range(0, 180, 3):
        trust.refusal(signed(claims(NOW), ELSEWHERE, kid=f"k{second}"), NOW + second * SECOND)
    assert trust.fetches() <= 4


def test_whose_key_is_known_does_not_wait_for_a_fetch_that_an_unknown_one_made(
    trust: Trust, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(keysets, "FETCH_SECONDS", 60.0)  # or its end would end the waiting
    trust.check(signed(claims(NOW)))
    asked, go_on = Event(), Event()

    def slow(about: Asked) -> Said:
        asked.set()
        assert go_on.wait(60)
        return trust.keyset.says(about)

    trust.server.says = slow
    with ThreadPoolExecutor(2) as pool:
        unknown = pool.submit(trust.refusal, signed(claims(NOW), ELSEWHERE, kid="k"), NOW + MINUTE)
        try:
            assert asked.wait(20)
            known = pool.submit(trust.check, signed(claims(NOW, jti="b")), NOW + MINUTE)
            assert known.result(20).id == trust.client
        finally:
            go_on.set()
        assert unknown.result(20).slug == "invalid-token"


def test_tokens_of_nobody_that_is_registered_make_no_fetch(trust: Trust) -> None:
    trust.refusal(signed(claims(NOW, iss="https://evil.example"), ELSEWHERE))
    trust.refusal(signed(claims(NOW), "x" * 32, "HS256"))
    assert trust.fetches() == 0


def test_while_keys_cannot_be_fetched_those_of_before_are_used_for_an_hour_more(trust: Trust) -> None:
    trust.keyset.headers = {"Cache-Control": "max-age=3600"}
    trust.check(signed(claims(NOW)))
    trust.keyset.status = 503
    for minutes, right in ((60, True), (119, True), (120, False)):
        later = NOW + timedelta(minutes=minutes)
        token = signed(claims(later))
        if right:
            assert trust.check(token, later).id == trust.client
        else:
            assert trust.refusal(token, later).slug == "issuer-unavailable"
    trust.keyset.status = 200
    later = NOW + timedelta(minutes=122)
    assert trust.check(signed(claims(later)), later).id == trust.client


NO_KEY_SETS = {
    "a redirect into the own network": Said(302, {"Location": "http://169.254.169.254/latest/meta-data"}),
    "a redirect beside": Said(302, {"Location": "/keys2"}),
    "not there": Said(404),
    "a defect": Said(500),
    "nothing": Said(),
    "a list": Said(200, {}, b"[]"),
    "no list of keys": Said(200, {}, b'{"keys":{}}'),
    "too deep": Said(200, {}, b"[" * 9_999),
    "too large": Said(200, {}, b'{"keys":[' + b" " * 300_000 + b"]}"),
}


@pytest.mark.parametrize("answer", NO_KEY_SETS)
def test_where_no_key_set_can_be_had_the_token_is_neither_right_nor_wrong(trust: Trust, answer: str) -> None:
    trust.server.says = lambda _: NO_KEY_SETS[answer]
    problem = trust.refusal(signed(claims(NOW)))
    assert (problem.status, problem.slug, problem.retryable) == (503, "issuer-unavailable", True)
    assert "Retry-After" in problem.headers
    trust.refusal(signed(claims(NOW)), NOW + 30 * SECOND)
    assert [asked.path for asked in trust.server.asked] == ["/keys"]


def test_a_key_set_inside_the_own_network_is_not_fetched(trust: Trust) -> None:
    tokens = Tokens(trust.issuers, KeySets(Outward()))
    with pytest.raises(Refused) as refused:
        tokens.check(signed(claims(NOW)).encode(), NOW)
    assert refused.value.problem.slug == "issuer-unavailable"
    assert trust.fetches() == 0


@pytest.mark.filterwarnings("ignore:The RSA key is 1024 bits:jwt.warnings.InsecureKeyLengthWarning")
def test_keys_that_nobody_should_sign_with_are_left_out_and_the_others_used(trust: Trust) -> None:
    weak = rsa.generate_private_key(public_exponent=65_537, key_size=1_024)
    private = jwt.algorithms.ECAlgorithm.to_jwk(ELSEWHERE, as_dict=True)
    trust.keyset.keys = [
        public(weak, "weak", "RS256"),
        public(ELSEWHERE, "enc") | {"use": "enc"},
        public(ELSEWHERE, "alg", alg="ES512"),
        private | {"kid": "private"},
        {"kty": "oct", "kid": "oct", "k": "c3Nzc3Nzc3Nzc3Nzc3Nzc3Nzc3Nzc3Nzc3Nzc3Nzc3M", "alg": "HS256"},
        {"kty": "EC", "crv": "P-384", "kid": "broken", "x": "AA", "y": "AA"},
        {"kty": ["RSA"], "kid": "odd"}, {"kty": "EC", "crv": ["P-384"], "kid": "odd"},
        {"kty": "RSA", "n": 1, "e": [], "kid": "odd"},
        {"kty": "RSA", "n": "AQ", "e": "AQ", "kid": "odd"}, {"kid": 7}, {},
        {key: value for key, value in public(ELSEWHERE).items() if key != "kid"},
        public(P384),
        public(ED25519, "ed", "EdDSA"),
    ]  # fmt: skip
    wrong = {
        "weak": signed(claims(NOW), weak, "RS256", kid="weak"),
        "enc": signed(claims(NOW), ELSEWHERE, kid="enc"),
        "alg": signed(claims(NOW), ELSEWHERE, kid="alg"),
        "private": signed(claims(NOW), ELSEWHERE, kid="private"),
        "oct": signed(claims(NOW), b"s" * 32, "HS256", kid="oct"),
    }
    assert {name: trust.refusal(token).slug for name, token in wrong.items()} == dict.fromkeys(wrong, "invalid-token")
    assert trust.check(signed(claims(NOW))).id == trust.client
    assert trust.check(signed(claims(NOW), ED25519, "EdDSA", kid="ed")).id == trust.client
