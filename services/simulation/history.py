"""What a made-up network's posts come to: its log, and the courses of its cases."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, time

from contracts.events import CaseEvent
from contracts.instruments import catalogue
from services.eventlog.ports import Recorded
from services.projections.course import Course
from services.projections.fold import course_of
from services.projections.record import Record, evolve
from services.simulation.posts import Post


def recorded(posts: Iterable[Post], *, by_day: bool = False) -> Sequence[Recorded]:
    """The posts as a log has them, each event once; received when posted, or at the end of that day."""
    found: dict[tuple[str, str], Recorded] = {}
    for position, (at, event) in enumerate(posts, 1):
        found.setdefault((event.source, event.id), Recorded(position, _evening(at) if by_day else at, event))
    return list(found.values())


def final_courses(posts: Iterable[Post]) -> Mapping[str, Course]:
    """Each case's course once all of ``posts`` have arrived."""
    records: dict[str, Record] = defaultdict(dict)
    for post in posts:
        if isinstance(post.event, CaseEvent):
            evolve(records[post.event.case_ref], post.event)
    return {case_ref: course_of(record, catalogue()) for case_ref, record in records.items()}


def _evening(at: datetime) -> datetime:
    return datetime.combine(at.date(), time(23, 59), at.tzinfo)
