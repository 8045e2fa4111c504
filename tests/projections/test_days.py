"""What is known by its day only keeps that day, in every zone, and on the days when clocks change."""

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest

from contracts.events import AnyCaseEvent, canonical, parse
from contracts.instruments import catalogue
from services.projections.course import Point
from services.projections.fold import course_of
from services.projections.record import record_of
from tests.story import Story

ZONES = ("Pacific/Kiritimati", "Asia/Kathmandu", "Europe/Prague", "UTC", "America/New_York", "Pacific/Pago_Pago")
DAYS = (date(2026, 3, 29), date(2026, 10, 25), date(2026, 3, 8), date(2026, 12, 31))
"""Among them the days on which clocks are changed in Europe, and in New York."""
HOURS = (time(0, 0), time(12, 0), time(23, 59))


def scored(event: AnyCaseEvent, day: date, at: datetime) -> AnyCaseEvent:
    """The measure as a record system sends it that knows the day only, and any instant of it."""
    data = event.data.model_copy(update={"occurred_on": day, "time_precision": "day", "session_ref": None})
    found = parse(canonical(event.model_copy(update={"data": data, "time": at})))
    assert found.source == event.source
    return found  # type: ignore[return-value]  # it is of the type that it was


@pytest.mark.parametrize("zone", ZONES)
@pytest.mark.parametrize("day", DAYS)
@pytest.mark.parametrize("hour", HOURS)
def test_the_day_of_a_score_stays_as_it_was_told(zone: str, day: date, hour: time) -> None:
    at = datetime.combine(day, hour, ZoneInfo(zone))
    story = Story().opened().session(ors=15)
    [*others, measure] = story.events
    course = course_of(record_of([*others, scored(measure, day, at)]), catalogue())
    [point] = course.series[0].points
    assert (point.on, point.at) == (day, at.astimezone(UTC))


@pytest.mark.parametrize("zone", ["Pacific/Kiritimati", "Europe/Prague"])
def test_a_score_without_a_session_counts_with_the_session_of_its_day_however_its_midnight_is_spelt(zone: str) -> None:
    story = Story().opened()
    for _ in range(3):
        story.session()
    held = [event for event in story.events if event.type == "resonance.session.held.v1"]
    *others, measure = story.measure("ors", {"total": 15}).events
    numbers = []
    for session in held:
        day = session.time.date()
        midnight = datetime.combine(day, time(), ZoneInfo(zone))
        assert midnight.astimezone(UTC).date() == day - timedelta(days=1)
        course = course_of(record_of([*others, scored(measure, day, midnight)]), catalogue())
        numbers += [point.session for point in course.series[0].points]
    assert numbers == [1, 2, 3]


def test_an_instant_has_no_day_of_its_own() -> None:
    [point] = course_of(record_of(Story().opened().session(ors=15).events), catalogue()).series[0].points
    assert isinstance(point, Point)
    assert point.on is None
