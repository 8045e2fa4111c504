"""The alert budget: so many letters a week for a therapist, the ones worth most first; the rest stay on their list.

What a letter is worth is said in services/alerts/lifecycle.py. Deterioration is told in any case, and takes its room.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable

from services.alerts.lifecycle import Letter


def beyond(letters: Iterable[Letter], left: Callable[[str], int]) -> frozenset[str]:
    """The alerts whose letters find no room; ``left`` tells how many more a therapist may get now."""
    waiting: dict[str, list[Letter]] = defaultdict(list)
    urgent: dict[str, int] = defaultdict(int)
    for letter in letters:
        if letter.reason == "deteriorating":
            urgent[letter.therapist_ref] += 1
        else:
            waiting[letter.therapist_ref].append(letter)
    found: set[str] = set()
    for therapist_ref, theirs in waiting.items():
        room = max(0, left(therapist_ref) - urgent[therapist_ref])
        ranked = sorted(theirs, key=lambda letter: (-letter.worth, letter.alert_ref))
        found.update(letter.alert_ref for letter in ranked[room:])
    return frozenset(found)
