"""What a benchmark finds: figures side by side, taken in turns, and compared repetition by repetition.

Absolute figures change with the machine and with what else it does, by up to a factor of two between runs. What was
measured at nearly the same moment can be compared, so only the ratios mean something.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from typing import TypeVar

Figure = TypeVar("Figure")
Tell = Callable[[str], object]
"""Is told what is being done, for somebody who waits."""


@dataclass(frozen=True, slots=True)
class Compared:
    """One line of the results: what was measured over what it is held against, both as more-is-better figures."""

    what: str
    against: str
    unit: str
    figures: Sequence[float]
    baseline: Sequence[float]
    """In the order of ``figures``: those of one place were measured one right after the other."""
    aim: float | None = None
    """The ratio that is wished for; ``None`` where the line informs only."""
    note: str = ""
    """What else was seen, and where the aim is missed, why."""

    @property
    def ratios(self) -> list[float]:
        return [figure / base for figure, base in zip(self.figures, self.baseline, strict=True)]

    @property
    def ratio(self) -> float:
        return median(self.ratios)

    @property
    def verdict(self) -> str:
        if self.aim is None:
            return "no aim"
        if self.ratio >= self.aim:
            return f"aim {self.aim:.2f}: reached"
        return f"aim {self.aim:.2f}: missed by {self.aim - self.ratio:.2f}"

    def line(self) -> str:
        low, high = min(self.ratios), max(self.ratios)
        figures = f"{median(self.figures):,.0f} against {median(self.baseline):,.0f} {self.unit}"
        return f"{self.what} / {self.against}: ratio {self.ratio:.2f} ({low:.2f}-{high:.2f}), {figures}, {self.verdict}"


@dataclass(frozen=True, slots=True)
class Informed:
    """A figure without a baseline."""

    what: str
    figure: str

    def line(self) -> str:
        return f"{self.what}: {self.figure}"


Found = Sequence[Compared | Informed]


def in_turns(subjects: Mapping[str, Callable[[], Figure]], repetitions: int, tell: Tell) -> dict[str, list[Figure]]:
    """Measures each subject ``repetitions`` times: forwards, then backwards, so that no one always goes first."""
    found: dict[str, list[Figure]] = {name: [] for name in subjects}
    for repetition in range(repetitions):
        order = list(subjects) if repetition % 2 == 0 else list(subjects)[::-1]
        for name in order:
            tell(f"{name}, {repetition + 1} of {repetitions}")
            found[name].append(subjects[name]())
    return found
