"""``/v1/test/…``: moves a sandbox's clock, shows its mail, and says which ids are answered with which problem.

Of a network that is none all of this is unknown.
"""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Annotated, Any, Final, Protocol, Self

from fastapi import APIRouter, Depends, Query
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, model_validator

from services.access.asking import asker
from services.access.bearers import Bearers
from services.access.credential import Credential
from services.access.entry import entry_of
from services.access.problems import Fault, Refused, problem
from services.access.refusals import refusals
from services.sandbox.magic import MAGIC
from services.sandbox.sandbox import Sandbox

FARTHEST: Final = timedelta(days=3_653)
"""How far a clock can be moved at once."""


class NetworkSandbox(Protocol):
    """The parts of one network that these routes need."""

    @property
    def sandbox(self) -> Sandbox | None: ...


class ClockReading(BaseModel):
    now: datetime


class ClockMove(BaseModel):
    """One of the two: the instant that it becomes, or by how much, in seconds or as ISO 8601 has it (``P7D``)."""

    model_config = ConfigDict(extra="forbid")

    now: AwareDatetime | None = None
    forward: Annotated[timedelta, Field(ge=timedelta(0), le=FARTHEST)] | None = None

    @model_validator(mode="after")
    def _one(self) -> Self:
        if (self.now is None) == (self.forward is None):
            raise ValueError("one of the two")
        return self

    def by(self, now: datetime) -> timedelta:
        """Raises Refused (``validation``): a clock is not set back, and not too far."""
        by = self.now - now if self.now is not None else self.forward or timedelta(0)
        if not timedelta(0) <= by <= FARTHEST:
            raise Refused(problem("validation", Fault("/now", "range"), detail="The clock goes forward only."))
        return by


class SentMail(BaseModel):
    """A letter as it would have arrived; ``text`` is its plain part."""

    message_id: str
    to: str
    subject: str
    date: datetime
    text: str


class SentMails(BaseModel):
    items: list[SentMail]


class MagicId(BaseModel):
    """An event whose id begins with ``prefix`` is answered so."""

    prefix: str
    problem: str
    status: int
    retryable: bool


class MagicIds(BaseModel):
    items: list[MagicId]


_MAGIC: Final = MagicIds(items=[MagicId(**one._asdict()) for one in MAGIC])
_BODY: Final[dict[str, Any]] = {
    "requestBody": {
        "required": True,
        "content": {
            "application/json": {"schema": ClockMove.model_json_schema(ref_template="#/components/schemas/{model}")}
        },
    }
}


def router(bearers: Bearers, networks: Callable[[str], NetworkSandbox], clock: Callable[[], datetime]) -> APIRouter:
    """The routes. ``networks`` gives the parts of a network by its name."""
    routes = APIRouter(prefix="/v1/test")

    def sandbox_of(credential: Annotated[Credential, Depends(asker(bearers, clock, "events:write"))]) -> Sandbox:
        found = networks(credential.network).sandbox
        if found is None:
            raise Refused(problem("not-found"))
        return found

    asked = Annotated[Sandbox, Depends(sandbox_of)]

    @routes.get("/clock", operation_id="get_test_clock", summary="The sandbox's clock", responses=refusals("not-found"))
    def get_clock(sandbox: asked) -> ClockReading:
        return ClockReading(now=sandbox.now())

    @routes.post(
        "/clock",
        operation_id="move_test_clock",
        summary="Move the sandbox's clock forward",
        description="What is due by then follows as if the time had passed.",
        responses=refusals("not-found", "malformed-json", "body-too-large", "unsupported-media-type", "validation"),
        openapi_extra=_BODY,
    )
    def move_clock(sandbox: asked, move: Annotated[ClockMove, Depends(entry_of(ClockMove))]) -> ClockReading:
        sandbox.forward(move.by(sandbox.now()))
        return ClockReading(now=sandbox.now())

    @routes.get(
        "/outbox",
        operation_id="get_test_outbox",
        summary="The mails of the sandbox, newest first; none of them has left",
        responses=refusals("not-found", "validation"),
    )
    def get_outbox(
        sandbox: asked,
        limit: Annotated[int, Query(ge=1, le=1_000, description="How many at most, the newest of them")] = 100,
    ) -> SentMails:
        mails = sandbox.mails(limit)
        return SentMails(
            items=[
                SentMail(message_id=one.message_id, to=one.to, subject=one.subject, date=one.date, text=one.text)
                for one in mails
            ]
        )

    @routes.get(
        "/magic",
        operation_id="get_test_magic",
        summary="Ids of events that are answered with a certain problem",
        responses=refusals("not-found"),
    )
    def get_magic(_: asked) -> MagicIds:
        return _MAGIC

    return routes
