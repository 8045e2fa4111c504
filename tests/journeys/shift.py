"""Stories happen in a spring that is long past: moves them to where the program's real clock is."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from contracts.events import AnyCaseEvent, AnyEvent, CaseOpened, SessionHeld


def until_yesterday(events: Sequence[AnyCaseEvent], now: datetime) -> list[AnyEvent]:
    """The events, moved together so that the last of them happened a day before ``now``."""
    by = now - timedelta(days=1) - max(event.time for event in events)
    return [moved(event, by) for event in events]


def moved(event: AnyCaseEvent, by: timedelta) -> AnyCaseEvent:
    """The event, and the instant or day that it tells of, later by that much."""
    at = event.time + by
    match event:
        case CaseOpened():
            return event.model_copy(update={"time": at, "data": event.data.model_copy(update={"opened_on": at.date()})})
        case SessionHeld():
            return event.model_copy(update={"time": at, "data": event.data.model_copy(update={"started_at": at})})
        case _:
            return event.model_copy(update={"time": at})
