"""How a measure is filled in: a total, or items that add up to it."""

from collections.abc import Sequence
from random import Random

from contracts.data import Score
from contracts.instruments import Instrument


def filled_in(rng: Random, instrument: Instrument, value: float, items: bool, weak: int) -> tuple[Score, ...]:
    """``value`` as the total, or as items of one decimal, of which ``weak`` is the place of the lowest, mostly."""
    if not items or not instrument.items:
        return (Score(scale=instrument.total.name, value=value),)
    tenths = split(rng, round(value * 10), [round(scale.maximum * 10) for scale in instrument.items], weak)
    return tuple(Score(scale=scale.name, value=n / 10) for scale, n in zip(instrument.items, tenths, strict=True))


def split(rng: Random, total: int, tops: Sequence[int], weak: int) -> list[int]:
    """Whole numbers from 0 to ``tops`` that add up to ``total``, unequal as items are; ``weak`` is the lowest, mostly.

    Each takes an equal share of what is left, give or take, within what the others can still make up for.
    """
    parts = [0] * len(tops)
    left, room = total, sum(tops)
    for turn, place in enumerate((weak, *(n for n in range(len(tops)) if n != weak))):
        room -= tops[place]
        lean = -0.25 * min(sum(tops) - total, 60) if turn == 0 else 0.0
        share = round(left / (len(tops) - turn) + lean + rng.gauss(0, 5))
        parts[place] = min(max(share, left - room, 0), tops[place], left)
        left -= parts[place]
    return parts


def mistaken(rng: Random, instrument: Instrument, value: float) -> float:
    """What is typed in by mistake: some points off, within the range."""
    off = rng.choice((-1, 1)) * rng.randint(2, 6)
    low, high = instrument.total.minimum, instrument.total.maximum
    return value + off if low <= value + off <= high else value - off


def phq9(rng: Random, state: float) -> float:
    """A PHQ-9 total (0-27, lower is better) that goes with a true ORS of ``state``: about 14 at 18.6."""
    return float(min(max(round(14 - 0.7 * (state - 18.6) + rng.gauss(0, 2.5)), 0), 27))
