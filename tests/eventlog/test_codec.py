"""What stands beside an event on the log is told by the network's secret alone, in the way that RFC 2104 says."""

import hmac

import pytest

from contracts.data import EventKey
from services.eventlog.store import Codec


@pytest.mark.parametrize("length", [1, 32, 64, 65, 200])
def test_keys_and_streams_are_hmacs_with_the_secret(length: int) -> None:
    secret = bytes(range(length))
    codec = Codec(secret)
    key = codec.key(EventKey(source="urn:north:ehr", id="ev-1"))
    assert key == hmac.digest(secret, b"urn:north:ehr\x1fev-1", "sha256")[:16]
    assert codec.stream("case/ca_12") == hmac.digest(secret, b"case/ca_12", "sha256")[:16].hex()
