"""The words that the pages have for what the events only name, in one place: plain, warm and exact.

A name of a closed set has an entry here for each of its members; tests hold the two together.
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime
from types import MappingProxyType
from typing import Final
from zoneinfo import ZoneInfo

from contracts.data import AlertReason
from services.alerts.decide import Moment, Route, Status
from services.projections.agreement import Observation
from services.projections.course import Flag

_MONTHS: Final = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")

ALERTS: Final[Mapping[AlertReason, str]] = MappingProxyType(
    {
        "deteriorating": "Scores are getting worse",
        "stalled": "Little movement since the start",
        "stalled_not_renegotiated": "Still little movement, and the task was not renegotiated",
        "renegotiated_no_change": "Little movement since the task was renegotiated",
        "alliance_rupture_unrepaired": "The alliance fell or is low, and is not back",
        "silent": "No session for a while",
        "unmeasured": "Sessions without outcome scores",
    }
)
ADVICE: Final[Mapping[AlertReason, str]] = MappingProxyType(
    {
        "deteriorating": "Look at the picture together and ask what has become harder, and whether something "
        "outside therapy is behind it. Bring the case to supervision soon.",
        "stalled": "Look at the picture together. Ask whether what you do still fits what the client came for, and "
        "agree on what to keep, change or drop.",
        "stalled_not_renegotiated": "Set time aside in the next session to talk about the task itself. If you decide "
        "to keep it, say so below: you will not be reminded of this stall again.",
        "renegotiated_no_change": "Ask what the new agreement has changed and what it has not. Bring the case to "
        "supervision: another approach, another pace, other people in the room or another therapist may be worth "
        "considering.",
        "alliance_rupture_unrepaired": "Invite the client to tell what went differently in the last sessions, and "
        "thank them for it: a rupture that is talked about and repaired is a good sign.",
        "silent": "Find out whether the client wants to go on, pause or end. If the case has ended, close it in your "
        "record system.",
        "unmeasured": "Without scores nobody can see whether therapy helps. Offer the measure at the next session, or "
        "note that the client declined it.",
    }
)
"""What one can do about an alert; it opens a conversation and decides nothing."""

MOMENTS: Final[Mapping[Moment, str]] = MappingProxyType(
    {
        "checkpoint": "Checkpoint: no reliable gain yet. Time to talk about the alliance, goals, tasks, and the "
        "client’s own view of what would have to happen.",
        "last_chance": "Last-chance talk: still no reliable gain. Bring the case to supervision, and ask the client "
        "whether another approach, somebody added or another therapist would serve them better.",
    }
)
"""The talks that the number of sessions makes due (PCOMS)."""
ROUTES: Final[Mapping[Route, str]] = MappingProxyType(
    {
        "data": "Begin with the measure itself: the scores look as if it is not filled in as it is meant to be.",
        "alliance": "Begin with how the two of you work together: the alliance scores are low or have fallen.",
        "tasks": "Begin with tasks, goals and dose: the alliance scores show no cause for concern.",
    }
)

STANDINGS: Final[Mapping[Status, str]] = MappingProxyType(
    {
        "closed": "Closed",
        "not_enough_data": "No status yet",
        "deteriorating": "Getting worse",
        "high_start": "Began in the functional range",
        "reached": "Reliably better",
        "stalled": "Stalled",
        "watch": "Worth watching",
        "on_course": "No sign of a stall",
    }
)
ANSWERS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "seen": "seen",
        "will_discuss": "to be discussed with the client",
        "task_kept": "the task was kept",
        "not_a_signal": "not a real signal",
    }
)
UNTOLD: Final[Mapping[str, str]] = MappingProxyType(
    {
        "listed_only": "alerts of this kind are listed here and not mailed",
        "no_therapist": "nobody was responsible for the case",
        "no_address": "no mail address is known",
        "told_recently": "a mail about this case had gone out shortly before",
        "over_budget": "this week's number of mails was reached",
        "undeliverable": "mail to this address could not be delivered",
    }
)
RESOLUTIONS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "by_score": "scores moved",
        "by_renegotiation": "the task was renegotiated",
        "by_session": "a session was held",
        "by_closing": "the case was closed",
        "by_other_reason": "another reason took its place",
        "by_correction": "data were corrected",
    }
)
CHANGES: Final[Mapping[str, str]] = MappingProxyType(
    {
        "replace": "replaced by another task",
        "add": "a task was added",
        "drop": "dropped",
        "intensity": "other intensity",
        "frequency": "other frequency",
        "homework": "other homework",
        "focus": "other focus",
    }
)
INITIATORS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "both": "client and therapist",
        "client": "the client",
        "therapist": "the therapist",
        "supervisor": "the supervisor",
    }
)
TRIGGERS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "alert": "an alert",
        "score": "a score",
        "alliance": "the alliance",
        "client_request": "the client's wish",
        "other": "something else",
    }
)
ENDS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "goal_met": "its goal was met",
        "no_benefit": "it did not help",
        "client_request": "the client wished so",
        "case_closed": "the case was closed",
        "alliance_low": "the alliance was low",
        "risk": "of a risk",
        "other": "for another reason",
        "drop": "dropped in a renegotiation",
        "replace": "replaced in a renegotiation",
    }
)
MISSED: Final[Mapping[str, str]] = MappingProxyType(
    {
        "no_show": "the client did not come",
        "late_cancel": "cancelled late",
        "client_cancel": "cancelled by the client",
        "clinic_cancel": "cancelled by the clinic",
    }
)
ENDINGS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "agreed": "by agreement",
        "client_stopped": "the client stopped",
        "therapist_stopped": "the therapist stopped",
        "referred": "referred on",
        "lost_contact": "contact was lost",
        "administrative": "for administrative reasons",
    }
)
DOMAINS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "reason_for_service": "Reason for coming",
        "cause": "Where the trouble comes from",
        "change": "What would have to happen",
        "helped_before": "Tried before",
        "role": "The therapist's role",
        "pace": "Pace",
        "activity": "Activity",
        "therapist": "The therapist as a person",
        "treatment": "Treatment",
        "hope": "Hope",
        "goal": "Goal",
        "culture": "Culture and faith",
        "review": "When to look back",
    }
)
ASPECTS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "helped": "what helped",
        "did_not_help": "what did not help",
        "pace": "how fast",
        "dose": "how often and how long",
        "format": "in which form",
        "people": "with whom",
        "wished_for": "wished for",
        "unwanted": "not wanted",
        "hope": "how much",
        "credibility": "whether the plan makes sense",
        "how": "how",
        "when": "when",
    }
)
AREAS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "individual": "how the client fares",
        "interpersonal": "the people nearest to the client",
        "social": "the client’s place among others",
        "overall": "life as a whole",
    }
)
"""The areas of life that the outcome scale divides, in our words; no wording of any questionnaire."""
ENDS_OF_SCALES: Final[Mapping[str, str]] = MappingProxyType(
    {
        "therapist_leads": "that the therapist leads",
        "client_leads": "to lead themselves",
        "strong_feelings": "strong feelings in the room",
        "emotional_reserve": "emotional reserve",
        "past": "to look at the past",
        "present": "to look at the present",
        "warm_support": "warm support",
        "focused_challenge": "focused challenge",
    }
)
"""The ends of the scales of activity preferences (Cooper & Norcross 2016) in our words."""
REASONS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "no_benefit": "it did not help",
        "alliance_low": "the alliance was low",
        "client_request": "the client wished so",
        "goal_met": "its goal was met",
        "risk": "a risk",
        "other": "something else",
    }
)
AGREED_BY: Final[Mapping[str, str]] = MappingProxyType(
    {
        "both": "agreed on by client and therapist",
        "client": "agreed to by the client",
        "therapist": "the client is not on record as agreeing",
    }
)
OBSERVATIONS: Final[Mapping[Observation, str]] = MappingProxyType(
    {
        "nobody_asked": "Nothing is on record of what the client wants and how they see their trouble. What would they "
        "say if you asked?",
        "working_on_replaced_task": "Sessions go on, and no task is in force since the last one ended. What are you "
        "working on now, and would the client say the same?",
        "task_not_agreed_by_client": "The client is not on record as agreeing to “{task}”. Would they choose it "
        "themselves?",
        "task_fit_low": "The client rated the fit of “{task}” {fit} of 10. What would fit better?",
        "task_older_than_preferences": "Since “{task}” was last talked about, the client has said something new about: "
        "{newer}. Does the task still fit?",
    }
)
"""What is worth a question; {task}, {fit} and {newer} are filled in."""
FLAGS: Final[Mapping[Flag, str]] = MappingProxyType(
    {
        "sawtooth": "Outcome scores swing up and down by more than measurement error again and again. They may have "
        "been given for the mood of the day: ask what they stand for.",
        "first_score_high": "The first outcome score is so high that no course can be expected from it.",
        "same_outcome_scores": "The last four outcome scores are the same. Ask whether the questions still fit.",
        "alliance_uninformative": "The last four alliance scores are the same, so that they say little. It may be hard "
        "to criticise: ask for one thing that could be different.",
        "several_respondents": "More than one kind of respondent rates the outcome. Only the client's own scores are "
        "judged.",
        "several_clients": "Some scores are of other clients of this case. They are kept apart, and only those of the "
        "client the case was opened for are judged.",
        "another_client": "Some score names another client than the one the case was opened for. Check whether both "
        "are one person.",
        "two_scores_in_a_session": "Some session has two scores of one measure.",
        "measures_skipped": "One in ten sessions or more has no measure.",
    }
)
DOUBTS: Final[Mapping[Flag, str]] = MappingProxyType(
    {
        "sawtooth": "outcome scores swing up and down",
        "first_score_high": "a very high first score",
        "same_outcome_scores": "outcome scores that do not move",
        "alliance_uninformative": "alliance scores that do not move",
        "several_respondents": "several respondents",
        "several_clients": "scores of several clients",
        "another_client": "a score that names another client",
        "two_scores_in_a_session": "two scores in a session",
        "measures_skipped": "sessions without measures",
    }
)
"""The same in a few words, for lists."""
PENDING: Final[Mapping[str, str]] = MappingProxyType(
    {
        "case": "The opening of the case has not arrived yet.",
        "amended_event": "A correction or retraction names something that has not arrived yet.",
        "task": "An event names a task that was never agreed on here.",
        "alert": "An event names an alert that is not known here.",
    }
)
THEMES: Final[Mapping[str, str]] = MappingProxyType(
    {
        "relationship": "how the client feels met",
        "goals": "what you work on",
        "approach": "how you work",
    }
)
ITEMS: Final[Mapping[str, str]] = MappingProxyType({**THEMES, "overall": "the session as a whole"})
"""What a talk about an alliance scale would be about; no wording of any questionnaire."""

SEVERITY: Final[tuple[AlertReason, ...]] = (
    "deteriorating",
    "stalled_not_renegotiated",
    "renegotiated_no_change",
    "stalled",
    "alliance_rupture_unrepaired",
    "silent",
    "unmeasured",
)
"""Which alert is looked at first."""


def code_words(code: str) -> str:
    return code.replace("_", " ")


def day(at: datetime | date, zone: str = "UTC") -> str:
    """The day of ``at`` in ``zone`` (of the IANA database), as 2 Mar 2026."""
    if isinstance(at, datetime):
        at = at.astimezone(UTC if zone == "UTC" else ZoneInfo(zone)).date()
    return f"{at.day} {_MONTHS[at.month - 1]} {at.year}"


def counted(count: int, one: str, many: str) -> str:
    """As "1 score" or "3 scores"."""
    return f"{count} {one if count == 1 else many}"


def listed(words: Sequence[str]) -> str:
    """As "a, b and c"."""
    return " and ".join(filter(None, [", ".join(words[:-1]), *words[-1:]]))


def sessions(numbers: Sequence[int]) -> str:
    """Rising session ``numbers`` as "session 3" or "sessions 2 and 4 to 7"."""
    runs: list[list[int]] = []
    for n in dict.fromkeys(numbers):
        if runs and n == runs[-1][1] + 1:
            runs[-1][1] = n
        else:
            runs.append([n, n])
    told = []
    for first, last in runs:
        told += [f"{first} to {last}"] if last > first + 1 else [str(n) for n in range(first, last + 1)]
    return f"session{'s' * (len(set(numbers)) > 1)} {listed(told)}"
