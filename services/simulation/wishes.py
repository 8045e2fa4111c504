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
    domain: Literal[
        "cause",
        "change",
        "reason_for_service",
        "role",
        "pace",
        "goal",
        "review",
        "helped_before",
        "treatment",
        "culture",
    ]
    stances: tuple[str, ...]
    statements: tuple[str, ...]
    aspect: Literal["helped", "did_not_help", "dose", "people", "wished_for", "unwanted"] | None = None


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

MORE_WISHES: Final = (
    Wish(
        "theory_of_change",
        "helped_before",
        ("moving_about", "a_friend", "writing", "medication"),
        ("Going out every day did more for me than anything I was told.",),
        "helped",
    ),
    Wish(
        "theory_of_change",
        "helped_before",
        ("homework_sheets", "breathing_alone", "waiting"),
        ("I filled in sheets for months and nothing came of it.",),
        "did_not_help",
    ),
    Wish("preference", "treatment", ("talking", "exposure", "groups"), (), "wished_for"),
    Wish("preference", "treatment", ("medication", "groups", "role_play"), ("No role play, please.",), "unwanted"),
    Wish("preference", "pace", ("weekly", "every_other_week", "short_and_often"), (), "dose"),
    Wish(
        "preference",
        "pace",
        ("alone", "partner_joins", "parent_joins"),
        ("My partner should hear this too, at least once.",),
        "people",
    ),
    Wish(
        "theory_of_change",
        "culture",
        ("faith_matters", "family_first", "two_languages"),
        ("Some of this I can only say in my first language.",),
    ),
)
"""What comes up beside the first asking."""
