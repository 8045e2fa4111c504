"""What every test run shares: how examples are drawn, and that CI leaves no test out."""

import os
from collections.abc import Iterator

import hypothesis
import pytest

from tests.homes import files, home, schemas  # noqa: F401 - fixtures for everyone
from tests.kafka import kafka_bootstrap, needs_kafka, own_broker, three_brokers  # noqa: F401
from tests.postgres import own_database, own_postgres, postgres_url  # noqa: F401

CI = os.environ.get("CI") == "true"

# Deadlines measure the machine, not the code. CI draws the same examples every time: a red run is about the change.
hypothesis.settings.register_profile("house", deadline=None, derandomize=CI)
hypothesis.settings.load_profile("house")

# Start of a node id -> why the tests that begin so may be left out in CI.
ALLOWED: dict[str, str] = {
    "tests/fhir/test_us_core.py": "the examples are somebody else's and no part of the repository: they"
    " are read where they lie beside it, and what they become is a committed table",
    "tests/infra/test_monitoring.py::test_the_rules_fire_when_they_should": "Debian's promtool comes with a server that"
    " would run from then on; the names in the rules are checked without it",
}


def left_out(reporter: pytest.TerminalReporter) -> Iterator[str]:
    """The tests that were skipped or are expected to fail, and that nobody allowed to be."""
    for outcome in ("skipped", "xfailed"):
        for report in reporter.stats.get(outcome, ()):
            if not report.nodeid.startswith(tuple(ALLOWED)):
                yield f"{report.nodeid} {outcome}"


def pytest_sessionfinish(session: pytest.Session) -> None:
    """With CI=true, a test that was left out makes the run red.

    Under xdist the workers come by here too; they have no reporter, and the main process, which has all, decides.
    """
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    if CI and reporter and any(left_out(reporter)) and session.exitstatus == pytest.ExitCode.OK:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    if CI:
        for name in left_out(terminalreporter):
            terminalreporter.write_line(f"CI leaves no test out: {name}", red=True)
