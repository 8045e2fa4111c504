"""What is agreed and wished for in a made-up case: codes, and sentences that were written for this file."""

from dataclasses import dataclass
from typing import Final, Literal

TASKS: Final = (
    "activity_planning",
    "breathing_exercise",
    "communication_practice",
    "exposure_steps",
    "grief_work",
    "problem_solving",
    "sleep_routine",
    "thought_record",
    "two_chair_work",
    "values_work",
)

REASONS: Final = (
    "The homework took more than it gave, so we make it smaller.",
    "We want to look at work first and leave the rest for later.",
    "Talking alone did not move things, so we try it out together in the room.",
    "Every other week is too seldom at the moment.",
    "We keep the aim and change the way there.",
)
"""Why a task was renegotiated."""


@dataclass(frozen=True, slots=True)
class Wish:
    kind: Literal["preference", "theory_of_change"]
    domain: Literal["cause", "change", "reason_for_service", "role", "pace", "goal", "review"]
    stances: tuple[str, ...]
    statements: tuple[str, ...]


WISHES: Final = (
    Wish(
        "theory_of_change",
        "cause",
        ("overload", "loss", "old_patterns", "conflict"),
        ("It began when too many things came at once.", "I have been holding back for years."),
    ),
    Wish(
        "theory_of_change",
        "change",
        ("small_steps", "insight", "practice", "being_heard"),
        ("When I try things out in small steps, something moves.", "First I need to understand how it fits together."),
    ),
    Wish(
        "theory_of_change",
        "reason_for_service",
        ("mood", "worry", "relationships", "work"),
        ("I want to get through the week without dreading the next one.", "I would like to sleep and to laugh again."),
    ),
    Wish(
        "preference",
        "role",
        ("guide", "listener", "coach", "equal_partner"),
        ("Please tell me straight what you see.", "I like it when we decide together what comes next."),
    ),
    Wish(
        "preference",
        "pace",
        ("slow", "steady", "brisk"),
        ("Slow is fine, as long as we do not stand still.", "I would rather meet often and for a short while."),
    ),
    Wish(
        "preference",
        "goal",
        ("more_rest", "more_contact", "more_courage", "less_worry"),
        ("To call somebody when it gets dark, and not only afterwards.", "To say no once a week."),
    ),
    Wish(
        "preference",
        "review",
        ("every_session", "monthly", "at_the_end"),
        ("Let us look at the curve together now and then.",),
    ),
)
