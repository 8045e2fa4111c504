"""Networks for tests of figures: cases as the views hold them, and cases of the simulator's therapists."""

from collections.abc import Iterable, Sequence
from datetime import timedelta

from contracts.instruments import catalogue
from services.projections.change import change
from services.projections.course import Point, Series
from services.projections.tables import Counted
from tests.story import START

ORS, SRS = ("ors", "adult"), ("srs", "adult")


def series(values: Sequence[float], name: tuple[str, str] = ORS, sessions: Iterable[int] | None = None) -> Series:
    """Scores, by default one at each session."""
    numbered = zip(sessions or range(1, len(values) + 1), values, strict=True)
    points = tuple(Point(START + timedelta(weeks=session), session, value, {}) for session, value in numbered)
    return Series(catalogue()[name], "client", points, change(values, catalogue()[name]))


def case(
    therapist: str,
    *held: Series,
    ending: str | None = "agreed",
    sessions: int = 6,
    case_ref: str = "ca_case01",
) -> Counted:
    """A case; open where its ending is ``None``."""
    return Counted(case_ref, therapist, ending is None, ending, sessions, held)
