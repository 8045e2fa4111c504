"""Preferences that are scored: the scales of the C-NIP, read from the TOML file beside this module.

Each scale has two ends. A score beyond the cutoff of one of them is a strong preference for it; every number stands
beside its source. No wording of any item is kept.
"""

import tomllib
from functools import cache
from importlib.resources import files
from typing import Annotated, Final

from pydantic import Field, StringConstraints

from contracts.data import Closed, Code

CNIP: Final = "cnip.toml"
Said = Annotated[str, StringConstraints(pattern=r"\S")]


class Number(Closed):
    value: int
    source: Said


class ActivityScale(Closed):
    """One scale: scores from ``-reach`` to ``reach``; ``positive`` and ``negative`` name its ends.

    A score of ``strong_positive`` or more, or of ``strong_negative`` or less, is a strong preference.
    """

    name: Code
    positive: Code
    negative: Code
    reach: Number
    strong_positive: Number
    strong_negative: Number


class Inventory(Closed):
    name: Said
    licence: Said
    scales: Annotated[tuple[ActivityScale, ...], Field(strict=False, min_length=1)]  # TOML knows lists, no tuples


@cache
def inventory() -> Inventory:
    """The C-NIP (Cooper & Norcross 2016)."""
    return Inventory.model_validate(tomllib.loads(files(__name__).joinpath(CNIP).read_text("utf-8")))
