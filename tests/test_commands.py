"""The commands, as one types them."""

import re
from pathlib import Path

import pytest

from services.__main__ import main


@pytest.fixture(autouse=True)
def _own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RESONANCE_DATA", str(tmp_path / "data"))


def test_a_key_is_shown_once_listed_without_its_secret_and_revoked(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["keys", "create", "--scope", "read", "--clinic", "cl_07"]) == 0
    key = capsys.readouterr().out.strip()
    assert main(["keys", "list"]) == 0
    listed = capsys.readouterr().out
    key_id = listed.split()[0]
    assert key_id in key
    assert key not in listed
    assert main(["keys", "revoke", key_id]) == 0
    assert main(["keys", "revoke", key_id]) == 1
    capsys.readouterr()
    main(["keys", "list"])
    assert "revoked" in capsys.readouterr().out


def test_the_same_seed_writes_the_same_bytes(tmp_path: Path) -> None:
    for name in ("a", "b"):
        sizes = ["--clients", "20", "--therapists", "3", "--weeks", "8"]
        assert main(["simulate", "--seed", "5", *sizes, "--out", str(tmp_path / name)]) == 0
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


def test_alerts_are_judged_on_files_with_one_last_line_for_machines(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    files = ["--out", str(tmp_path / "events"), "--truth", str(tmp_path / "truth")]
    assert main(["simulate", "--seed", "5", "--clients", "150", "--therapists", "5", *files]) == 0
    given = ["--events", str(tmp_path / "events"), "--truth", str(tmp_path / "truth")]
    assert main(["judge-alerts", *given]) == 0
    last = capsys.readouterr().out.splitlines()[-1]
    figure = r"=\d+\.\d+"
    names = ("ppv", "flagged", "sensitivity", "lead", "mails_per_therapist_week")
    wanted = " ".join(["policy=default", *(name + figure for name in names)])
    assert re.fullmatch(wanted, last)
    assert main(["judge-alerts", *given[:2]]) == 1


def test_the_demo_loads_loses_nothing_and_says_so_in_its_last_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["demo", "--once", "--clients", "60", "--port", "8437"]) == 0
    last = capsys.readouterr().out.splitlines()[-1]
    assert re.fullmatch(r"events=[1-9]\d* cases=[1-9]\d* alerts=[1-9]\d* mails=\d+ lost=0", last)


def test_nobody_signs_in_to_a_network_that_does_not_exist(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["session", "th_ada01"]) == 0
    assert "/signin/" in capsys.readouterr().out
    assert main(["session", "th_ada01", "--network", "nowhere"]) == 1


def test_norms_need_enough_cases(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["migrate"]) == 0
    assert main(["norms", "fit"]) == 0
    assert "for cases that begin from now on" in capsys.readouterr().out
