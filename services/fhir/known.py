"""What one request knows of what was there before it: events by their key, and which case of a client is meant.

The cases that earlier entries of the same bundle opened count as much as those that the views show.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from contextlib import suppress
from datetime import date, datetime
from typing import NamedTuple, Protocol

from contracts.data import EventKey
from contracts.events import AnyCaseEvent, CaseClosed, CaseEvent, CaseOpened, SessionHeld, SessionMissed
from services.access.credential import Credential
from services.access.problems import Fault, Refused, problem
from services.eventlog.follow import Signal
from services.eventlog.ports import Log, Recorded, Unreadable
from services.projections.known import Waiting
from services.projections.views import Views


class Behind(Exception):
    """No case is known that a client had then, and the views have yet to come to ``position``: wait, and ask again."""

    def __init__(self, position: int) -> None:
        super().__init__("the views are behind")
        self.position = position


class NetworkKnown(Protocol):
    """The parts of one network that are asked."""

    @property
    def log(self) -> Log: ...

    @property
    def views(self) -> Views: ...

    @property
    def applied(self) -> Signal: ...


class _Span(NamedTuple):
    """From when to when a case was open, as far as is known."""

    opened: date | None = None
    closed: date | None = None

    def holds(self, day: date) -> bool:
        return (self.opened is None or self.opened <= day) and (self.closed is None or day <= self.closed)


class Known:
    """For one request, of one credential; one thread uses it. It waits for nothing but the database.

    ``patient`` says whether it may ask for a wait: ``case_of`` then raises Behind where a case could still appear.
    """

    def __init__(self, network: NetworkKnown, credential: Credential, *, patient: bool) -> None:
        self._network = network
        self._credential = credential
        self._patient = patient
        self._head: int | None = None
        self._found: dict[EventKey, Recorded | None] = {}
        self._shown: dict[str, Mapping[str, str]] = {}
        self._opened: dict[str, dict[str, str]] = defaultdict(dict)
        self._spans: dict[str, _Span | None] = {}
        """None for a case of which nothing is known."""
        self._cases: dict[str, str] = {}
        """By the session that an earlier entry told of."""

    def look_up(self, keys: Collection[EventKey]) -> None:
        """Asks the log for all of ``keys`` at once, as one request for many costs much less than many."""
        self._found |= dict.fromkeys(keys) | self._network.log.find_each(keys)

    def recorded(self, key: EventKey) -> Recorded | None:
        """What the log holds under ``key``, readable by this release, if anything."""
        if key not in self._found:
            self._found[key] = None
            with suppress(Unreadable):
                self._found[key] = self._network.log.find(key)
        return self._found[key]

    def stored(self, key: EventKey) -> AnyCaseEvent | None:
        """The event that the log holds under ``key``, where it is about a case."""
        found = self.recorded(key)
        return found.event if found is not None and isinstance(found.event, CaseEvent) else None

    def visible(self, key: EventKey) -> Recorded | None:
        """The same for whoever has to be shown it: of this credential's clinics and sources only."""
        found = self.recorded(key) if self._credential.speaks_for_source(key.source) else None
        return found if found is not None and self._credential.speaks_for_clinic(found.event.rsnclinic) else None

    def learn(self, events: Iterable[AnyCaseEvent]) -> None:
        """Entries that follow can belong to what these tell of."""
        for event in events:
            if isinstance(event, CaseOpened):
                self._opened[event.data.client_ref][event.case_ref] = event.rsnclinic
                span = self._span(event.case_ref) or _Span()
                self._spans[event.case_ref] = span._replace(opened=event.data.opened_on)
            elif isinstance(event, CaseClosed):
                span = self._span(event.case_ref) or _Span()
                self._spans[event.case_ref] = span._replace(closed=event.data.closed_on)
            elif isinstance(event, SessionHeld | SessionMissed):
                self._cases[event.data.session_ref] = event.case_ref

    def case_of(self, client_ref: str, session_ref: str | None, at: datetime) -> str | None:
        """The client's case: that of the session, else the only one, else the one that was open on the day of ``at``.

        None where none is known. Raises Refused where several may be meant, and Behind.
        """
        if session_ref in self._cases:
            return self._cases[session_ref]
        told = {**self._of_client(client_ref), **self._opened[client_ref]}
        cases = [case_ref for case_ref, clinic in told.items() if self._credential.speaks_for_clinic(clinic)]
        head = self._awaited() if self._patient else None
        if len(cases) == 1 and head is None:
            return cases[0]
        then = [case_ref for case_ref in cases if (span := self._span(case_ref)) is not None and span.holds(at.date())]
        if len(then) == 1:
            return then[0]
        if head is not None:  # what the views have yet to come to may be another case, or the end of one
            self._patient = False
            raise Behind(head)
        if len(cases) > 1:
            raise Refused(problem("validation", Fault("", "several_cases")))
        return next(iter(cases), None)

    def therapist_of(self, case_ref: str, now: datetime) -> str | None:
        """Who the views say is primarily responsible for a case."""
        with suppress(Waiting):
            course = self._network.views.course(case_ref)
            if course is not None and self._credential.speaks_for_clinics(course.clinics):
                return course.therapist(now)
        return None

    def _of_client(self, client_ref: str) -> Mapping[str, str]:
        if client_ref not in self._shown:
            self._shown[client_ref] = self._network.views.cases_of_client(client_ref)
        return self._shown[client_ref]

    def _span(self, case_ref: str) -> _Span | None:
        """By the views, and what earlier entries tell."""
        if case_ref not in self._spans:
            courses = self._network.views.courses_of([case_ref])
            self._spans[case_ref] = next((_Span(course.opened_on, course.closed_on) for course in courses), None)
        return self._spans[case_ref]

    def _awaited(self) -> int | None:
        """The head of the log when it was first asked for, if the views have yet to come to it."""
        if self._head is None:
            self._head = self._network.log.head()
        return self._head if self._network.applied.value < self._head else None
