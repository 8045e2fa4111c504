"""The network that every test of the pages begins with."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.pages.place import Place, open_place


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    found = open_place(tmp_path)
    yield found
    found.close()
