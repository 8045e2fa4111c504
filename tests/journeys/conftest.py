"""The program, its mail server, and a browser."""

import shutil
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from playwright.sync_api import Browser, sync_playwright

from tests.alerts.smtp import Postbox, mail_server
from tests.journeys.program import Program


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
    folder = tmp_path / "data"
    folder.mkdir()
    found = Program(folder, postbox.url)
    yield found
    if found.process is not None and found.process.poll() is None:
        found.kill()


@pytest.fixture  # not shared: its event loop runs in this thread for as long as it is open
def browser() -> Iterator[Browser]:
    path = shutil.which("chromium")
    if path is None:
        pytest.skip("Chromium is not installed: apt-get install chromium")
    with sync_playwright() as playwright:
        options = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update"]
        found = playwright.chromium.launch(executable_path=path, args=options)
        yield found
        found.close()
