"""An event in CloudEvents' binary mode: its attributes as headers, its data as the body; put together as one document.

Source: HTTP Protocol Binding for CloudEvents 1.0.2, section 3.1,
https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/bindings/http-protocol-binding.md
"""

import json
from collections.abc import Mapping
from typing import Final
from urllib.parse import unquote_to_bytes

from services.access.strict import read_value

_PREFIX: Final = b"ce-"


def is_binary(headers: Mapping[bytes, bytes]) -> bool:
    """Whether the body, which is ``application/json``, is the data of an event alone."""
    return _PREFIX + b"specversion" in headers


def structured(headers: Mapping[bytes, bytes], data: bytes) -> bytes:
    """The event as JSON. Raises Refused (``malformed-json``) where ``data`` is not one JSON value."""
    read_value(data)  # else what is sent as data could go on after it, and add attributes
    attributes = {
        name.removeprefix(_PREFIX).decode("latin-1"): unquote_to_bytes(value).decode(errors="replace")
        for name, value in headers.items()
        if name.startswith(_PREFIX) and name != _PREFIX + b"data"
    }
    attributes["datacontenttype"] = "application/json"
    return json.dumps(attributes).encode()[:-1] + b',"data":' + data + b"}"
