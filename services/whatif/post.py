"""The letters of a replay: how many a therapist got of late, and which the log does not tell the fate of."""

from collections import defaultdict, deque
from collections.abc import Mapping
from datetime import datetime

from contracts.events import AlertNotified
from services.alerts.run import GIVE_UP_AFTER, WEEK
from services.eventlog.ports import Recorded
from services.projections.course import Course
from services.whatif.case import Case, Told, letter_of, notified
from services.whatif.history import History


class Post:
    def __init__(self, history: History) -> None:
        self._addresses = history.addresses
        self._written: Mapping[str, deque[datetime]] = defaultdict(deque)
        self._ended = {
            ref: recorded.received
            for recorded in history.recorded
            if isinstance(recorded, Recorded) and (ref := letter_of(recorded.event)) is not None
        }
        self._handed_over: list[tuple[Case, AlertNotified]] = []

    def has_address(self, therapist_ref: str | None) -> bool:
        return therapist_ref is not None and (self._addresses is None or therapist_ref in self._addresses)

    def in_a_week(self, therapist_ref: str, now: datetime) -> int:
        """How many letters the therapist got in the week up to ``now``, which never goes back."""
        written = self._written[therapist_ref]
        while written and written[0] <= now - WEEK:
            written.popleft()
        return len(written)

    def write(self, case: Case, course: Course, told: Told) -> bool:
        """Whether the letter is new: an alert has one.

        It counts as delivered when the log says that it was, or that it could not be, if it says so before the live
        service would have given it up; and else at once.
        """
        ref = told.letter.alert_ref
        if ref in case.letters:
            return False
        case.writes(told)
        self._written[told.letter.therapist_ref].append(told.at)
        ended = self._ended.get(ref)
        if ended is None or not told.at <= ended <= told.at + GIVE_UP_AFTER:
            self._handed_over.append((case, notified(course, ref, told.at)))
        return True

    def failed(self, told: Told) -> None:
        """It counts no more."""
        self._written[told.letter.therapist_ref].remove(told.at)

    def delivered(self) -> list[tuple[Case, AlertNotified]]:
        """What was handed over since this was asked last."""
        delivered, self._handed_over = self._handed_over, []
        return delivered
