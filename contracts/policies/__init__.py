"""Policies: the versioned thresholds by which a case is judged, each number with its source.

A policy is a TOML file of tables; every threshold is written ``name = { value = …, source = "…" }``. A policy never
changes once it was in use: another number is another version.
"""

import tomllib
from functools import cache
from importlib.resources import files
from typing import Annotated, Final

from pydantic import BaseModel, ConfigDict, Field

from contracts.data import AlertReason, Code

Count = Annotated[int, Field(ge=1)]
Share = Annotated[float, Field(gt=0, le=1)]
Points = Annotated[float, Field(gt=0)]


class Rules(BaseModel):
    model_config = ConfigDict(frozen=True, strict=True, extra="forbid")


class Stalled(Rules):
    checkpoint_scores: Count
    gain_below_reliable_changes: Points
    consecutive_scores: Count


class StalledNotRenegotiated(Rules):
    further_scores: Count


class RenegotiatedNoChange(Rules):
    scores: Count
    gain_below_reliable_changes: Points


class Deteriorating(Rules):
    worse_by_reliable_changes: Points
    consecutive_scores_below_q10: Count


class Reached(Rules):
    consecutive_scores: Count


class Alliance(Rules):
    average_weight: Share
    drop_points: Points
    drop_standard_deviations: Points
    floor: Points
    unrepaired_scores: Count
    missing_after_drop: Count


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


class Norms(Rules):
    band_width: Points
    last_session: Count
    smallest_cell: Count


class TherapistSummary(Rules):
    floor: Count
    early_below: Count


class Policy(Rules):
    """All thresholds of one version."""

    key: Code
    version: Count
    stalled: Stalled
    stalled_not_renegotiated: StalledNotRenegotiated
    renegotiated_no_change: RenegotiatedNoChange
    deteriorating: Deteriorating
    reached: Reached
    alliance: Alliance
    silent: Silent
    unmeasured: Unmeasured
    freshness: Freshness
    mail: Mail
    norms: Norms
    therapist: TherapistSummary


DEFAULT: Final = "default"


@cache
def policy(key: str = DEFAULT) -> Policy:
    """The policy of that name. Raises FileNotFoundError for an unknown one, pydantic.ValidationError for a bad one."""
    return read(files(__name__).joinpath(f"{key}.toml").read_text("utf-8"))


def read(text: str) -> Policy:
    """A policy from TOML ``text``, whose thresholds each stand beside their source."""
    document = tomllib.loads(text)
    bare: dict[str, object] = {"key": document.pop("key"), "version": document.pop("version")}
    for table, thresholds in document.items():
        bare[table] = {name: _value(table, name, entry) for name, entry in thresholds.items()}
    return Policy.model_validate(bare)


def _value(table: str, name: str, entry: object) -> object:
    match entry:
        case {"value": value, "source": str(source), **rest} if source.strip() and not rest:
            return tuple(value) if isinstance(value, list) else value
        case _:
            raise ValueError(f"{table}.{name} needs exactly a value and its source")
