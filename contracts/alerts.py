"""What the events of an alert's life say: payloads that Resonance appends itself, or for a therapist."""

from typing import Annotated, Literal

from pydantic import StringConstraints

from contracts.data import AlertReason, Closed, Code, Instant, Ref


class Evidence(Closed):
    """A named number that a decision rested on; ``None`` where it is unknown."""

    name: Code
    value: float | None = None


class AlertRaisedData(Closed):
    alert_ref: Ref
    reason: AlertReason
    therapist_ref: Ref | None = None
    policy: Code
    policy_version: int
    norms_version: str | None = None
    instrument: Code | None = None
    evidence: tuple[Evidence, ...] = ()


class AlertNotifiedData(Closed):
    alert_ref: Ref
    channel: Literal["email"]
    message_id: Annotated[str, StringConstraints(pattern=r"^<[A-Za-z0-9._-]{1,64}@[A-Za-z0-9.-]{1,255}>$")]


class AlertSuppressedData(Closed):
    alert_ref: Ref
    why: Literal["listed_only", "no_therapist", "no_address", "told_recently", "over_budget", "undeliverable"]


class AlertOpenedData(Closed):
    alert_ref: Ref
    by: Ref


class AlertAcknowledgedData(Closed):
    alert_ref: Ref
    by: Ref
    action: Literal["seen", "will_discuss", "task_kept", "not_a_signal"]


class AlertSnoozedData(Closed):
    """``until`` is an instant; without one, the alert sleeps until the next session that is held."""

    alert_ref: Ref
    by: Ref
    until: Instant | None = None


class AlertEscalatedData(Closed):
    alert_ref: Ref
    to: Ref


class AlertResolvedData(Closed):
    alert_ref: Ref
    how: Literal["by_score", "by_renegotiation", "by_session", "by_closing", "by_other_reason", "by_correction"]
