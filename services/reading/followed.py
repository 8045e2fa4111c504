"""What followed renegotiations, as a reader of the API is given it."""

from datetime import datetime
from typing import Self

from contracts.policies import Policy
from services.figures.comparison import Comparison
from services.figures.survival import Waiting
from services.projections.views import Views
from services.reading.answers import Answer


class FollowedAnswer(Answer):
    """As services/figures/comparison.py describes it: shown beside, not because of."""

    renegotiations: int
    cases: int
    stalled: int
    matched: int
    comparisons: tuple[Comparison, ...]
    waiting: Waiting

    @classmethod
    def of_network(cls, views: Views, policy: Policy, now: datetime) -> Self:
        from services.figures.following import of_network  # numpy takes long to import, and most requests need it not

        return cls.model_validate(of_network(views, policy, now))
