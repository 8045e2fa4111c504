"""What client and therapist agree on: payloads of preferences, theory of change and tasks."""

from typing import Annotated, Final, Literal

from pydantic import Field, ValidationInfo, field_validator

from contracts.data import Closed, Code, Rating, Ref, Statement


class ActivityPreferences(Closed):
    """C-NIP scale scores: four bipolar scales (Cooper & Norcross 2016)."""

    directiveness: Annotated[int, Field(ge=-15, le=15)] | None = None
    emotional_intensity: Annotated[int, Field(ge=-15, le=15)] | None = None
    past_orientation: Annotated[int, Field(ge=-9, le=9)] | None = None
    warm_support: Annotated[int, Field(ge=-15, le=15)] | None = None


ASPECTS: Final[dict[str, tuple[str, ...]]] = {
    "helped_before": ("helped", "did_not_help"),
    "pace": ("pace", "dose", "format", "people"),
    "therapist": ("wished_for", "unwanted"),
    "treatment": ("wished_for", "unwanted"),
    "hope": ("hope", "credibility"),
    "review": ("how", "when"),
}
"""What an entry of these domains can be about; an entry of any other domain is about the whole of it."""


class PreferenceRecordedData(Closed):
    """One entry of the client's preferences and theory of change.

    A later entry of the same domain and aspect supersedes it; goals stand beside each other by ``goal_ref``.
    ``strength`` is how strong the wish is; of hope how much there is, of a goal how far it is reached. ``areas`` are
    those of the client's life that a reason for service is about, as the outcome scale divides it.
    """

    kind: Literal["preference", "theory_of_change"]
    domain: Literal[
        "reason_for_service",
        "cause",
        "change",
        "helped_before",
        "role",
        "pace",
        "activity",
        "therapist",
        "treatment",
        "hope",
        "goal",
        "culture",
        "review",
    ]
    aspect: (
        Literal[
            "helped",
            "did_not_help",
            "pace",
            "dose",
            "format",
            "people",
            "wished_for",
            "unwanted",
            "hope",
            "credibility",
            "how",
            "when",
        ]
        | None
    ) = None
    goal_ref: Ref | None = None
    areas: Annotated[tuple[Literal["individual", "interpersonal", "social", "overall"], ...], Field(max_length=4)] = ()
    stance: Code | None = None
    strength: Rating | None = None
    activity: ActivityPreferences | None = None
    elicited_in: Ref | None = None
    asked_by: Ref | None = None
    client_confirmed: bool | None = None
    statement: Statement | None = None

    @field_validator("aspect")
    @classmethod
    def _of_its_domain(cls, aspect: str | None, known: ValidationInfo) -> str | None:
        if aspect is not None and aspect not in ASPECTS.get(known.data.get("domain", ""), ()):
            raise ValueError("not an aspect of this domain")
        return aspect


class TaskAgreedData(Closed):
    """What client and therapist agreed to do (Bordin's task); ``fit`` is the client's rating of how it fits.

    ``goal_ref`` is the goal that it serves. Who ``agreed_by`` leaves out did not agree.
    """

    task_ref: Ref
    task_code: Code
    goal_ref: Ref | None = None
    agreed_by: Literal["client", "therapist", "both"] = "both"
    session_ref: Ref | None = None
    fit: Rating | None = None


class TaskRenegotiatedData(Closed):
    """The agreement on a task was reopened with the client. ``task_ref`` is what holds from now on.

    ``trigger`` is what prompted the talk, ``reason`` why the agreement changed; ``agreement`` is how much the client
    agrees, ``fit`` how well they find the task to fit.
    """

    task_ref: Ref
    previous_task_ref: Ref | None = None
    task_code: Code | None = None
    initiated_by: Literal["client", "therapist", "both", "supervisor"]
    change: Literal["add", "replace", "drop", "intensity", "frequency", "homework", "focus"]
    trigger: Literal["score", "alliance", "client_request", "alert", "other"]
    reason: Literal["no_benefit", "alliance_low", "client_request", "goal_met", "risk", "other"] | None = None
    alert_ref: Ref | None = None
    goal_ref: Ref | None = None
    agreed_by: Literal["client", "therapist", "both"] | None = None
    agreement: Rating | None = None
    fit: Rating | None = None
    session_ref: Ref | None = None
    statement: Statement | None = None


class TaskEndedData(Closed):
    task_ref: Ref
    reason: Literal["no_benefit", "alliance_low", "client_request", "goal_met", "risk", "case_closed", "other"]
