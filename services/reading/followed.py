"""What followed renegotiations, as a reader of the API is given it."""

from datetime import date, datetime
from threading import Lock
from typing import NamedTuple

from contracts.policies import Policy
from services.figures.comparison import Comparison
from services.figures.survival import Waiting
from services.projections.views import Views
from services.reading.answers import Answer


class FollowedAnswer(Answer):
    """Cases with a renegotiation beside cases without one: what was seen after it, not because of it."""

    renegotiations: int
    cases: int
    stalled: int
    matched: int
    comparisons: tuple[Comparison, ...]
    alerts: int
    waiting: Waiting | None


class _Stand(NamedTuple):
    """What an answer rests on: events up to ``position``, cases that are parked, and who still waits on ``day``."""

    position: int
    parked: int
    day: date


class Told:
    """The last answer about each network, told again while nothing has changed: it takes every case to be folded."""

    def __init__(self) -> None:
        self._answers: dict[str, tuple[_Stand, FollowedAnswer]] = {}
        self._lock = Lock()

    def of_network(self, name: str, views: Views, policy: Policy, now: datetime) -> FollowedAnswer:
        """Any thread may ask; whoever asks meanwhile waits for the same answer."""
        from services.figures.following import of_network  # numpy takes long to import, and most requests need it not

        with self._lock:
            stand = _Stand(views.position(), len(views.parked()), now.date())
            known, answer = self._answers.get(name, (None, None))
            if answer is None or known != stand:
                answer = FollowedAnswer.model_validate(of_network(views, policy, now))
                self._answers[name] = stand, answer
            return answer
