"""Norm sets of a network: fitted on its own cases, tested, adopted, looked at and compared; what an operator asks for.

A set that is adopted goes on the log, and a service that runs uses it as soon as its views have it, for cases that
begin from then on.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from datetime import datetime
from typing import Final, NamedTuple

from contracts.events import NormsAdopted
from contracts.policies import Norms, Policy
from services import storage
from services.eventlog.ports import Log, Recorded
from services.figures.backtest import Backtest, backtest
from services.figures.fitting import fit
from services.figures.switch import Shift, Sides, shifts, sides
from services.projections.course import Series
from services.projections.norms import NormSet, adopted, in_force, norm_set
from services.projections.views import Views
from services.settings import Settings

AT_ONCE: Final = 5_000
"""Events read from the log in one go."""


class Known(NamedTuple):
    """The outcome series of a network: of each case those about its own client, at most one of each kind.

    Those of clients who withdrew consent to quality work are not among them.
    """

    every: Sequence[Series]
    of_open_cases: Sequence[Series]


class Compared(NamedTuple):
    old: NormSet
    new: NormSet
    shifts: Sequence[Shift]
    sides: Sides


class Proposed(NamedTuple):
    """A set that nobody has adopted yet. ``compared`` with the one in force, if there is one."""

    norms: NormSet
    backtest: Backtest
    compared: Compared | None

    def is_off(self, rules: Norms) -> bool:
        return bool(self.backtest.off(rules.calibration_within, rules.smallest_cell))


def propose(
    settings: Settings, network: str, policy: Policy, clock: Callable[[], datetime], tell: Callable[[int, int], object]
) -> Proposed:
    """Fits and tests a set for the cases that begin from now on. Raises LookupError where there is no such network."""
    with _stores(settings, network) as (log, views):
        cases, before = known(views), _adopted(log, views)
    found = backtest(cases.every, policy.norms, tell)
    now = clock()
    norms = fit(cases.every, policy.norms, now)
    old = in_force(before, now)
    return Proposed(norms, found, _compared(old, norms, cases) if old else None)


def adopt(settings: Settings, network: str, norms: NormSet, policy: Policy, now: datetime) -> None:
    """Puts ``norms``, fitted under ``policy``, on the log. Raises LookupError where there is no such network."""
    with _stores(settings, network) as (log, _):
        log.append([adopted(norms, policy, now)], now)


def norm_sets(settings: Settings, network: str) -> list[NormSet]:
    """Those that were adopted, the earliest in force first. Raises LookupError where there is no such network."""
    with _stores(settings, network) as (log, views):
        return _adopted(log, views)


def compare(settings: Settings, network: str, old: str, new: str) -> Compared:
    """Two sets by their versions. Raises LookupError where there is no such network or set."""
    with _stores(settings, network) as (log, views):
        found = _adopted(log, views)
        return _compared(named(found, old), named(found, new), known(views))


def named(found: Sequence[NormSet], version: str) -> NormSet:
    """Raises LookupError."""
    for one in found:
        if one.version == version:
            return one
    raise LookupError("there is no such norm set; `resonance norms show` lists them")


def _compared(old: NormSet, new: NormSet, cases: Known) -> Compared:
    return Compared(old, new, shifts(old, new, cases.every), sides(old, new, cases.of_open_cases))


def known(views: Views) -> Known:
    """What a norm set of the network can be fitted on."""
    every: list[Series] = []
    of_open_cases: list[Series] = []
    for course in views.courses():
        if "quality" in course.withdrawn:
            continue
        series = [one for one in course.series if one.instrument.construct == "outcome" and one.client_ref is None]
        every += series
        of_open_cases += series if course.is_open else []
    return Known(every, of_open_cases)


def _adopted(log: Log, views: Views) -> list[NormSet]:
    """Those that the views have, and those that they have yet to come to."""
    found = {one.version: one for one in views.norm_sets()}
    position = views.position()
    while batch := log.follow(position, AT_ONCE):
        for recorded in batch:
            if isinstance(recorded, Recorded) and isinstance(recorded.event, NormsAdopted):
                found.setdefault(recorded.event.data.version, norm_set(recorded.event.data))
        position = batch[-1].position
    return sorted(found.values(), key=lambda one: (one.effective_from, one.version))


@contextmanager
def _stores(settings: Settings, network: str) -> Iterator[tuple[Log, Views]]:
    secret = storage.secret_of(settings, network)
    with (
        closing(storage.open_log(settings, network, secret)) as log,
        closing(storage.open_views(settings, network)) as views,
    ):
        yield log, views
