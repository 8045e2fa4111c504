"""A short run of ``make fuzz``, and that it would notice a crash."""

from collections.abc import Iterable
from random import Random

import pytest

from services.access.problems import Fault, Refused, problem
from tests import fuzz


def test_nothing_that_is_nearly_right_crashes_a_reader() -> None:
    rounds = iter([True, True, False])
    found = fuzz.fuzz(1, lambda: next(rounds))
    assert {f"{reader.__name__}: malformed-json" for reader, _ in fuzz.READERS} <= found.keys()
    for reader in ("one_event", "one_batch", "in_binary_mode", "a_file", "a_resource", "a_bundle"):
        assert f"{reader}: an event" in found


def test_a_crash_is_noticed_and_so_is_a_problem_that_repeats_what_was_sent() -> None:
    def crashes(body: bytes, _: Random) -> Iterable[fuzz.Became]:
        raise KeyError(body)

    def repeats(_body: bytes, _: Random) -> Iterable[fuzz.Became]:
        raise Refused(problem("validation", Fault("/canary", "type")))

    with pytest.raises(KeyError):
        fuzz.read(crashes, b"{}", Random(1))
    with pytest.raises(AssertionError):
        fuzz.read(repeats, b"{}", Random(1))
