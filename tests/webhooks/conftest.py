"""A desk in either kind of home, and somebody who receives."""

from collections.abc import Iterator

import pytest

from tests.homes import Home
from tests.webhooks.desk import Desk
from tests.webhooks.receiver import Receiver
from tests.webhooks.receiver import receiver as receiving


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as found:
        yield found


@pytest.fixture
def desk(home: Home) -> Iterator[Desk]:
    found = Desk(home)
    yield found
    found.closes()
