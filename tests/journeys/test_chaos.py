"""A small campaign of `make chaos`: what is broken while events are posted loses, doubles and reorders nothing."""

import re

import pytest

from tools.chaos import main


def test_six_faults_lose_double_reorder_and_park_nothing(needs_kafka: None, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--faults", "6", "--seed", "219", "--stall", "5", "--brokers", "1"]) == 0

    *table, last = capsys.readouterr().out.splitlines()
    found = re.fullmatch(r"faults=6 acknowledged=(\d+) lost=0 doubled=0 reordered=0 parked=0", last)
    assert found
    assert int(found[1]) > 100
    seen = {what: int(number) for number, what in (line.split(maxsplit=1) for line in table)}
    assert seen["alerts raised"] > 0
    assert seen["letters come"] > 0
