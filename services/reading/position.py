"""At which position a read is answered: one that has come at least as far as was asked for (read your own write).

``Resonance-Min-Position`` asks for it, for as long as ``Prefer: wait=<seconds>`` says (RFC 7240, at most ten); views
that are not there in time answer 503. Every answer says in ``Resonance-Position`` how far they were.
"""

import re
from typing import Annotated, Final, NamedTuple

from fastapi import Header, Response

from services.access.problems import Fault, Refused, problem
from services.eventlog.follow import Signal

POSITION: Final = "Resonance-Position"
FARTHEST: Final = 2**63 - 1
"""The largest position that a log can have."""
LONGEST_WAIT_SECONDS: Final = 10
WAIT_SECONDS: Final = 2
_WAIT: Final = re.compile(r"(?:^|[,;]\s*)wait=(\d{1,3})(?:$|[,;\s])")


class AtLeast(NamedTuple):
    """What a request says of the position, and the answer that will say at which one it was read."""

    position: int
    seconds: int
    response: Response

    async def reached(self, applied: Signal) -> None:
        """Returns once the views have come so far. Raises Refused (``projection-behind``) where they do not in time."""
        if self.position > applied.value and not await applied.reached(self.position, self.seconds):
            raise Refused(problem("projection-behind", Fault("", "min_position")))
        self.response.headers[POSITION] = str(applied.value)


def at_least(
    response: Response,
    min_position: Annotated[
        int,
        Header(alias="Resonance-Min-Position", ge=0, le=FARTHEST, description="How far the view has to have come"),
    ] = 0,
    prefer: Annotated[str, Header(description="`wait=2`: for how many seconds it may be waited for")] = "",
) -> AtLeast:
    """A dependency of routes that read the views."""
    asked = _WAIT.search(prefer)
    seconds = min(int(asked[1]), LONGEST_WAIT_SECONDS) if asked else WAIT_SECONDS
    return AtLeast(min_position, seconds, response)
