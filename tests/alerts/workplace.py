"""The alerts of one network with all their real parts in one home, and a clock that a test sets."""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from secrets import token_urlsafe
from typing import Self

from prometheus_client import CollectorRegistry

from contracts.events import AnyEvent
from contracts.policies import Policy, policy
from services.access.people import Therapist
from services.alerts.counts import Counts
from services.alerts.letter import Letterhead
from services.alerts.mail import Delivery, Mail, MailboxDelivery, messages
from services.alerts.run import Office, evaluate_step, send_step
from services.eventlog.follow import Signal
from tests.homes import Home
from tests.parts import follow_once
from tests.story import day, stalled

SECRET = b"s" * 32
SENDER = "notices@mail.example.org"
MANY = 100
FIVE = (15, 16, 15, 16, 15)
"""With these scores a case is stalled; with two more of the kind it was not renegotiated either."""
SILENT_AFTER = timedelta(days=policy().silent.days, hours=15)
"""The sessions of a story are at nine in the morning: so many days and what is left of the last one."""


class Workplace:
    """Everything is opened anew by another Workplace in the same home, as by a process that starts again."""

    def __init__(self, home: Home, delivery: Delivery | None = None, policy: Policy = policy()) -> None:
        self.home = home
        self.log = home.log()
        self.views = home.views()
        self.outbox = home.outbox()
        self.people = home.people()
        self.registry = CollectorRegistry()
        self.applied = Signal()
        self.announced = Signal()
        self.now = day(0)
        self.office = Office(
            log=self.log,
            views=self.views,
            outbox=self.outbox,
            people=self.people,
            policy=policy,
            letterhead=Letterhead(SENDER, "https://resonance.example.org", SECRET),
            delivery=delivery or MailboxDelivery(home.folder / "mail"),
            counts=Counts(self.registry),
            clock=lambda: self.now,
            token=lambda: token_urlsafe(16),
            chance=lambda: 0.5,
            announce=self.announced.raise_to,
        )

    def hires(self, *refs: str) -> Self:
        """These therapists have a mail address from now on."""
        for ref in refs:
            email = f"{ref.replace('_', '-')}@example.org"
            self.people.put(Therapist(ref=ref, name=f"Dr {ref}", email=email, time_zone="Europe/Berlin"))
        return self

    def posts(self, events: Sequence[AnyEvent], now: datetime | None = None) -> Self:
        """The events are put on the log at ``now``, or an hour after the last of them."""
        self.now = now or events[-1].time + timedelta(hours=1)
        self.log.append(events, self.now)
        return self

    def catches_up(self) -> None:
        while follow_once(self.log, self.views, self.applied):
            pass

    def decides(self) -> None:
        """Every case is looked at, and looked at again with what that put on the log, until nothing follows."""
        self.catches_up()
        for _ in range(MANY):
            if not evaluate_step(self.office):
                return
            self.catches_up()
        raise AssertionError("there is no end to it")

    def works(self) -> None:
        """Decides, sends every letter that is due, and takes note of it."""
        self.decides()
        while send_step(self.office):
            pass
        self.decides()

    def happened(self, *kinds: str) -> list[tuple[str, str]]:
        """(kind, detail) of the alert events on the log, in order: the reason, the resolution or why not."""
        found = []
        for _, _, event in self.log.read(after=0, limit=10_000):
            kind = event.type.removeprefix("resonance.alert.").removesuffix(".v1")
            if event.type.startswith("resonance.alert.") and (not kinds or kind in kinds):
                data = event.data.model_dump()
                found.append((kind, data.get("reason") or data.get("how") or data.get("why") or ""))
        return found

    def mails(self) -> list[Mail]:
        return messages(self.home.folder / "mail")

    def counted(self, reason: str, answer: str) -> float | None:
        labels = {"reason": reason, "answer": answer}
        return self.registry.get_sample_value("resonance_alert_decisions_total", labels)

    def closes(self) -> None:
        for part in (self.log, self.views, self.outbox, self.people):
            part.close()


def several(stories: Iterable[Sequence[AnyEvent]]) -> list[AnyEvent]:
    """The events of several cases as they would have been posted: by when they happened."""
    return sorted((event for story in stories for event in story), key=lambda event: event.time)


def stories(count: int) -> list[Sequence[AnyEvent]]:
    """So many stalled cases of one therapist."""
    return [stalled(f"ca_stall{number}", scores=FIVE).events for number in range(count)]
