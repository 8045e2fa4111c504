"""The golden samples, as tests ask for them."""

import json
from collections.abc import Callable
from importlib.resources import files
from typing import Any

import pytest


@pytest.fixture
def sample() -> Callable[[str], dict[str, Any]]:
    """Gives a fresh copy of the golden sample of an event type, to be changed at will."""
    folder = files("contracts") / "samples"
    return lambda event_type: json.loads((folder / f"{event_type}.json").read_text("utf-8"))
