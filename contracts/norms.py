"""What a norm set says: the payload by which it is adopted."""

from typing import Annotated, Self

from pydantic import Field, StringConstraints, model_validator

from contracts.data import Closed, Code, Instant, Respondent


class Curves(Closed):
    """Quantiles of smoothed gain by session among the cases of one intake band; in points, positive is better.

    All but the edges have one entry for each of ``sessions``. An edge that is missing is open; the last of a norm
    set's sessions stands for all later ones.
    """

    intake_from: float | None = None
    intake_below: float | None = None
    sessions: tuple[Annotated[int, Field(ge=1)], ...]
    cases: tuple[Annotated[int, Field(ge=1)], ...]
    q10: tuple[float, ...]
    q25: tuple[float, ...]
    q50: tuple[float, ...]
    q75: tuple[float, ...]

    @model_validator(mode="after")
    def _one_entry_for_each_session(self) -> Self:
        every = (self.cases, self.q10, self.q25, self.q50, self.q75)
        if {len(one) for one in every} != {len(self.sessions)}:
            raise ValueError("each curve has one entry for each session")
        return self


class GrowthModel(Closed):
    """score = level + pace * ln(session) + error, where level and pace differ between clients; more is better."""

    cases: Annotated[int, Field(ge=1)]
    level: float
    pace: float
    level_variance: Annotated[float, Field(gt=0)]
    covariance: float
    pace_variance: Annotated[float, Field(gt=0)]
    error_variance: Annotated[float, Field(gt=0)]

    @model_validator(mode="after")
    def _positive_definite(self) -> Self:
        if self.level_variance * self.pace_variance <= self.covariance**2:
            raise ValueError("the variances of level and pace are none with this covariance")
        return self


class KindNorms(Closed):
    """What holds for one instrument, version and respondent; without ``growth`` where too few cases were known."""

    instrument: Code
    version: Code
    respondent: Respondent
    bands: tuple[Curves, ...]
    growth: GrowthModel | None = None


class NormsAdoptedData(Closed):
    """A norm set that cases keep which begin from ``effective_from`` on; the policy is the one it was fitted under."""

    version: Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{12}$")]
    effective_from: Instant
    last_session: Annotated[int, Field(ge=1)]
    policy: Code
    policy_version: int
    kinds: tuple[KindNorms, ...]
