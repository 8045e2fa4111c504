"""A small body that tells of one thing which is no event: read as strictly as events are, into its model."""

from collections.abc import Awaitable, Callable
from typing import Final, TypeVar

from fastapi import Request
from pydantic import BaseModel, ValidationError

from services.access.body import read_body
from services.access.faults import unfit
from services.access.problems import Refused, problem
from services.access.strict import read_value

LIMIT: Final = 16 * 1024
"""Bytes."""
_KINDS: Final = frozenset({"application/json", "application/json;charset=utf-8", 'application/json;charset="utf-8"'})
Entry = TypeVar("Entry", bound=BaseModel)


def entry_of(model: type[Entry]) -> Callable[[Request], Awaitable[Entry]]:
    """A dependency: the body as ``model``, which FastAPI would read whole, of any size, and less strictly.

    It raises Refused: ``unsupported-media-type``, ``body-too-large``, ``malformed-json``, and what does not fit.
    """

    async def read(request: Request) -> Entry:
        if request.headers.get("content-type", "").lower().replace(" ", "") not in _KINDS:
            raise Refused(problem("unsupported-media-type", detail="It is sent as application/json, in UTF-8."))
        text = read_value(await read_body(dict(request.headers.raw), request.receive, LIMIT))
        try:
            return model.model_validate_json(text)
        except ValidationError as error:
            raise Refused(unfit(error)) from None

    return read
