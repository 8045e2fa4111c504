"""A history in shares that can be replayed apart: no therapist has cases in two, as their letters count together."""

from collections import Counter
from dataclasses import replace
from typing import TypeAlias

from contracts.events import CaseEvent, CaseOpened, TherapistAssigned
from services.eventlog.ports import Recorded, Unread
from services.whatif.history import History

Node: TypeAlias = tuple[str, str]
"""A case or a therapist."""


def share(history: History, number: int, of: int) -> History:
    """The share ``number``, counted from 0, of ``of``: about as many events as any other.

    Norm sets and merged clients, which concern all cases, are in every one.

    The same history gives the same shares. Where all therapists have cases with each other, one share has everything.
    """
    together = _Together()
    events = Counter[str]()
    for recorded in history.recorded:
        case_ref = _case_of(recorded)
        if case_ref is None:
            continue
        events[case_ref] += 1
        if isinstance(recorded, Recorded) and isinstance(recorded.event, CaseOpened | TherapistAssigned):
            together.join(("case", case_ref), ("therapist", recorded.event.data.therapist_ref))
    sizes = Counter[Node]()
    for case_ref, size in events.items():
        sizes[together.first(("case", case_ref))] += size
    full = [0] * of
    share_of: dict[Node, int] = {}
    for group, size in sorted(sizes.items(), key=lambda item: (-item[1], item[0])):
        least = full.index(min(full))
        share_of[group] = least
        full[least] += size
    mine: set[str | None] = {case_ref for case_ref in events if share_of[together.first(("case", case_ref))] == number}
    mine.add(None)
    return replace(history, recorded=[one for one in history.recorded if _case_of(one) in mine])


def _case_of(recorded: Recorded | Unread) -> str | None:
    if isinstance(recorded, Unread):
        return recorded.case_ref
    return recorded.event.case_ref if isinstance(recorded.event, CaseEvent) else None


class _Together:
    """Disjoint sets that are joined pair by pair; each is named by one of its own."""

    def __init__(self) -> None:
        self._before: dict[Node, Node] = {}

    def first(self, node: Node) -> Node:
        while (before := self._before.get(node, node)) != node:
            self._before[node] = self._before.get(before, before)  # halves the way for who comes next
            node = before
        return node

    def join(self, one: Node, other: Node) -> None:
        self._before[self.first(one)] = self.first(other)
