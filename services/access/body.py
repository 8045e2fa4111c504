"""Reads a request's body as it streams in, never more of it than its limit allows, packed or unpacked."""

import zlib
from collections.abc import Mapping

from starlette.types import Receive

from services.access.problems import Fault, Problem, Refused, problem


async def read_body(headers: Mapping[bytes, bytes], receive: Receive, limit: int) -> bytes:
    """The body, unpacked if it is gzip, of at most ``limit`` bytes on the wire and after unpacking.

    Raises Refused: ``body-too-large``, ``unsupported-media-type``, ``malformed-json``; ``request-refused`` where the
    client left before it had sent everything.
    """
    packing = headers.get(b"content-encoding", b"identity").strip().lower()
    if packing not in {b"identity", b"gzip"}:
        raise Refused(problem("unsupported-media-type", detail="The only content coding is gzip."))
    announced = headers.get(b"content-length", b"0")
    if announced.isdigit() and int(announced) > limit:
        raise Refused(_too_large(limit))
    parts: list[bytes] = []
    size = 0
    more = True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise Refused(problem("request-refused", detail="The body ended early."))
        parts.append(message.get("body", b""))
        size += len(parts[-1])
        if size > limit:
            raise Refused(_too_large(limit))
        more = message.get("more_body", False)
    body = b"".join(parts)
    return _unpacked(body, limit) if packing == b"gzip" else body


def _unpacked(body: bytes, limit: int) -> bytes:
    unpacker = zlib.decompressobj(wbits=16 + zlib.MAX_WBITS)  # expects gzip's header and checksum
    try:
        plain = unpacker.decompress(body, limit + 1)
    except zlib.error:
        raise Refused(problem("malformed-json", Fault("", "encoding"))) from None
    if len(plain) > limit:
        raise Refused(_too_large(limit))
    if not unpacker.eof or unpacker.unused_data:
        raise Refused(problem("malformed-json", Fault("", "encoding")))
    return plain


def _too_large(limit: int) -> Problem:
    return problem("body-too-large", detail=f"The limit is {limit} bytes, also after unpacking.")
