"""What of the contracts is on its way out: event types and routes that still work, until when, and what to do instead.

Announced at least twelve months before it ends. The list stands in deprecations.json, and is empty at present.
"""

from functools import cache
from importlib.resources import files
from typing import Annotated, Literal, Self

from pydantic import Field, TypeAdapter, model_validator

from contracts.data import Closed, Day


class Deprecation(Closed):
    """``name`` is an event type, or the path of a route as the OpenAPI document spells it."""

    kind: Literal["event_type", "route"]
    name: str
    since: Day
    sunset: Day
    page: Annotated[str, Field(pattern="^(/|https://)[!-~]+$")]
    """Where it is told what to use instead."""

    @model_validator(mode="after")
    def _leaves_time(self) -> Self:
        if (self.sunset - self.since).days < 365:
            raise ValueError("twelve months at least from the announcement to the end")
        return self


@cache
def deprecations() -> tuple[Deprecation, ...]:
    text = files("contracts").joinpath("deprecations.json").read_bytes()
    return TypeAdapter(tuple[Deprecation, ...]).validate_json(text)
