"""What the tests of the alerts share."""

from collections.abc import Iterator

import pytest

from tests.alerts.workplace import Workplace
from tests.homes import Home


@pytest.fixture
def workplace(home: Home) -> Iterator[Workplace]:
    """With one therapist, th_ada01, who has a mail address."""
    workplace = Workplace(home).hires("th_ada01")
    yield workplace
    workplace.closes()
