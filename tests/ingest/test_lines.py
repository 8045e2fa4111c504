"""A stream is cut into lines, and unpacked, whatever the pieces in which it comes; and never more of it is kept."""

import gzip
import tracemalloc
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.access.problems import Refused
from services.ingest.accept import EVENT_LIMIT
from services.ingest.lines import RATIO, RATIO_FROM, Line, Splitter, Unpacker

TEXTS = st.lists(st.sampled_from([b"{}", b"", b"  ", b'{"id": 1}', b"\xff\xfe", b"x" * 300, b"a\r"]), max_size=12)


def split(body: bytes, cuts: list[int], first: int = 1) -> list[Line]:
    """The lines of ``body``, which comes in pieces."""
    splitter = Splitter(first)
    places = sorted({0, len(body), *(cut % (len(body) + 1) for cut in cuts)})
    found = [line for start, end in pairwise(places) for line in splitter.feed(body[start:end])]
    return [*found, *splitter.end()]


def unpacked(packed: bytes, step: int) -> bytes:
    unpacker = Unpacker()
    plain = b"".join(
        piece for start in range(0, len(packed), step) for piece in unpacker.feed(packed[start : start + step])
    )
    unpacker.end()
    return plain


@given(TEXTS, st.lists(st.integers(0, 5_000)), st.integers(1, 9))
def test_lines_are_the_same_in_whatever_pieces_they_come(texts: list[bytes], cuts: list[int], first: int) -> None:
    expected = [Line(number, text.strip()) for number, text in enumerate(texts, first) if text.strip()]
    assert split(b"\n".join(texts), cuts, first) == expected


def test_a_line_that_is_too_long_is_named_and_its_neighbours_are_whole() -> None:
    body = b"a\n" + b"x" * (EVENT_LIMIT + 1) + b"\nb\n" + b"y" * EVENT_LIMIT
    for cuts in ([], [3], [1_000, 70_000], list(range(0, len(body), 7_000))):
        assert split(body, cuts) == [Line(1, b"a"), Line(2, None), Line(3, b"b"), Line(4, b"y" * EVENT_LIMIT)]


def test_of_a_line_without_end_nothing_is_kept() -> None:
    splitter = Splitter(1)
    piece = b"x" * 60_000
    tracemalloc.start()
    for _ in range(1_000):
        assert list(splitter.feed(piece)) == []
    kept, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert kept < 4 * EVENT_LIMIT
    assert list(splitter.end()) == [Line(1, None)]


@given(st.lists(st.binary(max_size=2_000), min_size=1, max_size=4), st.integers(1, 3_000))
def test_gzip_of_one_member_or_several_is_unpacked_in_whatever_pieces_it_comes(parts: list[bytes], step: int) -> None:
    assert unpacked(b"".join(map(gzip.compress, parts)), step) == b"".join(parts)


@pytest.mark.parametrize("spoilt", [b"no gzip at all", gzip.compress(b"{}" * 99)[:-3], gzip.compress(b"{}") + b"rest"])
def test_what_is_no_whole_gzip_is_refused(spoilt: bytes) -> None:
    with pytest.raises(Refused) as refused:
        unpacked(spoilt, 50)
    assert refused.value.problem.slug == "malformed-json"


def test_a_bomb_is_refused_before_it_has_grown() -> None:
    bomb = gzip.compress(bytes(200 * 1024 * 1024), 1)
    grown: list[int] = []
    with pytest.raises(Refused) as refused:
        grown.extend(map(len, Unpacker().feed(bomb)))
    assert refused.value.problem.slug == "body-too-large"
    assert sum(grown) <= max(RATIO_FROM, RATIO * len(bomb)) < 200 * 1024 * 1024
