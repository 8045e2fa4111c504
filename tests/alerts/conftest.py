"""What the tests of the alerts share."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.alerts.workplace import Workplace


@pytest.fixture
def workplace(tmp_path: Path) -> Iterator[Workplace]:
    """With one therapist, th_ada01, who has a mail address."""
    workplace = Workplace(tmp_path).hires("th_ada01")
    yield workplace
    workplace.closes()
