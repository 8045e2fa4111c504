"""CI leaves no test out: a skipped or expectedly failing test makes its run red, and is named."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
CONFTEST = (ROOT / "tests" / "conftest.py").read_text()
FINE = "def test_fine():\n    pass\n"
SKIPPED = "import pytest\n\n\n@pytest.mark.skip(reason='no database here')\ndef test_left_out():\n    pass\n"
XFAILED = "import pytest\n\n\n@pytest.mark.xfail\ndef test_left_out():\n    assert False\n"
MODULE = "import pytest\n\npytest.skip('no browser here', allow_module_level=True)\n"


def run(
    folder: Path, test: str, ci: str, *arguments: str, conftest: str = CONFTEST
) -> subprocess.CompletedProcess[str]:
    (folder / "conftest.py").write_text(conftest)
    (folder / "test_fine.py").write_text(FINE)
    (folder / "test_example.py").write_text(test)
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", *arguments]
    # The outer run's own settings would otherwise reach the inner one.
    environment = {key: value for key, value in os.environ.items() if not key.startswith("PYTEST_")}
    environment |= {"CI": ci, "PYTHONPATH": str(ROOT)}
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)


@pytest.mark.parametrize("test", [SKIPPED, XFAILED, MODULE], ids=["skipped", "expected to fail", "whole file"])
def test_a_test_left_out_in_ci_turns_the_run_red_and_is_named(tmp_path: Path, test: str) -> None:
    done = run(tmp_path, test, "true")
    assert done.returncode == pytest.ExitCode.TESTS_FAILED
    assert "CI leaves no test out: test_example.py" in done.stdout


def test_it_is_seen_when_workers_share_the_tests(tmp_path: Path) -> None:
    done = run(tmp_path, SKIPPED, "true", "-n", "1")
    assert done.returncode == pytest.ExitCode.TESTS_FAILED
    assert "CI leaves no test out: test_example.py::test_left_out skipped" in done.stdout


def test_a_test_may_be_left_out_outside_ci(tmp_path: Path) -> None:
    assert run(tmp_path, SKIPPED, "").returncode == pytest.ExitCode.OK


def test_a_whole_run_in_ci_is_green(tmp_path: Path) -> None:
    assert run(tmp_path, "", "true").returncode == pytest.ExitCode.OK


def test_a_test_with_a_listed_reason_may_be_left_out_in_ci(tmp_path: Path) -> None:
    begins = "ALLOWED: dict[str, str] = {"
    listed = CONFTEST.replace(begins, f"{begins}'test_example.py::test_left_out': 'shown here', ")
    assert listed != CONFTEST
    assert run(tmp_path, SKIPPED, "true", conftest=listed).returncode == pytest.ExitCode.OK
