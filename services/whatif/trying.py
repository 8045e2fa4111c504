"""Trying a policy: a history is replayed under the policy in force and under the one to be tried, on two processors."""

import gc
import multiprocessing
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from typing import Final, NamedTuple, TypeAlias

from contracts.policies import Policy
from services.whatif.figures import Concerned, Figures, Span, Wanted, concerned, figures
from services.whatif.history import History
from services.whatif.replay import Along, replay
from services.whatif.shares import share

SHARES: Final = 2
"""Processes that work side by side."""
Source: TypeAlias = Callable[[], History]
"""Gives the history to whichever process asks for it: it has to be picklable."""


class Tried(NamedTuple):
    """What a policy would have changed in ``span``."""

    span: Span
    concerned: Concerned
    in_force: Policy
    tried: Policy
    before: Figures
    """Under the policy in force."""
    after: Figures
    """Under the policy that is tried."""

    @property
    def newly_listed(self) -> list[str]:
        return sorted(self.after.listed - self.before.listed)

    @property
    def no_longer_listed(self) -> list[str]:
        return sorted(self.before.listed - self.after.listed)


def try_policy(source: Source, in_force: Policy, tried: Policy, wanted: Wanted, along: Along = iter) -> Tried:
    """Replays what ``source`` gives; ``along`` shows how it goes on.

    Raises what ``source`` raises, and ValueError where nothing is left to count.
    """
    with ProcessPoolExecutor(SHARES - 1, multiprocessing.get_context("spawn")) as others:
        waiting = [others.submit(_share, number, source, in_force, tried, wanted) for number in range(1, SHARES)]
        first = _share(0, source, in_force, tried, wanted, along)
        for one in waiting:
            first = _both(first, one.result())
    return first


def _share(number: int, source: Source, in_force: Policy, tried: Policy, wanted: Wanted, along: Along = iter) -> Tried:
    with _collector_at_rest():
        whole = source()
        span = wanted.span(whole)
        history = share(whole, number, SHARES)
        before, after = (figures(history, one, span) for one in replay(history, [in_force, tried], along))
        return Tried(span, concerned(history, span), in_force, tried, before, after)


def _both(one: Tried, other: Tried) -> Tried:
    return one._replace(
        concerned=one.concerned.with_(other.concerned),
        before=one.before.with_(other.before),
        after=one.after.with_(other.after),
    )


@contextmanager
def _collector_at_rest() -> Iterator[None]:
    """Events are many and hold no cycles: looking for some takes several times as long as reading them."""
    gc.disable()
    try:
        yield
    finally:
        gc.enable()
