"""A therapist's summary: every figure about their closed cases, their waits, and the network they are part of."""

from datetime import datetime

from contracts.policies import Policy
from services.figures.figure import Summary
from services.figures.split import split
from services.figures.survival import waiting, waits
from services.figures.therapist import figures
from services.projections.views import Views


def summary(views: Views, therapist_ref: str, policy: Policy, now: datetime) -> Summary:
    """What can be said of the therapist at ``now``."""
    cases = views.counted()
    own = [case.case_ref for case in cases if case.therapist_ref == therapist_ref]
    waited = waits(views.courses_of(own), now)
    return Summary(
        figures=figures(cases, therapist_ref, policy),
        alerts=len(waited),
        renegotiation=waiting(waited) if len(waited) >= policy.therapist.floor else None,
        alliance_and_outcome=split(cases, policy),
    )
