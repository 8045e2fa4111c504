"""`make demo-distributed` runs, loses nothing, and says so in its last line."""

import re

import pytest

from tools.distributed import main


def test_the_demo_of_many_processes_loses_nothing(needs_kafka: None, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--once", "--clients", "100"]) == 0
    last = capsys.readouterr().out.splitlines()[-1]
    assert re.fullmatch(r"events=[1-9]\d* cases=[1-9]\d* alerts=[1-9]\d* mails=[1-9]\d* lost=0", last)
