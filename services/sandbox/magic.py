"""Ids of events that a sandbox answers with a certain problem, so that every branch of a client can be tried."""

import re
from typing import Final, NamedTuple

from contracts.events import AnyEvent
from services.access.problems import KINDS, Problem, Slug, problem

PREFIX: Final = "rsn-test-"


class Magic(NamedTuple):
    """An id that begins with ``prefix`` is answered with ``status`` and the problem; nothing of it is stored."""

    prefix: str
    problem: Slug
    status: int
    retryable: bool


MAGIC: Final = tuple(
    Magic(f"{PREFIX}{slug}-", slug, KINDS[slug].status, KINDS[slug].retryable)
    for slug in (
        "clinic-not-allowed",
        "event-id-conflict",
        "internal",
        "quota-exceeded",
        "score-out-of-range",
        "storage-unavailable",
        "temporary-reduced-capacity",
        "validation",
    )
)
_BY_PREFIX: Final = {one.prefix: one for one in MAGIC}
_MAGIC: Final = re.compile("|".join(map(re.escape, _BY_PREFIX)))


def spell(event: AnyEvent) -> Problem | None:
    """What an event's id asks to be answered; None where it asks for nothing."""
    found = _MAGIC.match(event.id)
    if found is None:
        return None
    one = _BY_PREFIX[found[0]]
    return problem(one.problem, headers={"Retry-After": "1"} if one.retryable else {})
