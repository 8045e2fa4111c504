"""Cuts a stream into lines and unpacks gzip as it comes, in flat memory however long the stream or one of its lines."""

import zlib
from collections.abc import Iterator
from typing import Final, NamedTuple

from services.access.problems import Fault, Refused, problem
from services.ingest.accept import EVENT_LIMIT

PIECE: Final = 256 * 1024
"""Bytes that are unpacked at a time."""
RATIO: Final = 200
"""How many times its packed size a stream may come to: events shrink to a twentieth, and a bomb to a thousandth."""
RATIO_FROM: Final = 16 * 1024 * 1024
"""Unpacked bytes from which the ratio counts."""


class Line(NamedTuple):
    """``text`` is None where the line is longer than an event may be: it was not kept."""

    number: int
    text: bytes | None


class Splitter:
    """Cuts pieces at their newlines, and numbers the lines from ``first`` on. Lines of white space are numbered too,
    and left out."""

    def __init__(self, first: int) -> None:
        self._number = first
        self._begun = b""
        self._too_long = False

    def feed(self, piece: bytes) -> Iterator[Line]:
        """The lines that end in ``piece``."""
        *ended, begun = piece.split(b"\n")
        for part in ended:
            yield from self._ended(self._begun + part)
            self._begun, self._too_long = b"", False
        self._begun += begun
        if len(self._begun) > EVENT_LIMIT:
            self._begun, self._too_long = b"", True

    def end(self) -> Iterator[Line]:
        """The last line, where no newline ends it."""
        yield from self._ended(self._begun)

    def _ended(self, text: bytes) -> Iterator[Line]:
        text = text.strip(b" \t\r")
        if self._too_long or len(text) > EVENT_LIMIT:
            yield Line(self._number, None)
        elif text:
            yield Line(self._number, text)
        self._number += 1


class Unpacker:
    """A gzip stream of one member or several (RFC 1952, section 2.2), as they come of files that were joined."""

    def __init__(self) -> None:
        self._member = _member()
        self._fresh = True
        self._packed = 0
        self._plain = 0

    def feed(self, packed: bytes) -> Iterator[bytes]:
        """What ``packed`` unpacks to, at most ``PIECE`` bytes at a time.

        Raises Refused: ``malformed-json`` where it is no gzip, ``body-too-large`` where it grows beyond ``RATIO``.
        """
        self._packed += len(packed)
        while packed:
            self._fresh = False
            yield from self._unpacked(packed)
            packed = self._member.unused_data
            if self._member.eof:
                self._member, self._fresh = _member(), True

    def end(self) -> None:
        """Raises Refused (``malformed-json``) where a member lacks its end."""
        if not self._fresh:
            raise Refused(problem("malformed-json", Fault("", "encoding")))

    def _unpacked(self, packed: bytes) -> Iterator[bytes]:
        more = True
        while more:
            try:
                plain = self._member.decompress(packed, PIECE)
            except zlib.error:
                raise Refused(problem("malformed-json", Fault("", "encoding"))) from None
            self._plain += len(plain)
            if self._plain > RATIO_FROM and self._plain > RATIO * self._packed:
                raise Refused(problem("body-too-large", detail=f"It unpacks to more than {RATIO} times its size."))
            yield plain
            packed = self._member.unconsumed_tail
            more = not self._member.eof and (bool(packed) or len(plain) == PIECE)


def _member() -> "zlib._Decompress":
    return zlib.decompressobj(wbits=16 + zlib.MAX_WBITS)  # expects gzip's header and checksum
