"""The live service's real parts live through a made-up network, post by post, hour by hour or day by day.

Therapists answer their alerts meanwhile, and the mail server has its moods.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, time, timedelta
from itertools import groupby
from pathlib import Path
from random import Random
from typing import Final, Literal, NamedTuple

from typing_extensions import override

from contracts.alerts import AlertSnoozedData
from contracts.events import (
    OWN_SOURCE,
    AlertNotified,
    AlertRaised,
    AlertResolved,
    AlertSnoozed,
    AlertSuppressed,
    AnyEvent,
)
from contracts.policies import Policy
from services.access.people import Therapist
from services.alerts.lifecycle import envelope
from services.alerts.mail import MailboxDelivery, Outcome
from services.eventlog.ports import Recorded, Unread
from services.pages.answers import Answer, answer
from services.simulation.network import Network
from services.simulation.posts import Post
from services.whatif.case import Own
from services.whatif.history import History
from tests.alerts.workplace import Workplace
from tests.homes import Files

Beat = Literal["posts", "hours", "days"]
MADE: Final = (AlertRaised, AlertNotified, AlertSuppressed, AlertResolved)
SAID: Final[Sequence[Answer]] = ("opened", "seen", "will_discuss", "task_kept", "not_a_signal", "snoozed")


class Moods(MailboxDelivery):
    """Puts a letter off now and then, and knows nothing of some recipients."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self._chance = Random(11)

    @override
    def deliver(self, sender: str, recipient: str, message: bytes) -> Outcome:
        mood = self._chance.random()
        if mood < 0.35:
            return "deferred" if mood < 0.3 else "recipient_refused"
        return super().deliver(sender, recipient, message)


class Said(NamedTuple):
    at: datetime
    case_ref: str
    alert_ref: str
    said: Answer


class Living:
    """One network's alerts, on a log in a folder."""

    def __init__(self, folder: Path, made: Network, policy: Policy) -> None:
        self.workplace = Workplace(Files(folder), Moods(folder / "mail"), policy)
        self._chance = Random(7)
        self._read = 0
        self._to_say: list[Said] = []
        self.addresses = frozenset(therapist.ref for therapist in made.therapists[1:])
        for number, ref in enumerate(sorted(self.addresses)):
            entry = Therapist(ref=ref, name="Dr Example", email=f"t{number}@clinic.example", time_zone="UTC")
            self.workplace.people.put(entry)

    def through(self, posts: Sequence[Post], beat: Beat) -> None:
        for now, posted in beats(posts, beat):
            self.waits_until(now)
            self.workplace.posts([post.event for post in posted], now).works()
            self._say()
            self._think()

    def waits_until(self, now: datetime) -> None:
        """The clock stands at each instant at which something is due on the way."""
        while (due := self._next_due()) is not None and due < now:
            self.workplace.now = due
            self.workplace.works()

    def history(self) -> History:
        recorded = self.workplace.log.read(after=0, limit=1_000_000)
        return History(recorded, self.workplace.now + timedelta(microseconds=1), self.addresses)

    def _next_due(self) -> datetime | None:
        [(due,)] = self.workplace.home.place("outbox").execute("SELECT min(due_at) FROM due")
        return None if due is None else datetime.fromisoformat(str(due))

    def _think(self) -> None:
        """About half of the alerts will be answered, some at once and some after more than a week."""
        for position, _, event in self.workplace.log.read(self._read, 100_000):
            self._read = position
            if isinstance(event, AlertRaised) and self._chance.random() < 0.7:
                at = self.workplace.now + timedelta(hours=self._chance.choice((0, 1, 30, 200)))
                self._to_say.append(Said(at, event.case_ref, event.data.alert_ref, self._chance.choice(SAID)))

    def _say(self) -> None:
        now = self.workplace.now
        for said in [one for one in self._to_say if one.at <= now]:
            self._to_say.remove(said)
            event = self._answer(said, now)
            if event is not None:
                self.workplace.posts([event], now).works()

    def _answer(self, said: Said, now: datetime) -> AnyEvent | None:
        course = self.workplace.views.course(said.case_ref)
        assert course is not None
        alert = next(one for one in course.alerts if one.ref == said.alert_ref)
        event = answer(course, alert, said.said, "th_someone", now)
        if isinstance(event, AlertSnoozed) and self._chance.random() < 0.5:
            until = now + timedelta(days=self._chance.randint(1, 20), minutes=17)
            data = AlertSnoozedData(alert_ref=alert.ref, by="th_someone", until=until)
            return AlertSnoozed(**envelope(course.case_ref, course.clinic, alert.ref, "snoozed.1", now), data=data)
        return event


def beats(posts: Sequence[Post], beat: Beat) -> Iterator[tuple[datetime, list[Post]]]:
    """Each post by itself, or those of an hour or a day together at its end."""

    def instant(post: Post) -> datetime:
        if beat == "posts":
            return post.posted_at
        if beat == "days":
            return datetime.combine(post.posted_at.date(), time(23, 59), UTC)
        return post.posted_at.replace(minute=0, second=0, microsecond=0) + timedelta(hours=1)

    for now, posted in groupby(posts, key=instant):
        yield now, list(posted)


def made_by_alerts(recorded: Sequence[Recorded | Unread]) -> Mapping[str, list[Own]]:
    """By case, what the alerts put on the log, in its order."""
    events = [one.event for one in recorded if isinstance(one, Recorded)]
    return by_case(event for event in events if isinstance(event, MADE) and event.source == OWN_SOURCE)


def by_case(events: Iterable[Own]) -> Mapping[str, list[Own]]:
    found: dict[str, list[Own]] = defaultdict(list)
    for event in events:
        found[event.case_ref].append(event)
    return found
