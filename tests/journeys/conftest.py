"""The program, its mail server, and a browser."""

import shutil
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from playwright.sync_api import Browser, sync_playwright

from tests.alerts.smtp import Postbox, mail_server
from tests.journeys.program import Program

QUIET = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update"]


@pytest.fixture
def now() -> datetime:
    """The real present: the program under test runs on the real clock."""
    return datetime.now(UTC)  # noqa: TID251 - as the program's


@pytest.fixture
def postbox() -> Iterator[Postbox]:
    with mail_server() as found:
        yield found


@pytest.fixture
def program(tmp_path: Path, postbox: Postbox) -> Iterator[Program]:
    """Started and ready."""
    folder = tmp_path / "data"
    folder.mkdir()
    found = Program(folder, postbox.url)
    found.start()
    yield found
    found.kill()


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Not for the whole session: Playwright keeps an event loop running, beside which no other test could have one."""
    found = [path for name in ("chromium", "chromium-browser", "google-chrome") if (path := shutil.which(name))]
    if not found:
        pytest.skip("Chromium is not installed: apt-get install chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=found[0], args=QUIET)
        yield browser
        browser.close()
