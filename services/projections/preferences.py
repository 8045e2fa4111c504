"""What the client wants of therapy and how they see it: entries that supersede each other and are never overwritten.

The fourteen fields of the record are the domains of the entries, with who asked, and whether the client confirmed it
(the idea: Duncan & Miller 2000; the fields are a design choice). Of one domain and aspect the last entry is in force;
up to three goals stand beside each other.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final, TypeAlias

from contracts.agreement import ActivityPreferences, PreferenceRecordedData
from contracts.events import PreferenceRecorded
from contracts.preferences import ActivityScale
from services.projections.course import Course, Preference

GOALS: Final = 3
"""So many goals are in force at most, as in goal-based measures (GBO)."""
_RATED: Final = ("hope", "goal")
"""Domains whose strength is a rating that goes up and down while what was said stays the same."""

Topic: TypeAlias = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Leaning:
    """A score on a scale of the C-NIP: ``towards`` which end, ``None`` at 0; whether that is a strong preference."""

    scale: str
    score: int
    reach: int
    towards: str | None
    strong: bool


def entries(events: Sequence[PreferenceRecorded]) -> tuple[Preference, ...]:
    """All entries from their events in clinical order, each with when it was superseded.

    A goal that comes beside three others takes the place of the one that was not spoken of for longest. A goal that is
    only rated anew keeps its name and the client's words for it.
    """
    found: list[Preference] = []
    last: dict[Topic, int] = {}
    goals: dict[Topic, int] = {}
    for event in events:
        place = topic(event.data)
        before = found[last[place]] if place in last else None
        if before is not None and before.until is None:
            found[last[place]] = replace(before, until=event.time)
        last[place] = len(found)
        found.append(_entry(event, before))
        if event.data.domain == "goal":
            goals.pop(place, None)
            goals[place] = last[place]
            if len(goals) > GOALS:
                oldest = goals.pop(next(iter(goals)))
                found[oldest] = replace(found[oldest], until=event.time)
    return tuple(found)


def in_force(course: Course, at: datetime) -> tuple[Preference, ...]:
    """The record as it stood at ``at``, by domain, aspect and age."""
    held = (one for one in course.preferences if one.holds(at))
    return tuple(sorted(held, key=lambda one: (one.domain, one.aspect or "", one.at)))


def leanings(scores: ActivityPreferences | None, scales: Sequence[ActivityScale]) -> tuple[Leaning, ...]:
    """The scores that were given, in the order of ``scales``."""
    given = ((scale, getattr(scores, scale.name, None)) for scale in scales)
    return tuple(_leaning(scale, score) for scale, score in given if score is not None)


def topic(said: Preference | PreferenceRecordedData) -> Topic:
    """What an entry is about: a later entry on the same topic supersedes it."""
    about = (said.goal_ref or said.stance) if said.domain == "goal" else said.aspect
    return said.domain, about or ""


def _leaning(scale: ActivityScale, score: int) -> Leaning:
    strong = score >= scale.strong_positive.value or score <= scale.strong_negative.value
    towards = scale.positive if score > 0 else scale.negative if score < 0 else None
    return Leaning(scale.name, score, scale.reach.value, towards, strong)


def _entry(event: PreferenceRecorded, before: Preference | None) -> Preference:
    data = event.data
    stance, statement = data.stance, data.statement
    if data.domain == "goal" and before is not None and stance is None and statement is None:
        stance, statement = before.stance, before.statement
    made = Preference(
        at=event.time,
        until=None,
        kind=data.kind,
        domain=data.domain,
        aspect=data.aspect,
        goal_ref=data.goal_ref,
        areas=data.areas,
        stance=stance,
        strength=data.strength,
        activity=data.activity,
        elicited_in=data.elicited_in,
        asked_by=data.asked_by,
        client_confirmed=data.client_confirmed,
        statement=statement,
        revisions=0 if before is None else before.revisions + 1,
        changed=True,
    )
    if before is None:
        return made
    other_words = statement is not None and statement != before.statement
    return replace(made, changed=other_words or _said(made) != _said(before))


def _said(entry: Preference) -> tuple[object, ...]:
    """What an entry says in codes and scores; how strongly only where that is no rating."""
    strength = None if entry.domain in _RATED else entry.strength
    return entry.stance, strength, entry.areas, entry.activity
