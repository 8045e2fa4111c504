"""When things happen: working hours of the clinic's own zone, told in UTC."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from random import Random
from zoneinfo import ZoneInfo


def wall(day: date, hour: int, minute: int, zone: ZoneInfo) -> datetime:
    """The instant at which a clock in ``zone`` shows that time; whole minutes."""
    return datetime.combine(day, time(hour, minute), zone).astimezone(UTC)


def workday(day: date) -> date:
    """``day``, or the Monday after it."""
    return day + timedelta(days=max(0, 7 - day.weekday())) if day.weekday() >= 5 else day


def first_day(rng: Random, week: date) -> tuple[date, date]:
    """The day on which a case is opened and the day of its first appointment, in the seven days from ``week`` on."""
    days = [day for day in (week + timedelta(days=n) for n in range(7)) if day.weekday() < 5]
    opened, first = sorted((rng.choice(days), rng.choice(days)))
    return opened, first


def appointments(rng: Random, first: date, zone: ZoneInfo) -> Iterator[datetime]:
    """Weekly, for some every other week, at the client's own hour; now and then on another day, or a week later."""
    hour, minute = rng.randint(9, 16), rng.choice((0, 15, 30))
    every = timedelta(weeks=1 if rng.random() < 0.8 else 2)
    day = first
    yield wall(day, hour, minute, zone)
    while True:
        day += every + timedelta(weeks=1 if rng.random() < 0.08 else 0)
        moved = rng.randrange(5) - day.weekday() if rng.random() < 0.08 else 0
        yield wall(day + timedelta(days=moved), hour, minute, zone)
