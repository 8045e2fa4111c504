"""Policies: the versioned thresholds by which a case is judged, each number with its source.

A policy is a TOML file of tables; every threshold is written ``name = { value = …, source = "…" }``. A file that
``extends`` another policy states only what differs from it. A policy never changes once it was in use: another number
is another version.
"""

import tomllib
from functools import cache
from importlib.resources import files
from typing import Annotated, Any, Final, Literal, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, model_validator

from contracts.data import AlertReason, Code

Count = Annotated[int, Field(ge=1)]
Share = Annotated[float, Field(gt=0, le=1)]
Points = Annotated[float, Field(gt=0)]


class Rules(BaseModel):
    model_config = ConfigDict(frozen=True, strict=True, extra="forbid")


class Change(Rules):
    """At which confidence a change counts as reliable; ``as_stated`` is each instrument's own number as it stands."""

    confidence: Annotated[float, Field(gt=0, lt=1)] | Literal["as_stated"]

    @property
    def strictness(self) -> float | None:
        """For services/projections/reliability.py; None where nothing is computed anew."""
        return None if self.confidence == "as_stated" else self.confidence


class Stalled(Rules):
    by_whole_series: bool
    checkpoint_scores: Count
    gain_below_reliable_changes: Points
    consecutive_scores: Count


class Outlook(Rules):
    """Stalled by the whole series, where that is asked for and the network has a growth model."""

    scores: Annotated[int, Field(ge=3)]
    by_session: Annotated[int, Field(ge=2)]
    chance: Share
    clear_below: Share

    @model_validator(mode="after")
    def _ends_no_higher_than_it_begins(self) -> Self:
        if self.clear_below > self.chance:
            raise ValueError("clear_below is above chance: a stall would end as soon as it began")
        return self


def _in_order(span: tuple[int, int]) -> tuple[int, int]:
    if span[0] > span[1]:
        raise ValueError("the first session comes after the last one")
    return span


Span = Annotated[tuple[Count, Count], AfterValidator(_in_order)]


class Moments(Rules):
    """The sessions, first and last, at which a case without reliable gain is due for a talk."""

    checkpoint: Span
    last_chance: Span


class StalledNotRenegotiated(Rules):
    further_scores: Count


class RenegotiatedNoChange(Rules):
    scores: Count
    gain_below_reliable_changes: Points


class Deteriorating(Rules):
    worse_by_reliable_changes: Points
    consecutive_scores: Count
    consecutive_scores_below_q10: Count


class Reached(Rules):
    consecutive_scores: Count


class Alliance(Rules):
    """Shares of the range are of the width of the scale, so that they fit measures of any number of items."""

    average_weight: Share
    drop_of_range: Share
    drop_standard_deviations: Points
    floor_below_cutoff_of_range: Share
    unrepaired_scores: Count
    missing_after_drop: Count
    theme_gap_of_range: Share
    approach_fall_of_range: Share


class Silent(Rules):
    days: Count


class Unmeasured(Rules):
    sessions: Count


class Freshness(Rules):
    days: Count


class Mail(Rules):
    reasons: tuple[AlertReason, ...]
    days_between_mails_of_a_case: Count
    mails_per_therapist_week: Count
    acceptance_lost_per_reminder: Share


class Norms(Rules):
    """Sizes are counts of cases; see services/figures/fitting.py and services/figures/backtest.py."""

    band_width: Points
    last_session: Count
    smallest_band: Count
    smallest_cell: Count
    smallest_model: Count
    shrinkage: Count
    folds: Count
    calibration_within: Share


class TherapistSummary(Rules):
    floor: Count
    early_below: Count
    therapists: Count
    early_sessions: Count
    growth_scores: Annotated[int, Field(ge=2)]


class Following(Rules):
    """What followed renegotiations; see services/figures/following.py. ``smallest_cell`` counts renegotiated cases."""

    beside_each: Count
    caliper_reliable_changes: Points
    smallest_cell: Annotated[int, Field(ge=2)]


class Agreement(Rules):
    """Ratings from 0 to 10; see services/projections/agreement.py and services/projections/litmus.py."""

    fit_below: Points
    agreement_below: Points
    ask_by_session: Count
    litmus_scores: Count


class Policy(Rules):
    """All thresholds of one version."""

    key: Code
    version: Count
    change: Change
    stalled: Stalled
    outlook: Outlook
    moments: Moments
    stalled_not_renegotiated: StalledNotRenegotiated
    renegotiated_no_change: RenegotiatedNoChange
    deteriorating: Deteriorating
    reached: Reached
    alliance: Alliance
    agreement: Agreement
    silent: Silent
    unmeasured: Unmeasured
    freshness: Freshness
    mail: Mail
    norms: Norms
    therapist: TherapistSummary
    following: Following


DEFAULT: Final = "default"


@cache
def policy(key: str = DEFAULT) -> Policy:
    """The policy of that name. Raises FileNotFoundError for an unknown one, ValueError for a bad one."""
    known = {file.name: file for file in files(__name__).iterdir() if file.name.endswith(".toml")}
    if f"{key}.toml" not in known:
        names = ", ".join(sorted(name.removesuffix(".toml") for name in known))
        raise FileNotFoundError(f"there is no policy {key}; there are {names}")
    return read(known[f"{key}.toml"].read_text("utf-8"))


def read(text: str) -> Policy:
    """A policy from TOML ``text``, whose thresholds each stand beside their source. Raises ValueError for a bad one,
    and FileNotFoundError where it extends an unknown one.
    """
    document = tomllib.loads(text)
    extended = document.pop("extends", None)
    bare: dict[str, Any] = {} if extended is None else policy(extended).model_dump()
    for name in ("key", "version"):
        bare[name] = document.pop(name, None)
    for table, thresholds in document.items():
        if not isinstance(thresholds, dict):
            raise ValueError(f"{table} is no table of thresholds")
        bare[table] = bare.get(table, {}) | {name: _value(table, name, entry) for name, entry in thresholds.items()}
    try:
        return Policy.model_validate(bare)
    except ValidationError as error:
        wrong = "; ".join(f"{'.'.join(map(str, one['loc']))}: {one['msg']}" for one in error.errors())
        raise ValueError(f"no policy: {wrong}") from None


def _value(table: str, name: str, entry: object) -> object:
    match entry:
        case {"value": value, "source": str(source), **rest} if source.strip() and not rest:
            return tuple(value) if isinstance(value, list) else value
        case _:
            raise ValueError(f"{table}.{name} needs exactly a value and its source")
